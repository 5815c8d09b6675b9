#include "coordinator/commands.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "common/service_request.h"
#include "protocols/chain_export.h"
#include "protocols/study_words.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;
using Context = CoordinatorCommandContext;

Json TimeOf(UtcSeconds time) { return time == UtcSeconds() ? Json(nullptr) : Json(ToText(time)); }

Json StudyJson(const StudyView& view) {
  Json json;
  json["study"] = view.id.ToHex();
  json["title"] = view.title;
  json["kind"] = view.kind;
  json["state"] = std::string(Name(view.state));
  json["reason"] = view.reason;
  json["submitted_at"] = TimeOf(view.submitted_at);
  json["started_at"] = TimeOf(view.started_at);
  json["ended_at"] = TimeOf(view.ended_at);
  json["rounds_done"] = view.rounds_done;
  json["rounds_at_most"] = view.rounds_at_most;
  json["attempt"] = view.attempt;
  json["phase"] = view.phase;
  json["answered"] = view.answered;
  json["expected"] = view.expected;
  json["sites"] = Json::array();
  for (const StudySiteView& site : view.sites) {
    Json entry;
    entry["site"] = site.name;
    entry["connected"] = site.connected;
    entry["decision"] = site.decision ? Json(std::string(Name(*site.decision))) : Json(nullptr);
    entry["in_study"] = site.frozen_in;
    entry["progress"] = site.progress;
    if (site.upload && site.upload->of > 1) {
      entry["chunks"] = site.upload->chunks;
      entry["chunks_in_all"] = site.upload->of;
      entry["sending"] = site.upload->granted;
    }
    json["sites"].push_back(std::move(entry));
  }
  return json;
}

Result<StudyId> StudyIn(const Json& request, const Context& context) {
  TRY(const std::string number, RequestField(request, "study"));
  return context.core.FindStudy(number);
}

// -- Members -----------------------------------------------------------------------------------

Result<Json> Invite(const Json& request, const Context& context, CoordinatorEffects& effects) {
  TRY(const std::string site, RequestField(request, "site"));
  Json reply;
  reply["site"] = site;
  TRY(reply["invitation"], context.core.Invite(site, context.now, effects));
  return reply;
}

Result<Json> Admit(const Json& request, const Context& context, CoordinatorEffects& effects) {
  TRY(const std::string text, RequestField(request, "request"));
  TRY(const std::string file, RequestField(request, "file"));
  Member member;
  if (IsRotationRequest(text)) {
    TRY(const RotationRequest rotation, ReadRotationRequest(text, file));
    TRY(member, context.core.Rotate(rotation, context.now, effects));
  } else {
    TRY(const JoinRequest joining, ReadJoinRequest(text, file));
    TRY(member, context.core.Admit(joining, context.now, effects));
  }
  Json reply;
  reply["site"] = member.name;
  reply["number"] = member.id.value();
  reply["fingerprint"] = Fingerprint(member.identity, member.transport);
  reply["epoch"] = context.core.roster().epoch.value();
  return reply;
}

Result<Json> Revoke(const Json& request, const Context& context, CoordinatorEffects& effects) {
  TRY(const std::string site, RequestField(request, "site"));
  TRY_STATUS(context.core.Revoke(site, context.now, effects));
  Json reply;
  reply["site"] = site;
  reply["epoch"] = context.core.roster().epoch.value();
  return reply;
}

Result<Json> ShowRoster(const Json&, const Context& context, CoordinatorEffects&) {
  Json reply;
  reply["federation"] = context.core.roster().federation_name;
  reply["number"] = context.core.roster().federation.ToHex();
  reply["epoch"] = context.core.roster().epoch.value();
  reply["sites"] = Json::array();
  for (const SiteView& view : context.core.Sites()) {
    Json site;
    site["number"] = view.member.id.value();
    site["site"] = view.member.name;
    site["state"] = view.member.state == MemberState::kActive ? "active" : "revoked";
    site["fingerprint"] = view.fingerprint;
    site["connected"] = view.connected;
    site["changes_key"] = view.changes_key;
    site["last_seen"] = view.last_seen ? TimeOf(*view.last_seen) : Json(nullptr);
    site["software"] = view.software;
    reply["sites"].push_back(std::move(site));
  }
  reply["invitations"] = Json::array();
  for (const OpenInvitation& open : context.core.Invitations()) {
    reply["invitations"].push_back(
        Json{{"site", open.site_name}, {"invited_at", TimeOf(open.invited_at)}});
  }
  return reply;
}

// -- Studies -----------------------------------------------------------------------------------

Result<Json> Submit(const Json& request, const Context& context, CoordinatorEffects& effects) {
  TRY(const std::string plan, RequestField(request, "plan"));
  TRY(const std::string file, RequestField(request, "file"));
  TRY(const StudyId study, context.core.Submit(plan, file, context.now, effects));
  TRY(const StudyView view, context.core.View(study));
  return StudyJson(view);
}

using StudyCommand = Status (CoordinatorCore::*)(const StudyId&,
                                                 const Moment&,
                                                 CoordinatorEffects&);

template <StudyCommand kCommand>
Result<Json> Move(const Json& request, const Context& context, CoordinatorEffects& effects) {
  TRY(const StudyId study, StudyIn(request, context));
  TRY_STATUS((context.core.*kCommand)(study, context.now, effects));
  TRY(const StudyView view, context.core.View(study));
  return StudyJson(view);
}

Result<Json> ShowStatus(const Json& request, const Context& context, CoordinatorEffects&) {
  Json reply;
  if (request.contains("study")) {
    TRY(const StudyId study, StudyIn(request, context));
    TRY(const StudyView view, context.core.View(study));
    reply["study"] = StudyJson(view);
  } else {
    reply["federation"] = context.core.roster().federation_name;
    const std::vector<SiteView> sites = context.core.Sites();
    reply["members"] = std::count_if(sites.begin(), sites.end(), [](const SiteView& site) {
      return site.member.state == MemberState::kActive;
    });
    reply["connected"] = std::count_if(sites.begin(), sites.end(),
                                       [](const SiteView& site) { return site.connected; });
    reply["endpoint"] = context.endpoint;
    reply["studies"] = Json::array();
    for (const StudyView& view : context.core.Studies()) {
      reply["studies"].push_back(StudyJson(view));
    }
  }
  const std::optional<std::string>& rollback = context.core.rollback_found();
  reply["rolled_back"] = rollback ? Json(*rollback) : Json(nullptr);
  return reply;
}

Result<Json> ShowResult(const Json& request, const Context& context, CoordinatorEffects&) {
  TRY(const StudyId study, StudyIn(request, context));
  Json reply;
  reply["study"] = study.ToHex();
  TRY(reply["document"], context.core.ResultJson(study));
  TRY(reply["table"], context.core.ResultTable(study));
  return reply;
}

Result<Json> ExportAudit(const Json& request, const Context& context, CoordinatorEffects&) {
  TRY(const std::vector<ChainRecord> records,
      HashChain::ReadAll(context.store, std::string(kAuditTable), std::string(kAuditDomain),
                         context.identity));
  TRY(const ChainFormat format, FindChainFormat(request.value("format", "")));
  const ChainOwner owner{"consilium-coordinator", CONSILIUM_VERSION,
                         context.core.roster().federation_name};
  const ChainExport part =
      ExportRecords(records, request.value("after", std::uint64_t{0}), owner, format);
  return Json{{"lines", part.lines}, {"last", part.last}, {"more", part.more}};
}

Result<Json> ShowAudit(const Json& request, const Context& context, CoordinatorEffects&) {
  TRY(const std::vector<ChainRecord> records,
      HashChain::ReadAll(context.store, std::string(kAuditTable), std::string(kAuditDomain),
                         context.identity));
  const AuditHead head = context.core.audit_head();
  Json reply;
  reply["records"] = records.size();
  reply["head"] = head.hash.ToHex();
  reply["shown"] = Json::array();
  const std::size_t last = request.value("last", std::size_t{0});
  for (std::size_t i = records.size() - std::min(last, records.size()); i < records.size(); ++i) {
    Json entry;
    entry["number"] = records[i].number;
    entry["at"] = TimeOf(records[i].at);
    entry["event"] = records[i].event;
    entry["detail"] = Json::parse(records[i].detail, nullptr, /*allow_exceptions=*/false);
    reply["shown"].push_back(std::move(entry));
  }
  if (head.records != records.size()) {
    return Fail(ErrorCode::kCorrupt, "the audit log holds " + std::to_string(records.size()) +
                                         " records instead of " + std::to_string(head.records));
  }
  const std::optional<std::string>& rollback = context.core.rollback_found();
  if (rollback) return Fail(ErrorCode::kCorrupt, *rollback);
  return reply;
}

using Handler = Result<Json> (*)(const Json&, const Context&, CoordinatorEffects&);

const std::map<std::string, Handler>& Handlers() {
  static const std::map<std::string, Handler> kHandlers = {
      {"invite", Invite},
      {"admit", Admit},
      {"revoke", Revoke},
      {"roster", ShowRoster},
      {"submit", Submit},
      {"start", Move<&CoordinatorCore::Start>},
      {"pause", Move<&CoordinatorCore::Pause>},
      {"resume", Move<&CoordinatorCore::Resume>},
      {"stop", Move<&CoordinatorCore::Stop>},
      {"status", ShowStatus},
      {"result", ShowResult},
      {"audit", ShowAudit},
      {"export-audit", ExportAudit}};
  return kHandlers;
}

}  // namespace

Result<std::string> Execute(std::string_view request,
                            const CoordinatorCommandContext& context,
                            CoordinatorEffects& effects) {
  return AnswerRequest(request, [&](const std::string& command, const Json& json) -> Result<Json> {
    const auto handler = Handlers().find(command);
    if (handler == Handlers().end()) return UnknownCommand();
    return handler->second(json, context, effects);
  });
}

}  // namespace consilium
