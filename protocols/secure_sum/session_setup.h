#pragma once

// What one attempt of one round is about, the same for both sides.

#include <cstdint>
#include <map>
#include <optional>

#include "protocols/messages.h"
#include "protocols/reasons.h"
#include "protocols/secure_sum/sketch.h"

namespace consilium {

class CommonKnowledge;

struct SessionSetup {
  Route route;
  RoundStart start;
  Digest codec;             ///< Computed from the query by whoever holds this, never received.
  std::uint64_t words = 0;  ///< Length of the vector.
  /// Fewest sites that this site wants in a sum, where that is more than all agreed on: its policy.
  std::uint32_t own_minimum = 0;
  std::map<SiteId, IdentityKey> identities;  ///< Active members of the roster.
  /// What is sketched, where the plan has norms checked. Derived by each, as the codec.
  std::optional<NormCheck> check = std::nullopt;
  ByteArray<32> sketch_nonce{};  ///< The coordinator's own, secret until sketches are asked for.
  /// What this process's sites know alike, where it has many; outlives the setup.
  CommonKnowledge* common = nullptr;
};

/// Whether this member of the roster signed a message of the attempt's study that another party
/// has passed on.
bool VerifyPassedOn(const SessionSetup& setup,
                    MessageKind kind,
                    const Route& route,
                    ByteSpan body,
                    const Signature& signature,
                    SiteId sender);

/// The rules of step A1 that need no secret: thresholds by the published rule, participants
/// ascending and known, no key twice. A site looks at the signatures of those alone with whom it
/// shares a secret.
std::optional<Refusal> CheckStart(const SessionSetup& setup);
/// Whether the site itself offered this prekey.
Judged<void> CheckPrekeyOf(const SessionSetup& setup, const Participant& participant);

/// Whether a prekey can serve at all: no key of low order, no key twice. The coordinator asks on
/// receipt, lest one member's bad key make every other site refuse the start.
std::optional<RefusalReason> CheckPrekey(const Prekey& prekey);

/// A participant's evaluation point for Shamir shares: position in U1 plus one.
std::optional<std::uint32_t> PointOf(const RoundStart& start, SiteId site);

}  // namespace consilium
