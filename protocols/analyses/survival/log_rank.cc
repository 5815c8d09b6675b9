#include "protocols/analyses/survival/log_rank.h"

#include "protocols/analyses/distributions.h"

namespace consilium::survival {

void LogRankSums::Add(std::span<const double> at_risk, std::span<const double> events) {
  double n = 0;
  double d = 0;
  for (const double number : at_risk) n += number;
  for (const double number : events) d += number;
  if (!(d > 0)) return;
  const double factor = n > 1 ? d * (n - d) / (n - 1) : 0;
  for (std::size_t g = 0; g < at_risk.size(); ++g) {
    observed[g] += events[g];
    expected[g] += d * at_risk[g] / n;
    for (std::size_t h = g; h < at_risk.size(); ++h) {
      const double own = g == h ? 1.0 : 0.0;
      variance.Set(g, h, variance(g, h) + factor * (at_risk[g] / n) * (own - at_risk[h] / n));
    }
  }
}

std::optional<LogRankTest> TestOf(const LogRankSums& sums) {
  std::vector<std::size_t> groups;
  for (std::size_t g = 0; g < sums.expected.size(); ++g) {
    if (sums.expected[g] > 0) groups.push_back(g);
  }
  if (groups.size() < 2) return {};
  const std::size_t df = groups.size() - 1;
  glm::Symmetric variance(df);
  std::vector<double> excess;
  for (std::size_t i = 0; i < df; ++i) {
    const std::size_t g = groups[i + 1];
    excess.push_back(sums.observed[g] - sums.expected[g]);
    for (std::size_t j = i; j < df; ++j) variance.Set(i, j, sums.variance(g, groups[j + 1]));
  }
  constexpr double kCollinear = 1e-11;
  const glm::Cholesky factor(variance, kCollinear);
  if (factor.singular()) return {};
  const std::vector<double> solved = factor.Solve(excess);
  LogRankTest test;
  test.df = df;
  for (std::size_t i = 0; i < df; ++i) test.statistic += solved[i] * excess[i];
  test.p_value = ChiSquaredUpper(test.statistic, static_cast<double>(df));
  return test;
}

}  // namespace consilium::survival
