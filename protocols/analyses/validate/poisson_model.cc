// The validated Poisson regression: one round of sums, then a Poisson regression of counts on the
// predicted logarithms recalibrates.

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/glm/fit.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/analyses/glm/site.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/poisson/poisson.h"
#include "protocols/analyses/validate/glm_model.h"
#include "protocols/analyses/validate/predictor.h"

namespace consilium::validate {
namespace {

enum : std::size_t {
  kObserved,
  kExpected,
  kDeviance,
  kDSquared,
  kObservedOverExpected,
  kRecalibrated,
  kInTheLarge,
  kIntercept,
  kSlope
};

/// A predicted logarithm above counts as this: 1e13 events of one patient are no prediction, and
/// their sums keep a bound.
constexpr double kLargestLog = 30;

Layout PoissonLayout() {
  Layout layout;
  layout.measures = {
      {.field = "observed", .name = "observed", .has_limits = false},
      {.field = "expected", .name = "expected", .has_limits = false},
      {.field = "deviance", .name = "deviance", .form = "%.4g", .has_optimism = true},
      {.field = "d_squared", .name = "D squared", .width = 10, .has_optimism = true},
      {.field = "observed_over_expected", .name = "observed/expected"},
      {.field = "recalibrated_d_squared",
       .name = "D squared after recalibration",
       .validated = Over::kFolds,
       .held_out_only = true},
      kInTheLargeKind,
      kInterceptKind,
      kSlopeKind};
  layout.shown = {kDSquared};
  layout.discrimination = kRecalibrated;
  layout.in_the_large = kInTheLarge;
  layout.slope = kSlope;
  layout.events = "in how many rows the count is above 0";
  layout.measures_in_words = "mean deviance, D squared, observed over expected events, calibration";
  return layout;
}

enum class Step : std::uint8_t {
  kSums = 1,        ///< How far predictions are from counts.
  kRecalibrate = 2  ///< A question of the regression on predictions.
};

struct Message {
  Step step = Step::kSums;
  Bytes inner;  ///< Of kRecalibrate.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kSums, Step::kRecalibrate>(step), AtMost<256>(inner));
  }
};

/// rows, patients, counts, expected, deviance, squares of deviances, counts' logarithms.
constexpr std::size_t kSums = 7;

std::vector<Slice> DescribeSums(const glm::Family& family,
                                const Predictor& predictor,
                                const glm::Design& design) {
  const auto rows = static_cast<double>(design.maximum_rows);
  const double most = design.outcome_maximum;
  const double eta = std::max(std::abs(predictor.minimum()), std::abs(predictor.maximum()));
  const glm::RowBounds row = family.Bounds(eta, most, kLargestLog);
  std::vector<Slice> slices = glm::CohortSlices(rows);
  slices.push_back(glm::RealSlice("counts", "1", "the sum of the counts over all rows", 1,
                                  rows * std::max(1.0, most)));
  slices.push_back(glm::RealSlice(
      "expected", "1", "the sum of the predicted counts: how many events the predictions expect", 1,
      rows * row.weight));
  slices.push_back(glm::RealSlice("deviance", "1",
                                  "how far the predictions are from the counts, summed over all "
                                  "rows",
                                  1, rows * row.deviance));
  slices.push_back(glm::RealSlice("squared deviances", "1",
                                  "the sum of the squares of that, for the standard error of its "
                                  "mean",
                                  1, rows * row.deviance * row.deviance));
  slices.push_back(
      glm::RealSlice("outcome logs", "1",
                     "the sum of count times its logarithm, for the deviance without any feature",
                     1, rows * std::max(1.0, most) * std::max(1.0, most)));
  return slices;
}

/// The site's half of kSums.
class Summing final : public PreparedQuery {
 public:
  Summing(const glm::Family& family, Predictor predictor, const glm::Design& design)
      : family_(family), predictor_(std::move(predictor)), design_(design) {}

  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    TRY_STATUS(glm::CheckCohort(design_, cohort));
    std::fill(values.begin(), values.end(), 0.0);
    values[1] = static_cast<double>(cohort.patients);
    const double* row = cohort.values.data();
    for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
      const double y = row[0];
      const glm::RowTerms terms = family_.AtRow(predictor_.Of(row), y, kLargestLog);
      values[0] += 1;
      values[2] += y;
      values[3] += terms.weight;
      values[4] += terms.deviance;
      values[5] += terms.deviance * terms.deviance;
      values[6] += y > 0 ? y * std::log(y) : 0.0;
    }
    return {};
  }

 private:
  const glm::Family& family_;
  const Predictor predictor_;
  const glm::Design& design_;
};

/// The site's half of kRecalibrate: a regression's own, of outcomes and predictions alone.
class Recalibrating final : public PreparedQuery {
 public:
  static Result<Asked> Make(const Bytes& inner,
                            const Predictor& predictor,
                            const glm::Family& family,
                            const glm::Design& design) {
    std::unique_ptr<Recalibrating> site(new Recalibrating(predictor, design));
    TRY(glm::GlmQuery query, glm::DecodeQuery(Query{inner}, site->on_, family));
    Asked asked;
    TRY(asked.slices, glm::DescribeQuery(query, site->on_, family));
    TRY(glm::GlmSiteQuery regression, glm::GlmSiteQuery::Make(std::move(query), site->on_, family));
    site->regression_.emplace(std::move(regression));
    asked.site = std::move(site);
    return asked;
  }

  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    TRY_STATUS(glm::CheckCohort(design_, cohort));
    return regression_->Answer(RowsOn(predictor_, on_, cohort), values);
  }

 private:
  Recalibrating(const Predictor& predictor, const glm::Design& design)
      : predictor_(predictor), design_(design), on_(DesignOn(predictor, design)) {}

  const Predictor predictor_;
  const glm::Design& design_;
  const glm::Design on_;
  std::optional<glm::GlmSiteQuery> regression_;  ///< Of on_.
};

/// Asks a regression's questions as questions of a recalibration.
class RecalibratingFederation final : public Federation {
 public:
  explicit RecalibratingFederation(Federation& federation) : federation_(federation) {}
  Aggregate Sum(const Query& query) override {
    return federation_.Sum(Query{Encode(Message{Step::kRecalibrate, query.body})});
  }

 private:
  Federation& federation_;
};

class PoissonModel final : public GlmModel {
 public:
  explicit PoissonModel(glm::RegressionPlan plan)
      : GlmModel(std::move(plan), &MakePoissonFamily, PoissonLayout()) {}

  double EventsIn(const CohortView& rows) const override {
    double events = 0;
    for (Eigen::Index i = 0; i < rows.values.rows(); ++i) events += rows.values(i, 0) > 0 ? 1 : 0;
    return events;
  }

  std::vector<Query> Samples(Phase phase) const override {
    if (phase == Phase::kFit) return FitSamples();
    std::vector<Query> samples = {Query{Encode(Message{})}};
    if (phase == Phase::kTraining) return samples;
    const std::vector<double> slopes(design().terms.size(), 0.0);
    glm::GlmQuery query = glm::FirstQuery(DesignOn({design(), 0, slopes}, design()), family());
    for (const glm::Step step : {glm::Step::kMoments, glm::Step::kStart, glm::Step::kNewton}) {
      query.step = step;
      if (step == glm::Step::kNewton) query.coefficients = {0, 0};
      samples.push_back(Query{Encode(Message{Step::kRecalibrate, glm::EncodeQuery(query).body})});
    }
    return samples;
  }

  std::uint32_t judging_rounds() const override {
    return 2 + glm::kMomentRounds + glm::FitOptions{}.maximum_iterations;
  }

  Result<Judged> Judge(Federation& federation, const Fitted& fitted, Phase phase) const override {
    TRY(std::vector<double> sums, Ask(federation, Query{Encode(Message{})}, kSums));
    Judged judged = MeasuresOf(std::move(sums));
    if (phase == Phase::kTraining) return judged;
    const double observed = judged.sums[2];
    const double expected = judged.sums[3];
    if (!(observed > 0)) {
      judged.trouble = "Calibration: there is no count above 0.";
      return judged;
    }
    // The maximum-likelihood intercept beside predictions whose slope is 1.
    if (expected > 0) {
      judged.measures[kInTheLarge] = evaluate::WaldMeasure(std::log(observed / expected),
                                                           1 / std::sqrt(observed), confidence());
    }
    TRY_STATUS(Recalibrate(federation, fitted, judged));
    return judged;
  }

  Result<Judged> Together(const std::vector<const Judged*>& folds) const override {
    std::vector<double> sums(kSums, 0.0);
    for (const Judged* fold : folds) {
      for (std::size_t k = 0; k < kSums; ++k) sums[k] += fold->sums[k];
    }
    return MeasuresOf(std::move(sums));
  }

 private:
  Result<Asked> ReadJudging(Phase phase,
                            const std::vector<double>& coefficients,
                            const Query& query) const override {
    Result<Message> message = Decode<Message>(query.body);
    if (!message) return NoQuestion(message.error().message);
    Predictor predictor(design(), coefficients[0], std::span(coefficients).subspan(1));
    if (message->step == Step::kRecalibrate) {
      if (phase == Phase::kTraining) {
        return NoQuestion("a model is not calibrated on its training rows");
      }
      return Recalibrating::Make(message->inner, predictor, family(), design());
    }
    if (!message->inner.empty()) return NoQuestion("it has bytes that nothing needs");
    Asked asked;
    asked.slices = DescribeSums(family(), predictor, design());
    TRY_STATUS(glm::CheckBounds(asked.slices));
    asked.site = std::make_unique<Summing>(family(), std::move(predictor), design());
    return asked;
  }

  /// Of the deviance that a constant rate leaves on the same rows.
  static std::optional<Measure> DSquared(double deviance, const std::vector<double>& sums) {
    const double total = sums[2];
    if (!(total > 0)) return {};
    const double constant = 2 * (sums[6] - total * std::log(total / sums[0]));
    // Counts that are all the same leave rounding.
    if (!(constant > 1e-9 * total)) return {};
    return Measure{1 - deviance / constant, {}, {}, {}};
  }

  Judged MeasuresOf(std::vector<double> sums) const {
    const double observed = sums[2];
    const double expected = sums[3];
    Judged judged = Nothing();
    judged.measures[kObserved] = Measure{observed, {}, {}, {}};
    judged.measures[kExpected] = Measure{expected, {}, {}, {}};
    judged.measures[kDeviance] = evaluate::MeanMeasure(sums[0], sums[4], sums[5], confidence());
    judged.measures[kDSquared] = DSquared(sums[4], sums);
    if (observed > 0 && expected > 0) {
      const double ratio = observed / expected;
      const Measure log =
          evaluate::WaldMeasure(std::log(ratio), 1 / std::sqrt(observed), confidence());
      judged.measures[kObservedOverExpected] =
          Measure{ratio, ratio * *log.std_error, std::exp(*log.low), std::exp(*log.high)};
    }
    judged.mismatch = ExpectedAndHappened(expected, observed);
    judged.sums = std::move(sums);
    return judged;
  }

  /// log mean = a + b x, x being the predicted logarithm.
  Status Recalibrate(Federation& federation, const Fitted& fitted, Judged& judged) const {
    const std::vector<double>& c = fitted.coefficients;
    const Predictor predictor(design(), c[0], std::span(c).subspan(1));
    const glm::Design on = DesignOn(predictor, design());
    RecalibratingFederation recalibrating(federation);
    Result<glm::Fit> fit = glm::RunFit(recalibrating, on, family(), {});
    if (!fit && fit.error().code != ErrorCode::kNotEstimable) {
      return tl::unexpected<Error>(std::move(fit).error());
    }
    if (!fit) {
      judged.trouble = "Calibration: " + fit.error().message + ".";
    } else if (!fit->separated.empty()) {
      judged.trouble =
          "Calibration: the predictions are all the same, or separate counts of 0 from the others, "
          "so there is no slope.";
    } else if (!fit->converged) {
      judged.trouble = "Calibration: Newton's method did not come to an end in " +
                       glm::Counted(fit->iterations, "round", "rounds") + ".";
    } else {
      const auto measure = [&](std::size_t j) {
        return evaluate::WaldMeasure(fit->coefficients[j], std::sqrt(fit->covariance(j, j)),
                                     confidence());
      };
      judged.measures[kIntercept] = measure(0);
      judged.measures[kSlope] = measure(1);
      judged.measures[kRecalibrated] = DSquared(fit->deviance, judged.sums);
    }
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Model>> MakePoissonModel(const Settings& settings,
                                                const Contract& contract) {
  TRY(glm::RegressionPlan plan, glm::ParseRegression(settings, contract, *MakePoissonFamily()));
  return std::make_unique<PoissonModel>(std::move(plan));
}

}  // namespace consilium::validate
