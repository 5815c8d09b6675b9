#include "protocols/secure_sum/session_setup.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/crypto/key_exchange.h"
#include "protocols/common_knowledge.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {
namespace {

/// The first participant with a key that it or one before it has already. Sorted at once: of
/// thousands of sites, a tree of keys took longer than all else that is checked here.
std::optional<SiteId> FirstWithARepeatedKey(const std::vector<Participant>& participants) {
  std::vector<std::pair<const ExchangeKey*, std::size_t>> keys;
  keys.reserve(2 * participants.size());
  for (std::size_t i = 0; i < participants.size(); ++i) {
    keys.emplace_back(&participants[i].prekey.encryption, i);
    keys.emplace_back(&participants[i].prekey.masking, i);
  }
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
    return *a.first == *b.first ? a.second < b.second : *a.first < *b.first;
  });
  std::size_t first = participants.size();
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (*keys[i - 1].first == *keys[i].first) first = std::min(first, keys[i].second);
  }
  if (first == participants.size()) return std::nullopt;
  return participants[first].site;
}

}  // namespace

bool VerifyPassedOn(const SessionSetup& setup,
                    MessageKind kind,
                    const Route& route,
                    ByteSpan body,
                    const Signature& signature,
                    SiteId sender) {
  const IdentityKey& identity = setup.identities.at(sender);
  return setup.common != nullptr ? setup.common->Verify(kind, route, body, signature, identity)
                                 : VerifyForwarded(kind, route, body, signature, identity);
}

std::optional<Refusal> CheckStart(const SessionSetup& setup) {
  const RoundStart& start = setup.start;
  const Result<Thresholds> thresholds = ThresholdsFor(
      static_cast<std::uint32_t>(start.participants.size()), start.thresholds.minimum);
  if (!thresholds || *thresholds != start.thresholds) {
    return Refusal{RefusalReason::kThresholdsAltered, std::nullopt};
  }
  if (start.participants.size() < start.thresholds.minimum) {
    return Refusal{RefusalReason::kMinimumLowered, std::nullopt};
  }
  SiteId previous;
  for (const Participant& participant : start.participants) {
    if (participant.site <= previous) {
      return Refusal{RefusalReason::kParticipantTwice, participant.site};
    }
    previous = participant.site;
    if (!setup.identities.contains(participant.site)) {
      return Refusal{RefusalReason::kUnknownParticipant, participant.site};
    }
  }
  if (const auto site = FirstWithARepeatedKey(start.participants)) {
    return Refusal{RefusalReason::kPrekeyRepeated, *site};
  }
  return std::nullopt;
}

Judged<void> CheckPrekeyOf(const SessionSetup& setup, const Participant& participant) {
  Route prekey_route = setup.route;
  prekey_route.round = RoundNumber();
  prekey_route.attempt = AttemptNumber();
  if (!VerifyPassedOn(setup, MessageKind::kPrekey, prekey_route, Encode(participant.prekey),
                      participant.signature, participant.site)) {
    return Refuse(RefusalReason::kPrekeyForged, participant.site);
  }
  return {};
}

std::optional<RefusalReason> CheckPrekey(const Prekey& prekey) {
  if (IsLowOrder(prekey.encryption) || IsLowOrder(prekey.masking)) return RefusalReason::kWeakKey;
  if (prekey.encryption == prekey.masking) return RefusalReason::kPrekeyRepeated;
  return std::nullopt;
}

std::optional<std::uint32_t> PointOf(const RoundStart& start, SiteId site) {
  const auto& participants = start.participants;
  const auto found = std::lower_bound(
      participants.begin(), participants.end(), site,
      [](const Participant& participant, SiteId id) { return participant.site < id; });
  if (found == participants.end() || found->site != site) return std::nullopt;
  return static_cast<std::uint32_t>(found - participants.begin()) + 1;
}

}  // namespace consilium
