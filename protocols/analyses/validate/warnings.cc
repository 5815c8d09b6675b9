#include "protocols/analyses/validate/warnings.h"

#include <cstdio>
#include <optional>

namespace consilium::validate {
namespace {

using evaluate::Measure;

std::string Number(double number, const char* form = "%.2f") {
  char text[64];
  std::snprintf(text, sizeof text, form, number);
  return text;
}

/// "4.28 [2.17, 6.39]"
std::string WithLimits(const Measure& measure) {
  std::string text = Number(measure.estimate);
  if (measure.low) text += " [" + Number(*measure.low) + ", " + Number(*measure.high) + "]";
  return text;
}

/// Whether even the nearer limit is farther away from `ideal` than this.
bool Misses(const std::optional<Measure>& measure, double ideal, double relevant) {
  return measure && measure->low &&
         (*measure->low > ideal + relevant || *measure->high < ideal - relevant);
}

std::string TooLowOrHigh(const Measure& in_the_large) {
  return std::string("the predictions are too ") + (in_the_large.estimate > 0 ? "low" : "high");
}

std::string TooExtremeOrNot(const Measure& slope) {
  return slope.estimate < 1 ? "too extreme" : "not extreme enough";
}

/// What is wrong at a site that was left out; empty if nothing is.
std::string FailureAt(const evaluate::Evaluation& here) {
  const std::optional<Measure>& in_the_large = here.all.in_the_large;
  const std::optional<Measure>& slope = here.recalibration.slope;
  std::string text;
  if (Misses(in_the_large, 0, kRelevant)) {
    text = TooLowOrHigh(*in_the_large) + ": " + Number(here.all.predicted * here.all.rows, "%.1f") +
           " events were expected and " + Number(here.all.events, "%.0f") +
           " happened (calibration in the large " + WithLimits(*in_the_large) + ")";
  }
  if (Misses(slope, 1, 0)) {
    text += std::string(text.empty() ? "the predictions are " : "; and they are ") +
            TooExtremeOrNot(*slope) + " (calibration slope " + WithLimits(*slope) + ")";
  }
  return text;
}

std::vector<std::string> WarningsOfSites(const Validation& validation, const ValidatePlan& plan) {
  std::vector<std::string> hidden;
  std::vector<std::string> open;
  for (Fold fold = 1; fold <= plan.folds; ++fold) {
    const std::optional<evaluate::Evaluation>& here = validation.folds[fold - 1].on_held_out;
    if (!here || !here->all.discrimination) continue;
    const std::string failure = FailureAt(*here);
    if (failure.empty()) continue;
    const Measure& auc = here->all.discrimination->auc;
    const double mean = validation.validated->auc->estimate;
    // Its limits may hold 0.5, at a site with few events or few others: people look at the number.
    if (auc.estimate > 0.5 && auc.estimate >= mean) {
      hidden.push_back(NameOf(plan, fold) + ": the AUC looks fine (" +
                       Number(auc.estimate, "%.3f") + ", mean " + Number(mean, "%.3f") + "), but " +
                       failure + ".");
    } else {
      open.push_back(NameOf(plan, fold) + ": " + failure + ".");
    }
  }
  hidden.insert(hidden.end(), open.begin(), open.end());
  return hidden;
}

std::vector<std::string> WarningsOfFolds(const Validated& validated) {
  std::vector<std::string> warnings;
  if (Misses(validated.in_the_large, 0, kRelevant)) {
    warnings.push_back(
        "On rows that the model has not seen " + TooLowOrHigh(*validated.in_the_large) +
        " (mean calibration in the large over folds " + WithLimits(*validated.in_the_large) + ").");
  }
  if (Misses(validated.slope, 1, 0)) {
    warnings.push_back("On rows that the model has not seen the predictions are " +
                       TooExtremeOrNot(*validated.slope) + " (mean calibration slope over folds " +
                       WithLimits(*validated.slope) + "): " +
                       (validated.slope->estimate < 1
                            ? "it is fitted to chance, too; take fewer features or a ridge penalty."
                            : "a smaller ridge penalty may do better."));
  }
  return warnings;
}

}  // namespace

std::vector<std::string> WarningsOf(const Validation& validation, const ValidatePlan& plan) {
  if (!validation.validated) return {};
  return plan.method == Method::kFolds ? WarningsOfFolds(*validation.validated)
                                       : WarningsOfSites(validation, plan);
}

}  // namespace consilium::validate
