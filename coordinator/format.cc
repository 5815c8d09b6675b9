#include "coordinator/format.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/service_request.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShortNumber = 12;

std::uint64_t Number(const Json& object, const char* name) {
  return object.contains(name) && object[name].is_number_unsigned()
             ? object[name].get<std::uint64_t>()
             : 0;
}

std::string Short(const std::string& number) { return number.substr(0, kShortNumber); }

Colour ColourOf(const std::string& state) {
  if (state == "running" || state == "finished") return Colour::kGreen;
  if (state == "failed" || state == "stopped") return Colour::kRed;
  return Colour::kYellow;
}

std::vector<std::string> SitesWith(const Json& study, const std::string& progress) {
  std::vector<std::string> names;
  for (const Json& site : study["sites"]) {
    if (ShownText(site, "progress") == progress) names.push_back(ShownText(site, "site"));
  }
  return names;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : ", ") + word;
  return joined;
}

/// "round 3 of at most 27, attempt 2, uploading: 3 of 4 sites, awaited: charite"
std::string RoundLine(const Json& study) {
  std::string line = "round " + std::to_string(Number(study, "rounds_done") + 1) + " of at most " +
                     std::to_string(Number(study, "rounds_at_most"));
  if (Number(study, "attempt") > 1) line += ", attempt " + std::to_string(Number(study, "attempt"));
  line += ", " + ShownText(study, "phase") + ": " + std::to_string(Number(study, "answered")) +
          " of " + std::to_string(Number(study, "expected")) + " sites";
  std::vector<std::string> awaited = SitesWith(study, "awaited");
  const std::vector<std::string> unready = SitesWith(study, "not ready");
  awaited.insert(awaited.end(), unready.begin(), unready.end());
  if (!awaited.empty()) line += ", awaited: " + Joined(awaited);
  return line;
}

/// How far the study is, by rounds and by sites that have answered in the open one.
double FractionDone(const Json& study) {
  const double at_most =
      static_cast<double>(std::max<std::uint64_t>(1, Number(study, "rounds_at_most")));
  const double expected =
      static_cast<double>(std::max<std::uint64_t>(1, Number(study, "expected")));
  const double open = static_cast<double>(Number(study, "answered")) / expected;
  return (static_cast<double>(Number(study, "rounds_done")) + std::min(0.9, open)) / at_most;
}

std::string SiteTable(const Json& study) {
  std::vector<std::vector<std::string>> rows = {
      {"  site", "connection", "decision", "in this study"}};
  for (const Json& site : study["sites"]) {
    std::string part = ShownText(site, "progress");
    if (part.empty() && site.value("in_study", false)) part = "takes part";
    if (site.contains("chunks")) {
      part = site.value("sending", false)
                 ? "sending: " + std::to_string(Number(site, "chunks")) + " of " +
                       std::to_string(Number(site, "chunks_in_all")) + " chunks are here"
                 : "waits for its turn to send";
    }
    rows.push_back({"  " + ShownText(site, "site"),
                    site.value("connected", false) ? "connected" : "not connected",
                    site["decision"].is_null() ? "none yet" : ShownText(site, "decision"),
                    part.empty() ? "-" : part});
  }
  return rows.size() == 1 ? "  No site has been admitted.\n" : AlignedTable(rows);
}

std::string WhatNext(const Json& study) {
  const std::string state = ShownText(study, "state");
  const std::string number = Short(ShownText(study, "study"));
  if (state == "offered") {
    return "Next: when enough sites have approved, `consilium-coordinator start DIR " + number +
           "`.\n";
  }
  if (state == "paused") return "Next: `consilium-coordinator resume DIR " + number + "`.\n";
  if (state == "finished") return "Next: `consilium-coordinator result DIR " + number + "`.\n";
  return "";
}

}  // namespace

std::string FormatRoster(const Json& reply, const TerminalStyle& style) {
  std::string text =
      Paint("Federation " + ShownText(reply, "federation"), Colour::kBold, style.colours) +
      ", roster " + std::to_string(Number(reply, "epoch")) + "\n";
  std::vector<std::vector<std::string>> rows = {
      {"no.", "site", "state", "connection", "last heard", "fingerprint"}};
  for (const Json& site : reply["sites"]) {
    const std::string seen = ShownText(site, "last_seen");
    rows.push_back({std::to_string(Number(site, "number")), ShownText(site, "site"),
                    ShownText(site, "state"),
                    std::string(site.value("connected", false) ? "connected" : "-") +
                        (site.value("changes_key", false) ? ", by its old key" : ""),
                    seen.empty() ? "-" : seen, ShownText(site, "fingerprint")});
  }
  text += rows.size() == 1 ? "No site has been admitted.\n" : AlignedTable(rows);
  for (const Json& open : reply["invitations"]) {
    text += "Invited, not admitted yet: " + ShownText(open, "site") + " (since " +
            ShownText(open, "invited_at") + ")\n";
  }
  return text;
}

std::string FormatStatus(const Json& reply, const TerminalStyle& style) {
  std::string text;
  const std::string rolled_back = ShownText(reply, "rolled_back");
  if (!rolled_back.empty()) {
    text += Paint("No round is run: ", Colour::kRed, style.colours) + rolled_back + "\n";
  }
  text += Paint("Federation " + ShownText(reply, "federation"), Colour::kBold, style.colours) +
          ": " + std::to_string(Number(reply, "members")) + " sites, " +
          std::to_string(Number(reply, "connected")) + " connected";
  const std::string endpoint = ShownText(reply, "endpoint");
  text += endpoint.empty() ? "; the service is not running\n" : "; listening on " + endpoint + "\n";
  std::vector<std::vector<std::string>> rows = {{"study", "state", "rounds", "kind", "title"}};
  for (const Json& study : reply["studies"]) {
    rows.push_back({Short(ShownText(study, "study")), ShownText(study, "state"),
                    std::to_string(Number(study, "rounds_done")), ShownText(study, "kind"),
                    ShownText(study, "title")});
  }
  return text + (rows.size() == 1 ? "No study has been submitted.\n" : AlignedTable(rows));
}

std::string FormatStudy(const Json& study, const TerminalStyle& style) {
  const std::string state = ShownText(study, "state");
  std::string text = Paint(ShownText(study, "title"), Colour::kBold, style.colours) + "\n";
  text += "study " + Short(ShownText(study, "study")) + ", " + ShownText(study, "kind") + ", " +
          Paint(state, ColourOf(state), style.colours) + "\n";
  if (state == "running") {
    text += ProgressBar(FractionDone(study), 30) + " " + RoundLine(study) + "\n";
  } else {
    text += "rounds done: " + std::to_string(Number(study, "rounds_done")) + "\n";
  }
  const std::string reason = ShownText(study, "reason");
  if (!reason.empty())
    text += Wrapped("Reason: " + reason, std::min<std::size_t>(style.width, 100), 2) + "\n";
  return text + SiteTable(study) + WhatNext(study);
}

std::string FormatStudyLine(const Json& study) {
  const std::string state = ShownText(study, "state");
  std::string line = "study " + Short(ShownText(study, "study")) + " " + state;
  if (state == "running") {
    line += ", " + RoundLine(study);
  } else {
    line += ", rounds done: " + std::to_string(Number(study, "rounds_done"));
  }
  const std::string reason = ShownText(study, "reason");
  return reason.empty() ? line : line + " (" + reason + ")";
}

std::string FormatAudit(const Json& reply) {
  std::string text;
  for (const Json& entry : reply["shown"]) {
    text += std::to_string(Number(entry, "number")) + "  " + ShownText(entry, "at") + "  " +
            ShownText(entry, "event");
    if (entry["detail"].is_object()) {
      for (const auto& [name, value] : entry["detail"].items()) {
        text += " " + OneLine(name) + "=" +
                OneLine(value.is_string() ? value.get<std::string>() : value.dump());
      }
    }
    text += "\n";
  }
  return text + std::to_string(Number(reply, "records")) +
         " records, every link and signature holds. Head: " + ShownText(reply, "head") + "\n";
}

std::string SentenceFor(const Note& note) {
  const auto field = [&](std::string_view name) {
    for (const auto& [key, value] : note.fields) {
      if (key == name) return OneLine(value);
    }
    return std::string();
  };
  const std::string& event = note.event;
  if (event == "site-connected") return "Site " + field("site") + " has connected.";
  if (event == "site-reconnected") return "Site " + field("site") + " is back.";
  if (event == "site-disconnected") return "Site " + field("site") + " is not connected.";
  if (event == "site-refused") {
    return "Site " + field("site") + " refused in study " + field("study") + ": " +
           field("reason") + ".";
  }
  if (event == "site-dropped") {
    return "Site " + field("site") + " left the round of study " + field("study") + ": " +
           field("reason") + ".";
  }
  if (event == "round-started") {
    return "Study " + field("study") + ": round " + field("round") + ", attempt " +
           field("attempt") + " begins with " + field("sites") + " sites.";
  }
  if (event == "round-closed") {
    return "Study " + field("study") + ": round " + field("round") + " is closed, the sum of " +
           field("sites") + " sites.";
  }
  if (event == "attempt-ended" || event == "too-few-sites-ready") {
    const std::string reason = field("reason");
    return "Study " + field("study") + ": an attempt ended" +
           (reason.empty() ? std::string(" with too few sites.") : ": " + reason + ".");
  }
  if (event == "study-approved" || event == "study-declined" ||
      (event == "study-revoked" && !field("site").empty())) {
    return "Site " + field("site") + " has " + event.substr(6) + " study " + field("study") + ".";
  }
  if (event.starts_with("study-")) {
    const std::string reason = field("reason");
    return "Study " + field("study") + " is " + event.substr(6) +
           (reason.empty() ? "." : ": " + reason + ".");
  }
  if (event == "state-rolled-back") {
    return "Site " + field("site") + " proves that this state is an old copy; " + field("remedy") +
           ".";
  }
  return "";
}

}  // namespace consilium
