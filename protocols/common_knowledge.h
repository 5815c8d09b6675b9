#pragma once

// What many sites of one process know alike. A hospital's process has one site and nothing to
// share; a simulation of thousands would hold the same roster and the same start of a round once
// for each of them, and verify each signature once for each of them: space and work that grow with
// the square of the sites. Here equal values are one object, and an equal question is asked once.
// No answer depends on it: whether a signature is good depends on what is asked alone.

#include <map>
#include <memory>
#include <unordered_map>

#include "protocols/header.h"
#include "protocols/roster.h"
#include "protocols/secure_sum/session_setup.h"

namespace consilium {

class CommonKnowledge {
 public:
  /// The one object that equals it, as long as anybody holds one.
  std::shared_ptr<const SignedRoster> Share(SignedRoster roster);
  std::shared_ptr<const SessionSetup> Share(SessionSetup setup);

  /// VerifyRoster of these arguments.
  bool Verify(const SignedRoster& roster, const IdentityKey& coordinator);
  /// VerifyForwarded of these arguments.
  bool Verify(MessageKind kind,
              const Route& route,
              ByteSpan body,
              const Signature& signature,
              const IdentityKey& sender);
  /// Answers that are remembered.
  std::size_t verified() const { return verified_.size(); }

 private:
  struct FirstBytes {
    std::size_t operator()(const Digest& digest) const { return LoadU64(digest.span().first(8)); }
  };
  template <class Ask>
  bool Remembered(const Digest& question, Ask ask);

  template <class Value>
  using Held = std::map<Digest, std::weak_ptr<const Value>>;

  Held<SignedRoster> rosters_;
  Held<SessionSetup> setups_;
  std::unordered_map<Digest, bool, FirstBytes> verified_;
};

}  // namespace consilium
