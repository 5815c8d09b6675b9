#include "protocols/roster.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/crypto/hash.h"

namespace consilium {
namespace {

constexpr std::string_view kRosterDomain = "consilium/roster/v1";

/// What the coordinator signs: no message of the envelope's form begins like this.
Bytes SignedBytesOf(const Roster& roster) {
  Bytes message = ToBytes(kRosterDomain);
  const Bytes body = Encode(roster);
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

template <class Predicate>
const Member* PreferActive(const std::vector<Member>& members, Predicate matches) {
  const Member* best = nullptr;
  for (const Member& member : members) {
    if (!matches(member)) continue;
    const bool better = best == nullptr || best->state == MemberState::kRevoked;
    if (better) best = &member;
  }
  return best;
}

bool ActiveMembersAreDistinct(const std::vector<Member>& members) {
  std::set<std::string_view> names;
  std::set<IdentityKey> identities;
  std::set<TransportKey> transports;
  for (const Member& member : members) {
    if (member.state != MemberState::kActive) continue;
    if (!names.insert(member.name).second) return false;
    if (!identities.insert(member.identity).second) return false;
    if (!transports.insert(member.transport).second) return false;
  }
  return true;
}

bool MakesSense(const Roster& roster, const IdentityKey& coordinator) {
  if (roster.federation != FederationOf(coordinator) || roster.epoch < RosterEpoch(1)) return false;
  if (!CheckName("federation", roster.federation_name)) return false;
  SiteId previous;
  for (const Member& member : roster.members) {
    if (member.id <= previous || !CheckName("site", member.name)) return false;
    previous = member.id;
  }
  return ActiveMembersAreDistinct(roster.members);
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

const Member* Roster::Find(SiteId id) const {
  const auto found =
      std::lower_bound(members.begin(), members.end(), id,
                       [](const Member& member, SiteId wanted) { return member.id < wanted; });
  return found == members.end() || found->id != id ? nullptr : &*found;
}

const Member* Roster::FindByName(std::string_view name) const {
  return PreferActive(members, [&](const Member& m) { return m.name == name; });
}

const Member* Roster::FindByTransportKey(const TransportKey& key) const {
  return PreferActive(members, [&](const Member& m) { return m.transport == key; });
}

bool Roster::IsActive(SiteId id) const {
  const Member* member = Find(id);
  return member != nullptr && member->state == MemberState::kActive;
}

SignedRoster SignRoster(Roster roster, const SigningKey& coordinator) {
  SignedRoster signed_roster;
  signed_roster.signature = coordinator.Sign(SignedBytesOf(roster));
  signed_roster.roster = std::move(roster);
  return signed_roster;
}

bool VerifyRoster(const SignedRoster& roster, const IdentityKey& coordinator) {
  return MakesSense(roster.roster, coordinator) &&
         Verify(coordinator, SignedBytesOf(roster.roster), roster.signature);
}

FederationId FederationOf(const IdentityKey& coordinator) {
  return FederationId{Hasher("consilium/federation/v1").Add(coordinator).Finish().bytes};
}

std::string Fingerprint(const IdentityKey& identity, const TransportKey& transport) {
  const Digest digest = Hasher("consilium/fingerprint/v1").Add(identity).Add(transport).Finish();
  const std::string digits = ToHex(digest.span().first(16));
  std::string text;
  for (std::size_t i = 0; i < digits.size(); i += 4) {
    if (i > 0) text += '-';
    text += digits.substr(i, 4);
  }
  return text;
}

bool IsFingerprint(std::string_view text) {
  constexpr std::size_t kGroup = 4;
  constexpr std::size_t kLength = 8 * kGroup + 7;
  if (text.size() != kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const char c = text[i];
    const bool is_digit =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (i % (kGroup + 1) == kGroup ? c != '-' : !is_digit) return false;
  }
  return true;
}

Status CheckName(std::string_view what, std::string_view name) {
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return IsLetterOrDigit(c) || c == '-' || c == '_' || c == '.';
  });
  if (!name.empty() && name.size() <= kMaxNameLength && characters && IsLetterOrDigit(name[0])) {
    return {};
  }
  // The name is not repeated: it may hold control characters.
  return Fail(ErrorCode::kInvalidArgument,
              "the name of the " + std::string(what) + " is not a valid name",
              "Use 1 to " + std::to_string(kMaxNameLength) +
                  " letters, digits, '-', '_' or '.', starting with a letter or digit.");
}

}  // namespace consilium
