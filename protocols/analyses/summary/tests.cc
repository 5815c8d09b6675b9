#include "protocols/analyses/summary/tests.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include "protocols/analyses/distributions.h"
#include "protocols/cohort.h"

namespace consilium::summary {
namespace {

double SumOf(const std::vector<double>& counts) {
  double sum = 0;
  for (const double count : counts) sum += count;
  return sum;
}

/// Without rows and columns that hold nothing.
std::vector<std::vector<double>> WithoutEmpty(const std::vector<std::vector<double>>& table) {
  std::vector<std::vector<double>> kept;
  for (const std::vector<double>& row : table) {
    if (SumOf(row) > 0) kept.push_back(row);
  }
  for (std::size_t column = kept.empty() ? 0 : kept.front().size(); column-- > 0;) {
    double sum = 0;
    for (const std::vector<double>& row : kept) sum += row[column];
    if (sum > 0) continue;
    for (std::vector<double>& row : kept) {
      row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
    }
  }
  return kept;
}

}  // namespace

std::optional<Test> WelchTest(const Moments& first, const Moments& second) {
  if (first.count < 2 || second.count < 2) return std::nullopt;
  const double a = first.variance / first.count;
  const double b = second.variance / second.count;
  if (!(a + b > 0)) return std::nullopt;
  Test test;
  test.statistic = (first.mean - second.mean) / std::sqrt(a + b);
  test.df = (a + b) * (a + b) / (a * a / (first.count - 1) + b * b / (second.count - 1));
  test.p_value = StudentTwoSided(test.statistic, test.df);
  return test;
}

std::optional<Test> OneWayAnova(const std::vector<Moments>& groups, double& within) {
  double count = 0;
  double weighted = 0;
  double kept = 0;
  for (const Moments& group : groups) {
    if (group.count < 1) continue;
    kept += 1;
    count += group.count;
    weighted += group.count * group.mean;
  }
  if (kept < 2 || count <= kept) return std::nullopt;
  const double mean = weighted / count;
  double between_squares = 0;
  double within_squares = 0;
  for (const Moments& group : groups) {
    if (group.count < 1) continue;
    between_squares += group.count * (group.mean - mean) * (group.mean - mean);
    within_squares += (group.count - 1) * group.variance;
  }
  if (!(within_squares > 0)) return std::nullopt;
  within = count - kept;
  Test test;
  test.df = kept - 1;
  test.statistic = between_squares / test.df / (within_squares / within);
  test.p_value = FisherUpper(test.statistic, test.df, within);
  return test;
}

std::optional<double> MeanDifference(const Moments& first, const Moments& second) {
  if (first.count < 2 || second.count < 2) return std::nullopt;
  const double spread = std::sqrt((first.variance + second.variance) / 2);
  if (!(spread > 0)) return std::nullopt;
  return std::abs(first.mean - second.mean) / spread;
}

std::optional<Test> ChiSquaredTest(const std::vector<std::vector<double>>& table) {
  const std::vector<std::vector<double>> cells = WithoutEmpty(table);
  if (cells.size() < 2 || cells.front().size() < 2) return std::nullopt;
  double all = 0;
  std::vector<double> columns(cells.front().size(), 0.0);
  for (const std::vector<double>& row : cells) {
    for (std::size_t j = 0; j < row.size(); ++j) columns[j] += row[j];
    all += SumOf(row);
  }
  Test test;
  for (const std::vector<double>& row : cells) {
    const double sum = SumOf(row);
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double expected = sum * columns[j] / all;
      test.statistic += (row[j] - expected) * (row[j] - expected) / expected;
    }
  }
  test.df = static_cast<double>((cells.size() - 1) * (columns.size() - 1));
  test.p_value = ChiSquaredUpper(test.statistic, test.df);
  return test;
}

std::optional<double> ShareDifference(const std::vector<double>& first,
                                      const std::vector<double>& second) {
  const double n = SumOf(first);
  const double m = SumOf(second);
  if (!(n > 0) || !(m > 0)) return std::nullopt;
  // A level that nobody has would leave the covariance singular.
  std::vector<std::size_t> levels;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first[i] + second[i] > 0) levels.push_back(i);
  }
  if (levels.size() < 2) return std::nullopt;
  const auto order = static_cast<Eigen::Index>(levels.size()) - 1;
  Vector difference(order);
  RowMatrix covariance(order, order);
  for (Eigen::Index i = 0; i < order; ++i) {
    const std::size_t level = levels[static_cast<std::size_t>(i) + 1];
    const double p = first[level] / n;
    const double q = second[level] / m;
    difference(i) = p - q;
    for (Eigen::Index j = 0; j < order; ++j) {
      const std::size_t other = levels[static_cast<std::size_t>(j) + 1];
      covariance(i, j) = i == j ? (p * (1 - p) + q * (1 - q)) / 2
                                : -(p * first[other] / n + q * second[other] / m) / 2;
    }
  }
  const Eigen::LDLT<RowMatrix> factors(covariance);
  const double smallest = factors.vectorD().minCoeff();
  if (!(smallest > 1e-12)) return std::nullopt;
  const Vector solved = factors.solve(difference);
  return std::sqrt(difference.dot(solved));
}

std::optional<MantelHaenszel> MantelHaenszelTest(std::span<const double> sums, double confidence) {
  if (!(sums[kVariance] > 0)) return std::nullopt;
  MantelHaenszel result;
  const double difference = std::abs(sums[kDifference]);
  const auto test_of = [&](double distance) {
    const double statistic = distance * distance / sums[kVariance];
    return Test{statistic, 1, ChiSquaredUpper(statistic, 1)};
  };
  result.test = test_of(difference);
  result.corrected = test_of(difference - std::min(0.5, difference));
  if (!(sums[kR] > 0) || !(sums[kS] > 0)) return result;
  const double r = sums[kR];
  const double s = sums[kS];
  const double variance =
      sums[kPR] / (2 * r * r) + sums[kPSQR] / (2 * r * s) + sums[kQS] / (2 * s * s);
  const double reach = NormalQuantile(0.5 + confidence / 2) * std::sqrt(variance);
  const double logarithm = std::log(r / s);
  result.odds_ratio = Interval{r / s, std::exp(logarithm - reach), std::exp(logarithm + reach)};
  return result;
}

}  // namespace consilium::summary
