#include "simulations/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::json;

Attempt AttemptOf(Result<PlainRun> run) {
  Attempt attempt;
  if (run) {
    attempt.run = *std::move(run);
  } else {
    attempt.error = std::move(run).error();
  }
  return attempt;
}

/// A field of an evaluation, and its name, which no column of a contract has.
using NamedMeasure = std::pair<const char*, const char*>;

/// What it measures of all rows, of a yes/no outcome and of a time to an event.
constexpr NamedMeasure kMeasures[] = {{"auc", "area under the ROC curve"},
                                      {"brier", "Brier score"},
                                      {"log_loss", "logarithmic loss"},
                                      {"observed_over_expected", "observed / expected events"},
                                      {"calibration_in_the_large", "calibration in the large"},
                                      {"calibration_slope", "calibration slope"}};
constexpr NamedMeasure kSurvivalMeasures[] = {{"concordance", "concordance (C-index)"},
                                              {"calibration_slope", "calibration slope"}};

std::span<const NamedMeasure> MeasuresFor(const Json& evaluation) {
  if (evaluation.contains("concordance")) return kSurvivalMeasures;
  return kMeasures;
}

/// Of the largest estimate of an exact fit.
constexpr double kRounding = 1e-12;

/// Those that have a standard error.
std::vector<Coefficient> MeasuresOf(const Json& evaluation) {
  std::vector<Coefficient> measures;
  for (const auto& [field, name] : MeasuresFor(evaluation)) {
    const Json& measure = evaluation[field];
    if (!measure.is_object() || !measure["std_error"].is_number()) continue;
    measures.push_back({name, measure["estimate"].get<double>(), measure["std_error"].get<double>(),
                        measure["conf_low"].get<double>(), measure["conf_high"].get<double>(), 0});
  }
  return measures;
}

/// NaN for null: an exact linear fit has no standard errors.
double NumberOrNone(const Json& number) {
  return number.is_number() ? number.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

bool IsEvaluation(const Json& result) { return result.value("kind", "") == "evaluate"; }

bool IsValidated(const PlainRun& run) {
  const Json result = Json::parse(run.result.json);
  return result.contains("validated") && result["validated"].is_object();
}

/// Measures over all folds; not that in the large, which is near 0.
void AddValidated(const Json& validated, std::vector<double>& numbers) {
  for (const auto& [field, measure] : validated.items()) {
    if (!measure.is_object() || field == "calibration_in_the_large") continue;
    numbers.push_back(measure["estimate"].get<double>());
    if (measure["std_error"].is_number()) numbers.push_back(measure["std_error"].get<double>());
  }
}

/// Estimates and standard errors: of coefficients, of each step of survival curves, or of an
/// evaluation's measures; with `validated`, also of a validation's.
std::vector<double> NumbersOf(const PlainRun& run, bool validated) {
  const Json result = Json::parse(run.result.json);
  std::vector<double> numbers;
  if (validated) AddValidated(result["validated"], numbers);
  const std::vector<Coefficient> lines =
      IsEvaluation(result) ? MeasuresOf(result) : CoefficientsOf(run);
  double largest = 0;
  for (const Coefficient& line : lines) largest = std::max(largest, std::abs(line.estimate));
  for (const Coefficient& line : lines) {
    // Of an exact fit's estimates one that is 0 but for rounding has no standard error to show it.
    const bool exact = std::isnan(line.std_error);
    const bool is_rounding = exact && std::abs(line.estimate) < kRounding * largest;
    numbers.push_back(is_rounding ? 0 : line.estimate);
    if (!exact) numbers.push_back(line.std_error);
  }
  for (const Json& curve : result.value("curves", Json::array())) {
    for (const Json& point : curve["points"]) {
      numbers.push_back(point["survival"].get<double>());
      if (point["std_error"].is_number()) numbers.push_back(point["std_error"].get<double>());
    }
  }
  return numbers;
}

/// Nothing when one of the two has no numbers, or others: a curve with other steps.
std::optional<double> LargestDifference(const PlainRun& federated, const Attempt& pooled) {
  if (!pooled.run) return {};
  // Rows in one place cannot leave a site out: then there are coefficients alone.
  const bool validated = IsValidated(federated) && IsValidated(*pooled.run);
  const std::vector<double> ours = NumbersOf(federated, validated);
  const std::vector<double> theirs = NumbersOf(*pooled.run, validated);
  if (ours.empty() || ours.size() != theirs.size()) return {};
  double largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double difference = std::abs(ours[i] - theirs[i]);
    const double larger = std::max(std::abs(ours[i]), std::abs(theirs[i]));
    if (difference > 0) largest = std::max(largest, difference / larger);
  }
  return largest;
}

Result<RecordedRun> Federated(const Plan& plan,
                              const VirtualFederation& federation,
                              const CompareOptions& options) {
  if (options.federate) return options.federate(federation, options.on_round);
  std::span<const CohortView> own = federation.Participants();
  if (options.ranks != nullptr) own = ShardOf(own, *options.ranks);
  return RunRecorded(*plan.analysis, own,
                     {options.threads, options.ranks, options.on_round, options.noise_seed});
}

}  // namespace

Result<Comparison> Compare(const Plan& plan,
                           const VirtualFederation& federation,
                           const CompareOptions& options) {
  const std::size_t total =
      2 + (ShowsSingleSites(federation) ? federation.Participants().size() : 0);
  std::size_t done = 0;
  const auto next = [&](const std::string& name) {
    if (options.watcher) options.watcher(done, total, name);
    ++done;
  };
  const auto finish = [&] {
    if (options.watcher) options.watcher(total, total, "");
  };
  const auto fit = [&](std::span<const CohortView> cohorts) {
    PlainOptions plain;
    plain.watcher = options.on_round;
    plain.noise_seed = options.noise_seed;
    return AttemptOf(RunPlain(plan.analysis->OnOneTable(), cohorts, std::move(plain)));
  };
  Comparison comparison;
  next("all sites together");
  Result<RecordedRun> federated = Federated(plan, federation, options);
  if (!federated) {
    finish();
    return tl::unexpected<Error>(std::move(federated).error());
  }
  comparison.federated = std::move(federated->run);
  comparison.rounds = std::move(federated->rounds);
  comparison.protocol = std::move(federated->protocol);
  if (options.ranks != nullptr && !options.ranks->first()) {
    finish();
    return comparison;
  }
  next("pooled data");
  if (!ShowsSingleSites(federation) && plan.analysis->OnOneTable().KeepsMemory()) {
    comparison.pooled.error = Error{ErrorCode::kRefused,
                                    "with more than " + std::to_string(kMostSingleSites) +
                                        " hospitals no model is trained on pooled data",
                                    ""};
  } else {
    const CohortView pooled = federation.Pooled();
    comparison.pooled = fit({&pooled, 1});
  }
  for (std::size_t i = 0; i < federation.sites().size() && ShowsSingleSites(federation); ++i) {
    const VirtualSite& site = federation.sites()[i];
    if (!site.refusal.empty()) continue;
    next(site.name + " alone");
    comparison.alone.push_back({site.name, fit({&federation.cohort(i), 1})});
  }
  if (!plan.analysis->KeepsSitesApart()) {
    comparison.largest_difference = LargestDifference(comparison.federated, comparison.pooled);
  }
  finish();
  return comparison;
}

std::vector<Coefficient> CoefficientsOf(const PlainRun& run) {
  std::vector<Coefficient> coefficients;
  if (!run.result.converged) return coefficients;
  const Json result = Json::parse(run.result.json);
  if (IsEvaluation(result)) {
    std::vector<Coefficient> measures = MeasuresOf(result);
    return measures.size() == MeasuresFor(result).size() ? measures : coefficients;
  }
  if (!result.contains("coefficients")) return coefficients;
  for (const Json& line : result["coefficients"]) {
    coefficients.push_back({line["name"].get<std::string>(), line["estimate"].get<double>(),
                            NumberOrNone(line["std_error"]), NumberOrNone(line["conf_low"]),
                            NumberOrNone(line["conf_high"]), NumberOrNone(line["p_value"])});
  }
  return coefficients;
}

std::vector<Coefficient> CoefficientsOf(const Attempt& attempt) {
  return attempt.run ? CoefficientsOf(*attempt.run) : std::vector<Coefficient>();
}

std::string PooledInWords(const Analysis& analysis) {
  if (!analysis.KeepsSitesApart()) return {};
  if (analysis.kind() == "meta") {
    return "Pooled means here: one regression of all rows in one place, which is another estimate "
           "than the mean of the hospitals' own.";
  }
  return "Pooled means here: all rows in one place with one baseline for all hospitals, which is "
         "another model than the federated one, where each has its own.";
}

std::string TroubleOf(const Attempt& attempt) {
  if (attempt.error) return Describe(*attempt.error);
  const Json json = Json::parse(attempt.run->result.json);
  if (attempt.run->result.converged) {
    // An exact fit has a message, too; that of an evaluation is on what it measures.
    return json.value("kind", "") == "linear" ? json.value("message", "") : "";
  }
  if (json.contains("separation")) return json["separation"]["message"].get<std::string>();
  return json.value("message", "no solution was found");
}

}  // namespace consilium
