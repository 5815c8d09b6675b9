#include "client/program/commands_review.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/program/commands_client.h"
#include "client/program/commands_preview.h"
#include "client/program/commands_record.h"
#include "client/program/format.h"
#include "client/program/review.h"
#include "common/files.h"
#include "common/runtime_clock.h"
#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

Result<Json> AskStudy(const CommonOptions& common, const std::string& number) {
  return AskSite(common.folder, Json{{"command", "study"}, {"study", number}}, common.passphrase());
}

Result<Plan> PlanIn(const Json& study) {
  return ParsePlan(study.value("plan", ""), "plan of study " + study.value("study", ""));
}

/// Whether people here have said yes to it at some time: what was declined is no measure.
bool WasApproved(const Json& study) {
  const std::string decision =
      study["decision"].is_string() ? study["decision"].get<std::string>() : std::string();
  return decision == "approved" || decision == "revoked";
}

Result<EarlierStudy> HeldAgainst(const Json& earlier, const Plan& plan) {
  TRY(const Plan before, PlanIn(earlier));
  TRY(std::vector<PlanChange> changes, ChangesOf(before, plan));
  return EarlierStudy{
      before.id, before.title,
      earlier.value("decision", "") + " on " + earlier.value("decided_at", "").substr(0, 10),
      std::move(changes)};
}

/// The newest study approved here with the same title or, if there is none, the same contract.
Result<std::optional<EarlierStudy>> FindEarlier(const CommonOptions& common, const Plan& plan) {
  TRY(const Json reply, AskSite(common.folder, Json{{"command", "studies"}}, common.passphrase()));
  std::optional<Json> found;
  bool found_by_title = false;
  for (const Json& study : reply["studies"]) {
    if (study.value("study", "") == plan.id.ToHex() || !WasApproved(study)) continue;
    const bool by_title = study.value("title", "") == plan.title;
    const bool newer = !found || found->value("decided_at", "") < study.value("decided_at", "");
    const bool better = by_title ? !found_by_title || newer : !found_by_title && newer;
    if (!better) continue;
    TRY(Json whole, AskStudy(common, study.value("study", "")));
    TRY(const Plan other, PlanIn(whole));
    if (!by_title && !SameContract(other, plan)) continue;
    found = std::move(whole);
    found_by_title = by_title;
  }
  if (!found) return std::optional<EarlierStudy>();
  TRY(EarlierStudy earlier, HeldAgainst(*found, plan));
  return std::optional<EarlierStudy>(std::move(earlier));
}

Result<std::optional<EarlierStudy>> EarlierOf(const CommonOptions& common,
                                              const ReviewOptions& options,
                                              const Plan& plan) {
  if (options.since.empty()) return FindEarlier(common, plan);
  TRY(const Json study, AskStudy(common, options.since));
  if (!WasApproved(study)) {
    return Fail(ErrorCode::kConflict,
                "study " + study.value("study", "").substr(0, 12) + " was not approved here",
                "Name one that was; `consilium-site studies DIR` lists them.");
  }
  TRY(EarlierStudy earlier, HeldAgainst(study, plan));
  return std::optional<EarlierStudy>(std::move(earlier));
}

std::string DecisionText(const Json& study) {
  if (study["decision"].is_null() && study["approval"]["waiting"].empty()) return {};
  std::string text = FormatDecision(study);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Json ChangesJson(const std::optional<EarlierStudy>& earlier) {
  if (!earlier) return nullptr;
  Json json{{"study", earlier->id.ToHex()}, {"title", earlier->title}, {"changes", Json::array()}};
  for (const PlanChange& change : earlier->changes) {
    json["changes"].push_back(
        {{"what", change.what}, {"before", change.before}, {"after", change.after}});
  }
  return json;
}

Result<int> ShowReview(const CommonOptions& common, const ReviewOptions& options) {
  TRY(Json study, AskStudy(common, options.study));
  TRY(const Plan plan, PlanIn(study));
  TRY(const PatientRegister patients, ReadPatientRegister(common));
  TRY(std::optional<EarlierStudy> earlier, EarlierOf(common, options, plan));
  DataCheck check = CheckWithProgress(common.folder, plan, patients);
  TRY_STATUS(ForeseeAnswer(common, plan, check));
  const std::string place = " " + common.folder.string() + " " + plan.id.Short();
  study["explanation"] = ExplainPlan(plan);
  study["check"] = CheckJson(check);
  study["earlier"] = ChangesJson(earlier);
  const bool signs = study["approval"].value("signatures_needed", 0) > 0;
  const Review review{plan,
                      check,
                      study.value("site", ""),
                      study.value("federation_name", ""),
                      ReadClocks().utc,
                      DecisionText(study),
                      FormatBalance(study),
                      std::move(earlier),
                      {"consilium-site approve" + place + (signs ? " --as NAME" : ""),
                       "consilium-site decline" + place}};
  if (options.html.empty()) {
    return PrintReply(common, study, ReviewText(review, StyleOf(STDOUT_FILENO).width));
  }
  TRY_STATUS(WriteFileAtomically(options.html, AsBytes(ReviewHtml(review)), 0600));
  study["html"] = options.html;
  return PrintReply(common, study,
                    "Wrote " + options.html +
                        ": open it in a browser. It holds counts of your patients; nobody else on "
                        "this machine can read it.\n");
}

}  // namespace

Json CheckJson(const DataCheck& check) {
  Json json;
  json["ok"] = check.ok();
  json["problem"] = check.problem ? Json(Describe(*check.problem)) : Json(nullptr);
  json["report"] = check.report ? Json::parse(RenderJson(*check.report)) : Json(nullptr);
  return json;
}

DataCheck CheckWithProgress(const std::filesystem::path& folder,
                            const Plan& plan,
                            const PatientRegister& patients,
                            const std::vector<KnownSummary>& summaries) {
  ProgressLine line("Reading the data");
  return CheckLocalData(
      folder, plan, patients, ReadClocks(),
      [&line](std::optional<double> share, std::uint64_t rows) {
        line.Show(share, std::to_string(rows) + " rows");
      },
      summaries);
}

void AddReviewCommand(CommandLine& line, ReviewOptions& options) {
  CLI::App& command =
      line.Add("review", "Show what a study asks, what would leave, and what the local data say",
               "review /var/lib/consilium 1f2e3d4c --html review.html",
               [&options](const CommonOptions& common) { return ShowReview(common, options); });
  command.add_option("STUDY", options.study, "The study's number, or its first digits")->required();
  command.add_option("--html", options.html,
                     "Write a page for a browser into this file instead (mode 0600)");
  command.add_option("--since", options.since,
                     "Show what changed since this study (default: the newest one approved here "
                     "with the same title or contract)");
}

}  // namespace consilium
