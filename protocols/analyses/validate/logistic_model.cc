// The validated logistic regression: judged by the evaluation of a given model.

#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/analyses/evaluate/estimate.h"
#include "protocols/analyses/evaluate/measures_json.h"
#include "protocols/analyses/evaluate/query.h"
#include "protocols/analyses/evaluate/site.h"
#include "protocols/analyses/logistic/logistic.h"
#include "protocols/analyses/validate/glm_model.h"

namespace consilium::validate {
namespace {

enum : std::size_t {
  kMeanPredicted,
  kAuc,
  kBrier,
  kScaledBrier,
  kLogLoss,
  kObservedOverExpected,
  kInTheLarge,
  kIntercept,
  kSlope
};

Layout LogisticLayout() {
  Layout layout;
  layout.measures = {{.field = "mean_predicted", .name = "mean prediction", .has_limits = false},
                     {.field = "auc",
                      .name = "AUC",
                      .validated = Over::kFolds,
                      .has_optimism = true,
                      .is_share = true},
                     {.field = "brier", .name = "Brier", .has_optimism = true},
                     {.field = "scaled_brier", .name = "scaled Brier", .has_limits = false},
                     {.field = "log_loss", .name = "log-loss"},
                     {.field = "observed_over_expected", .name = "observed/expected"},
                     kInTheLargeKind,
                     kInterceptKind,
                     kSlopeKind};
  layout.shown = {kAuc, kBrier};
  layout.discrimination = kAuc;
  layout.in_the_large = kInTheLarge;
  layout.slope = kSlope;
  layout.no_discrimination = 0.5;
  layout.events = "in how many rows the outcome is yes";
  layout.measures_in_words = "AUC, Brier score, log-loss, calibration";
  return layout;
}

/// The site's half of a judgement.
class Answering final : public PreparedQuery {
 public:
  Answering(evaluate::EvaluatePlan plan, evaluate::EvaluateQuery query)
      : plan_(std::move(plan)), query_(std::move(query)) {}

  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    return evaluate::AnswerQuery(query_, plan_, cohort, values);
  }

 private:
  const evaluate::EvaluatePlan plan_;
  const evaluate::EvaluateQuery query_;
};

class LogisticModel final : public GlmModel {
 public:
  /// `judge` is how a model is judged, without coefficients.
  LogisticModel(glm::RegressionPlan plan, evaluate::EvaluatePlan judge)
      : GlmModel(std::move(plan), &MakeLogisticFamily, LogisticLayout()),
        judge_(std::move(judge)) {}

  double EventsIn(const CohortView& rows) const override { return rows.values.col(0).sum(); }

  std::vector<Query> Samples(Phase phase) const override {
    if (phase == Phase::kFit) return FitSamples();
    std::vector<Query> samples = {evaluate::EncodeQuery({})};
    if (phase == Phase::kTraining) return samples;
    evaluate::EvaluateQuery recalibrate;
    recalibrate.step = evaluate::Step::kRecalibrate;
    recalibrate.slope = true;
    recalibrate.coefficients.assign(recalibrate.order(), 0.0);
    samples.push_back(evaluate::EncodeQuery(recalibrate));
    return samples;
  }

  std::uint32_t judging_rounds() const override { return 2 + evaluate::kMostIterations; }

  Result<Judged> Judge(Federation& federation, const Fitted& fitted, Phase phase) const override {
    const evaluate::EvaluatePlan judge = JudgeOf(fitted.coefficients);
    TRY(const Aggregate counts, evaluate::AskCounts(federation, judge));
    TRY(evaluate::Evaluation evaluation, evaluate::EvaluateCounts(judge, counts));
    if (phase == Phase::kHeldOut && evaluation.curves) {
      TRY_STATUS(evaluate::AddCalibration(federation, judge, counts, evaluation));
    }
    Judged judged = MeasuresOf(evaluation);
    if (evaluation.all.discrimination) {
      judged.bin_error = evaluation.all.discrimination->bin_error;
    }
    judged.sums = counts.values;
    return judged;
  }

  Result<Judged> Together(const std::vector<const Judged*>& folds) const override {
    std::vector<double> sums = folds.front()->sums;
    for (std::size_t i = 1; i < folds.size(); ++i) {
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += folds[i]->sums[k];
    }
    TRY(const evaluate::Evaluation evaluation, evaluate::EvaluateCounts(judge_, {sums, 0}));
    Judged judged = MeasuresOf(evaluation);
    judged.sums = std::move(sums);
    return judged;
  }

  void AddCurves(const Judged& together, nlohmann::ordered_json& json) const override {
    const Result<evaluate::Evaluation> evaluation =
        evaluate::EvaluateCounts(judge_, {together.sums, 0});
    evaluate::Curves curves;
    if (evaluation && evaluation->curves) curves = *evaluation->curves;
    json["calibration_curve"] = evaluate::CalibrationJson(curves.calibration);
    json["decision_curve"] = evaluate::DecisionJson(curves.decision);
  }

 private:
  evaluate::EvaluatePlan JudgeOf(const std::vector<double>& coefficients) const {
    evaluate::EvaluatePlan judge = judge_;
    judge.intercept = coefficients[0];
    judge.coefficients.assign(coefficients.begin() + 1, coefficients.end());
    return judge;
  }

  Result<Asked> ReadJudging(Phase phase,
                            const std::vector<double>& coefficients,
                            const Query& query) const override {
    evaluate::EvaluatePlan judge = JudgeOf(coefficients);
    TRY(evaluate::EvaluateQuery read, evaluate::DecodeQuery(query, judge));
    if (phase == Phase::kTraining && read.step != evaluate::Step::kCounts) {
      return NoQuestion("a model is not calibrated on its training rows");
    }
    Asked asked;
    TRY(asked.slices, evaluate::DescribeQuery(read, judge));
    asked.site = std::make_unique<Answering>(std::move(judge), std::move(read));
    return asked;
  }

  Judged MeasuresOf(const evaluate::Evaluation& evaluation) const {
    const evaluate::GroupMeasures& all = evaluation.all;
    Judged judged = Nothing();
    judged.measures[kMeanPredicted] = Measure{all.predicted, {}, {}, {}};
    if (all.discrimination) judged.measures[kAuc] = all.discrimination->auc;
    judged.measures[kBrier] = evaluation.brier;
    if (evaluation.scaled_brier) {
      judged.measures[kScaledBrier] = Measure{*evaluation.scaled_brier, {}, {}, {}};
    }
    judged.measures[kLogLoss] = evaluation.log_loss;
    judged.measures[kObservedOverExpected] = all.observed_over_expected;
    judged.measures[kInTheLarge] = all.in_the_large;
    judged.measures[kIntercept] = evaluation.recalibration.intercept;
    judged.measures[kSlope] = evaluation.recalibration.slope;
    judged.trouble = evaluation.recalibration.trouble;
    judged.mismatch = ExpectedAndHappened(all.predicted * all.rows, all.events);
    return judged;
  }

  evaluate::EvaluatePlan judge_;
};

}  // namespace

Result<std::unique_ptr<Model>> MakeLogisticModel(const Settings& settings,
                                                 const Contract& contract) {
  evaluate::EvaluatePlan judge;
  TRY_STATUS(evaluate::ParseBins(settings, judge));
  TRY(glm::RegressionPlan plan, glm::ParseRegression(settings, contract, *MakeLogisticFamily()));
  // A number between 0 and 1 would be neither an event nor none.
  plan.design.rules[0].whole = true;
  judge.design = plan.design;
  return std::make_unique<LogisticModel>(std::move(plan), std::move(judge));
}

}  // namespace consilium::validate
