#include "protocols/analyses/validate/cox_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/cox/cox.h"
#include "protocols/analyses/cox/fit.h"
#include "protocols/analyses/cox/query.h"
#include "protocols/analyses/cox/render.h"
#include "protocols/analyses/cox/site.h"
#include "protocols/analyses/evaluate/recalibration.h"
#include "protocols/analyses/evaluate/survival_estimate.h"
#include "protocols/analyses/glm/newton.h"
#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/validate/predictor.h"

namespace consilium::validate {
namespace {

enum : std::size_t { kConcordance, kLogLikelihood, kNullLogLikelihood, kGain, kSlope };

Layout CoxLayout() {
  Layout layout;
  layout.measures = {
      {.field = "concordance",
       .name = "concordance",
       .width = 12,
       .validated = Over::kFolds,
       .has_optimism = true,
       .is_share = true},
      {.field = "log_likelihood", .name = "log partial likelihood", .has_limits = false},
      {.field = "null_log_likelihood", .name = "that without features", .has_limits = false},
      {.field = "log_likelihood_gain", .name = "gain", .has_limits = false},
      kSlopeKind};
  layout.shown = {kConcordance, kGain};
  layout.discrimination = kConcordance;
  layout.slope = kSlope;
  layout.no_discrimination = 0.5;
  layout.events = "in how many rows the event happened";
  layout.measures_in_words = "concordance, partial likelihood, calibration slope";
  return layout;
}

enum class Step : std::uint8_t {
  kSums = 1,  ///< The partial likelihood without features and with the predictions, and pairs.
  kSlope = 2  ///< The partial likelihood and its derivatives by the predictions' slope.
};

struct Message {
  Step step = Step::kSums;
  double slope = 0;  ///< Of kSlope.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kSums, Step::kSlope>(step), slope);
  }
};

/// Numbers of an answer of the regression on predictions: events and derivatives, or pairs.
constexpr std::size_t kDerivatives = cox::kCommonSums + 3;
constexpr std::size_t kPairs = cox::kCommonSums + 6;
/// Where they are in the sums of Step::kSums.
constexpr std::size_t kAtNull = 0;
constexpr std::size_t kAtOne = kDerivatives;
constexpr std::size_t kOfPairs = 2 * kDerivatives;
constexpr std::size_t kSums = kOfPairs + kPairs;

/// A model's hazards, relative to those of the middle of every range.
Predictor PredictorOf(const glm::Design& design, const std::vector<double>& coefficients) {
  double middle = 0;
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    const glm::Term& term = design.terms[j];
    middle += coefficients[j] * (term.minimum + (term.maximum - term.minimum) / 2);
  }
  return {design, -middle, coefficients};
}

/// What a message asks of the regression on predictions.
std::vector<cox::CoxQuery> QueriesOf(const Message& message) {
  const glm::Scaling as_they_are{{0}, {1}};
  if (message.step == Step::kSlope) {
    return {{cox::Step::kNewton, as_they_are, {message.slope}}};
  }
  return {{cox::Step::kNewton, as_they_are, {0}},
          {cox::Step::kNewton, as_they_are, {1}},
          {cox::Step::kConcordance, as_they_are, {1}}};
}

/// The site's half of a judgement: a Cox regression's own, of outcomes and predictions alone.
class Answering final : public PreparedQuery {
 public:
  static Result<Asked> Make(const Message& message, Predictor predictor, const cox::CoxPlan& plan) {
    std::unique_ptr<Answering> site(new Answering(message, std::move(predictor), plan));
    static const char* const kWhat[] = {" without features", " of the predictions", ""};
    Asked asked;
    for (std::size_t i = 0; i < site->queries_.size(); ++i) {
      TRY(std::vector<Slice> slices, cox::DescribeQuery(site->queries_[i], site->on_.design));
      for (std::size_t k = 0; k < slices.size(); ++k) {
        if (message.step == Step::kSums && k >= cox::kCommonSums) slices[k].name += kWhat[i];
        asked.slices.push_back(std::move(slices[k]));
      }
    }
    asked.site = std::move(site);
    return asked;
  }

  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    TRY_STATUS(glm::CheckCohort(plan_.design, cohort));
    const Cohort rows = RowsOn(predictor_, on_.design, cohort);
    auto next = values.begin();
    for (const cox::CoxQuery& query : queries_) {
      TRY(const Contribution contribution, cox::AnswerQuery(query, on_, rows));
      next = std::copy(contribution.values.begin(), contribution.values.end(), next);
    }
    return {};
  }

 private:
  Answering(const Message& message, Predictor predictor, const cox::CoxPlan& plan)
      : predictor_(std::move(predictor)),
        plan_(plan),
        on_{DesignOn(predictor_, plan.design), plan.ties, {}, plan.confidence},
        queries_(QueriesOf(message)) {}

  const Predictor predictor_;
  const cox::CoxPlan& plan_;
  const cox::CoxPlan on_;
  const std::vector<cox::CoxQuery> queries_;
};

/// The partial likelihood by the slope of given predictions.
class SlopeLikelihood final : public glm::SummedLikelihood {
 public:
  explicit SlopeLikelihood(Federation& federation) : federation_(federation) {}

  Result<glm::Evaluation> At(const std::vector<double>& coefficients) override {
    const Aggregate aggregate =
        federation_.Sum(Query{Encode(Message{Step::kSlope, coefficients[0]})});
    const std::vector<double>& values = aggregate.values;
    if (values.size() != kDerivatives) {
      return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
    }
    if (!(values[0] >= 0)) return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    glm::Evaluation evaluation;
    evaluation.rows = static_cast<std::uint64_t>(values[0]);
    evaluation.sites = aggregate.sites;
    evaluation.deviance = values[cox::kCommonSums];
    glm::ReadDerivatives(values.data() + cox::kCommonSums + 1, 1, evaluation);
    return evaluation;
  }

  bool IsLastStep(const glm::Evaluation&, double decrement) const override {
    return std::abs(decrement) <= cox::kDecrementConverged;
  }

  tl::unexpected<Error> NotIdentified(const glm::Dependence&) const override {
    return Fail(ErrorCode::kNotEstimable, "the predictions are as good as equal");
  }

 private:
  Federation& federation_;
};

class CoxModel final : public Model {
 public:
  CoxModel(std::unique_ptr<Analysis> regression, cox::CoxPlan plan)
      : Model(std::move(regression), CoxLayout()), plan_(std::move(plan)) {}

  const glm::Design& design() const override { return plan_.design; }
  double confidence() const override { return plan_.confidence; }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const glm::Term& term : design().terms) names.push_back(term.name);
    return names;
  }

  double EventsIn(const CohortView& rows) const override { return rows.values.col(0).sum(); }

  /// An event adds to the partial likelihood what tells its patient from others at risk.
  bool Adds(const CohortView& rows) const override {
    std::vector<double> times;
    for (Eigen::Index i = 0; i < rows.values.rows(); ++i) times.push_back(rows.values(i, 1));
    const cox::TimeOrder order = cox::OrderByTime(times);
    for (const cox::TiedRows& group : order.groups) {
      for (std::size_t i = group.begin; i < group.end; ++i) {
        const bool event = rows.values(static_cast<Eigen::Index>(order.order[i]), 0) > 0.5;
        if (event && group.end > 1) return true;
      }
    }
    return false;
  }

  std::vector<Query> Samples(Phase phase) const override {
    if (phase == Phase::kTraining) return {Query{Encode(Message{})}};
    if (phase == Phase::kHeldOut) {
      return {Query{Encode(Message{})}, Query{Encode(Message{Step::kSlope, 1})}};
    }
    cox::CoxQuery query;
    query.scaling = glm::ScalingByRange(design());
    std::vector<Query> samples = {cox::EncodeQuery(query)};
    query.coefficients.assign(design().terms.size(), 0.0);
    for (const cox::Step step : {cox::Step::kNewton, cox::Step::kConcordance}) {
      query.step = step;
      samples.push_back(cox::EncodeQuery(query));
    }
    return samples;
  }

  std::uint32_t judging_rounds() const override { return 2 + evaluate::kMostIterations; }

  Result<Fitted> Fit(Federation& federation) const override {
    TRY(const cox::CoxFit fit, cox::RunCox(federation, plan_));
    Fitted fitted;
    fitted.coefficients = fit.coefficients;
    fitted.trouble = cox::TroubleOf(fit, plan_);
    fitted.render = [this, fit] { return cox::Render(fit, plan_); };
    return fitted;
  }

  Result<Judged> Judge(Federation& federation, const Fitted&, Phase phase) const override {
    TRY(const std::vector<double> sums, Ask(federation, Query{Encode(Message{})}, kSums));
    const double* const p = sums.data() + kOfPairs + cox::kCommonSums;
    const cox::PairSums pairs{p[0], p[1], p[2], p[3], p[4], p[5]};
    const double null = -sums[kAtNull + cox::kCommonSums] / 2;
    const double fitted = -sums[kAtOne + cox::kCommonSums] / 2;
    Judged judged = MeasuresOf({sums[cox::kCommonSums - 1], fitted, null});
    if (!(pairs.concordant + pairs.discordant + pairs.tied > 0)) {
      judged.trouble =
          "There is no pair of patients of one hospital of whom it is known who had the event "
          "first: there is neither a concordance nor a calibration.";
      return judged;
    }
    judged.measures[kConcordance] = evaluate::ConcordanceMeasure(pairs, confidence());
    if (phase == Phase::kTraining) return judged;
    if (!(pairs.concordant > 0 && pairs.discordant > 0)) {
      judged.trouble =
          "Calibration: the predictions order all pairs of patients alike, so the slope has no "
          "limit.";
      return judged;
    }
    TRY_STATUS(Calibrate(federation, judged));
    return judged;
  }

  Result<Judged> Together(const std::vector<const Judged*>& folds) const override {
    std::vector<double> sums(folds.front()->sums.size(), 0.0);
    for (const Judged* fold : folds) {
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += fold->sums[k];
    }
    return MeasuresOf(std::move(sums));
  }

 private:
  Result<Asked> ReadJudging(Phase phase,
                            const std::vector<double>& coefficients,
                            const Query& query) const override {
    const Result<Message> message = Decode<Message>(query.body);
    if (!message) return NoQuestion(message.error().message);
    if (!std::isfinite(message->slope) || (message->step == Step::kSums && message->slope != 0)) {
      return NoQuestion("it holds a number that makes no sense");
    }
    if (phase == Phase::kTraining && message->step == Step::kSlope) {
      return NoQuestion("a model is not calibrated on its training rows");
    }
    return Answering::Make(*message, PredictorOf(design(), coefficients), plan_);
  }

  /// From events, log partial likelihood, and that without features.
  Judged MeasuresOf(std::vector<double> sums) const {
    Judged judged = Nothing();
    judged.measures[kLogLikelihood] = Measure{sums[1], {}, {}, {}};
    judged.measures[kNullLogLikelihood] = Measure{sums[2], {}, {}, {}};
    if (sums[0] > 0) judged.measures[kGain] = Measure{(sums[1] - sums[2]) / sums[0], {}, {}, {}};
    judged.sums = std::move(sums);
    return judged;
  }

  Status Calibrate(Federation& federation, Judged& judged) const {
    SlopeLikelihood likelihood(federation);
    glm::NewtonOptions options;
    options.maximum_evaluations = evaluate::kMostIterations;
    options.penalties = {0};
    options.first_step = {1};
    Result<glm::Maximum> maximum = glm::Maximise(likelihood, options);
    if (!maximum && maximum.error().code != ErrorCode::kNotEstimable) {
      return tl::unexpected<Error>(std::move(maximum).error());
    }
    if (!maximum) {
      judged.trouble = "Calibration: " + maximum.error().message + ".";
    } else if (!maximum->converged) {
      judged.trouble = "Calibration: Newton's method did not come to an end in " +
                       glm::Counted(maximum->evaluations, "round", "rounds") + ".";
    } else {
      judged.measures[kSlope] = evaluate::WaldMeasure(
          maximum->coefficients[0], std::sqrt(maximum->inverse(0, 0)), confidence());
    }
    return {};
  }

  cox::CoxPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Model>> MakeCoxModel(const Settings& settings, const Contract& contract) {
  TRY(cox::CoxPlan plan, cox::ParseCoxPlan(settings, contract));
  TRY(std::unique_ptr<Analysis> regression, cox::MakeCox(settings, contract));
  return std::make_unique<CoxModel>(std::move(regression), std::move(plan));
}

}  // namespace consilium::validate
