#include "protocols/analyses/summary/few.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "protocols/small_cells.h"

namespace consilium::summary {
namespace {

constexpr double kNotShown = std::numeric_limits<double>::quiet_NaN();
constexpr Interval kNoInterval{kNotShown, kNotShown, kNotShown};

/// The groups as far as totals tell them apart: those shown, and all others as one.
struct Columns {
  std::vector<std::size_t> shown;
  std::vector<std::size_t> others;
  std::vector<double> rows;  ///< Of each column: released, so nobody takes it for more.

  std::size_t count() const { return shown.size() + (others.empty() ? 0 : 1); }
  /// Of one number a group, one a column.
  template <class NumberOf>
  std::vector<double> Of(NumberOf number_of) const {
    std::vector<double> numbers;
    for (const std::size_t group : shown) numbers.push_back(number_of(group));
    double rest = 0;
    for (const std::size_t group : others) rest += number_of(group);
    if (!others.empty()) numbers.push_back(rest);
    return numbers;
  }
};

Columns ColumnsOf(Summary& summary, double minimum) {
  CountTable groups{1, summary.rows.size(), {}};
  for (const Interval& rows : summary.rows) groups.cells.push_back(rows.estimate);
  const HiddenCells hidden = HideSmallCells(groups, minimum);
  Columns columns;
  for (std::size_t g = 0; g < summary.rows.size(); ++g) {
    // A single group is all there is, whose number is known.
    const bool hides = summary.rows.size() > 1 && hidden.cells[g];
    (hides ? columns.others : columns.shown).push_back(g);
  }
  columns.rows = columns.Of([&](std::size_t group) { return groups.cells[group]; });
  for (const std::size_t group : columns.others) summary.rows[group] = kNoInterval;
  return columns;
}

void HideCell(NumberCell& cell) {
  cell.present = kNotShown;
  cell.missing = kNotShown;
  cell.mean.reset();
  cell.variance.reset();
  for (std::optional<Quantile>& quartile : cell.quartiles) quartile.reset();
  cell.bins.clear();
}

/// Quartiles with fewer than `minimum` people on one side.
void HideQuartiles(double minimum, NumberCell& cell) {
  for (int i = 0; i < 3; ++i) {
    const double p = 0.25 * (i + 1);
    if (cell.present * std::min(p, 1 - p) < minimum) cell.quartiles[i].reset();
  }
}

using Bins = std::vector<double>;

/// The last of the bins that are laid together in each, rising: each holds nobody or at least
/// `minimum` of every one of these groups. Empty where even all bins together do not.
std::vector<std::size_t> BinEnds(const std::vector<Bins>& groups,
                                 std::size_t bins,
                                 double minimum) {
  std::vector<std::size_t> ends;
  std::vector<Bins> closed;
  Bins open(groups.size(), 0);
  const auto fits = [&] {
    return std::all_of(open.begin(), open.end(),
                       [&](double count) { return count == 0 || count >= minimum; });
  };
  for (std::size_t bin = 0; bin < bins; ++bin) {
    for (std::size_t g = 0; g < groups.size(); ++g) open[g] += groups[g][bin];
    if (!fits()) continue;
    ends.push_back(bin);
    closed.push_back(open);
    std::fill(open.begin(), open.end(), 0.0);
  }
  // What is left over joins those before.
  while (!ends.empty() && ends.back() + 1 < bins) {
    for (std::size_t g = 0; g < groups.size(); ++g) open[g] += closed.back()[g];
    closed.pop_back();
    ends.pop_back();
    if (!fits()) continue;
    ends.push_back(bins - 1);
  }
  return ends;
}

void LayTogether(const std::vector<std::size_t>& ends, Bins& bins) {
  if (bins.empty()) return;
  Bins wide;
  std::size_t bin = 0;
  for (const std::size_t end : ends) {
    double sum = 0;
    for (; bin <= end; ++bin) sum += bins[bin];
    wide.push_back(sum);
  }
  bins = std::move(wide);
}

/// Of the groups that are shown, and of the others together, which all less these are.
void MergeHistograms(double minimum, NumberSummary& summary) {
  const std::size_t bins = summary.all.bins.size();
  std::vector<Bins> known = {summary.all.bins};
  Bins rest = summary.all.bins;
  for (const NumberCell& cell : summary.groups) {
    if (cell.bins.empty()) continue;
    known.push_back(cell.bins);
    for (std::size_t bin = 0; bin < bins; ++bin) rest[bin] -= cell.bins[bin];
  }
  known.push_back(std::move(rest));
  const std::vector<std::size_t> ends = BinEnds(known, bins, minimum);
  if (ends.size() == bins) return;
  LayTogether(ends, summary.all.bins);
  for (NumberCell& cell : summary.groups) LayTogether(ends, cell.bins);
  summary.bin_ends = ends;
}

void HideIn(NumberSummary& summary, const Columns& columns, double minimum) {
  const auto present_in = [&](std::size_t group) { return summary.groups[group].present; };
  const CountTable present{1, columns.count(), columns.Of(present_in), columns.rows};
  const HiddenCells hidden = HideSmallCells(present, minimum);
  const bool by_groups = summary.groups.size() > 1;
  bool hides = false;
  for (std::size_t c = 0; by_groups && c < columns.shown.size(); ++c) {
    if (!hidden.cells[c]) continue;
    HideCell(summary.groups[columns.shown[c]]);
    hides = true;
  }
  for (const std::size_t group : columns.others) {
    HideCell(summary.groups[group]);
    hides = true;
  }
  if (summary.all.present > 0 && summary.all.present < minimum) {
    const double all = summary.all.present;
    const double missing = summary.all.missing;
    HideCell(summary.all);
    summary.all.present = all;
    summary.all.missing = missing;
    for (NumberCell& cell : summary.groups) HideCell(cell);
    hides = true;
  }
  if (hides) {
    summary.difference.reset();
    summary.welch.reset();
    summary.anova.reset();
  }
  HideQuartiles(minimum, summary.all);
  for (NumberCell& cell : summary.groups) HideQuartiles(minimum, cell);
  if (!summary.all.bins.empty()) MergeHistograms(minimum, summary);
}

void HideCell(LevelCell& cell) {
  cell.present = kNotShown;
  cell.missing = kNotShown;
  std::fill(cell.counts.begin(), cell.counts.end(), kNotShown);
  cell.shares.clear();
}

void HideLevel(std::size_t level, LevelCell& cell) {
  cell.counts[level] = kNotShown;
  if (!cell.shares.empty()) cell.shares[level] = kNoInterval;
}

void HideIn(LevelSummary& summary, const Columns& columns, double minimum) {
  CountTable table{summary.all.counts.size(), columns.count(), {}, columns.rows};
  for (std::size_t level = 0; level < table.rows; ++level) {
    const std::vector<double> counts =
        columns.Of([&](std::size_t group) { return summary.groups[group].counts[level]; });
    table.cells.insert(table.cells.end(), counts.begin(), counts.end());
  }
  const HiddenCells hidden = HideSmallCells(table, minimum);
  for (std::size_t c = 0; c < columns.shown.size(); ++c) {
    LevelCell& cell = summary.groups[columns.shown[c]];
    for (std::size_t level = 0; level < table.rows; ++level) {
      if (hidden.cells[level * table.columns + c]) HideLevel(level, cell);
    }
    if (!hidden.columns[c] || summary.groups.size() == 1) continue;
    cell.present = kNotShown;
    cell.missing = kNotShown;
    cell.shares.clear();
  }
  for (const std::size_t group : columns.others) HideCell(summary.groups[group]);
  for (std::size_t level = 0; level < table.rows; ++level) {
    if (hidden.rows[level]) HideLevel(level, summary.all);
  }
  if (!hidden.Any() && columns.others.empty()) return;
  summary.difference.reset();
  summary.chi_squared.reset();
  summary.mantel_haenszel.reset();
}

}  // namespace

void HideFew(const SummaryPlan& plan, Summary& summary) {
  if (summary.noisy || plan.minimum_count <= 1) return;
  const auto minimum = static_cast<double>(plan.minimum_count);
  const Columns columns = ColumnsOf(summary, minimum);
  for (NumberSummary& number : summary.numbers) HideIn(number, columns, minimum);
  for (LevelSummary& level : summary.levels) HideIn(level, columns, minimum);
}

}  // namespace consilium::summary
