// The validated linear regression: all that judges it are sums of outcomes, predictions and errors,
// which one round brings.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/glm/inference.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/linear/linear.h"
#include "protocols/analyses/validate/glm_model.h"
#include "protocols/analyses/validate/predictor.h"

namespace consilium::validate {
namespace {

enum : std::size_t {
  kMeanObserved,
  kMeanPredicted,
  kRSquared,
  kRmse,
  kRecalibrated,
  kInTheLarge,
  kIntercept,
  kSlope
};

/// Numbers that differ by less than this part of the training rows' variance are equal.
constexpr double kNoSpread = 1e-9;

Layout LinearLayout() {
  Layout layout;
  layout.measures = {
      {.field = "mean_observed", .name = "mean outcome", .has_limits = false},
      {.field = "mean_predicted", .name = "mean prediction", .has_limits = false},
      {.field = "r_squared", .name = "R squared", .width = 10, .has_optimism = true},
      {.field = "rmse", .name = "RMSE", .form = "%.4g", .width = 10, .has_optimism = true},
      {.field = "recalibrated_r_squared",
       .name = "R squared after recalibration",
       .validated = Over::kFolds,
       .held_out_only = true},
      kInTheLargeKind,
      kInterceptKind,
      kSlopeKind};
  layout.measures[kInTheLarge].form = "%.3g";
  layout.shown = {kRSquared, kRmse};
  layout.discrimination = kRecalibrated;
  layout.in_the_large = kInTheLarge;
  layout.slope = kSlope;
  layout.has_events = false;
  layout.measures_in_words = "R squared, root mean squared error, calibration";
  layout.in_the_large_width = 18;
  return layout;
}

/// How outcomes and predictions enter the sums, as (x - centre) / scale; errors as error / scale.
struct Unit {
  double centre = 0;
  double scale = 1;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(centre, scale);
  }
};

/// Sums over rows, in these units: y outcomes, p predictions, e = y - p.
struct Sums {
  double rows = 0;
  double patients = 0;
  double y = 0;
  double yy = 0;
  double e = 0;
  double ee = 0;
  double eeee = 0;
  double p = 0;
  double pp = 0;
  double pe = 0;
};
constexpr std::size_t kSums = 10;

std::vector<Slice> DescribeSums(const Unit& unit,
                                const Predictor& predictor,
                                const glm::Design& design) {
  const auto rows = static_cast<double>(design.maximum_rows);
  const double y = glm::StandardisedBound(design.outcome_minimum, design.outcome_maximum,
                                          unit.centre, unit.scale);
  const double p =
      glm::StandardisedBound(predictor.minimum(), predictor.maximum(), unit.centre, unit.scale);
  const double e = y + p;
  std::vector<Slice> slices = glm::CohortSlices(rows);
  const auto add = [&](const char* name, const char* meaning, double bound) {
    slices.push_back(glm::RealSlice(name, "1", meaning, 1, rows * bound));
  };
  add("outcome sum", "the outcome's sum over all rows, shifted and scaled", y);
  add("outcome squares", "the outcome's sum of squares, shifted and scaled", y * y);
  add("errors", "the sum of outcome less prediction, scaled", e);
  add("squared errors", "the sum of squares of outcome less prediction, scaled", e * e);
  add("fourth powers of errors",
      "the sum of squares of the squared errors, for the standard error of their mean",
      e * e * e * e);
  add("predicted", "the sum of the predictions, shifted and scaled", p);
  add("predicted squares", "the sum of squares of the predictions, shifted and scaled", p * p);
  add("predicted by error", "the sum of prediction times error, for the calibration slope", p * e);
  return slices;
}

/// The site's half of a judgement.
class Answering final : public PreparedQuery {
 public:
  Answering(const Unit& unit, Predictor predictor, const glm::Design& design)
      : unit_(unit), predictor_(std::move(predictor)), design_(design) {}

  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    TRY_STATUS(glm::CheckCohort(design_, cohort));
    Sums sums;
    sums.patients = static_cast<double>(cohort.patients);
    const double* row = cohort.values.data();
    for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
      const double predicted = predictor_.Of(row);
      const double y = (row[0] - unit_.centre) / unit_.scale;
      const double p = (predicted - unit_.centre) / unit_.scale;
      const double e = (row[0] - predicted) / unit_.scale;
      sums.rows += 1;
      sums.y += y;
      sums.yy += y * y;
      sums.e += e;
      sums.ee += e * e;
      sums.eeee += e * e * e * e;
      sums.p += p;
      sums.pp += p * p;
      sums.pe += p * e;
    }
    const double all[kSums] = {sums.rows, sums.patients, sums.y, sums.yy, sums.e,
                               sums.ee,   sums.eeee,     sums.p, sums.pp, sums.pe};
    std::copy(std::begin(all), std::end(all), values.begin());
    return {};
  }

 private:
  const Unit unit_;
  const Predictor predictor_;
  const glm::Design& design_;
};

/// About the mean of n numbers, from sums; 0 where they are equal but for rounding.
double SpreadOf(double rows, double sum, double squares) {
  const double spread = squares - sum * (sum / rows);
  return spread > kNoSpread * rows ? spread : 0;
}

Measure Alone(double estimate) { return {estimate, {}, {}, {}}; }

/// With Student's t, as R's lm and t.test; without limits where there are no degrees of freedom.
Measure StudentMeasure(double estimate, double variance, double df, double confidence) {
  if (!(df > 0)) return Alone(estimate);
  const glm::Coefficient line =
      glm::StudentLine("", estimate, std::sqrt(std::max(0.0, variance)), df, confidence);
  return {estimate, line.std_error, line.low, line.high};
}

/// The root of the mean of squares, its standard error by the delta method.
Measure RootMeasure(double rows, double squares, double fourths, double scale, double confidence) {
  const Measure mean = evaluate::MeanMeasure(rows, squares, fourths, confidence);
  const double root = std::sqrt(std::max(0.0, mean.estimate));
  if (!mean.std_error || !(root > 0)) return Alone(scale * root);
  Measure measure =
      evaluate::WaldMeasure(scale * root, scale * *mean.std_error / (2 * root), confidence);
  measure.low = std::max(0.0, *measure.low);
  return measure;
}

/// Of the outcome about its mean on the same rows; nothing where outcomes are equal.
std::optional<Measure> RSquared(double left, double spread) {
  if (!(spread > 0)) return {};
  return Alone(1 - left / spread);
}

/// What Together needs of a part of the rows, in the outcome's own unit.
enum : std::size_t { kRows, kMean, kSpread, kPredicted, kSquares, kFourths, kTogether };

class LinearModel final : public GlmModel {
 public:
  explicit LinearModel(glm::RegressionPlan plan)
      : GlmModel(std::move(plan), &MakeLinearFamily, LinearLayout()) {}

  double EventsIn(const CohortView&) const override { return 0; }

  std::vector<Query> Samples(Phase phase) const override {
    if (phase == Phase::kFit) return FitSamples();
    const double width = design().outcome_maximum - design().outcome_minimum;
    return {Query{Encode(Unit{design().outcome_minimum + width / 2, width / 2})}};
  }

  std::uint32_t judging_rounds() const override { return 2; }

  Result<Judged> Judge(Federation& federation, const Fitted& fitted, Phase phase) const override {
    const Unit unit{fitted.outcome_mean, fitted.outcome_deviation};
    TRY(const std::vector<double> v, Ask(federation, Query{Encode(unit)}, kSums));
    const Sums sums{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]};
    const double n = sums.rows;
    const double s = unit.scale;
    const double spread = SpreadOf(n, sums.y, sums.yy);
    Judged judged = Nothing();
    judged.sums.assign(kTogether, 0.0);
    judged.sums[kRows] = n;
    judged.sums[kMean] = unit.centre + s * (sums.y / n);
    judged.sums[kSpread] = s * s * spread;
    judged.sums[kPredicted] = n * (unit.centre + s * (sums.p / n));
    judged.sums[kSquares] = s * s * sums.ee;
    judged.sums[kFourths] = s * s * s * s * sums.eeee;
    SetMeans(judged.sums, judged);
    judged.measures[kRSquared] = RSquared(sums.ee, spread);
    judged.measures[kRmse] = RootMeasure(n, sums.ee, sums.eeee, s, confidence());
    if (phase == Phase::kHeldOut) Calibrate(sums, unit, spread, judged);
    return judged;
  }

  Result<Judged> Together(const std::vector<const Judged*>& folds) const override {
    std::vector<double> all(kTogether, 0.0);
    double outcomes = 0;
    for (const Judged* fold : folds) {
      for (const std::size_t k : {kRows, kPredicted, kSquares, kFourths}) all[k] += fold->sums[k];
      outcomes += fold->sums[kRows] * fold->sums[kMean];
    }
    all[kMean] = outcomes / all[kRows];
    for (const Judged* fold : folds) {
      const double away = fold->sums[kMean] - all[kMean];
      all[kSpread] += fold->sums[kSpread] + fold->sums[kRows] * away * away;
    }
    Judged judged = Nothing();
    SetMeans(all, judged);
    judged.measures[kRSquared] = RSquared(all[kSquares], all[kSpread]);
    judged.measures[kRmse] = RootMeasure(all[kRows], all[kSquares], all[kFourths], 1, confidence());
    judged.unit = std::sqrt(all[kSpread] / std::max(1.0, all[kRows] - 1));
    judged.sums = std::move(all);
    return judged;
  }

 private:
  Result<Asked> ReadJudging(Phase,
                            const std::vector<double>& coefficients,
                            const Query& query) const override {
    Result<Unit> unit = Decode<Unit>(query.body);
    if (!unit) return NoQuestion(unit.error().message);
    if (!std::isfinite(unit->centre) || !std::isfinite(unit->scale) || !(unit->scale > 0)) {
      return NoQuestion("it holds a number that makes no sense");
    }
    Predictor predictor(design(), coefficients[0], std::span(coefficients).subspan(1));
    Asked asked;
    asked.slices = DescribeSums(*unit, predictor, design());
    TRY_STATUS(glm::CheckBounds(asked.slices));
    asked.site = std::make_unique<Answering>(*unit, std::move(predictor), design());
    return asked;
  }

  static void SetMeans(const std::vector<double>& sums, Judged& judged) {
    judged.measures[kMeanObserved] = Alone(sums[kMean]);
    judged.measures[kMeanPredicted] = Alone(sums[kPredicted] / sums[kRows]);
  }

  /// The mean error, and the least-squares line of outcomes on predictions. Since outcomes are
  /// predictions and errors, its slope is 1 and that of errors on predictions.
  void Calibrate(const Sums& sums, const Unit& unit, double spread, Judged& judged) const {
    const double n = sums.rows;
    const double s = unit.scale;
    const double errors = std::max(0.0, sums.ee - sums.e * (sums.e / n));
    const double error = s * (sums.e / n);
    judged.unit = s * std::sqrt(spread / std::max(1.0, n - 1));
    char text[64];
    std::snprintf(text, sizeof text, "by %.3g on average", std::abs(error));
    judged.mismatch = text;
    judged.measures[kInTheLarge] =
        StudentMeasure(error, s * s * errors / ((n - 1) * n), n - 1, confidence());
    const double predictions = SpreadOf(n, sums.p, sums.pp);
    if (!(predictions > 0)) {
      judged.trouble = "Calibration: the predictions are all the same, so there is no slope.";
      return;
    }
    const double products = sums.pe - sums.p * (sums.e / n);
    const double tilt = products / predictions;
    const double left = std::max(0.0, errors - products * tilt);
    const double variance = left / (n - 2);
    const double mean = unit.centre + s * (sums.p / n);
    const double away = mean / s;
    judged.measures[kSlope] = StudentMeasure(1 + tilt, variance / predictions, n - 2, confidence());
    judged.measures[kIntercept] =
        StudentMeasure(error - tilt * mean, s * s * variance * (1 / n + away * away / predictions),
                       n - 2, confidence());
    judged.measures[kRecalibrated] = RSquared(left, spread);
  }
};

}  // namespace

Result<std::unique_ptr<Model>> MakeLinearModel(const Settings& settings, const Contract& contract) {
  TRY(glm::RegressionPlan plan, glm::ParseRegression(settings, contract, *MakeLinearFamily()));
  return std::make_unique<LinearModel>(std::move(plan));
}

}  // namespace consilium::validate
