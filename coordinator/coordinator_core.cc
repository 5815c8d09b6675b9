#include "coordinator/coordinator_core.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/stored_rows.h"

namespace consilium {
namespace {

RecordBatch RosterBatch(const SignedRoster& roster) {
  return {PutRecord{"roster", ToBytes("current"), Encode(roster)}};
}

/// Revokes whoever is active under the name, so that its keys may be replaced; returns them.
std::vector<Member> RetireByName(Roster& roster, std::string_view name) {
  std::vector<Member> retired;
  for (Member& member : roster.members) {
    if (member.name != name || member.state != MemberState::kActive) continue;
    member.state = MemberState::kRevoked;
    retired.push_back(member);
  }
  return retired;
}

StudyId StudyOf(ByteSpan key) {
  StudyId id;
  std::copy_n(key.begin(), std::min<std::size_t>(key.size(), 32), id.bytes.begin());
  return id;
}

}  // namespace

CoordinatorCore::CoordinatorCore(Settings settings,
                                 const SigningKey& identity,
                                 RandomSource& random)
    : settings_(std::move(settings)),
      identity_(identity),
      random_(random),
      audit_(std::string(kAuditTable), std::string(kAuditDomain)) {}

CoordinatorCore::~CoordinatorCore() = default;

Status CoordinatorCore::Restore(const RecordStore& store) {
  TRY_STATUS(audit_.Restore(store, identity_.public_key()));
  TRY(const auto rosters, LoadRows<SignedRoster>(store, "roster"));
  for (const auto& [key, roster] : rosters) {
    if (!VerifyRoster(roster, identity_.public_key())) {
      return Fail(ErrorCode::kCorrupt, "the stored roster is not signed by this coordinator's key");
    }
    roster_ = roster;
  }
  TRY(auto invitations, LoadRows<InvitationRecord>(store, "invitation"));
  for (auto& [key, invitation] : invitations) {
    invitations_.emplace(invitation.site_name, std::move(invitation));
  }
  TRY_STATUS(RestoreSuperseded(store));
  TRY(const auto heads, LoadRows<Receipt>(store, "ledger-head"));
  for (const auto& [key, head] : heads) {
    if (key.size() != 8)
      return Fail(ErrorCode::kCorrupt, "a key of table 'ledger-head' is no site's number");
    ledger_heads_[SiteId(static_cast<SiteId::Representation>(LoadU64(key)))] = head;
  }
  std::map<StudyId, std::vector<JournalRecord>> journals;
  TRY(auto entries, LoadRows<JournalRecord>(store, "journal"));
  for (auto& [key, entry] : entries) journals[StudyOf(key)].push_back(std::move(entry));
  TRY(auto studies, LoadRows<StudyRecord>(store, "study"));
  const StudyEnvironment environment{&identity_, &random_, FederationOf(identity_.public_key()),
                                     &roster_,   &links_,  &audit_};
  for (auto& [key, record] : studies) {
    const StudyId id = StudyOf(key);
    TRY(Plan plan, ParsePlan(record.plan_text, "stored plan " + id.Short()));
    if (plan.id != id) {
      return Fail(ErrorCode::kCorrupt, "the stored plan of study " + id.Short() + " was altered");
    }
    auto study = std::make_unique<Study>(environment, std::move(plan), std::move(record));
    TRY_STATUS(study->RestoreJournal(std::move(journals[id])));
    journals.erase(id);
    studies_.emplace(id, std::move(study));
  }
  if (!journals.empty()) {
    return Fail(ErrorCode::kCorrupt, "table 'journal' holds rounds of study " +
                                         journals.begin()->first.Short() +
                                         ", which table 'study' lacks");
  }
  return {};
}

CoordinatorEffects CoordinatorCore::Begin(const Moment& now) {
  CoordinatorEffects effects;
  if (roster_.roster.epoch == RosterEpoch()) {
    Roster roster;
    roster.federation = FederationOf(identity_.public_key());
    roster.federation_name = settings_.federation_name;
    roster.epoch = RosterEpoch(1);
    roster.issued_at = now.utc;
    SetRoster(std::move(roster), effects);
    Record(now, "federation-created", "{}", effects);
  }
  for (auto& [id, study] : studies_) study->Continue(now, effects);
  return effects;
}

void CoordinatorCore::SetRoster(Roster roster, CoordinatorEffects& effects) {
  roster_ = SignRoster(std::move(roster), identity_);
  welcome_.reset();
  ++admission_version_;
  effects.emplace_back(Persist{RosterBatch(roster_)});
  RetireSupersededOfRevoked(effects);
}

void CoordinatorCore::Record(const Moment& now,
                             std::string event,
                             std::string detail,
                             CoordinatorEffects& effects) {
  effects.emplace_back(
      Persist{{audit_.Append(now.utc, std::move(event), std::move(detail), identity_)}});
}

// -- Members
// -------------------------------------------------------------------------------------------

Result<std::string> CoordinatorCore::Invite(std::string_view site,
                                            const Moment& now,
                                            CoordinatorEffects& effects) {
  TRY_STATUS(CheckName("site name", site));
  const Member* member = roster_.roster.FindByName(site);
  if (member == nullptr && roster_.roster.members.size() >= kMaxMembers) {
    return Fail(ErrorCode::kConflict, "the roster is full");
  }
  Invitation invitation;
  invitation.federation = roster_.roster.federation;
  invitation.federation_name = roster_.roster.federation_name;
  invitation.site_name = std::string(site);
  invitation.endpoint = settings_.endpoint;
  invitation.coordinator_identity = identity_.public_key();
  invitation.coordinator_transport = settings_.transport;
  invitation.token = random_.Draw<32>();
  const InvitationRecord record{invitation.site_name, HashBytes(invitation.token), now.utc};
  effects.emplace_back(
      Persist{{PutRecord{"invitation", ToBytes(invitation.site_name), Encode(record)}}});
  invitations_.insert_or_assign(invitation.site_name, record);
  Record(now, "site-invited", R"({"site":")" + invitation.site_name + R"("})", effects);
  return WriteInvitation(invitation, identity_);
}

Result<Member> CoordinatorCore::Admit(const JoinRequest& request,
                                      const Moment& now,
                                      CoordinatorEffects& effects) {
  if (request.federation != roster_.roster.federation) {
    return Fail(ErrorCode::kRefused, "the request is for another federation");
  }
  const auto invitation = invitations_.find(request.site_name);
  if (invitation == invitations_.end() ||
      !EqualInConstantTime(invitation->second.token_hash.span(), HashBytes(request.token).span())) {
    return Fail(ErrorCode::kRefused,
                "no open invitation for site '" + request.site_name + "' has this request's token",
                "Invite the site again and let it join with the new invitation file.");
  }
  Roster roster = roster_.roster;
  if (roster.members.size() >= kMaxMembers) {
    return Fail(ErrorCode::kConflict, "the roster is full");
  }
  for (const Member& member : roster.members) {
    const auto before = superseded_.find(member.id);
    const bool by_key_before =
        before != superseded_.end() && before->second.transport == request.transport;
    const bool same_keys = by_key_before || member.identity == request.identity ||
                           member.transport == request.transport;
    if (same_keys && member.name != request.site_name) {
      return Fail(ErrorCode::kRefused, "site '" + member.name + "' already uses one of these keys");
    }
  }
  // A number is never reused: the highest ever given is in the roster.
  std::uint32_t last = 0;
  for (const Member& known : roster.members) last = std::max(last, known.id.value());
  const Member member{SiteId(last + 1), request.site_name, request.identity, request.transport,
                      MemberState::kActive};
  const std::vector<Member> replaced = RetireByName(roster, request.site_name);
  roster.members.push_back(member);
  roster.epoch = RosterEpoch(roster.epoch.value() + 1);
  roster.issued_at = now.utc;
  SetRoster(std::move(roster), effects);
  effects.emplace_back(Persist{{EraseRecord{"invitation", ToBytes(request.site_name)}}});
  invitations_.erase(invitation);
  Record(now, "site-admitted",
         R"({"site":")" + member.name + R"(","fingerprint":")" +
             Fingerprint(member.identity, member.transport) + R"("})",
         effects);
  for (const Member& old : replaced) links_.erase(old.id);
  WelcomeAll(effects);
  for (const Member& old : replaced) {
    effects.emplace_back(CutOff{old.id});
    LeaveStudies(old, now, effects);
  }
  return member;
}

Status CoordinatorCore::Revoke(std::string_view site,
                               const Moment& now,
                               CoordinatorEffects& effects) {
  Roster roster = roster_.roster;
  const auto member =
      std::find_if(roster.members.begin(), roster.members.end(), [&](const Member& candidate) {
        return candidate.name == site && candidate.state == MemberState::kActive;
      });
  if (member == roster.members.end()) {
    return Fail(ErrorCode::kNotFound, "no active site is called '" + std::string(site) + "'",
                "`roster` lists them.");
  }
  const Member revoked = *member;
  member->state = MemberState::kRevoked;
  roster.epoch = RosterEpoch(roster.epoch.value() + 1);
  roster.issued_at = now.utc;
  SetRoster(std::move(roster), effects);
  Record(now, "site-revoked", R"({"site":")" + revoked.name + R"("})", effects);
  effects.emplace_back(CutOff{revoked.id});
  links_.erase(revoked.id);
  WelcomeAll(effects);
  LeaveStudies(revoked, now, effects);
  return {};
}

void CoordinatorCore::LeaveStudies(const Member& gone,
                                   const Moment& now,
                                   CoordinatorEffects& effects) {
  for (auto& [id, study] : studies_) study->OnLost(gone.id, DropReason::kRevoked, now, effects);
}

std::vector<SiteView> CoordinatorCore::Sites() const {
  std::vector<SiteView> views;
  for (const Member& member : roster_.roster.members) {
    SiteView view;
    view.member = member;
    view.fingerprint = Fingerprint(member.identity, member.transport);
    view.changes_key = superseded_.contains(member.id);
    if (const auto link = links_.find(member.id); link != links_.end()) {
      view.connected = link->second.connected;
      view.last_seen = link->second.last_seen;
      view.software = link->second.software;
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<OpenInvitation> CoordinatorCore::Invitations() const {
  std::vector<OpenInvitation> open;
  for (const auto& [name, record] : invitations_) {
    open.push_back(OpenInvitation{name, record.invited_at});
  }
  return open;
}

}  // namespace consilium
