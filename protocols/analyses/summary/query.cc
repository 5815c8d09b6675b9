#include "protocols/analyses/summary/query.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/wire.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::summary {
namespace {

constexpr std::size_t kMaxMeans = 20'000;

struct QueryMessage {
  Step step = Step::kCounts;
  std::vector<double> means;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kCounts, Step::kSpread>(step), AtMost<kMaxMeans>(means));
  }
};

std::string Shape(std::size_t variables, std::size_t groups, const char* of) {
  return std::to_string(variables) + " " + of + " x " + std::to_string(groups) +
         (groups == 1 ? " group" : " groups");
}

/// Counts of which one row adds one to at most `touched`.
Slice Counts(std::string name,
             std::string shape,
             std::string meaning,
             std::size_t count,
             std::size_t touched,
             double rows) {
  return {std::move(name), std::move(shape), std::move(meaning),
          Slot{Encoding::kCount, count, rows}, std::sqrt(static_cast<double>(touched))};
}

/// Numbers of which one row adds one of at most 1 to at most `touched`.
Slice Sums(std::string name,
           std::string shape,
           std::string meaning,
           std::size_t count,
           std::size_t touched,
           double rows) {
  Slice slice = glm::RealSlice(std::move(name), std::move(shape), std::move(meaning), count, rows);
  slice.patient_l2 = std::sqrt(static_cast<double>(touched)) * glm::kSlack;
  return slice;
}

/// `reach`: the largest square of a number.
void AppendNumbers(const SummaryPlan& plan, double rows, double reach, std::vector<Slice>& slices) {
  const std::size_t count = plan.numbers.size();
  const std::size_t cells = count * plan.groups();
  if (count == 0) return;
  const std::string shape = Shape(count, plan.groups(), "variables");
  slices.push_back(Counts("present", shape,
                          "for each variable in numbers, how many rows have a value", cells, count,
                          rows));
  slices.push_back(Sums("sums", shape,
                        "for each variable in numbers, the sum over all rows, shifted and scaled",
                        cells, count, reach * rows));
  slices.push_back(Sums("squares", shape,
                        "for each variable in numbers, the sum of squares over all rows, for its "
                        "spread",
                        cells, count, reach * rows));
}

void AppendCounts(const SummaryPlan& plan, double rows, std::vector<Slice>& slices) {
  if (!plan.numbers.empty()) {
    slices.push_back(Counts("bins", Shape(plan.AllBins(), plan.groups(), "bins"),
                            "for each variable in numbers, how many rows lie in each part of its "
                            "range",
                            plan.AllBins() * plan.groups(), plan.numbers.size(), rows));
  }
  if (!plan.levels.empty()) {
    slices.push_back(Counts("levels", Shape(plan.AllLevels(), plan.groups(), "levels"),
                            "for each variable in levels, how many rows have each",
                            plan.AllLevels() * plan.groups(), plan.levels.size(), rows));
  }
  const std::size_t tested = plan.Tested().size();
  if (tested == 0) return;
  // What one patient changes in a quotient by n has no bound of use: none is stated.
  slices.push_back(glm::RealSlice(
      "strata", std::to_string(tested) + " variables x " + std::to_string(kStratumNumbers),
      "for each variable in two levels, what this hospital's table of it by the groups adds to "
      "Mantel and Haenszel's test and odds ratio",
      tested * kStratumNumbers, rows));
}

}  // namespace

Query EncodeQuery(const SummaryQuery& query) {
  return Query{Encode(QueryMessage{query.step, query.means})};
}

Result<SummaryQuery> DecodeQuery(const Query& query, const SummaryPlan& plan) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  const bool spread = message->step == Step::kSpread;
  if (message->means.size() != (spread ? plan.numbers.size() * plan.groups() : 0)) {
    return Fail(ErrorCode::kInvalidArgument, "the query is not for this number of variables");
  }
  const bool within = std::all_of(message->means.begin(), message->means.end(),
                                  [](double mean) { return std::abs(mean) <= 1; });
  if (!within || (spread && plan.numbers.empty())) {
    return Fail(ErrorCode::kInvalidArgument, "the query holds a number that makes no sense");
  }
  return SummaryQuery{message->step, std::move(message->means)};
}

std::vector<Slice> DescribeStep(Step step, const SummaryPlan& plan) {
  const auto rows = static_cast<double>(plan.maximum_rows);
  std::vector<Slice> slices;
  slices.push_back(
      Counts("patients", "1", "how many different patients the cohort has", 1, 1, rows));
  slices.push_back(Counts("rows", std::to_string(plan.groups() + 1),
                          plan.by ? "how many rows each group has, and how many are of none"
                                  : "how many rows the cohort has",
                          plan.groups() + 1, 1, rows));
  if (step == Step::kSpread) {
    // About a mean within the range, numbers are at most twice as large as about its middle. With
    // noise there is no such step.
    AppendNumbers(plan, rows, 4, slices);
    for (Slice& slice : slices) slice.patient_l2 = 0;
    return slices;
  }
  AppendNumbers(plan, rows, 1, slices);
  AppendCounts(plan, rows, slices);
  return slices;
}

Numbers Split(Step step, const SummaryPlan& plan, std::span<double> values) {
  const auto take = [&values](std::size_t count) {
    const std::span<double> taken = values.first(count);
    values = values.subspan(count);
    return taken;
  };
  const std::size_t cells = plan.numbers.size() * plan.groups();
  Numbers numbers;
  numbers.patients = take(1);
  numbers.rows = take(plan.groups() + 1);
  numbers.present = take(cells);
  numbers.sums = take(cells);
  numbers.squares = take(cells);
  if (step == Step::kCounts) {
    numbers.bins = take(plan.AllBins() * plan.groups());
    numbers.levels = take(plan.AllLevels() * plan.groups());
    numbers.strata = take(plan.Tested().size() * kStratumNumbers);
  }
  CHECK(values.empty());
  return numbers;
}

}  // namespace consilium::summary
