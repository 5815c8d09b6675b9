#include "protocols/analyses/evaluate/survival_query.h"

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

/// All rows, and 20 subgroups of 100 levels.
constexpr std::size_t kMaxGroups = 2'001;

struct QueryMessage {
  SurvivalQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<SurvivalStep::kCounts, SurvivalStep::kSlope>(query.step), query.centre,
            query.scale, AtMost<kMaxGroups>(query.groups), AtMost<kMaxGroups>(query.coefficients));
  }
};

std::string InGroups(std::size_t groups) {
  return groups == 1 ? "all rows"
                     : std::to_string(groups) + " (all rows, then levels of subgroups)";
}

Slice Counted(std::string name, std::string meaning, std::size_t count, double rows) {
  return {std::move(name), InGroups(count), std::move(meaning),
          Slot{Encoding::kCount, count, rows}};
}

double LargestScore(const SurvivalQuery& query, const SurvivalPlan& plan) {
  const SurvivalPlan::Range range = plan.Scores();
  return glm::StandardisedBound(range.minimum, range.maximum, query.centre, query.scale);
}

void AppendCounts(const SurvivalQuery& query,
                  const SurvivalPlan& plan,
                  double rows,
                  std::vector<Slice>& slices) {
  const double largest = LargestScore(query, plan);
  slices.push_back(glm::RealSlice("score sum", "1",
                                  "the sum of the risk scores, for their mean: scores are centred "
                                  "and scaled before they are compared with outcomes",
                                  1, rows * largest));
  slices.push_back(glm::RealSlice("score squares", "1",
                                  "the sum of their squares, for their standard deviation", 1,
                                  rows * largest * largest));
}

void AppendPairs(std::size_t groups, double rows, std::vector<Slice>& slices) {
  slices.push_back(glm::RealSlice(
      "pairs", "3 (concordant, discordant, tied) for " + InGroups(groups),
      "of all pairs of this site's patients of whom it is known who had the event first: in how "
      "many that one has the higher, the lower or the same score",
      3 * groups, rows * rows));
  slices.push_back(glm::RealSlice(
      "pairs' spread", "3 for " + InGroups(groups),
      "sums over patients of squares and products of their numbers of such pairs, for the standard "
      "error of the concordance",
      3 * groups, rows * rows * rows));
  slices.push_back({"events out of order", "2 for " + InGroups(groups),
                    "at how many events a patient at risk at this site has a higher score than the "
                    "one with the event, and at how many a lower one: without both there is no "
                    "calibration slope",
                    Slot{Encoding::kCount, 2 * groups, rows}});
}

/// An event adds its linear predictor less the logarithm of a sum of at most `rows` exponentials,
/// its score less a weighted mean of scores, and a weighted variance of scores.
void AppendSlope(const SurvivalQuery& query,
                 const SurvivalPlan& plan,
                 double rows,
                 std::vector<Slice>& slices) {
  const double largest = LargestScore(query, plan);
  double eta = 0;
  for (const double b : query.coefficients) eta = std::max(eta, std::abs(b) * largest);
  // At least log(rows), by arithmetic that is the same on every machine.
  const double log_rows = std::ilogb(rows) + 1;
  // All rows, and each subgroup, whose levels share the rows.
  const double models = 1 + static_cast<double>(plan.subgroups.size());
  const std::size_t order = query.groups.size();
  slices.push_back(glm::RealSlice(
      "deviance", "1",
      "-2 times the logarithm of the partial likelihood of Cox models with the score as their only "
      "term: how far these are from the order in which this site's events came",
      1, rows * models * 2 * (2 * eta * glm::kSlack + log_rows)));
  slices.push_back(glm::RealSlice(
      "score", InGroups(order),
      "for each such model, in which direction its slope should move: the difference between the "
      "patient with the event and the mean of those at risk at this site, summed over its events",
      order, rows * 2 * largest));
  slices.push_back(glm::RealSlice(
      "information", InGroups(order),
      "for each slope, the variance of scores among the patients at risk at this site, summed over "
      "its events, which gives the step and the standard error",
      order, rows * largest * largest));
}

bool IsRising(const std::vector<std::uint32_t>& groups) {
  return std::adjacent_find(groups.begin(), groups.end(), std::greater_equal<>()) == groups.end();
}

}  // namespace

Query EncodeSurvivalQuery(const SurvivalQuery& query) { return Query{Encode(QueryMessage{query})}; }

Result<SurvivalQuery> DecodeSurvivalQuery(const Query& query, const SurvivalPlan& plan) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  SurvivalQuery& result = message->query;
  const bool of_all = result.step == SurvivalStep::kCounts;
  const bool known = result.groups.empty() || result.groups.back() < plan.groups();
  const std::size_t coefficients = result.step == SurvivalStep::kSlope ? result.groups.size() : 0;
  if (result.groups.empty() != of_all || !IsRising(result.groups) || !known ||
      result.coefficients.size() != coefficients) {
    return Fail(ErrorCode::kInvalidArgument, "the query is not for this plan's subgroups");
  }
  const bool scaled = std::isfinite(result.centre) && std::isfinite(result.scale) &&
                      result.scale > 0 && glm::AllFinite(result.coefficients);
  // Pairs are of the scores themselves: one question is one sequence of bytes.
  const bool raw = result.centre == 0 && result.scale == 1;
  if (!scaled || (result.step == SurvivalStep::kPairs && !raw)) {
    return Fail(ErrorCode::kInvalidArgument, "the query holds a number that makes no sense");
  }
  return std::move(result);
}

Result<std::vector<Slice>> DescribeSurvivalQuery(const SurvivalQuery& query,
                                                 const SurvivalPlan& plan) {
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  const std::size_t counted = query.step == SurvivalStep::kCounts ? plan.groups() : 1;
  std::vector<Slice> slices = {
      Counted("patients", "how many different patients the cohort has", 1, rows),
      Counted("rows", "how many rows there are", counted, rows),
      Counted("events", "in how many rows the event happened", counted, rows)};
  switch (query.step) {
    case SurvivalStep::kCounts:
      AppendCounts(query, plan, rows, slices);
      break;
    case SurvivalStep::kPairs:
      AppendPairs(query.groups.size(), rows, slices);
      break;
    case SurvivalStep::kSlope:
      AppendSlope(query, plan, rows, slices);
      break;
  }
  TRY_STATUS(glm::CheckBounds(slices));
  return slices;
}

SurvivalSums SplitSurvivalSums(const SurvivalQuery& query,
                               const SurvivalPlan& plan,
                               std::span<double> values) {
  const auto take = [&values](std::size_t count) {
    const std::span<double> taken = values.first(count);
    values = values.subspan(count);
    return taken;
  };
  const bool counting = query.step == SurvivalStep::kCounts;
  const std::size_t groups = query.groups.size();
  SurvivalSums sums;
  sums.patients = take(1);
  sums.rows = take(counting ? plan.groups() : 1);
  sums.events = take(counting ? plan.groups() : 1);
  if (counting) {
    sums.score_sum = take(1);
    sums.score_squares = take(1);
  } else if (query.step == SurvivalStep::kPairs) {
    sums.pairs = take(3 * groups);
    sums.spread = take(3 * groups);
    sums.disorder = take(2 * groups);
  } else {
    sums.deviance = take(1);
    sums.score = take(groups);
    sums.information = take(groups);
  }
  CHECK(values.empty());
  return sums;
}

}  // namespace consilium::evaluate
