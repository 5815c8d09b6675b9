#include "client/program/commands.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "client/approval_ledger.h"
#include "client/program/approval_requests.h"
#include "client/program/commands_foresee.h"
#include "common/service_request.h"
#include "protocols/chain_export.h"
#include "protocols/study_words.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;
using Context = SiteCommandContext;

Json StudyJson(const SiteStudyView& view, const Context& context) {
  Json json;
  json["study"] = view.id.ToHex();
  json["title"] = view.title;
  json["requested_by"] = view.requested_by;
  json["kind"] = view.kind;
  json["state"] = std::string(Name(view.state));
  json["reason"] = view.reason;
  json["decision"] = view.decision ? Json(std::string(Name(view.decision->kind))) : Json(nullptr);
  json["decided_at"] = view.decision ? Json(ToText(view.decision->decided_at)) : Json(nullptr);
  const auto lacks = context.core.LacksApproval(view.id, context.now);
  json["approval"] = ApprovalJson(view, lacks ? *lacks : std::nullopt, context.now);
  json["rounds_done"] = view.sums_known;
  json["open_round"] = view.open_round;
  json["progress"] = view.progress;
  if (view.chunks_in_all > 1) {
    json["chunks"] = view.chunks;
    json["chunks_in_all"] = view.chunks_in_all;
  }
  json["last_refusal"] = view.last_refusal;
  return json;
}

Result<StudyId> StudyIn(const Json& request, const Context& context) {
  TRY(const std::string number, RequestField(request, "study"));
  return context.core.FindStudy(number);
}

Result<Json> ShowStudies(const Json&, const Context& context, SiteEffects&) {
  Json reply;
  reply["site"] = context.site_name;
  reply["studies"] = Json::array();
  for (const SiteStudyView& view : context.core.Studies()) {
    reply["studies"].push_back(StudyJson(view, context));
  }
  return reply;
}

/// Null where the policy cannot be read, or what was spent cannot be counted.
Json BalanceJson(const SiteCore& core, double spent) {
  if (!core.policy()) return nullptr;
  const Result<PrivacyBalance> balance = BalanceOf(*core.policy(), spent);
  if (!balance) return nullptr;
  return {{"epsilon_spent", balance->spent},
          {"epsilon_allowed", balance->allowed},
          {"delta", balance->delta}};
}

Result<Json> ShowStudy(const Json& request, const Context& context, SiteEffects&) {
  TRY(const StudyId study, StudyIn(request, context));
  TRY(const SiteStudyView view, context.core.View(study));
  TRY(const Plan* const plan, context.core.PlanOf(study));
  Json reply = StudyJson(view, context);
  const auto& roster = context.core.roster();
  reply["site"] = context.site_name;
  reply["federation_name"] = roster ? Json(roster->roster.federation_name) : Json("");
  reply["federation"] = context.core.federation().ToHex();
  reply["decided_at_seconds"] = view.decision ? view.decision->decided_at.seconds : 0;
  reply["site_key"] = context.identity.ToHex();
  reply["plan"] = plan->text;
  if (plan->analysis->privacy_loss_of_a_round() > 0) {
    const double spent = context.core.privacy_spent();
    reply["privacy"] = BalanceJson(context.core, spent);
    reply["privacy_after_this_study"] = BalanceJson(context.core, SpentAfter(*plan, spent));
  }
  return reply;
}

/// Of the finished summaries, which are soon computed from the sums that are kept here.
Result<Json> ShowSummary(const Json& request, const Context& context, SiteEffects&) {
  TRY(const StudyId study, StudyIn(request, context));
  TRY(const SiteStudyView view, context.core.View(study));
  Json reply = StudyJson(view, context);
  reply["result"] = nullptr;
  if (view.kind != "summary") return reply;
  TRY(const std::optional<AnalysisResult> result, context.core.ResultOf(study));
  if (!result) return reply;
  reply["sites"] = result->sites;
  reply["patients"] = result->patients;
  reply["result"] = result->json;
  return reply;
}

template <Status (SiteCore::*kApprove)(
    const StudyId&, const Moment&, SiteEffects&, const ApprovalRequest&)>
Result<Json> Approve(const Json& request, const Context& context, SiteEffects& effects) {
  TRY(const StudyId study, StudyIn(request, context));
  TRY(const ApprovalRequest approval, ReadApprovalRequest(request));
  TRY_STATUS((context.core.*kApprove)(study, context.now, effects, approval));
  TRY(const SiteStudyView view, context.core.View(study));
  return StudyJson(view, context);
}

template <
    Status (SiteCore::*kTakeBack)(const StudyId&, const Moment&, SiteEffects&, const std::string&)>
Result<Json> TakeBack(const Json& request, const Context& context, SiteEffects& effects) {
  TRY(const StudyId study, StudyIn(request, context));
  TRY_STATUS((context.core.*kTakeBack)(study, context.now, effects, request.value("reason", "")));
  TRY(const SiteStudyView view, context.core.View(study));
  return StudyJson(view, context);
}

/// Null where the policy cannot be read.
Json QuotasJson(const SiteCore& core, UtcSeconds now) {
  if (!core.policy()) return nullptr;
  const Quotas& quotas = core.policy()->quotas;
  const AnswersSoFar so_far = core.AnswersBefore(now);
  return {{"answers_a_day", so_far.a_day},
          {"maximum_answers_a_day", quotas.answers_a_day},
          {"answers_a_month", so_far.a_month},
          {"maximum_answers_a_month", quotas.answers_a_month},
          {"studies_a_month", so_far.other_studies_a_month},
          {"maximum_studies_a_month", quotas.studies_a_month}};
}

/// Why this state is an old copy, or null.
Json RollbackJson(const SiteCore& core) {
  return core.rollback_found() ? Json(*core.rollback_found()) : Json(nullptr);
}

Result<Json> ShowStatus(const Json& request, const Context& context, SiteEffects& effects) {
  TRY(Json reply, ShowStudies(request, context, effects));
  reply["service"] = context.service ? "running" : "not running";
  reply["connected"] = context.service && context.service->connected;
  reply["connection"] = context.service ? context.service->connection : "";
  reply["welcomed"] = context.core.welcomed();
  const auto& roster = context.core.roster();
  reply["federation"] = roster ? Json(roster->roster.federation_name) : Json(nullptr);
  reply["roster_epoch"] = roster ? roster->roster.epoch.value() : 0;
  reply["roster_issued_at"] = roster ? roster->roster.issued_at.seconds : 0;
  reply["members"] = Json::array();
  if (roster) {
    for (const Member& member : roster->roster.members) {
      if (member.state != MemberState::kActive) continue;
      reply["members"].push_back(Json{
          {"site", member.name}, {"fingerprint", Fingerprint(member.identity, member.transport)}});
    }
  }
  reply["ledger_records"] = context.core.ledger_head().records;
  reply["rolled_back"] = RollbackJson(context.core);
  reply["privacy"] = BalanceJson(context.core, context.core.privacy_spent());
  reply["quotas"] = QuotasJson(context.core, context.now.utc);
  return reply;
}

Result<Json> ExportLedger(const Json& request, const Context& context, SiteEffects&) {
  TRY(const std::vector<ChainRecord> records,
      HashChain::ReadAll(context.store, std::string(kLedgerTable), std::string(kLedgerDomain),
                         context.identity));
  TRY(const std::string format_name, RequestField(request, "format"));
  TRY(const ChainFormat format, FindChainFormat(format_name));
  const ChainOwner owner{"consilium-site", CONSILIUM_VERSION, context.site_name};
  const ChainExport part =
      ExportRecords(records, request.value("after", std::uint64_t{0}), owner, format);
  return Json{{"lines", part.lines}, {"last", part.last}, {"more", part.more}};
}

Result<Json> ShowLedger(const Json&, const Context& context, SiteEffects&) {
  TRY(const std::vector<ChainRecord> records,
      HashChain::ReadAll(context.store, std::string(kLedgerTable), std::string(kLedgerDomain),
                         context.identity));
  TRY(const LedgerSignatures signatures,
      VerifySignatures(records, context.core.federation(), context.identity));
  Json reply;
  reply["site"] = context.site_name;
  reply["verified"] = records.size();
  reply["signatures_verified"] = signatures.signatures;
  reply["head"] = context.core.ledger_head().hash.ToHex();
  reply["rolled_back"] = RollbackJson(context.core);
  reply["records"] = Json::array();
  for (const ChainRecord& record : records) {
    Json entry;
    entry["number"] = record.number;
    entry["at"] = ToText(record.at);
    entry["event"] = record.event;
    entry["detail"] = Json::parse(record.detail, nullptr, /*allow_exceptions=*/false);
    reply["records"].push_back(std::move(entry));
  }
  return reply;
}

Result<PatientCodes> CodesIn(const Json& request) {
  if (!request.contains("codes") || !request["codes"].is_array()) {
    return Fail(ErrorCode::kInvalidArgument, "the request has no list 'codes'");
  }
  PatientCodes codes;
  for (const Json& code : request["codes"]) {
    TRY(const std::uint64_t number, ParseCode(code.get<std::string>()));
    codes.push_back(number);
  }
  return Sorted(std::move(codes));
}

Result<Json> Exclude(const Json& request, const Context& context, SiteEffects& effects) {
  TRY(const PatientCodes codes, CodesIn(request));
  TRY(const SiteCore::Exclusion done, context.core.Exclude(codes, context.now, effects));
  return Json{{"site", context.site_name},
              {"patients_added", done.added},
              {"patients_excluded", done.in_all},
              {"ledger_record", done.head.records},
              {"ledger_head", done.head.hash.ToHex()}};
}

/// Some at a time, above the one that the request names: a long list does not fit one reply.
Result<Json> ShowExcluded(const Json& request, const Context& context, SiteEffects&) {
  constexpr std::ptrdiff_t kAtATime = 500'000;
  const PatientCodes& all = context.core.excluded();
  auto first = all.begin();
  if (request.contains("above")) {
    TRY(const std::string above, RequestField(request, "above"));
    TRY(const std::uint64_t code, ParseCode(above));
    first = std::upper_bound(all.begin(), all.end(), code);
  }
  const auto last = first + std::min(all.end() - first, kAtATime);
  Json reply{{"site", context.site_name},
             {"codes", Json::array()},
             {"more", last != all.end()},
             {"answered_cohorts", context.core.cohorts().answered().size()}};
  for (auto code = first; code != last; ++code) reply["codes"].push_back(CodeText(*code));
  return reply;
}

template <Result<Json> (*kReply)(const Json&, const Context&)>
Result<Json> Foretell(const Json& request, const Context& context, SiteEffects&) {
  return kReply(request, context);
}

using Handler = Result<Json> (*)(const Json&, const Context&, SiteEffects&);

const std::map<std::string, Handler>& Handlers() {
  static const std::map<std::string, Handler> kHandlers = {
      {"studies", ShowStudies},
      {"study", ShowStudy},
      {"approve", Approve<&SiteCore::Approve>},
      {"renew", Approve<&SiteCore::Renew>},
      {"decline", TakeBack<&SiteCore::Decline>},
      {"revoke", TakeBack<&SiteCore::Revoke>},
      {"approvers", ShowApprovers},
      {"add-approver", AddApprover},
      {"remove-approver", RemoveApprover},
      {"foresee", Foretell<ForeseeReply>},
      {"compare-cohort", Foretell<CompareCohortReply>},
      {"question", Foretell<QuestionReply>},
      {"status", ShowStatus},
      {"export-ledger", ExportLedger},
      {"exclude", Exclude},
      {"excluded", ShowExcluded},
      {"summary", ShowSummary},
      {"ledger", ShowLedger}};
  return kHandlers;
}

}  // namespace

Result<std::string> ExecuteAtSite(std::string_view request,
                                  const SiteCommandContext& context,
                                  SiteEffects& effects) {
  return AnswerRequest(request, [&](const std::string& command, const Json& json) -> Result<Json> {
    const auto handler = Handlers().find(command);
    if (handler == Handlers().end()) return UnknownCommand();
    return handler->second(json, context, effects);
  });
}

}  // namespace consilium
