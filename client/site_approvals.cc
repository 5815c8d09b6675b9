// Decisions of a site's people: approvals with as many signatures as the policy asks for, their
// renewal and their end, and who may sign.

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/site_core.h"
#include "common/stored_rows.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The entry of the ledger for one signature: with it anybody can verify the signature again.
std::string SignedDetail(const StudyId& study, const ApprovalSignature& signature) {
  return Text({{"study", study.ToHex()},
               {"name", signature.name},
               {"key", signature.key.ToHex()},
               {"signed_at", signature.at.seconds},
               {"meaning", std::string(MeaningOf(signature.kind))},
               {"reason", signature.reason},
               {"until", ToText(DayOf(signature.last_day))},
               {"signature", ToHex(signature.signature.bytes)}});
}

std::string Signatures(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " signature" : " signatures");
}

}  // namespace

ApprovalPlace SiteStudy::Place() const {
  return {environment_.federation, environment_.identity->public_key(), plan_.id};
}

Status SiteStudy::RestoreApproval(ApprovalRecord approval) {
  for (const auto* signatures : {&approval.signatures, &approval.pending}) {
    for (const ApprovalSignature& signature : *signatures) {
      if (VerifyApproval(Place(), signature)) continue;
      return Fail(ErrorCode::kCorrupt, "the stored signature of " + signature.name +
                                           " under the approval of study " + plan_.id.Short() +
                                           " is not that person's, or is of another study");
    }
  }
  approval_ = std::move(approval);
  return {};
}

// -- What an approval lacks
// -------------------------------------------------------------------------

/// Signatures of different people who may sign as things are now.
std::size_t SiteStudy::CountSignatures(const std::vector<ApprovalSignature>& signatures) const {
  if (!environment_.policy->has_value()) return 0;
  const ApprovalRules& rules = (*environment_.policy)->approval;
  std::set<std::string> names;
  for (const ApprovalSignature& signature : signatures) {
    const auto person = environment_.approvers->find(signature.key);
    // Who was removed and came back has to sign anew.
    const bool known = person != environment_.approvers->end() &&
                       person->second.name == signature.name &&
                       signature.at >= person->second.added_at;
    if (known && rules.MaySign(signature.name, signature.key)) names.insert(signature.name);
  }
  return names.size();
}

std::optional<std::string> SiteStudy::LacksApproval(const Moment& now) const {
  if (!record_.decision) return "Nobody at this site has approved the study.";
  if (record_.decision->kind == DecisionKind::kDeclined) return "This site declined the study.";
  if (record_.decision->kind == DecisionKind::kRevoked) return "The approval was revoked here.";
  if (!environment_.policy->has_value()) return "This site's policy.toml cannot be read.";
  const std::size_t needed = (*environment_.policy)->approval.needed;
  const std::size_t there = CountSignatures(approval_.signatures);
  if (there < needed) {
    return "The approval has " + Signatures(there) + " that count, and this site's policy " +
           "(approvers) asks for " + std::to_string(needed) + ": approve the study again.";
  }
  if (approval_.last_day && *approval_.last_day < DaysSinceEpoch(DateOf(now.utc))) {
    return "The approval ended on " + ToText(DayOf(*approval_.last_day)) +
           ": renew it, and ask the coordinator to resume the study.";
  }
  return std::nullopt;
}

Status SiteStudy::MayApprove(ApprovalKind kind, const Moment& now) const {
  // In the newest copy, which is to be restored, nobody would know of it.
  if (*environment_.rollback) {
    return Fail(ErrorCode::kRefused, **environment_.rollback, std::string(kRollbackRemedy));
  }
  if (plan_.expires < DateOf(now.utc)) {
    return Fail(ErrorCode::kRefused, "the plan expired on " + ToText(plan_.expires),
                "A study that is to go on needs a new plan.");
  }
  if (!environment_.policy->has_value()) return tl::make_unexpected(environment_.policy->error());
  TRY_STATUS(CheckPlan(**environment_.policy, plan_, now.utc));
  const bool approved = record_.decision && record_.decision->kind == DecisionKind::kApproved;
  const bool whole =
      approved && CountSignatures(approval_.signatures) >= (*environment_.policy)->approval.needed;
  if (kind == ApprovalKind::kApprove && whole) {
    return Fail(ErrorCode::kConflict, "the study is approved already",
                "To let the approval hold longer: consilium-site renew DIR STUDY --until DATE");
  }
  if (kind == ApprovalKind::kRenew && !whole) {
    return Fail(ErrorCode::kConflict,
                approved ? "the approval lacks a signature, so it cannot be renewed"
                         : "the study is not approved, so there is nothing to renew",
                "Approve it: consilium-site approve DIR STUDY");
  }
  return {};
}

Status SiteStudy::CheckLastDay(std::int64_t last_day, const Moment& now) const {
  const std::int64_t plans = DaysSinceEpoch(plan_.expires);
  if (last_day > plans) {
    return Fail(ErrorCode::kInvalidArgument,
                "an approval until a day after the plan's last, " + ToText(plan_.expires),
                "Give that day or an earlier one; a study that is to go on needs a new plan.");
  }
  if (last_day < DaysSinceEpoch(DateOf(now.utc))) {
    return Fail(ErrorCode::kInvalidArgument,
                "an approval until " + ToText(DayOf(last_day)) + ", which is over",
                "Give today or a later day.");
  }
  return {};
}

std::optional<UtcSeconds> SiteStudy::LastDecision() const {
  return record_.decision ? std::optional(record_.decision->decided_at) : std::nullopt;
}

/// Everything about one signature but how many others there are.
Status SiteStudy::MaySign(const ApprovalSignature& signature, const Moment& now) const {
  if (!VerifyApproval(Place(), signature)) {
    return Fail(ErrorCode::kRefused,
                "the signature is not that of " + signature.name + " for this study at this site",
                "Sign with `consilium-site approve DIR STUDY --as NAME`, under your own key.");
  }
  const auto person = environment_.approvers->find(signature.key);
  if (person == environment_.approvers->end() || person->second.name != signature.name) {
    return Fail(ErrorCode::kRefused,
                signature.name + " may not sign here under this key: it is not registered",
                "Register it: consilium-site approver DIR add NAME");
  }
  if (!(*environment_.policy)->approval.MaySign(signature.name, signature.key)) {
    return Fail(
        ErrorCode::kRefused,
        signature.name + " is not among those whom this site's policy lets sign ([[approver]])",
        "Whoever is responsible for policy.toml can add name and key.");
  }
  // Who was removed and came back signs anew.
  const bool registered_then = signature.at >= person->second.added_at;
  if (!registered_then || !IsTimely(signature.at, now.utc, LastDecision())) {
    return Fail(ErrorCode::kRefused,
                "the signature was given at another time, or before the last decision on the study",
                "Sign again; check this machine's clock.");
  }
  return {};
}

/// Puts it to those that wait for others. Refused where its owner has signed already.
Status SiteStudy::TakeSignature(const ApprovalSignature& signature,
                                const Moment& now,
                                RecordBatch& changes) {
  std::vector<ApprovalSignature> waiting;
  for (const ApprovalSignature& other : approval_.pending) {
    // One that has ceased to count, is over, or was for the other kind is in nobody's way.
    const bool counts = other.kind == signature.kind && CheckLastDay(other.last_day, now) &&
                        CountSignatures({other}) == 1;
    if (counts) waiting.push_back(other);
  }
  const bool again = std::any_of(waiting.begin(), waiting.end(), [&](const auto& other) {
    return other.name == signature.name || other.key == signature.key;
  });
  const std::size_t needed = (*environment_.policy)->approval.needed;
  if (again && waiting.size() < needed) {
    return Fail(ErrorCode::kConflict,
                signature.name + " has signed already; this site's policy (approvers) asks for " +
                    Signatures(needed) + " of different people",
                "Another approver has to sign.");
  }
  if (!again) {
    waiting.push_back(signature);
    changes.push_back(environment_.ledger->Append(
        now.utc, "signed", SignedDetail(plan_.id, signature), *environment_.identity));
  }
  approval_.pending = std::move(waiting);
  return {};
}

// -- Decisions
// -----------------------------------------------------------------------------------

void SiteStudy::Decided(DecisionKind kind,
                        std::string_view event,
                        ApprovalRecord approval,
                        const std::string& detail,
                        const Moment& now,
                        RecordBatch changes,
                        SiteEffects& effects) {
  // A decision is ordered by its time at the coordinator, too.
  const std::optional<UtcSeconds> newest = std::max(
      {NewestOf(approval.signatures), NewestOf(approval_.signatures), NewestOf(approval_.pending)});
  record_.decision = Decision{kind, DecisionTime(now.utc, LastDecision(), newest)};
  approval_ = std::move(approval);
  if (kind != DecisionKind::kApproved) {
    session_.reset();
    pending_sum_.reset();
    prekeys_.clear();
  }
  // One batch: no decision without its entry in the ledger.
  changes.push_back(PutRecord{"study", ToBytes(plan_.id.span()), Encode(record_)});
  changes.push_back(PutRecord{"approval", ToBytes(plan_.id.span()), Encode(approval_)});
  changes.push_back(
      environment_.ledger->Append(now.utc, std::string(event), detail, *environment_.identity));
  effects.emplace_back(consilium::Persist{std::move(changes)});
  SayLedgerHead(RouteOf({}, {}), *environment_.ledger, *environment_.identity, effects);
  OnWelcome(effects);
}

Status SiteStudy::Approve(ApprovalKind kind,
                          const ApprovalRequest& request,
                          const Moment& now,
                          SiteEffects& effects) {
  TRY_STATUS(MayApprove(kind, now));
  TRY_STATUS(CheckReason(request.reason));
  const std::size_t needed = (*environment_.policy)->approval.needed;
  if (needed > 0 && !request.signature) {
    return Fail(ErrorCode::kRefused,
                "this site's policy (approvers) asks for " + Signatures(needed) +
                    " under an approval, and this has none",
                "Sign it: add --as NAME. `consilium-site approver DIR list` shows who can.");
  }
  std::int64_t last_day =
      request.until ? DaysSinceEpoch(*request.until) : DaysSinceEpoch(plan_.expires);
  RecordBatch changes;
  std::vector<ApprovalSignature> signatures;
  if (request.signature) {
    const ApprovalSignature& signature = *request.signature;
    if (signature.kind != kind) {
      return Fail(ErrorCode::kRefused, "the signature has another meaning than the command");
    }
    TRY_STATUS(CheckReason(signature.reason));
    TRY_STATUS(MaySign(signature, now));
    TRY_STATUS(CheckLastDay(signature.last_day, now));
    TRY_STATUS(TakeSignature(signature, now, changes));
    if (approval_.pending.size() < needed) {
      changes.push_back(PutRecord{"approval", ToBytes(plan_.id.span()), Encode(approval_)});
      effects.emplace_back(consilium::Persist{std::move(changes)});
      SayLedgerHead(RouteOf({}, {}), *environment_.ledger, *environment_.identity, effects);
      return {};
    }
    signatures = std::move(approval_.pending);
    last_day = signatures.front().last_day;
    for (const ApprovalSignature& each : signatures) last_day = std::min(last_day, each.last_day);
  } else {
    TRY_STATUS(CheckLastDay(last_day, now));
  }
  Json detail{{"study", plan_.id.ToHex()},
              {"until", ToText(DayOf(last_day))},
              {"signatures", signatures.size()}};
  if (!request.reason.empty()) detail["reason"] = request.reason;
  Decided(DecisionKind::kApproved, kind == ApprovalKind::kApprove ? "approved" : "renewed",
          {last_day, std::move(signatures), {}}, Text(detail), now, std::move(changes), effects);
  return {};
}

Status SiteStudy::TakeBack(DecisionKind kind,
                           const std::string& reason,
                           const Moment& now,
                           SiteEffects& effects) {
  if (*environment_.rollback) {
    return Fail(ErrorCode::kRefused, **environment_.rollback, std::string(kRollbackRemedy));
  }
  TRY_STATUS(CheckReason(reason));
  const bool approved = record_.decision && record_.decision->kind == DecisionKind::kApproved;
  if (kind == DecisionKind::kRevoked && !approved) {
    return Fail(ErrorCode::kConflict, "the study is not approved, so there is nothing to revoke");
  }
  Json detail{{"study", plan_.id.ToHex()}};
  if (!reason.empty()) detail["reason"] = reason;
  Decided(kind, kind == DecisionKind::kRevoked ? "revoked" : "declined", {}, Text(detail), now, {},
          effects);
  return {};
}

Status SiteCore::Approve(const StudyId& study,
                         const Moment& now,
                         SiteEffects& effects,
                         const ApprovalRequest& request) {
  TRY(SiteStudy* const offered, Offered(study));
  return offered->Approve(ApprovalKind::kApprove, request, now, effects);
}

Status SiteCore::Renew(const StudyId& study,
                       const Moment& now,
                       SiteEffects& effects,
                       const ApprovalRequest& request) {
  TRY(SiteStudy* const offered, Offered(study));
  return offered->Approve(ApprovalKind::kRenew, request, now, effects);
}

Status SiteCore::Decline(const StudyId& study,
                         const Moment& now,
                         SiteEffects& effects,
                         const std::string& reason) {
  TRY(SiteStudy* const offered, Offered(study));
  return offered->TakeBack(DecisionKind::kDeclined, reason, now, effects);
}

Status SiteCore::Revoke(const StudyId& study,
                        const Moment& now,
                        SiteEffects& effects,
                        const std::string& reason) {
  TRY(SiteStudy* const offered, Offered(study));
  return offered->TakeBack(DecisionKind::kRevoked, reason, now, effects);
}

// -- Who may sign
// ---------------------------------------------------------------------------------

Status SiteCore::RestoreApprovers(const RecordStore& store) {
  TRY(auto rows, LoadRows<ApproverRecord>(store, "approver"));
  for (auto& [key, approver] : rows) {
    if (key != ToBytes(approver.key.span()) ||
        !VerifyApprover(settings_.federation, identity_.public_key(), approver)) {
      return Fail(ErrorCode::kCorrupt,
                  "the stored key of the approver " + approver.name + " was altered");
    }
    approvers_.emplace(approver.key, std::move(approver));
  }
  return {};
}

Status SiteCore::AddApprover(ApproverRecord approver, const Moment& now, SiteEffects& effects) {
  if (rollback_) return Fail(ErrorCode::kRefused, *rollback_, std::string(kRollbackRemedy));
  TRY_STATUS(CheckPersonName(approver.name));
  if (!VerifyApprover(settings_.federation, identity_.public_key(), approver)) {
    return Fail(ErrorCode::kRefused,
                "the key that would be " + approver.name + "'s did not sign for that name here");
  }
  for (const auto& [key, other] : approvers_) {
    if (other.name != approver.name && key != approver.key) continue;
    return Fail(ErrorCode::kConflict,
                other.name == approver.name
                    ? "somebody called " + other.name + " signs here already"
                    : "this key is " + other.name + "'s already",
                "Choose another name, or first remove that one: consilium-site approver DIR remove "
                "NAME");
  }
  if (approvers_.size() >= kMaxApprovers) {
    return Fail(ErrorCode::kInvalidArgument,
                "there are " + std::to_string(kMaxApprovers) + " approvers already");
  }
  approver.added_at = now.utc;
  effects.emplace_back(
      Persist{{PutRecord{"approver", ToBytes(approver.key.span()), Encode(approver)},
               ledger_.Append(now.utc, "approver-added",
                              Text({{"name", approver.name},
                                    {"key", approver.key.ToHex()},
                                    {"proof", ToHex(approver.proof.bytes)}}),
                              identity_)}});
  if (welcomed_) SayLedgerHead({settings_.federation, {}, {}, {}}, ledger_, identity_, effects);
  approvers_.emplace(approver.key, std::move(approver));
  return {};
}

Status SiteCore::RemoveApprover(const std::string& name, const Moment& now, SiteEffects& effects) {
  if (rollback_) return Fail(ErrorCode::kRefused, *rollback_, std::string(kRollbackRemedy));
  const auto found = std::find_if(approvers_.begin(), approvers_.end(),
                                  [&](const auto& entry) { return entry.second.name == name; });
  if (found == approvers_.end()) {
    return Fail(ErrorCode::kNotFound, "nobody called '" + name + "' signs here",
                "`consilium-site approver DIR list` shows who does.");
  }
  effects.emplace_back(
      Persist{{EraseRecord{"approver", ToBytes(found->first.span())},
               ledger_.Append(now.utc, "approver-removed",
                              Text({{"name", name}, {"key", found->first.ToHex()}}), identity_)}});
  if (welcomed_) SayLedgerHead({settings_.federation, {}, {}, {}}, ledger_, identity_, effects);
  approvers_.erase(found);
  return {};
}

}  // namespace consilium
