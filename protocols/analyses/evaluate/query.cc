#include "protocols/analyses/evaluate/query.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/wire.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::evaluate {
namespace {

constexpr std::size_t kMaxLevels = 2'000;

struct QueryMessage {
  EvaluateQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kCounts, Step::kRecalibrate>(query.step), query.slope,
            AtMost<kMaxLevels>(query.levels), AtMost<kMaxLevels + 3>(query.coefficients));
  }
};

std::string Groups(const EvaluatePlan& plan) {
  const std::size_t levels = plan.levels();
  if (levels == 0) return "1";
  return std::to_string(1 + levels) + " (all rows, then " + std::to_string(levels) +
         " levels of subgroups)";
}

Slice Counted(
    std::string name, std::string shape, std::string meaning, std::size_t count, double rows) {
  return {std::move(name), std::move(shape), std::move(meaning),
          Slot{Encoding::kCount, count, rows}};
}

void AppendErrors(const EvaluatePlan& plan, double rows, std::vector<Slice>& slices) {
  const std::size_t groups = plan.groups();
  const double loss = plan.LargestLogOdds() + 1;
  slices.push_back(glm::RealSlice("predicted", Groups(plan),
                                  "the sum of the predicted probabilities: how many events the "
                                  "predictions expect",
                                  groups, rows));
  slices.push_back(glm::RealSlice("squared errors", Groups(plan),
                                  "the sum of squared distances between predicted probability and "
                                  "outcome, for the Brier score",
                                  groups, rows));
  slices.push_back(glm::RealSlice("log losses", Groups(plan),
                                  "the sum of minus the logarithm of the probability that was "
                                  "predicted for what happened",
                                  groups, rows * loss));
  slices.push_back(glm::RealSlice("fourth powers of errors", "1",
                                  "the sum of squares of the squared distances, for the Brier "
                                  "score's standard error",
                                  1, rows));
  slices.push_back(glm::RealSlice("squared log losses", "1",
                                  "the sum of squares of the log losses, for their standard error",
                                  1, rows * loss * loss));
  slices.push_back(Counted("extreme predictions", "1",
                           "in how many rows the prediction is so near to 0 or 1 that its log odds "
                           "are held at a limit",
                           1, rows));
}

void AppendBins(const EvaluatePlan& plan, double rows, std::vector<Slice>& slices) {
  const std::size_t scores = plan.groups() * plan.score_bins;
  const std::string shape = Groups(plan) + " x " + std::to_string(plan.score_bins) + " bins";
  slices.push_back(Counted("score bins of events", shape,
                           "how many rows with the outcome have predicted log odds in each of "
                           "these bins, for the AUC; the sum over hospitals may count one patient "
                           "alone",
                           scores, rows));
  slices.push_back(Counted("score bins of others", shape,
                           "the same of the rows without the outcome", scores, rows));
  const std::string bins = std::to_string(plan.bins) + " bins";
  slices.push_back(Counted("bins of events", bins,
                           "how many rows with the outcome have a predicted probability in each of "
                           "these bins, for the calibration and decision curves",
                           plan.bins, rows));
  slices.push_back(
      Counted("bins of others", bins, "the same of the rows without the outcome", plan.bins, rows));
  slices.push_back(glm::RealSlice("predicted by bin", bins,
                                  "the sum of predicted probabilities in each of these bins",
                                  plan.bins, rows));
}

std::vector<Slice> DescribeCounts(const EvaluatePlan& plan) {
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  const std::size_t groups = plan.groups();
  std::vector<Slice> slices = {
      Counted("patients", "1", "how many different patients the cohort has", 1, rows),
      Counted("rows", Groups(plan), "how many rows there are", groups, rows),
      Counted("events", Groups(plan), "in how many rows the outcome is yes", groups, rows)};
  AppendErrors(plan, rows, slices);
  AppendBins(plan, rows, slices);
  return slices;
}

/// The largest linear predictor of any of the models.
double LargestEta(const EvaluateQuery& query, double log_odds) {
  double largest = 0;
  for (std::size_t j = 0; j < query.order(); ++j) {
    if (query.slope && j == 2) continue;
    double eta = log_odds + std::abs(query.coefficients[j]);
    if (query.slope && j == 1) eta += std::abs(query.coefficients[2]) * log_odds;
    largest = std::max(largest, eta);
  }
  return largest * glm::kSlack;
}

std::vector<Slice> DescribeDerivatives(const EvaluateQuery& query, const EvaluatePlan& plan) {
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  const double reach = std::max(1.0, plan.LargestLogOdds());
  // All rows' models, and each subgroup's.
  const double models = 2 + static_cast<double>(plan.subgroups.size());
  std::vector<Slice> slices = {
      Counted("patients", "1", "how many different patients the cohort has", 1, rows),
      Counted("rows", "1", "how many rows the cohort has", 1, rows)};
  slices.push_back(glm::RealSlice("deviance", "1",
                                  "how far the recalibrated predictions are from the outcomes, "
                                  "summed over all rows and recalibrations",
                                  1, rows * models * 2 * (LargestEta(query, reach) + 1)));
  slices.push_back(
      glm::RealSlice("score", std::to_string(query.order()),
                     "for each number that recalibrates (an intercept of all rows, an "
                     "intercept and a slope, an intercept of each level of subgroups), "
                     "in which direction it should move",
                     query.order(), rows * reach));
  slices.push_back(glm::RealSlice("weights", std::to_string(query.weights()),
                                  "for these numbers, how fast that changes, which gives the step "
                                  "and the standard errors",
                                  query.weights(), rows * 0.25 * reach * reach));
  return slices;
}

/// Takes what comes next from an answer or a sum.
class Taker {
 public:
  explicit Taker(std::span<double> values) : values_(values) {}
  ~Taker() { CHECK(values_.empty()); }
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

  std::span<double> operator()(std::size_t count) {
    const std::span<double> taken = values_.first(count);
    values_ = values_.subspan(count);
    return taken;
  }

 private:
  std::span<double> values_;
};

}  // namespace

Query EncodeQuery(const EvaluateQuery& query) { return Query{Encode(QueryMessage{query})}; }

Result<EvaluateQuery> DecodeQuery(const Query& query, const EvaluatePlan& plan) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  EvaluateQuery& result = message->query;
  const bool counts = result.step == Step::kCounts;
  const std::size_t expected = counts ? 0 : result.order();
  const bool rising = std::adjacent_find(result.levels.begin(), result.levels.end(),
                                         std::greater_equal<>()) == result.levels.end();
  const bool known = result.levels.empty() || result.levels.back() < plan.levels();
  if (result.coefficients.size() != expected || !rising || !known ||
      (counts && (result.slope || !result.levels.empty()))) {
    return Fail(ErrorCode::kInvalidArgument, "the query is not for this plan's subgroups");
  }
  if (!glm::AllFinite(result.coefficients)) {
    return Fail(ErrorCode::kInvalidArgument, "the query holds a number that makes no sense");
  }
  return std::move(result);
}

Result<std::vector<Slice>> DescribeQuery(const EvaluateQuery& query, const EvaluatePlan& plan) {
  std::vector<Slice> slices =
      query.step == Step::kCounts ? DescribeCounts(plan) : DescribeDerivatives(query, plan);
  TRY_STATUS(glm::CheckBounds(slices));
  return slices;
}

Counts SplitCounts(const EvaluatePlan& plan, std::span<double> values) {
  Taker take(values);
  const std::size_t groups = plan.groups();
  const std::size_t scores = groups * plan.score_bins;
  Counts counts;
  counts.patients = take(1);
  counts.rows = take(groups);
  counts.events = take(groups);
  counts.predicted = take(groups);
  counts.squares = take(groups);
  counts.losses = take(groups);
  counts.fourth_powers = take(1);
  counts.squared_losses = take(1);
  counts.extreme = take(1);
  counts.event_scores = take(scores);
  counts.other_scores = take(scores);
  counts.bin_events = take(plan.bins);
  counts.bin_others = take(plan.bins);
  counts.bin_predicted = take(plan.bins);
  return counts;
}

Derivatives SplitDerivatives(const EvaluateQuery& query, std::span<double> values) {
  Taker take(values);
  Derivatives derivatives;
  derivatives.patients = take(1);
  derivatives.rows = take(1);
  derivatives.deviance = take(1);
  derivatives.score = take(query.order());
  derivatives.weights = take(query.weights());
  return derivatives;
}

}  // namespace consilium::evaluate
