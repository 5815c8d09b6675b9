#include "protocols/analyses/validate/warnings.h"

#include <cstdio>
#include <optional>

namespace consilium::validate {
namespace {

/// What a slope is off by no more than is rounding: of a fit without errors.
constexpr double kRounding = 1e-9;

std::string Number(double number, const char* form) {
  char text[64];
  std::snprintf(text, sizeof text, form, number);
  return text;
}

/// "4.28 [2.17, 6.39]"
std::string WithLimits(const Measure& measure, const char* form) {
  std::string text = Number(measure.estimate, form);
  if (!measure.low) return text;
  return text + " [" + Number(*measure.low, form) + ", " + Number(*measure.high, form) + "]";
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

/// Warnings of one validation that has been summarised.
class Warner {
 public:
  Warner(const Validation& validation, const ValidatePlan& plan)
      : validation_(validation), plan_(plan), layout_(plan.model->layout()) {}

  std::vector<std::string> OfSites() const {
    std::vector<std::string> hidden;
    std::vector<std::string> open;
    for (Fold fold = 1; fold <= plan_.folds; ++fold) {
      const std::optional<Judged>& here = validation_.folds[fold - 1].on_held_out;
      if (!here) continue;
      const std::string failure = FailureAt(*here);
      if (failure.empty()) continue;
      const std::string praise = Praise(*here);
      const std::string name = NameOf(plan_, fold);
      if (praise.empty()) {
        open.push_back(name + ": " + failure + ".");
      } else {
        hidden.push_back(name + ": " + praise + ", but " + failure + ".");
      }
    }
    hidden.insert(hidden.end(), open.begin(), open.end());
    return hidden;
  }

  std::vector<std::string> OfFolds() const {
    std::vector<std::string> warnings;
    const Judged& judged = Mean();
    const std::optional<Measure> in_the_large = InTheLarge(judged);
    if (Misses(in_the_large, 0, kRelevant * judged.unit)) {
      warnings.push_back("On rows that the model has not seen " + TooLowOrHigh(*in_the_large) +
                         " (mean calibration in the large over folds " +
                         WithLimits(*in_the_large, FormOf(*layout_.in_the_large)) + ").");
    }
    const std::optional<Measure>& slope = judged.measures[layout_.slope];
    if (Misses(slope, 1, kRounding)) {
      warnings.push_back("On rows that the model has not seen the predictions are " +
                         TooExtremeOrNot(*slope) + " (mean calibration slope over folds " +
                         WithLimits(*slope, FormOf(layout_.slope)) + "): " +
                         (slope->estimate < 1
                              ? "it is fitted to chance, too; take fewer features or a ridge "
                                "penalty."
                              : "a smaller ridge penalty may do better."));
    }
    return warnings;
  }

 private:
  const Judged& Mean() const { return validation_.validated->judged; }
  const char* FormOf(std::size_t measure) const { return layout_.measures[measure].form; }

  std::optional<Measure> InTheLarge(const Judged& judged) const {
    return layout_.in_the_large ? judged.measures[*layout_.in_the_large] : std::nullopt;
  }

  /// What is wrong at a site that was left out; empty if nothing is.
  std::string FailureAt(const Judged& here) const {
    const std::optional<Measure> in_the_large = InTheLarge(here);
    const std::optional<Measure>& slope = here.measures[layout_.slope];
    std::string text;
    if (Misses(in_the_large, 0, kRelevant * here.unit)) {
      text = TooLowOrHigh(*in_the_large) + ": " + here.mismatch + " (calibration in the large " +
             WithLimits(*in_the_large, FormOf(*layout_.in_the_large)) + ")";
    }
    if (Misses(slope, 1, kRounding)) {
      text += std::string(text.empty() ? "the predictions are " : "; and they are ") +
              TooExtremeOrNot(*slope) + " (calibration slope " +
              WithLimits(*slope, FormOf(layout_.slope)) + ")";
    }
    return text;
  }

  /// What looks fine there; empty if nothing does. Its limits may hold chance, at a site with few
  /// events or few others: people look at the number.
  std::string Praise(const Judged& here) const {
    const std::optional<Measure>& own = here.measures[layout_.discrimination];
    const std::optional<Measure>& mean = Mean().measures[layout_.discrimination];
    if (!own || !mean || !(own->estimate > layout_.no_discrimination) ||
        !(own->estimate >= mean->estimate)) {
      return {};
    }
    const MeasureKind& kind = layout_.measures[layout_.discrimination];
    return "the " + std::string(kind.name) + " looks fine (" + Number(own->estimate, kind.form) +
           ", mean " + Number(mean->estimate, kind.form) + ")";
  }

  const Validation& validation_;
  const ValidatePlan& plan_;
  const Layout& layout_;
};

}  // namespace

std::vector<std::string> WarningsOf(const Validation& validation, const ValidatePlan& plan) {
  if (!validation.validated) return {};
  const Warner warner(validation, plan);
  return plan.method == Method::kFolds ? warner.OfFolds() : warner.OfSites();
}

}  // namespace consilium::validate
