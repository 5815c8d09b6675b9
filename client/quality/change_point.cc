#include "client/quality/change_point.h"

#include <algorithm>
#include <cmath>

namespace consilium {

std::optional<CalendarStep> FindStep(std::span<const MonthScores> months, double variance) {
  double n = 0;
  double sum = 0;
  for (const MonthScores& month : months) {
    n += static_cast<double>(month.rows);
    sum += month.sum;
  }
  if (!(variance > 0) || !(n > 1)) return std::nullopt;
  const double mean = sum / n;
  double seen = 0;
  double seen_sum = 0;
  double largest = 0;
  std::optional<CalendarStep> step;
  for (std::size_t month = 0; month + 1 < months.size(); ++month) {
    seen += static_cast<double>(months[month].rows);
    seen_sum += months[month].sum;
    const double deviation = std::abs(seen_sum - seen * mean);
    if (seen == 0 || seen == n || !(deviation > largest)) continue;
    largest = deviation;
    step = CalendarStep{month + 1, 1, seen_sum / seen, (sum - seen_sum) / (n - seen)};
  }
  if (!step) return std::nullopt;
  // The first month with rows after the step.
  while (months[step->after].rows == 0) ++step->after;
  const double d = largest / std::sqrt(variance * n);
  double p = 0;
  for (int k = 1; k <= 100; ++k) {
    p += (k % 2 == 1 ? 2 : -2) * std::exp(-2 * k * k * d * d);
  }
  step->p_value = d < 0.2 ? 1 : std::clamp(p, 0.0, 1.0);  // The series is slow near 0.
  return step;
}

}  // namespace consilium
