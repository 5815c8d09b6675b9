#include "client/program/commands_preview.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/ingestion/study_data.h"
#include "client/policy/policy.h"
#include "client/preview.h"
#include "client/program/commands_client.h"
#include "client/program/commands_record.h"
#include "client/program/home.h"
#include "client/site_core.h"
#include "common/files.h"
#include "common/runtime_clock.h"
#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

/// What one request to the service has room for.
constexpr std::size_t kMostPatientsAtOnce = 300'000;
/// Of one slice, on a terminal.
constexpr std::size_t kMostShown = 200;

/// What one request asks: the patients from `begin` to `end`, whose codes lie between the others'.
Json RequestFor(const CohortPatients& patients,
                std::size_t begin,
                std::size_t end,
                std::uint64_t enough) {
  const bool is_last = end == patients.size();
  Json request{{"command", "compare-cohort"},
               {"first", CodeText(begin == 0 ? 0 : patients[begin - 1].code + 1)},
               {"last", CodeText(is_last ? std::numeric_limits<std::uint64_t>::max()
                                         : patients[end - 1].code)},
               {"codes", Json::array()},
               {"rows", Json::array()},
               {"enough", enough}};
  for (std::size_t i = begin; i < end; ++i) {
    request["codes"].push_back(CodeText(patients[i].code));
    request["rows"].push_back(patients[i].rows);
  }
  return request;
}

using Foreseen = SiteCore::Foreseen;

Foreseen NotedOf(const PolicyRefusal& refusal) {
  return {std::string(Name(refusal.rule)), Describe(refusal)};
}

/// Against each cohort that the site has answered with: the service adds up the differences of one
/// range of codes, and this adds up the ranges. None where it is near to none of them.
Result<std::optional<Foreseen>> CompareWithEarlier(const CommonOptions& common,
                                                   const Policy& policy,
                                                   const CohortPatients& patients) {
  std::vector<std::uint64_t> differ;
  Json cohorts;
  for (std::size_t begin = 0; begin == 0 || begin < patients.size(); begin += kMostPatientsAtOnce) {
    const std::size_t end = std::min(patients.size(), begin + kMostPatientsAtOnce);
    TRY(const Json reply,
        AskSite(common.folder, RequestFor(patients, begin, end, policy.minimum_difference),
                common.passphrase()));
    cohorts = reply.at("cohorts");
    differ.resize(std::max(differ.size(), cohorts.size()), 0);
    for (std::size_t i = 0; i < cohorts.size(); ++i) {
      differ[i] += cohorts[i].at("differ").get<std::uint64_t>();
    }
  }
  for (std::size_t i = 0; i < cohorts.size(); ++i) {
    StudyId study;
    TRY(const Bytes bytes, FromHex(cohorts[i].at("study").get<std::string>()));
    std::copy_n(bytes.begin(), std::min(bytes.size(), study.bytes.size()), study.bytes.begin());
    const UtcSeconds at{cohorts[i].at("at").get<std::int64_t>()};
    const PolicyStatus apart = CheckDifference(policy, differ[i], study, at);
    if (!apart) return std::optional(NotedOf(apart.error()));
  }
  return std::optional<Foreseen>();
}

/// All that would keep an answer on this cohort here.
Result<std::vector<Foreseen>> Foresee(const CommonOptions& common,
                                      const Plan& plan,
                                      const CohortPatients& patients) {
  TRY(const Json reply,
      AskSite(common.folder, {{"command", "foresee"}, {"plan", plan.text}}, common.passphrase()));
  const Result<Policy> policy = LoadPolicy(common.folder / "policy.toml");
  if (!policy) return std::vector<Foreseen>{{"", Describe(policy.error())}};
  std::vector<Foreseen> refusals;
  for (const Json& refusal : reply.at("refusals")) {
    refusals.push_back(
        {refusal.at("rule").get<std::string>(), refusal.at("words").get<std::string>()});
  }
  const bool is_exact = plan.analysis->privacy_loss_of_a_round() == 0;
  if (!is_exact || reply.at("answered_cohorts").get<std::uint64_t>() == 0) return refusals;
  TRY(std::optional<Foreseen> near, CompareWithEarlier(common, *policy, patients));
  if (near) refusals.push_back(*std::move(near));
  return refusals;
}

/// Which of the rules that Foresee asks hold, for the page that shows them one by one.
void NoteAsked(const std::vector<Foreseen>& refusals, DataCheck& check) {
  for (const PolicyRule rule :
       {PolicyRule::kDifference, PolicyRule::kAnswersADay, PolicyRule::kAnswersAMonth,
        PolicyRule::kStudiesAMonth, PolicyRule::kPrivacy, PolicyRule::kAnchors}) {
    check.asked[rule] =
        std::none_of(refusals.begin(), refusals.end(),
                     [&](const Foreseen& refusal) { return refusal.rule == Name(rule); });
  }
}

std::vector<std::string> WordsOf(const std::vector<Foreseen>& refusals) {
  std::vector<std::string> words;
  for (const Foreseen& refusal : refusals) words.push_back(refusal.words);
  return words;
}

struct Dry {
  Plan plan;
  Preview preview;
  std::vector<std::string> refusals;  ///< All that would keep the answer here, in words.
};

Result<Dry> RunDry(const CommonOptions& common, const std::string& study) {
  TRY(const Json reply,
      AskSite(common.folder, {{"command", "question"}, {"study", study}}, common.passphrase()));
  Dry dry;
  TRY(dry.plan, ParsePlan(reply.at("plan").get<std::string>(), "offered plan"));
  ComputeAnswer question;
  question.study = dry.plan.id;
  question.round = RoundNumber(reply.at("round").get<std::uint32_t>());
  TRY(question.query.body, FromHex(reply.at("query").get<std::string>()));
  TRY(question.state, FromHex(reply.at("state").get<std::string>()));
  TRY(const SiteHome home, OpenSiteHome(common.folder, common.passphrase()));
  TRY(const PatientRegister patients, ReadPatientRegister(common));
  TRY(const std::filesystem::path file, SourceOf(common.folder));
  TRY(const Source source, ReadSource(file));
  TRY(SiteCohort cohort, LoadCohort(source, dry.plan, patients));
  cohort.cohort.site = home.settings.name;
  const auto sites = std::max(reply.at("members").get<std::uint32_t>(), dry.plan.minimum_sites);
  TRY(dry.preview, MakePreview(dry.plan, question, cohort.cohort, sites));
  const Result<Policy> policy = LoadPolicy(common.folder / "policy.toml");
  const PolicyStatus allowed =
      policy ? CheckCohort(*policy, dry.plan, cohort) : PolicyStatus();  // Foreseen below.
  if (!allowed) dry.refusals.push_back(Describe(allowed.error()));
  TRY(const std::vector<Foreseen> foreseen, Foresee(common, dry.plan, cohort.patients));
  for (const std::string& words : WordsOf(foreseen)) dry.refusals.push_back(words);
  return dry;
}

}  // namespace

std::string InOneText(const std::vector<std::string>& refusals) {
  if (refusals.size() == 1) return refusals.front();
  std::string text;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    text += (i == 0 ? "(" : " (") + std::to_string(i + 1) + ") " + refusals[i];
    if (!text.ends_with('.')) text += '.';
  }
  return text;
}

Status ForeseeAnswer(const CommonOptions& common, const Plan& plan, DataCheck& check) {
  if (!check.ok()) return {};
  try {
    const Result<std::vector<Foreseen>> refusals = Foresee(common, plan, check.patients);
    if (!refusals) {
      check.problem = refusals.error();
      return {};
    }
    NoteAsked(*refusals, check);
    if (!refusals->empty()) {
      check.problem = Error{ErrorCode::kRefused, InOneText(WordsOf(*refusals)), ""};
    }
  } catch (const Json::exception&) {
    return Fail(ErrorCode::kIo, "the service's reply is not what was asked for",
                "Use programs of the same version.");
  }
  return {};
}

Result<int> PreviewStudy(const CommonOptions& common,
                         const std::string& study,
                         const std::filesystem::path& file) {
  const TerminalStyle style = StyleOf(STDOUT_FILENO);
  if (file.empty() && !style.is_terminal) {
    return Fail(ErrorCode::kRefused,
                "these numbers are this site's own and are shown on a terminal only",
                "Run the command by hand, or name a file that only you can read: --out FILE.");
  }
  Dry dry;
  try {
    TRY(dry, RunDry(common, study));
  } catch (const Json::exception&) {
    return Fail(ErrorCode::kIo, "the service's reply is not what was asked for",
                "Use programs of the same version.");
  }
  Json json = PreviewJson(dry.preview);
  json["refusals"] = dry.refusals;
  const std::string refusal =
      dry.refusals.empty()
          ? ""
          : Wrapped("As things are none of it would leave: " + OneLine(InOneText(dry.refusals)),
                    style.width, 0) +
                "\n";
  if (file.empty()) {
    return PrintReply(common, json,
                      refusal + PreviewPage(dry.preview, kMostShown, style.width) +
                          "\nNothing was sent, and nothing of it is in a log.\n");
  }
  const std::string text = common.json
                               ? json.dump(2) + "\n"
                               : refusal + PreviewPage(dry.preview, dry.preview.values.size(), 100);
  TRY_STATUS(WriteFileAtomically(file, AsBytes(text), 0600));
  return PrintReply(
      common, {{"file", file.string()}, {"numbers", dry.preview.values.size()}},
      Wrapped("Warning: " + file.string() + " now has " +
                  std::to_string(dry.preview.values.size()) +
                  " numbers of this site alone, in the clear. Nobody but you can read it (mode "
                  "0600); do not send it on, and delete it once you have looked at it.",
              style.width, 0) +
          "\n");
}

}  // namespace consilium
