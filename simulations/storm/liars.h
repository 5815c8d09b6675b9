#pragma once

// Parties that hold their own keys and break the protocol with them. Each stands between a
// production core, which knows nothing of it, and the network.

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "common/crypto/signing.h"
#include "protocols/messages.h"
#include "simulations/storm/faults.h"

namespace consilium {

/// A malicious site: what it sends in the place of one of its core's messages.
class SiteLiar {
 public:
  /// The references outlive the liar.
  SiteLiar(const BadDay& day, const SigningKey& identity, RandomSource& random, FaultCounts& counts)
      : day_(day), identity_(identity), random_(random), counts_(counts) {}

  std::vector<Bytes> Instead(const Bytes& message);
  /// What its core is made to believe that it was sent, in the place of a message of the
  /// coordinator's: a core would not go on with shares that are not its own. `coordinator` signs in
  /// the core's eyes only.
  Bytes Believes(const Bytes& message, const SigningKey& coordinator);
  /// What the newest Instead did; kCount when it left the message as it was.
  Fault newest_lie() const { return newest_lie_; }

 private:
  struct Dealing {
    Route route;
    Digest context;
    Digest own;   ///< Of the shares the core dealt.
    Digest root;  ///< Of what everybody was delivered.
  };

  std::vector<Bytes> Break(Fault lie, const OpenedMessage& message, const Bytes& bytes);
  std::vector<Bytes> BreakForm(Fault lie, const OpenedMessage& message, const Bytes& bytes);
  std::vector<Bytes> BreakDealing(Fault lie, const OpenedMessage& message);
  std::vector<Bytes> BreakUpload(Fault lie, const OpenedMessage& message);
  std::vector<Bytes> BreakSketch(Fault lie, const OpenedMessage& message);
  std::vector<Bytes> BreakOpening(Fault lie, const OpenedMessage& message);
  std::vector<Bytes> SayMore(Fault lie, const OpenedMessage& message, const Bytes& bytes);

  const BadDay& day_;
  const SigningKey& identity_;
  RandomSource& random_;
  FaultCounts& counts_;
  Fault newest_lie_ = Fault::kCount;
  std::deque<Bytes> sent_;
  std::vector<SiteId> peers_;       ///< Of the newest shares.
  std::optional<Dealing> dealing_;  ///< With a commitment to another secret.
};

/// A lying coordinator: what one site is sent in the place of one of its core's messages.
class CoordinatorLiar {
 public:
  CoordinatorLiar(const BadDay& day,
                  const SigningKey& identity,
                  RandomSource& random,
                  FaultCounts& counts)
      : day_(day), identity_(identity), random_(random), counts_(counts) {}

  std::vector<Bytes> Instead(SiteId site, const Bytes& message);
  Fault newest_lie() const { return newest_lie_; }

 private:
  std::vector<Bytes> Lie(Fault lie, SiteId site, const OpenedMessage& message, const Bytes& bytes);
  std::vector<Bytes> LieAtStart(Fault lie, SiteId site, const OpenedMessage& message);
  std::vector<Bytes> LieInRound(Fault lie, SiteId site, const OpenedMessage& message);
  /// Leaves out a few entries, but not the recipient's own.
  template <class Entry, class SiteOf>
  void KeepSome(std::vector<Entry>& entries, SiteId own, SiteOf site_of);
  std::vector<Bytes> LieOutsideRounds(Fault lie, const OpenedMessage& message);

  const BadDay& day_;
  const SigningKey& identity_;
  RandomSource& random_;
  FaultCounts& counts_;
  Fault newest_lie_ = Fault::kCount;
  std::map<SiteId, std::deque<Bytes>> sent_;
};

}  // namespace consilium
