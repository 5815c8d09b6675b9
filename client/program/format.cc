#include "client/program/format.h"

#include <nlohmann/json.hpp>

#include "client/site_study.h"
#include "common/service_request.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShortNumber = 12;

std::string Number(const Json& object, const char* name) {
  return object.contains(name) && object[name].is_number() ? object[name].dump() : "?";
}

std::string Short(const Json& object) { return ShownText(object, "study").substr(0, kShortNumber); }

std::string FieldOf(const Note& note, std::string_view name) {
  for (const auto& [field, value] : note.fields) {
    if (field == name) return OneLine(value);
  }
  return "";
}

std::string Because(const Json& detail) {
  const std::string reason = ShownText(detail, "reason");
  return reason.empty() ? "" : ": " + reason;
}

/// Of records about approvals and who may give them.
std::string DecisionInWords(const std::string& event, const Json& detail) {
  const std::string name = ShownText(detail, "name");
  if (event == "approver-added") return name + " may sign approvals from now on";
  if (event == "approver-removed") return name + " may not sign approvals any more";
  if (event == "signed") {
    return "study " + Short(detail) + " signed by " + name + ", until " +
           ShownText(detail, "until") + Because(detail);
  }
  const std::string until = ShownText(detail, "until");
  return "study " + Short(detail) + " " + event + " here" +
         (until.empty() ? "" : " until " + until) + Because(detail);
}

std::string LackOf(const Json& study) {
  return ShownText(study.value("approval", Json::object()), "lacks");
}

/// Approved at some time, and yet nothing is answered: for want of signatures, of time, of a
/// policy.
bool HasLapsed(const Json& study) {
  return ShownText(study, "decision") == "approved" && !LackOf(study).empty();
}

bool IsOver(const Json& study) {
  const std::string state = ShownText(study, "state");
  return state == "finished" || state == "failed" || state == "stopped";
}

/// A study's decision as far as it holds now.
std::string DecisionOf(const Json& study) {
  const Json approval = study.value("approval", Json::object());
  const std::string needed = " of " + Number(approval, "signatures_needed");
  const std::size_t waiting = approval.value("waiting", Json::array()).size();
  if (study["decision"].is_null()) {
    return waiting == 0 ? "none yet" : std::to_string(waiting) + needed + " signed";
  }
  const std::string decision = ShownText(study, "decision");
  if (decision != "approved") return decision;
  if (approval.value("signatures_counting", 0U) < approval.value("signatures_needed", 0U)) {
    return Number(approval, "signatures_counting") + needed + " signed";
  }
  if (approval.value("ended", false)) return "ended";
  return HasLapsed(study) ? "on hold" : decision;
}

std::string LedgerLine(const Json& record) {
  const Json detail = record.value("detail", Json::object());
  const std::string event = ShownText(record, "event");
  std::string line = ShownText(record, "at") + "  ";
  if (event == "excluded") {
    return line + Number(detail, "patients") + " patients excluded from all later answers (" +
           Number(detail, "in_all") + " in all)";
  }
  if (event == "sketched") {
    return line + "study " + Short(detail) + ", round " + Number(detail, "round") + ", attempt " +
           Number(detail, "attempt") + ": " + Number(detail, "projections") +
           " combinations of this site's own numbers told to the coordinator, unmasked; answers to "
           "this question so told: " +
           Number(detail, "times");
  }
  if (event != "answered") return line + DecisionInWords(event, detail);
  return line + "study " + Short(detail) + ", round " + Number(detail, "round") + ", attempt " +
         Number(detail, "attempt") + ": one masked vector of " + Number(detail, "words") +
         " numbers on " + Number(detail, "patients") + " patients, to be summed over " +
         Number(detail, "sites") + " sites" +
         (detail.contains("rho_spent_e9")
              ? "; with noise: rho " + Number(detail, "rho_spent_e9") + "e-9 told since the start"
              : "");
}

}  // namespace

std::string FormatStudies(const Json& reply, const TerminalStyle& style) {
  if (reply["studies"].empty()) return "No study has been offered to this site.\n";
  std::vector<std::vector<std::string>> rows = {{"study", "kind", "decision", "state", "title"}};
  std::string remarks;
  for (const Json& study : reply["studies"]) {
    rows.push_back({Short(study), ShownText(study, "kind"), DecisionOf(study),
                    ShownText(study, "state"), ShownText(study, "title")});
    std::vector<std::string> words = {ShownText(study, "progress"),
                                      ShownText(study, "last_refusal"), ShownText(study, "reason")};
    const std::string lack = HasLapsed(study) && !IsOver(study) ? LackOf(study) : "";
    if (lack != words[1]) words.push_back(lack);
    for (const std::string& remark : words) {
      if (remark.empty()) continue;
      remarks += "\n" + Wrapped(Short(study) + ": " + remark, style.width, 2) + "\n";
    }
  }
  return AlignedTable(rows) + remarks;
}

std::string FormatBalance(const Json& reply) {
  const Json now = reply.value("privacy", Json());
  if (!now.is_object()) return {};
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return std::string(text);
  };
  std::string text = "Privacy budget: epsilon " + number(now["epsilon_spent"].get<double>()) +
                     " of " + number(now["epsilon_allowed"].get<double>()) + " spent (at delta " +
                     number(now["delta"].get<double>()) +
                     ") by answers with noise, over all studies.";
  const Json after = reply.value("privacy_after_this_study", Json());
  if (!after.is_object()) return text;
  const bool enough =
      after["epsilon_spent"].get<double>() <= after["epsilon_allowed"].get<double>();
  return text + " This study would bring it to " + number(after["epsilon_spent"].get<double>()) +
         (enough ? "." : ", which the policy does not allow.");
}

std::string FormatStatus(const Json& reply, const TerminalStyle& style) {
  std::string text = "Site " + ShownText(reply, "site");
  const std::string federation = ShownText(reply, "federation");
  text += federation.empty() ? ", not yet welcomed by its coordinator\n"
                             : " in the federation " + federation + "\n";
  text += "Service: " + ShownText(reply, "service") + "\n";
  const std::string connection = ShownText(reply, "connection");
  if (!connection.empty()) text += Wrapped("Connection: " + connection, style.width, 2) + "\n";
  if (const std::string words = ShownText(reply, "rolled_back"); !words.empty()) {
    text += Wrapped("Nothing is answered: " + words + ". " + std::string(kRollbackRemedy),
                    style.width, 2) +
            "\n";
  }
  if (const std::string balance = FormatBalance(reply); !balance.empty()) {
    text += Wrapped(balance, style.width, 2) + "\n";
  }
  if (const Json quotas = reply.value("quotas", Json()); quotas.is_object()) {
    const auto used = [&quotas](const std::string& name) {
      return Number(quotas, name.c_str()) + " of " + Number(quotas, ("maximum_" + name).c_str());
    };
    text += Wrapped("Answered within 24 hours: " + used("answers_a_day") +
                        " rounds; within 30 days: " + used("answers_a_month") + " rounds of " +
                        used("studies_a_month") + " studies (policy.toml's quotas)",
                    style.width, 2) +
            "\n";
  }
  if (!reply["members"].empty()) {
    text += "\nMembers (roster epoch " + Number(reply, "roster_epoch") + ")\n";
    std::vector<std::vector<std::string>> rows = {{"  site", "fingerprint"}};
    for (const Json& member : reply["members"]) {
      rows.push_back({"  " + ShownText(member, "site"), ShownText(member, "fingerprint")});
    }
    text += AlignedTable(rows);
  }
  return text + "\n" + FormatStudies(reply, style);
}

std::string FormatLedger(const Json& reply) {
  if (reply["records"].empty()) return "Nothing has left this site.\n";
  std::string text;
  for (const Json& record : reply["records"]) text += LedgerLine(record) + "\n";
  return text + "All " + Number(reply, "verified") +
         " records are linked and signed as they were written.\n" + FormatSignatures(reply);
}

std::string FormatSignatures(const Json& reply) {
  const std::string count = Number(reply, "signatures_verified");
  if (count == "?" || count == "0") return {};
  return "The " + count + (count == "1" ? " signature" : " signatures") +
         " under approvals and renewals are those of the people named.\n";
}

std::string FormatDecision(const Json& study) {
  const std::string name = "Study " + Short(study) + " (" + ShownText(study, "title") + ")";
  const Json approval = study.value("approval", Json::object());
  const Json waiting = approval.value("waiting", Json::array());
  const std::string decision = ShownText(study, "decision");
  std::string people;
  for (const Json& person :
       waiting.empty() ? approval.value("signatures", Json::array()) : waiting) {
    people += (people.empty() ? "" : ", ") + ShownText(person, "name");
  }
  if (!waiting.empty()) {
    return name + " is signed by " + people + ": " + std::to_string(waiting.size()) + " of " +
           Number(approval, "signatures_needed") + " signatures. " +
           (decision == "approved" && !HasLapsed(study) ? "The approval holds as before"
                                                        : "Nothing is answered") +
           " until the others have signed.\n";
  }
  if (decision != "approved") return name + " is " + decision + " here.\n";
  if (HasLapsed(study)) {
    return name + " was approved here, and nothing is answered: " + LackOf(study) + "\n";
  }
  return name + " is approved here through " + ShownText(approval, "through") +
         (people.empty() ? "" : ", signed by " + people) + ".\n";
}

std::string SentenceFor(ConnectionEvent event, const SiteHome& home) {
  const std::string where = home.settings.endpoint;
  switch (event) {
    case ConnectionEvent::kConnected:
      return "Connected to the coordinator at " + where + ".";
    case ConnectionEvent::kDisconnected:
      return "The connection to the coordinator is gone; trying again.";
    case ConnectionEvent::kUnreachable:
      if (!home.settings.socks_proxy.empty()) {
        return "Nobody answers at " + where + " through the proxy " + home.settings.socks_proxy +
               " (socks_proxy in settings.toml); trying again. Is the proxy running, does it let "
               "us through, and is the coordinator running?";
      }
      return "Nobody answers at " + where +
             "; trying again. Is the coordinator running, and does the firewall let us out?";
    case ConnectionEvent::kSiteKeyRefused:
      return "The coordinator does not know this site's key. Its administrator has to admit our "
             "request (fingerprint " +
             home.fingerprint() + "), or has revoked us; trying again.";
    case ConnectionEvent::kHandshakeFailed:
      return "Whoever answers at " + where +
             " does not hold the coordinator key pinned at joining. Nothing was sent; check the "
             "endpoint in settings.toml, or ask the coordinator whether its key has changed.";
  }
  return "";
}

std::string SentenceFor(const Note& note, const SiteHome& home) {
  const std::string study = FieldOf(note, "study");
  const std::string folder = home.folder.string();
  if (note.event == "welcomed") {
    return "Welcomed to the federation " + FieldOf(note, "federation") + " of " +
           FieldOf(note, "members") + " members.";
  }
  if (note.event == "study-offered") {
    return "Study " + study + " is offered: " + FieldOf(note, "title") +
           ". Look at it with `consilium-site review " + folder + " " + study + "`.";
  }
  if (note.event == "round-closed") {
    return "Study " + study + ": round " + FieldOf(note, "round") + " was summed over " +
           FieldOf(note, "sites") + " sites.";
  }
  if (note.event == "state-rolled-back") {
    return "Nothing is answered: " + FieldOf(note, "reason") + ". " + std::string(kRollbackRemedy);
  }
  if (note.event == "answer-refused") {
    return "Study " + study + ": not answered. " + FieldOf(note, "reason");
  }
  if (note.event == "refused") {
    return "A message of the coordinator was refused: " + FieldOf(note, "reason") + ".";
  }
  return "";
}

}  // namespace consilium
