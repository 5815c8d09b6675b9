#include "protocols/analyses/cox/concordance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace consilium::cox {
namespace {

/// Counts of ranks seen so far, by a binary indexed tree (Fenwick 1994).
class RankCounts {
 public:
  explicit RankCounts(std::size_t ranks) : sums_(ranks + 1, 0.0) {}

  void Add(std::size_t rank) {
    for (std::size_t i = rank + 1; i < sums_.size(); i += i & (~i + 1)) ++sums_[i];
    ++all_;
  }
  double Below(std::size_t rank) const {
    double sum = 0;
    for (std::size_t i = rank; i > 0; i -= i & (~i + 1)) sum += sums_[i];
    return sum;
  }
  double At(std::size_t rank) const { return Below(rank + 1) - Below(rank); }
  double Above(std::size_t rank) const { return all_ - Below(rank + 1); }

 private:
  std::vector<double> sums_;
  double all_ = 0;
};

/// Equal risks share a rank, the lowest is 0.
std::vector<std::size_t> RanksOf(std::span<const double> risks) {
  std::vector<double> sorted(risks.begin(), risks.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::size_t> ranks;
  ranks.reserve(risks.size());
  for (const double risk : risks) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), risk);
    ranks.push_back(static_cast<std::size_t>(at - sorted.begin()));
  }
  return ranks;
}

/// One patient's pairs.
struct Pairs {
  double concordant = 0;
  double discordant = 0;
  double tied = 0;
};

/// A censored patient is later than an event of the same time: behind the events when time goes
/// forward, before them when it goes back.
enum class Among { kEvents, kOthers };

template <class Visit>
void ForEach(const TimeOrder& times,
             const TiedRows& group,
             const std::vector<bool>& event,
             Among among,
             const Visit& visit) {
  for (std::size_t i = group.begin; i < group.end; ++i) {
    const std::size_t row = times.order[i];
    if (event[row] == (among == Among::kEvents)) visit(row);
  }
}

}  // namespace

PairSums CountPairs(const TimeOrder& times,
                    const std::vector<bool>& event,
                    std::span<const double> risks) {
  const std::vector<std::size_t> ranks = RanksOf(risks);
  std::vector<Pairs> pairs(risks.size());
  PairSums sums;
  RankCounts later(risks.size());
  const auto enter_later = [&](std::size_t row) { later.Add(ranks[row]); };
  for (const TiedRows& group : times.groups) {
    ForEach(times, group, event, Among::kOthers, enter_later);
    ForEach(times, group, event, Among::kEvents, [&](std::size_t row) {
      pairs[row] = {later.Below(ranks[row]), later.Above(ranks[row]), later.At(ranks[row])};
      sums.concordant += pairs[row].concordant;
      sums.discordant += pairs[row].discordant;
      sums.tied += pairs[row].tied;
    });
    ForEach(times, group, event, Among::kEvents, enter_later);
  }
  RankCounts earlier(risks.size());
  const auto meet_earlier = [&](std::size_t row) {
    pairs[row].concordant += earlier.Above(ranks[row]);
    pairs[row].discordant += earlier.Below(ranks[row]);
    pairs[row].tied += earlier.At(ranks[row]);
  };
  for (std::size_t g = times.groups.size(); g-- > 0;) {
    const TiedRows& group = times.groups[g];
    ForEach(times, group, event, Among::kEvents, meet_earlier);
    ForEach(times, group, event, Among::kEvents, [&](std::size_t row) { earlier.Add(ranks[row]); });
    ForEach(times, group, event, Among::kOthers, meet_earlier);
  }
  for (const Pairs& own : pairs) {
    const double score = own.concordant - own.discordant;
    const double count = own.concordant + own.discordant + own.tied;
    sums.squares += score * score;
    sums.products += score * count;
    sums.counts += count * count;
  }
  return sums;
}

Concordance ConcordanceOf(const PairSums& sums) {
  const double pairs = sums.concordant + sums.discordant + sums.tied;
  Concordance result;
  result.estimate = (sums.concordant + sums.tied / 2) / pairs;
  const double tilt = 1 - 2 * result.estimate;
  const double variance =
      (sums.squares + 2 * tilt * sums.products + tilt * tilt * sums.counts) / (4 * pairs * pairs);
  result.std_error = std::sqrt(std::max(0.0, variance));
  return result;
}

}  // namespace consilium::cox
