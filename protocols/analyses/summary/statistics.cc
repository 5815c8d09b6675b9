#include "protocols/analyses/summary/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "protocols/analyses/distributions.h"
#include "protocols/analyses/summary/tests.h"

namespace consilium::summary {
namespace {

constexpr double kLostDigits = 0.01;
/// A deviation below this part of half a range is rounding: a double at the range's end resolves no
/// less of it.
constexpr double kRounding = 1e-15;
/// Fewer digits of a variance are said.
constexpr double kEnoughDigits = 8;

std::size_t NumbersOf(Step step, const SummaryPlan& plan) {
  return NumbersIn(DescribeStep(step, plan));
}

/// n, sum and sum of squares of a cell, as (x - centre) / scale, with their noise's deviations.
struct CellSums {
  double count = 0;
  double sum = 0;
  double square = 0;
  double count_noise = 0;
  double sum_noise = 0;
};

/// What sums of n numbers' squares leave of their spread; 0 where that is rounding: of a naive sum,
/// which n times loses half of a double's last digit, or of the numbers themselves.
double SpreadOf(const CellSums& sums) {
  const double n = sums.count;
  const double spread = sums.square - sums.sum * (sums.sum / n);
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  const double rounding = std::max(n * kEpsilon * sums.square, (n - 1) * kRounding * kRounding);
  return spread > rounding ? spread / (n - 1) : 0;
}

/// Digits of a variance that sums of squares with this bound leave: of n sites each rounds to half
/// a step, which is no more than bound n^2 2^-124 (common/fixed_point.h).
double DigitsOf(const CellSums& sums, double bound, double sites) {
  const double spread = SpreadOf(sums) * (sums.count - 1);
  if (!(spread > 0)) return kEnoughDigits;
  return std::log10(spread) - std::log10(bound * sites * sites * sites * 0x1p-125);
}

/// Two-sided: an estimate lies within this many deviations with the plan's confidence.
double ReachOf(const SummaryPlan& plan) { return NormalQuantile(0.5 + plan.confidence / 2); }

Interval CountWithNoise(double count, double deviation, double reach) {
  return {count, count - reach * deviation, count + reach * deviation};
}

/// The bin of the number with so many below it.
std::size_t BinOfRank(const std::vector<double>& bins, double rank) {
  double seen = 0;
  for (std::size_t bin = 0; bin < bins.size(); ++bin) {
    seen += bins[bin];
    if (rank < seen) return bin;
  }
  return bins.size() - 1;
}

/// Type 7 quantile of whole numbers with a bin each: R's default, exact.
Quantile WholeQuantile(const std::vector<double>& bins, double count, double p, double minimum) {
  const double place = (count - 1) * p;
  const auto at = [&](double rank) { return minimum + static_cast<double>(BinOfRank(bins, rank)); };
  const double below = at(std::floor(place));
  const double above = at(std::ceil(place));
  const double value = below + (place - std::floor(place)) * (above - below);
  return {value, value, value};
}

/// Between the edges of the bins of the two numbers that a type 7 quantile lies between. The
/// estimate is at p of all, as if bins were evenly filled: at most at the second of the two.
std::optional<Quantile> BinnedQuantile(const std::vector<double>& bins,
                                       double p,
                                       bool noisy,
                                       const NumberVariable& variable) {
  double all = 0;
  for (const double count : bins) all += std::max(0.0, count);
  if (!(all > 0)) return std::nullopt;
  double seen = 0;
  for (std::size_t bin = 0; bin < bins.size(); ++bin) {
    const double count = std::max(0.0, bins[bin]);
    if (count > 0 && seen + count >= p * all) {
      const double part = (p * all - seen) / count;
      const double estimate = variable.LowerEdge(bin) + part * variable.width;
      if (noisy) return Quantile{estimate, variable.LowerEdge(bin), variable.UpperEdge(bin)};
      const double place = (all - 1) * p;
      const double low = variable.LowerEdge(BinOfRank(bins, std::floor(place)));
      const double high = variable.UpperEdge(BinOfRank(bins, std::ceil(place)));
      return Quantile{std::clamp(estimate, low, high), low, high};
    }
    seen += count;
  }
  return std::nullopt;
}

void AddQuartiles(const NumberVariable& variable, bool noisy, NumberCell& cell) {
  if (!(cell.present >= 1)) return;
  for (int i = 0; i < 3; ++i) {
    const double p = 0.25 * (i + 1);
    if (variable.whole && !noisy) {
      cell.quartiles[i] = WholeQuantile(cell.bins, cell.present, p, variable.minimum());
    } else {
      cell.quartiles[i] = BinnedQuantile(cell.bins, p, noisy, variable);
    }
  }
}

/// The mean's own interval is Student's; with noise the normal one, of sampling and noise together:
/// for z = sum / count, var(z) = var / count + (noise of sum)^2 / count^2 + z^2 (noise of
/// count)^2 / count^2.
void AddMoments(const SummaryPlan& plan,
                const NumberVariable& variable,
                const CellSums& sums,
                double offset,
                bool noisy,
                NumberCell& cell) {
  const double n = sums.count;
  // With noise a count must stand out from it for a quotient to mean anything.
  if (!(n >= 1) || (noisy && n < 3 * sums.count_noise)) return;
  const double z = sums.sum / n;
  const double mean = variable.At(offset) + variable.scale() * z;
  double spread = 0;
  if (n > 1) spread = noisy ? (sums.square - sums.sum * z) / (n - 1) : SpreadOf(sums);
  if (noisy && !(spread > 0)) {
    // Noise has hidden it: the mean's interval takes the most that numbers in [-1, 1] can vary.
    spread = std::max(0.0, 1 - z * z);
  } else if (n > 1) {
    cell.variance = spread * variable.scale() * variable.scale();
  }
  if (n < 2) {
    cell.mean = Interval{mean, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::quiet_NaN()};
    return;
  }
  double variance = spread / n;
  double reach = StudentQuantile(0.5 + plan.confidence / 2, n - 1);
  if (noisy) {
    const double noise = sums.sum_noise * sums.sum_noise +
                         (offset + z) * (offset + z) * sums.count_noise * sums.count_noise;
    variance += noise / (n * n);
    reach = ReachOf(plan);
  }
  const double half = reach * std::sqrt(variance) * variable.scale();
  cell.mean = Interval{mean, mean - half, mean + half};
}

Moments MomentsOf(const NumberCell& cell) {
  if (!cell.mean || !cell.variance) return {};
  return {cell.present, cell.mean->estimate, *cell.variance};
}

/// Sums about the first group's centre from those of groups, each about its own offset.
CellSums Together(const NumberVariable& variable,
                  const std::vector<CellSums>& groups,
                  const std::vector<double>& offsets) {
  CellSums all;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const CellSums& group = groups[g];
    const double d = (variable.At(offsets[g]) - variable.At(offsets[0])) / variable.scale();
    all.count += group.count;
    all.sum += group.sum + d * group.count;
    all.square += group.square + 2 * d * group.sum + d * d * group.count;
    all.count_noise = std::hypot(all.count_noise, group.count_noise);
    all.sum_noise = std::hypot(all.sum_noise, group.sum_noise);
  }
  return all;
}

void Compare(const SummaryPlan& plan, NumberSummary& summary) {
  std::vector<Moments> groups;
  for (const NumberCell& cell : summary.groups) groups.push_back(MomentsOf(cell));
  if (plan.groups() == 2) {
    summary.welch = WelchTest(groups[0], groups[1]);
    summary.difference = MeanDifference(groups[0], groups[1]);
  }
  if (plan.groups() > 1) summary.anova = OneWayAnova(groups, summary.anova_df);
}

/// Reads sums by cell.
class Reader {
 public:
  Reader(const SummaryPlan& plan,
         const Aggregate& counts,
         const std::optional<Aggregate>& spread,
         const SummaryQuery& centres)
      : plan_(plan),
        values_(counts.values),
        noise_(counts.noise),
        numbers_(Split(Step::kCounts, plan, values_)),
        centres_(centres),
        sites_(counts.sites) {
    if (noise_.empty()) noise_.assign(values_.size(), 0.0);
    deviations_ = Split(Step::kCounts, plan, noise_);
    if (spread) {
      spread_values_ = spread->values;
      spread_ = Split(Step::kSpread, plan, spread_values_);
    }
    noisy_ = !counts.noise.empty();
  }

  bool noisy() const { return noisy_; }
  double reach() const { return ReachOf(plan_); }
  const Numbers& numbers() const { return numbers_; }
  const Numbers& deviations() const { return deviations_; }

  NumberSummary NumberAt(std::size_t index, std::size_t bins_before) const {
    const NumberVariable& variable = plan_.numbers[index];
    const std::size_t groups = plan_.groups();
    NumberSummary summary;
    std::vector<CellSums> sums;
    std::vector<double> offsets;
    double all_rows = 0;
    summary.all.bins.assign(variable.bins, 0.0);
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t at = index * groups + g;
      offsets.push_back(spread_ ? centres_.means[at] : 0);
      sums.push_back({numbers_.present[at], spread_ ? spread_->sums[at] : numbers_.sums[at],
                      spread_ ? spread_->squares[at] : numbers_.squares[at],
                      deviations_.present[at], deviations_.sums[at]});
      NumberCell cell;
      cell.present = numbers_.present[at];
      cell.missing = numbers_.rows[g] - cell.present;
      all_rows += numbers_.rows[g];
      const std::span<double> bins =
          numbers_.bins.subspan(bins_before * groups + g * variable.bins, variable.bins);
      cell.bins.assign(bins.begin(), bins.end());
      for (std::size_t bin = 0; bin < bins.size(); ++bin) summary.all.bins[bin] += bins[bin];
      AddMoments(plan_, variable, sums.back(), offsets.back(), noisy_, cell);
      AddQuartiles(variable, noisy_, cell);
      summary.groups.push_back(std::move(cell));
    }
    const CellSums all = Together(variable, sums, offsets);
    summary.all.present = all.count;
    summary.all.missing = all_rows - all.count;
    if (!noisy_) summary.digits = DigitsAt(sums);
    AddMoments(plan_, variable, all, offsets[0], noisy_, summary.all);
    AddQuartiles(variable, noisy_, summary.all);
    if (!noisy_) Compare(plan_, summary);
    return summary;
  }

  LevelSummary LevelsAt(std::size_t index, std::size_t levels_before) const {
    const LevelVariable& variable = plan_.levels[index];
    const std::size_t groups = plan_.groups();
    const std::size_t size = variable.levels.size();
    LevelSummary summary;
    std::vector<std::vector<double>> table;
    summary.all.counts.assign(size, 0.0);
    std::vector<double> noise(size, 0.0);
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t first = levels_before * groups + g * size;
      const std::span<double> counts = numbers_.levels.subspan(first, size);
      LevelCell cell;
      cell.counts.assign(counts.begin(), counts.end());
      const double deviation = deviations_.levels[first];
      FillShares(std::vector<double>(size, deviation), numbers_.rows[g], cell);
      for (std::size_t level = 0; level < size; ++level) {
        summary.all.counts[level] += counts[level];
        noise[level] = std::hypot(noise[level], deviation);
      }
      table.push_back(cell.counts);
      summary.groups.push_back(std::move(cell));
    }
    double all_rows = 0;
    for (std::size_t g = 0; g < groups; ++g) all_rows += numbers_.rows[g];
    FillShares(noise, all_rows, summary.all);
    if (noisy_) return summary;
    if (groups > 1) summary.chi_squared = ChiSquaredTest(table);
    if (groups == 2) summary.difference = ShareDifference(table[0], table[1]);
    return summary;
  }

 private:
  /// None where all groups have enough.
  std::optional<int> DigitsAt(const std::vector<CellSums>& groups) const {
    const std::vector<Slice> slices = DescribeStep(spread_ ? Step::kSpread : Step::kCounts, plan_);
    const auto squares = std::find_if(slices.begin(), slices.end(),
                                      [](const Slice& slice) { return slice.name == "squares"; });
    double fewest = kEnoughDigits;
    for (const CellSums& sums : groups) {
      if (sums.count > 1) fewest = std::min(fewest, DigitsOf(sums, squares->slot.bound, sites_));
    }
    if (fewest >= kEnoughDigits) return std::nullopt;
    return static_cast<int>(std::max(0.0, std::floor(fewest)));
  }

  /// Shares of those present. Their interval is Wilson's (1927); with noise the normal one, of
  /// sampling and of the noise in a count and in the sum of all.
  void FillShares(const std::vector<double>& noise, double rows, LevelCell& cell) const {
    double present = 0;
    double squared_noise = 0;
    for (std::size_t i = 0; i < cell.counts.size(); ++i) {
      present += cell.counts[i];
      squared_noise += noise[i] * noise[i];
    }
    cell.present = present;
    cell.missing = rows - present;
    if (!(present >= 1) || (noisy_ && present < 3 * std::sqrt(squared_noise))) return;
    const double z = reach();
    for (std::size_t i = 0; i < cell.counts.size(); ++i) {
      const double p = cell.counts[i] / present;
      if (noisy_) {
        const double within = std::clamp(p, 0.0, 1.0);
        // The count is part of the sum: (1 - p)^2 of its noise, and p^2 of the others'.
        const double own = noise[i] * noise[i];
        const double variance =
            within * (1 - within) / present +
            ((1 - p) * (1 - p) * own + p * p * (squared_noise - own)) / (present * present);
        const double half = z * std::sqrt(variance);
        cell.shares.push_back({p, p - half, p + half});
        continue;
      }
      const double scale = 1 + z * z / present;
      const double middle = (p + z * z / (2 * present)) / scale;
      const double half =
          z / scale * std::sqrt(p * (1 - p) / present + z * z / (4 * present * present));
      cell.shares.push_back({p, middle - half, middle + half});
    }
  }

  const SummaryPlan& plan_;
  std::vector<double> values_;
  std::vector<double> noise_;
  std::vector<double> spread_values_;
  Numbers numbers_;
  Numbers deviations_;
  std::optional<Numbers> spread_;
  const SummaryQuery& centres_;
  std::uint32_t sites_ = 0;
  bool noisy_ = false;
};

}  // namespace

bool LosesDigits(const SummaryPlan& plan, const Aggregate& counts) {
  std::vector<double> values = counts.values;
  const Numbers numbers = Split(Step::kCounts, plan, values);
  for (std::size_t at = 0; at < numbers.present.size(); ++at) {
    const double n = numbers.present[at];
    if (n < 2) continue;
    const double spread = numbers.squares[at] - numbers.sums[at] * numbers.sums[at] / n;
    if (spread < kLostDigits * numbers.squares[at]) return true;
  }
  return false;
}

SummaryQuery SpreadQuery(const SummaryPlan& plan, const Aggregate& counts) {
  std::vector<double> values = counts.values;
  const Numbers numbers = Split(Step::kCounts, plan, values);
  SummaryQuery query;
  query.step = Step::kSpread;
  for (std::size_t at = 0; at < numbers.present.size(); ++at) {
    const double n = numbers.present[at];
    query.means.push_back(n > 0 ? std::clamp(numbers.sums[at] / n, -1.0, 1.0) : 0);
  }
  return query;
}

Result<Summary> Summarise(const SummaryPlan& plan,
                          const Aggregate& counts,
                          const std::optional<Aggregate>& spread) {
  if (counts.values.size() != NumbersOf(Step::kCounts, plan) ||
      (spread && spread->values.size() != NumbersOf(Step::kSpread, plan))) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  const SummaryQuery centres = spread ? SpreadQuery(plan, counts) : SummaryQuery{};
  const Reader reader(plan, counts, spread, centres);
  const Numbers& numbers = reader.numbers();
  Summary summary;
  summary.noisy = reader.noisy();
  summary.sites = counts.sites;
  summary.patients = static_cast<std::uint64_t>(std::max(0.0, std::round(numbers.patients[0])));
  double noise = 0;
  for (std::size_t g = 0; g < plan.groups(); ++g) {
    const double deviation = reader.deviations().rows[g];
    summary.rows.push_back(CountWithNoise(numbers.rows[g], deviation, reader.reach()));
    summary.all_rows.estimate += numbers.rows[g];
    noise = std::hypot(noise, deviation);
  }
  summary.all_rows = CountWithNoise(summary.all_rows.estimate, noise, reader.reach());
  summary.without_group = CountWithNoise(numbers.rows[plan.groups()],
                                         reader.deviations().rows[plan.groups()], reader.reach());
  std::size_t before = 0;
  for (std::size_t i = 0; i < plan.numbers.size(); ++i) {
    summary.numbers.push_back(reader.NumberAt(i, before));
    before += plan.numbers[i].bins;
  }
  before = 0;
  for (std::size_t i = 0; i < plan.levels.size(); ++i) {
    summary.levels.push_back(reader.LevelsAt(i, before));
    before += plan.levels[i].levels.size();
  }
  const std::vector<std::size_t> tested = plan.Tested();
  for (std::size_t i = 0; i < tested.size(); ++i) {
    summary.levels[tested[i]].mantel_haenszel = MantelHaenszelTest(
        numbers.strata.subspan(i * kStratumNumbers, kStratumNumbers), plan.confidence);
  }
  return summary;
}

}  // namespace consilium::summary
