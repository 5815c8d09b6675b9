// The part of the coordinator's core that knows by which keys sites may connect, and how a member
// comes to another one.

#include <algorithm>
#include <utility>

#include "common/stored_rows.h"
#include "coordinator/coordinator_core.h"

namespace consilium {
namespace {

constexpr const char* kSupersededTable = "superseded";

Bytes KeyOfRecord(SiteId site) {
  Bytes key(8);
  StoreU64(key, site.value());
  return key;
}

}  // namespace

Status CoordinatorCore::RestoreSuperseded(const RecordStore& store) {
  TRY(const auto records, LoadRows<SupersededRecord>(store, kSupersededTable));
  for (const auto& [key, record] : records) {
    if (key.size() != 8) {
      return Fail(ErrorCode::kCorrupt, "a key of table 'superseded' is no site's number");
    }
    superseded_[SiteId(static_cast<SiteId::Representation>(LoadU64(key)))] = record;
  }
  return {};
}

std::vector<TransportKey> CoordinatorCore::AdmittedKeys() const {
  std::vector<TransportKey> keys;
  for (const Member& member : roster_.roster.members) {
    if (member.state == MemberState::kActive) keys.push_back(member.transport);
  }
  for (const auto& [site, record] : superseded_) keys.push_back(record.transport);
  return keys;
}

std::optional<TransportKey> CoordinatorCore::KeyOf(SiteId site) const {
  if (const auto before = superseded_.find(site); before != superseded_.end()) {
    return before->second.transport;
  }
  const Member* member = roster_.roster.Find(site);
  if (member == nullptr) return std::nullopt;
  return member->transport;
}

const Member* CoordinatorCore::MemberWithKey(const TransportKey& key) const {
  const Member* member = roster_.roster.FindByTransportKey(key);
  if (member != nullptr && member->state == MemberState::kActive) return member;
  for (const auto& [site, record] : superseded_) {
    if (record.transport == key) return roster_.roster.Find(site);
  }
  return nullptr;
}

bool CoordinatorCore::IsTaken(const TransportKey& key) const {
  const std::vector<Member>& members = roster_.roster.members;
  const auto has = [&](const Member& member) { return member.transport == key; };
  return key == settings_.transport || MemberWithKey(key) != nullptr ||
         std::any_of(members.begin(), members.end(), has);
}

Result<Member> CoordinatorCore::Rotate(const RotationRequest& request,
                                       const Moment& now,
                                       CoordinatorEffects& effects) {
  if (request.federation != roster_.roster.federation) {
    return Fail(ErrorCode::kRefused, "the request is for another federation");
  }
  Roster roster = roster_.roster;
  const auto member =
      std::find_if(roster.members.begin(), roster.members.end(), [&](const Member& candidate) {
        return candidate.state == MemberState::kActive && candidate.name == request.site_name &&
               candidate.identity == request.identity;
      });
  if (member == roster.members.end()) {
    return Fail(ErrorCode::kRefused,
                "no active site '" + request.site_name + "' has the identity of this request",
                "`roster` lists the sites and their fingerprints.");
  }
  if (superseded_.contains(member->id)) {
    return Fail(ErrorCode::kConflict,
                "site '" + member->name + "' has not connected with its newest key yet",
                "Wait until it has; `roster` says so.");
  }
  if (member->transport != request.present) {
    return Fail(ErrorCode::kRefused,
                "the request replaces another key than site '" + member->name + "' has",
                "It was carried out before, or is an old one: let the site make a new one.");
  }
  if (IsTaken(request.next)) {
    return Fail(ErrorCode::kRefused, "the new key is, or was, in use already");
  }
  const SupersededRecord before{member->transport, now.utc};
  member->transport = request.next;
  const Member changed = *member;
  roster.epoch = RosterEpoch(roster.epoch.value() + 1);
  roster.issued_at = now.utc;
  superseded_[changed.id] = before;
  effects.emplace_back(
      Persist{{PutRecord{kSupersededTable, KeyOfRecord(changed.id), Encode(before)}}});
  SetRoster(std::move(roster), effects);
  Record(now, "site-key-replaced",
         R"({"site":")" + changed.name + R"(","fingerprint":")" +
             Fingerprint(changed.identity, changed.transport) + R"("})",
         effects);
  WelcomeAll(effects);
  return changed;
}

void CoordinatorCore::RetireSuperseded(const Member& member,
                                       const Moment& now,
                                       CoordinatorEffects& effects) {
  if (superseded_.erase(member.id) == 0) return;
  ++admission_version_;
  effects.emplace_back(Persist{{EraseRecord{kSupersededTable, KeyOfRecord(member.id)}}});
  Record(now, "site-old-key-refused", R"({"site":")" + member.name + R"("})", effects);
}

void CoordinatorCore::RetireSupersededOfRevoked(CoordinatorEffects& effects) {
  RecordBatch batch;
  for (auto record = superseded_.begin(); record != superseded_.end();) {
    if (roster_.roster.IsActive(record->first)) {
      ++record;
      continue;
    }
    batch.push_back(EraseRecord{kSupersededTable, KeyOfRecord(record->first)});
    record = superseded_.erase(record);
  }
  if (!batch.empty()) effects.emplace_back(Persist{std::move(batch)});
}

}  // namespace consilium
