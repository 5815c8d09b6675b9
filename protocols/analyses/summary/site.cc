#include "protocols/analyses/summary/site.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace consilium::summary {
namespace {

Status CheckCohort(const SummaryPlan& plan, const CohortView& cohort) {
  const bool same = std::equal(cohort.columns.begin(), cohort.columns.end(), plan.columns.begin(),
                               plan.columns.end());
  if (!same) return Fail(ErrorCode::kInvalidArgument, "the cohort has other columns");
  const auto check = [&](std::size_t column, const std::string& name, auto fits) -> Status {
    for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
      const double x = cohort.values(row, static_cast<Eigen::Index>(column));
      if (std::isnan(x) || fits(x)) continue;
      return Fail(ErrorCode::kDataQuality, "row " + std::to_string(row + 1) + " of the cohort: \"" +
                                               name + "\" is not what the contract allows");
    }
    return {};
  };
  const auto check_levels = [&](const LevelVariable& variable) {
    return check(variable.in_cohort, variable.column.name, [&](double x) {
      return x >= 0 && x < static_cast<double>(variable.levels.size()) && x == std::floor(x);
    });
  };
  if (plan.by) TRY_STATUS(check_levels(*plan.by));
  for (const LevelVariable& variable : plan.levels) TRY_STATUS(check_levels(variable));
  for (const NumberVariable& variable : plan.numbers) {
    TRY_STATUS(check(variable.in_cohort, variable.column.name, [&](double x) {
      return x >= variable.minimum() && x <= variable.maximum() &&
             (!variable.whole || x == std::floor(x));
    }));
  }
  return {};
}

/// Adds one row to a group's numbers.
void AddRow(const SummaryPlan& plan,
            const SummaryQuery& query,
            const double* row,
            std::size_t group,
            const Numbers& numbers) {
  const std::size_t groups = plan.groups();
  std::size_t bins_before = 0;
  for (std::size_t i = 0; i < plan.numbers.size(); ++i) {
    const NumberVariable& variable = plan.numbers[i];
    const double x = row[variable.in_cohort];
    const std::size_t first_bin = bins_before * groups + group * variable.bins;
    bins_before += variable.bins;
    if (std::isnan(x)) continue;
    const std::size_t cell = i * groups + group;
    const double centre = query.means.empty() ? variable.centre() : variable.At(query.means[cell]);
    // Of a first round a bound is promised, which noise is added for.
    const double on_scale = (x - centre) / variable.scale();
    const double z = query.means.empty() ? std::clamp(on_scale, -1.0, 1.0) : on_scale;
    numbers.present[cell] += 1;
    numbers.sums[cell] += z;
    numbers.squares[cell] += z * z;
    if (!numbers.bins.empty()) numbers.bins[first_bin + variable.BinOf(x)] += 1;
  }
  if (query.step == Step::kSpread) return;
  std::size_t levels_before = 0;
  for (const LevelVariable& variable : plan.levels) {
    const double x = row[variable.in_cohort];
    const std::size_t first = levels_before * groups + group * variable.levels.size();
    levels_before += variable.levels.size();
    if (!std::isnan(x)) numbers.levels[first + static_cast<std::size_t>(x)] += 1;
  }
}

/// Of one site's table of two groups by two levels.
void FillStratum(double a, double b, double c, double d, std::span<double> stratum) {
  const double n = a + b + c + d;
  if (n == 0) return;
  const double r = a * d / n;
  const double s = b * c / n;
  const double p = (a + d) / n;
  const double q = (b + c) / n;
  stratum[kDifference] = a - (a + b) * (a + c) / n;
  if (n > 1) stratum[kVariance] = (a + b) * (c + d) / n * ((a + c) * (b + d) / n) / (n - 1);
  stratum[kR] = r;
  stratum[kS] = s;
  stratum[kPR] = p * r;
  stratum[kPSQR] = p * s + q * r;
  stratum[kQS] = q * s;
}

void FillStrata(const SummaryPlan& plan, const Numbers& numbers) {
  const std::vector<std::size_t> tested = plan.Tested();
  for (std::size_t i = 0; i < tested.size(); ++i) {
    std::size_t before = 0;
    for (std::size_t j = 0; j < tested[i]; ++j) before += plan.levels[j].levels.size();
    const double* table = numbers.levels.data() + before * 2;  // Two groups by two levels.
    FillStratum(table[0], table[1], table[2], table[3],
                numbers.strata.subspan(i * kStratumNumbers, kStratumNumbers));
  }
}

}  // namespace

Status Answer(const SummaryPlan& plan,
              const SummaryQuery& query,
              const CohortView& cohort,
              std::span<double> values) {
  TRY_STATUS(CheckCohort(plan, cohort));
  std::fill(values.begin(), values.end(), 0.0);
  const Numbers numbers = Split(query.step, plan, values);
  numbers.patients[0] = static_cast<double>(cohort.patients);
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    const double level = plan.by ? row[0] : 0;
    const std::size_t group = std::isnan(level) ? plan.groups() : static_cast<std::size_t>(level);
    numbers.rows[group] += 1;
    if (group < plan.groups()) AddRow(plan, query, row, group, numbers);
  }
  if (query.step == Step::kCounts) FillStrata(plan, numbers);
  return {};
}

}  // namespace consilium::summary
