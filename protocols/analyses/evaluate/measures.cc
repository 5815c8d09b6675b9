#include "protocols/analyses/evaluate/measures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/check.h"
#include "protocols/analyses/distributions.h"

namespace consilium::evaluate {
namespace {

double SumOf(std::span<const double> numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum;
}

double WidthOf(double confidence) { return NormalQuantile(0.5 + confidence / 2); }

/// Sum of (share - mean)^2 over the rows of one side, where a row's share is that of the other side
/// which it beats.
double SpreadOfShares(std::span<const double> own,
                      std::span<const double> other,
                      double of_other,
                      double mean) {
  double below = 0;
  double sum = 0;
  for (std::size_t k = 0; k < own.size(); ++k) {
    const double away = (below + other[k] / 2) / of_other - mean;
    sum += own[k] * away * away;
    below += other[k];
  }
  return sum;
}

struct Ends {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Of the bins that are not empty; there is one.
Ends EndsOf(std::span<const double> counts) {
  Ends ends;
  while (counts[ends.first] == 0) ++ends.first;
  ends.last = counts.size() - 1;
  while (counts[ends.last] == 0) --ends.last;
  return ends;
}

}  // namespace

Measure WaldMeasure(double estimate, double std_error, double confidence) {
  const double half = WidthOf(confidence) * std_error;
  return {estimate, std_error, estimate - half, estimate + half};
}

Measure MeanMeasure(double rows, double sum, double squares, double confidence) {
  Measure measure;
  measure.estimate = sum / rows;
  if (rows < 2) return measure;
  const double spread = squares - sum * (sum / rows);
  // A naive sum loses half of a double's last digit with each row: below that the rows are equal.
  const bool is_rounding = spread <= rows * std::numeric_limits<double>::epsilon() * squares;
  const double variance = is_rounding ? 0 : spread / (rows - 1);
  return WaldMeasure(measure.estimate, std::sqrt(variance / rows), confidence);
}

std::optional<Discrimination> Discriminate(std::span<const double> events,
                                           std::span<const double> others,
                                           double confidence) {
  CHECK(events.size() == others.size());
  const double all_events = SumOf(events);
  const double all_others = SumOf(others);
  if (!(all_events > 0) || !(all_others > 0)) return {};
  double below = 0;
  double won = 0;
  double shared = 0;
  for (std::size_t k = 0; k < events.size(); ++k) {
    won += events[k] * (below + others[k] / 2);
    shared += events[k] * others[k];
    below += others[k];
  }
  const double pairs = all_events * all_others;
  const double auc = won / pairs;
  Discrimination result;
  result.auc.estimate = auc;
  result.bin_error = shared / 2 / pairs;
  const Ends e = EndsOf(events);
  const Ends o = EndsOf(others);
  result.overlaps = e.first < o.last && o.first < e.last;
  if (all_events < 2 || all_others < 2) return result;
  const double of_events = SpreadOfShares(events, others, all_others, auc) / (all_events - 1);
  const double of_others = SpreadOfShares(others, events, all_events, 1 - auc) / (all_others - 1);
  result.auc =
      WaldMeasure(auc, std::sqrt(of_events / all_events + of_others / all_others), confidence);
  result.auc.low = std::max(0.0, *result.auc.low);
  result.auc.high = std::min(1.0, *result.auc.high);
  return result;
}

std::optional<Measure> ObservedOverExpected(double rows,
                                            double events,
                                            double expected,
                                            double confidence) {
  if (!(events > 0) || !(expected > 0)) return {};
  const double ratio = events / expected;
  const double error = std::sqrt((1 - events / rows) / events);
  const double factor = std::exp(WidthOf(confidence) * error);
  return Measure{ratio, ratio * error, ratio / factor, ratio * factor};
}

}  // namespace consilium::evaluate
