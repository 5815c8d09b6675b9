#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>

#include "client/policy/policy.h"
#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium {
namespace {

// No override goes beyond these. They lie below the presets, so that a site whose own rules allow
// it can take part with a handful of patients, in so many words.
constexpr std::int64_t kFewestPatients = 3;
constexpr std::int64_t kFewestSites = 3;
constexpr std::int64_t kSmallestClass = 1;
constexpr std::int64_t kSmallestDifference = 1;
// DataSHIELD's nfilter.glm: with more parameters a fit starts to describe single patients.
constexpr double kResearchParametersPerPatient = 0.33;
constexpr double kMostParametersPerPatient = 2;
constexpr std::int64_t kMostRounds = 1'000;
constexpr std::int64_t kMostNormChecks = 5;
constexpr double kMostEpsilon = 100;
constexpr double kMostDelta = 0.001;
constexpr std::int64_t kLargestCount = 1'000'000'000;

std::vector<std::string> AllKinds() {
  const std::vector<std::string_view> kinds = AnalysisKinds();
  return {kinds.begin(), kinds.end()};
}

std::string KindsInQuotes() {
  std::string list;
  for (const std::string& kind : AllKinds()) list += (list.empty() ? "\"" : ", \"") + kind + "\"";
  return list;
}

// An integer within [lowest, highest], or what the preset says.
template <class T>
Status ParseCount(const Settings& settings,
                  std::string_view key,
                  std::int64_t lowest,
                  std::int64_t highest,
                  T& value) {
  TRY(const std::int64_t number,
      settings.IntegerBetween(key, lowest, highest, static_cast<std::int64_t>(value)));
  value = static_cast<T>(number);
  return {};
}

Result<Policy> ParsePreset(const Settings& settings) {
  TRY(const std::string name, settings.Text("preset"));
  for (const PolicyPreset preset :
       {PolicyPreset::kStrict, PolicyPreset::kStandard, PolicyPreset::kResearch}) {
    if (Name(preset) == name) return MakePolicy(preset);
  }
  return settings.FailAt("preset", "no preset is called \"" + name + "\"",
                         "Use \"strict\", \"standard\" or \"research\".");
}

Status ParseAnalyses(const Settings& settings, Policy& policy) {
  const std::vector<std::string> known = AllKinds();
  TRY(policy.allowed_analyses, settings.TextsOr("allowed_analyses", policy.allowed_analyses));
  for (const std::string& kind : policy.allowed_analyses) {
    if (std::find(known.begin(), known.end(), kind) != known.end()) continue;
    std::string words;
    for (const std::string& name : known) words += (words.empty() ? "" : ", ") + name;
    return settings.FailAt("allowed_analyses", "no analysis is called \"" + kind + "\"",
                           "This version has: " + words + ".");
  }
  return {};
}

Status ParseRatio(const Settings& settings, Policy& policy) {
  constexpr std::string_view kKey = "maximum_parameters_per_patient";
  TRY(policy.maximum_parameters_per_patient,
      settings.NumberOr(kKey, policy.maximum_parameters_per_patient));
  const double ratio = policy.maximum_parameters_per_patient;
  if (!(ratio > 0) || ratio > kMostParametersPerPatient) {
    return settings.FailAt(kKey, std::string(kKey) + " must be above 0 and at most 2");
  }
  return {};
}

Status ParseBudget(const Settings& settings, Policy& policy) {
  TRY(policy.privacy_epsilon, settings.NumberOr("privacy_epsilon", policy.privacy_epsilon));
  if (!(policy.privacy_epsilon >= 0) || policy.privacy_epsilon > kMostEpsilon) {
    return settings.FailAt("privacy_epsilon", "privacy_epsilon must be from 0 to 100");
  }
  TRY(policy.privacy_delta, settings.NumberOr("privacy_delta", policy.privacy_delta));
  if (!(policy.privacy_delta > 0) || policy.privacy_delta > kMostDelta) {
    return settings.FailAt("privacy_delta", "privacy_delta must be above 0 and at most 0.001");
  }
  return {};
}

Result<Policy> ParseTable(const Settings& settings) {
  TRY(Policy policy, ParsePreset(settings));
  TRY_STATUS(ParseAnalyses(settings, policy));
  TRY_STATUS(ParseCount(settings, "minimum_patients", kFewestPatients, kLargestCount,
                        policy.minimum_patients));
  TRY_STATUS(
      ParseCount(settings, "minimum_sites", kFewestSites, kLargestCount, policy.minimum_sites));
  TRY_STATUS(ParseRatio(settings, policy));
  TRY_STATUS(
      ParseCount(settings, "minimum_class", kSmallestClass, kLargestCount, policy.minimum_class));
  TRY_STATUS(ParseCount(settings, "minimum_difference", kSmallestDifference, kLargestCount,
                        policy.minimum_difference));
  TRY_STATUS(ParseCount(settings, "maximum_rounds", 1, kMostRounds, policy.maximum_rounds));
  TRY_STATUS(ParseCount(settings, "norm_checks", 0, kMostNormChecks, policy.norm_checks));
  TRY_STATUS(ParseBudget(settings, policy));
  TRY(policy.site_level, settings.BooleanOr("site_level", policy.site_level));
  TRY(policy.requesters, settings.TextsOr("requesters", {}));
  for (const std::string& requester : policy.requesters) {
    if (requester.empty()) return settings.FailAt("requesters", "a requester has no name");
  }
  TRY_STATUS(ParseQuotas(settings, policy.quotas));
  TRY(policy.times, ParseAnswerTimes(settings));
  TRY(policy.memorising_models, settings.BooleanOr("memorising_models", policy.memorising_models));
  TRY(policy.anchors, settings.TextsOr("anchors", {}));
  for (const std::string& anchor : policy.anchors) {
    if (anchor.empty()) return settings.FailAt("anchors", "an anchor has no name");
  }
  TRY(policy.trainers, ParseTrainers(settings, RelativeTo{}));
  TRY(policy.approval, ParseApprovalRules(settings));
  if (settings.Has("valid_until")) {
    TRY(policy.valid_until, settings.Day("valid_until"));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return policy;
}

template <class T>
Result<T> RefusingEverything(Error error) {
  error.remedy += (error.remedy.empty() ? "" : " ");
  error.remedy += "Until then this site refuses every study.";
  return tl::unexpected<Error>(std::move(error));
}

/// Of the default policy: how much, when and with whom this site answers.
constexpr std::string_view kLimitsText =
    R"(# Most rounds of one study. Strict 50, standard 200, research 1000
# maximum_rounds = 200

# Most rounds, of all studies, within 24 hours and 30 days, and most studies within 30 days.
# Strict 100, 500 and 10, standard 1000, 10000 and 50, research 10000, 100000 and 100.
# maximum_answers_a_day = 1000
# maximum_answers_a_month = 10000
# maximum_studies_a_month = 50

# When answers may leave; without these lines always. The zone is a fixed distance from UTC.
# answer_hours = ["22:00-06:00"]
# answer_days = ["mon", "tue", "wed", "thu", "fri"]
# time_zone = "+01:00"

# The last day on which this site answers anything.
# valid_until = 2027-12-31

# Sites, by name or fingerprint, that every sum must hold: members that you know.
# anchors = []

# How often one answer may be sketched, so that its length can be checked; 0 is never. Each time
# tells the coordinator 64 random combinations of its numbers. 0 in all three.
# norm_checks = 0

)";

}  // namespace

std::string_view Name(PolicyPreset preset) {
  switch (preset) {
    case PolicyPreset::kStrict:
      return "strict";
    case PolicyPreset::kStandard:
      return "standard";
    case PolicyPreset::kResearch:
      return "research";
  }
  return "";
}

Policy MakePolicy(PolicyPreset preset) {
  Policy policy;
  policy.preset = preset;
  policy.allowed_analyses = AllKinds();
  policy.privacy_delta = 1e-6;
  switch (preset) {
    case PolicyPreset::kStrict:
      policy.minimum_patients = 50;
      policy.minimum_sites = 5;
      policy.maximum_parameters_per_patient = 0.1;
      policy.minimum_class = 10;
      policy.minimum_difference = 10;
      policy.maximum_rounds = 50;
      policy.quotas = {100, 500, 10};
      policy.privacy_epsilon = 1;
      break;
    case PolicyPreset::kStandard:
      policy.minimum_patients = 20;
      policy.minimum_sites = 3;
      policy.maximum_parameters_per_patient = 0.2;
      policy.minimum_class = 5;
      policy.minimum_difference = 5;
      policy.maximum_rounds = 200;
      policy.quotas = {1'000, 10'000, 50};
      policy.privacy_epsilon = 3;
      break;
    case PolicyPreset::kResearch:
      policy.minimum_patients = 5;
      policy.minimum_sites = 3;
      policy.maximum_parameters_per_patient = kResearchParametersPerPatient;
      policy.minimum_class = 3;
      policy.minimum_difference = 3;
      policy.maximum_rounds = 1'000;
      policy.quotas = {10'000, 100'000, 100};
      policy.privacy_epsilon = 10;
      break;
  }
  return policy;
}

Result<Policy> ParsePolicy(std::string_view text, std::string_view file_name) {
  auto settings = Settings::Parse(text, file_name);
  if (!settings) return RefusingEverything<Policy>(std::move(settings).error());
  auto policy = ParseTable(*settings);
  if (!policy) return RefusingEverything<Policy>(std::move(policy).error());
  return policy;
}

Result<Policy> LoadPolicy(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) {
    return Fail(ErrorCode::kNotFound, file.string() + " does not exist",
                "Write one line into it, preset = \"standard\", or what docs/policy-file.md "
                "describes. Until then this site refuses every study.");
  }
  auto settings = Settings::Load(file);
  if (!settings) return RefusingEverything<Policy>(std::move(settings).error());
  auto policy = ParseTable(*settings);
  if (!policy) return RefusingEverything<Policy>(std::move(policy).error());
  return policy;
}

std::string DefaultPolicyText() {
  return R"(# This site's policy: its last word on every study. Where a plan asks for more, the plan
# wins; where this file asks for more, this file wins. A mistake in it refuses everything.
# docs/policy-file.md describes each key.

# "strict", "standard" or "research". The lines below show what "standard" means; remove the # of
# a line to set another value.
preset = "standard"

# Kinds of analyses that may run here; without this line all that are built in.
# allowed_analyses = [)" +
         KindsInQuotes() + R"(]

# Fewest patients that this site's cohort must have.       strict 50, standard 20, research 5
# minimum_patients = 20

# Fewest sites in any sum that this site helps to open.    strict 5, standard 3, research 3
# minimum_sites = 3

# Most parameters that are estimated, a patient here.      strict 0.1, standard 0.2, research 0.33
# maximum_parameters_per_patient = 0.2

# Fewest patients in the smallest non-empty class of a yes/no column or a category, for instance
# patients with the outcome; 1 turns the rule off.         strict 10, standard 5, research 3
# minimum_class = 5

# Fewest patients by which two cohorts differ, if they differ at all: two sums, subtracted, are a
# sum over those between them; 1 turns the rule off.       strict 10, standard 5, research 3
# minimum_difference = 5

)" + std::string(kLimitsText) +
         R"(# What all answers with noise, of all studies, may tell of a patient: epsilon at this
# delta. Answers without noise are not counted. Strict 1, standard 3, research 10
# privacy_epsilon = 3
# privacy_delta = 1e-6

# Whether results may be opened that show this site alone, or as good as alone.
# site_level = false

# Whether models may be trained whose updates can hold single patients' rows.
# memorising_models = false

# Who may ask, as the plan's requested_by; an empty list means anybody in the federation.
# requesters = []

# How many people have to sign an approval, each with a key and passphrase of their own, before a
# study runs here; 0: whoever may use this account approves.
# approvers = 0

# Programs that studies may learn by, each by the name that plans say; none unless it is named here.
# They are given patients' rows: name only what your own people have installed and trust.
# [trainers.numpy-logistic]
# program = "/usr/local/lib/consilium/numpy_logistic.py"
# memory_mb = 1024
# seconds = 60
)";
}

}  // namespace consilium
