#include "protocols/analyses/cox/follow_up.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace consilium::cox {
namespace {

/// The square root of the double's precision.
constexpr double kTied = 0x1p-26;

/// Over the times that differ.
double MeanOfDifferent(std::span<const double> times, const std::vector<std::size_t>& order) {
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && times[order[i]] == times[order[i - 1]]) continue;
    sum += times[order[i]];
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

TimeOrder OrderByTime(std::span<const double> times) {
  TimeOrder result;
  result.order.resize(times.size());
  std::iota(result.order.begin(), result.order.end(), std::size_t{0});
  std::stable_sort(result.order.begin(), result.order.end(),
                   [times](std::size_t a, std::size_t b) { return times[a] > times[b]; });
  const double tied = kTied * std::max(1.0, MeanOfDifferent(times, result.order));
  for (std::size_t i = 0; i < result.order.size(); ++i) {
    const bool joins = i > 0 && times[result.order[i - 1]] - times[result.order[i]] <= tied;
    if (!joins) result.groups.push_back({i, i});
    result.groups.back().end = i + 1;
  }
  return result;
}

}  // namespace consilium::cox
