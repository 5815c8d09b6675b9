#include "protocols/analyses/evaluate/evaluate.h"

#include <string>
#include <utility>

#include "protocols/analyses/evaluate/estimate.h"
#include "protocols/analyses/evaluate/query.h"
#include "protocols/analyses/evaluate/render.h"
#include "protocols/analyses/evaluate/settings.h"
#include "protocols/analyses/evaluate/site.h"
#include "protocols/analyses/evaluate/survival_evaluate.h"
#include "protocols/analyses/evaluate/survival_settings.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::evaluate {
namespace {

class Evaluate final : public Analysis {
 public:
  /// The error is that of a plan whose bounds cannot be kept.
  static Result<std::unique_ptr<Analysis>> Make(EvaluatePlan plan) {
    TRY_STATUS(DescribeQuery({}, plan));
    TRY_STATUS(DescribeQuery(WholeRecalibration(plan), plan));
    return std::make_unique<Evaluate>(std::move(plan));
  }

  explicit Evaluate(EvaluatePlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "evaluate"; }
  std::vector<std::string> columns() const override { return plan_.design.columns; }
  /// Those that recalibrate: the model's own are given.
  std::size_t parameters() const override { return WholeRecalibration(plan_).order(); }
  std::uint32_t maximum_rounds() const override { return 1 + kMostIterations; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const EvaluateQuery decoded, DecodeQuery(query, plan_));
    return DescribeQuery(decoded, plan_);
  }

  /// The counts, then a recalibration of all levels: it cannot be of more.
  std::vector<Slice> DescribeForReview() const override {
    std::vector<Slice> slices = DescribeQuery({}, plan_).value();
    glm::AppendNew(DescribeQuery(WholeRecalibration(plan_), plan_).value(), slices);
    return slices;
  }

  std::string InWords() const override {
    std::string text = "evaluation of ";
    if (plan_.has_model()) {
      text += "a given logistic model of " + glm::VariablesInWords(plan_.design) + " (" +
              std::to_string(1 + plan_.coefficients.size()) +
              " given coefficients with the intercept)";
    } else {
      text += "the probabilities of " + plan_.design.outcome.name + " in the column \"" +
              plan_.prediction() + "\"";
    }
    return text + ByInWords(plan_.subgroups);
  }

  std::string ReleasedInWords() const override {
    std::string text =
        "how well the predictions separate and match outcomes (AUC, Brier score, log-loss, "
        "calibration, net benefit) for all rows";
    if (!plan_.subgroups.empty()) text += " and for each level of the subgroups";
    if (plan_.minimum_count > 1) {
      text += ", without parts of fewer than " + std::to_string(plan_.minimum_count) +
              " rows, events or others";
    }
    return text + ", and numbers of rows and events";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Evaluation evaluation, RunEvaluation(federation, plan_));
    return Render(evaluation, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const EvaluateQuery decoded, DecodeQuery(query, plan_));
    TRY(const std::vector<Slice> slices, DescribeQuery(decoded, plan_));
    Contribution contribution;
    contribution.values.resize(NumbersIn(slices));
    TRY_STATUS(AnswerQuery(decoded, plan_, cohort, contribution.values));
    return contribution;
  }

 private:
  static EvaluateQuery WholeRecalibration(const EvaluatePlan& plan) {
    EvaluateQuery query;
    query.step = Step::kRecalibrate;
    query.slope = true;
    for (std::size_t i = 0; i < plan.levels(); ++i) {
      query.levels.push_back(static_cast<std::uint32_t>(i));
    }
    query.coefficients.assign(query.order(), 0.0);
    return query;
  }

  EvaluatePlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeEvaluate(const Settings& settings, const Contract& contract) {
  if (NamesSurvival(settings)) return MakeSurvivalEvaluate(settings, contract);
  TRY(EvaluatePlan plan, ParseEvaluatePlan(settings, contract));
  return Evaluate::Make(std::move(plan));
}

}  // namespace consilium::evaluate
