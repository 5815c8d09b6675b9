#include "protocols/analyses/evaluate/survival_evaluate.h"

#include <string>
#include <utility>

#include "protocols/analyses/evaluate/survival_estimate.h"
#include "protocols/analyses/evaluate/survival_query.h"
#include "protocols/analyses/evaluate/survival_render.h"
#include "protocols/analyses/evaluate/survival_settings.h"
#include "protocols/analyses/evaluate/survival_site.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::evaluate {
namespace {

class SurvivalEvaluate final : public Analysis {
 public:
  /// The error is that of a plan whose bounds cannot be kept.
  static Result<std::unique_ptr<Analysis>> Make(SurvivalPlan plan) {
    for (const SurvivalQuery& query : QueriesOf(plan)) {
      TRY_STATUS(DescribeSurvivalQuery(query, plan));
    }
    return std::make_unique<SurvivalEvaluate>(std::move(plan));
  }

  explicit SurvivalEvaluate(SurvivalPlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "evaluate"; }
  std::vector<std::string> columns() const override { return plan_.design.columns; }
  std::size_t outcomes() const override { return 2; }
  /// The slopes: the model's own coefficients are given.
  std::size_t parameters() const override { return plan_.groups(); }
  bool KeepsSitesApart() const override { return true; }
  std::uint32_t maximum_rounds() const override { return MostSurvivalRounds(); }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const SurvivalQuery decoded, DecodeSurvivalQuery(query, plan_));
    return DescribeSurvivalQuery(decoded, plan_);
  }

  /// Of all levels: it cannot be of more.
  std::vector<Slice> DescribeForReview() const override {
    std::vector<Slice> slices;
    for (const SurvivalQuery& query : QueriesOf(plan_)) {
      glm::AppendNew(DescribeSurvivalQuery(query, plan_).value(), slices);
    }
    return slices;
  }

  std::string InWords() const override {
    std::string text = "evaluation of ";
    if (plan_.has_model()) {
      text += "a given Cox model on " + glm::FeaturesInWords(plan_.design) + " (" +
              std::to_string(plan_.coefficients.size()) + " given " +
              (plan_.coefficients.size() == 1 ? "coefficient" : "coefficients") + ")";
    } else {
      text += "the risk scores in the column \"" + plan_.prediction() + "\"";
    }
    text += " for the time \"" + plan_.time() + "\" to the event \"" + plan_.event() +
            "\" (each site's patients are compared with each other only)";
    return text + ByInWords(plan_.subgroups);
  }

  std::string ReleasedInWords() const override {
    std::string text =
        "how well the scores order the events (concordance) and how far they match hazards "
        "(calibration slope) for all rows";
    if (!plan_.subgroups.empty()) {
      text += " and for each level of the subgroups";
      if (plan_.minimum_count > 1) {
        text += ", without levels of fewer than " + std::to_string(plan_.minimum_count) +
                " rows, events or others";
      }
    }
    return text +
           ", pairs of patients by their order, mean and spread of the scores, and numbers of rows "
           "and events";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const SurvivalEvaluation evaluation, RunSurvivalEvaluation(federation, plan_));
    return RenderSurvival(evaluation, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const SurvivalQuery decoded, DecodeSurvivalQuery(query, plan_));
    TRY(const std::vector<Slice> slices, DescribeSurvivalQuery(decoded, plan_));
    Contribution contribution;
    contribution.values.resize(NumbersIn(slices));
    TRY_STATUS(AnswerSurvivalQuery(decoded, plan_, cohort, contribution.values));
    return contribution;
  }

 private:
  /// One of each step, on scores scaled by the contract's ranges, of as many groups as there can
  /// be.
  static std::vector<SurvivalQuery> QueriesOf(const SurvivalPlan& plan) {
    const SurvivalPlan::Range range = plan.Scores();
    SurvivalQuery counts;
    counts.scale = (range.maximum - range.minimum) / 2;
    counts.centre = range.minimum + counts.scale;
    SurvivalQuery pairs;
    pairs.step = SurvivalStep::kPairs;
    for (std::size_t i = 0; i < plan.groups(); ++i) {
      pairs.groups.push_back(static_cast<std::uint32_t>(i));
    }
    SurvivalQuery slope = counts;
    slope.step = SurvivalStep::kSlope;
    slope.groups = pairs.groups;
    slope.coefficients.assign(plan.groups(), 0.0);
    return {counts, pairs, slope};
  }

  SurvivalPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeSurvivalEvaluate(const Settings& settings,
                                                       const Contract& contract) {
  TRY(SurvivalPlan plan, ParseSurvivalPlan(settings, contract));
  return SurvivalEvaluate::Make(std::move(plan));
}

}  // namespace consilium::evaluate
