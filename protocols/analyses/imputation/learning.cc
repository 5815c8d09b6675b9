#include "protocols/analyses/imputation/learning.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/check.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::imputation {
namespace {

double MiddleOf(const ContractColumn& column) {
  return *column.minimum + (*column.maximum - *column.minimum) / 2;
}

double HalfRangeOf(const ContractColumn& column) { return (*column.maximum - *column.minimum) / 2; }

/// The lower median: the first bin with which half of the rows are reached.
std::size_t MedianBin(std::span<const double> counts, double known) {
  double reached = 0;
  for (std::size_t bin = 0; bin < counts.size(); ++bin) {
    reached += counts[bin];
    if (2 * reached >= known) return bin;
  }
  return counts.size() - 1;
}

/// The value of one column, from its numbers in the sum.
double ValueFrom(const ImputedColumn& column, double known, std::span<const double> numbers) {
  if (column.fill != Fill::kMean) {
    const auto bin = column.fill == Fill::kMedian
                         ? MedianBin(numbers, known)
                         : static_cast<std::size_t>(
                               std::max_element(numbers.begin(), numbers.end()) - numbers.begin());
    return column.ValueOf(bin);
  }
  const ContractColumn& contract = column.column;
  double mean = MiddleOf(contract) + HalfRangeOf(contract) * (numbers[0] / known);
  if (column.IsWhole()) mean = std::floor(mean + 0.5);
  return std::clamp(mean, *contract.minimum, *contract.maximum);
}

}  // namespace

std::vector<Slice> LearningSlices(const std::vector<ImputedColumn>& columns,
                                  std::uint64_t maximum_rows) {
  const auto most = static_cast<double>(maximum_rows);
  std::vector<Slice> slices = {glm::CountSlice("rows", "how many rows the cohort has", most)};
  for (const ImputedColumn& column : columns) {
    const std::string& name = column.column.name;
    slices.push_back(
        glm::CountSlice("known " + name, "how many of them have a value in " + name, most));
    if (column.fill == Fill::kMean) {
      slices.push_back(glm::RealSlice("sum of " + name, "1",
                                      "the sum of " + name +
                                          ", shifted and scaled, whose mean is "
                                          "put where it is missing",
                                      1, most));
      continue;
    }
    const std::string which = column.fill == Fill::kMedian ? "median" : "most frequent value";
    slices.push_back({"counts of " + name, std::to_string(column.bins()),
                      "how many rows have each value, or each interval of values, of " + name +
                          ", whose " + which +
                          " is put where it is missing; the sum over "
                          "hospitals may count one patient alone",
                      Slot{Encoding::kCount, column.bins(), most}});
  }
  return slices;
}

Status AnswerLearning(const std::vector<ImputedColumn>& columns,
                      const CohortView& cohort,
                      std::span<double> values) {
  std::fill(values.begin(), values.end(), 0.0);
  values[0] = static_cast<double>(cohort.values.rows());
  std::size_t at = 1;
  for (const ImputedColumn& column : columns) {
    const std::size_t numbers = column.fill == Fill::kMean ? 1 : column.bins();
    double& known = values[at];
    const std::span<double> sums = values.subspan(at + 1, numbers);
    at += 1 + numbers;
    const glm::ColumnRule rule = glm::RuleOf(column.column);
    for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
      const double value = cohort.values(row, static_cast<Eigen::Index>(column.in_cohort));
      if (std::isnan(value)) continue;
      if (!rule.Allows(value)) {
        return Fail(ErrorCode::kDataQuality,
                    "column \"" + column.column.name +
                        "\" has a value outside what the contract "
                        "allows, in row " +
                        std::to_string(row + 1) + " of the cohort",
                    "correct the data or the mapping in the source file");
      }
      known += 1;
      if (column.fill == Fill::kMean) {
        sums[0] += (value - MiddleOf(column.column)) / HalfRangeOf(column.column);
      } else {
        sums[column.BinOf(value)] += 1;
      }
    }
  }
  CHECK(at == values.size());
  return {};
}

Result<Learned> LearnFrom(const std::vector<ImputedColumn>& columns, const Aggregate& aggregate) {
  if (aggregate.values.size() != NumbersIn(LearningSlices(columns, 1))) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  const double rows = aggregate.values[0];
  std::span<const double> rest = std::span(aggregate.values).subspan(1);
  Learned learned;
  for (const ImputedColumn& column : columns) {
    const double known = rest[0];
    const std::size_t numbers = column.fill == Fill::kMean ? 1 : column.bins();
    if (!(known >= 0) || known > rows) {
      return Fail(ErrorCode::kCorrupt, "a sum counts more values than rows");
    }
    if (known == 0) {
      return Fail(ErrorCode::kNotEstimable,
                  "no hospital has a value of \"" + column.column.name +
                      "\" to put where it is "
                      "missing",
                  "leave the column out of the plan");
    }
    learned.values.push_back(ValueFrom(column, known, rest.subspan(1, numbers)));
    learned.missing.push_back(static_cast<std::uint64_t>(rows - known));
    rest = rest.subspan(1 + numbers);
  }
  return learned;
}

}  // namespace consilium::imputation
