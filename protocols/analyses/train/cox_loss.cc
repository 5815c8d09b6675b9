#include "protocols/analyses/train/cox_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/check.h"
#include "common/portable_math.h"
#include "protocols/analyses/cox/concordance.h"
#include "protocols/analyses/train/kernel.h"

namespace consilium::train {
namespace {

constexpr double kMost = kLargestLoss;

bool IsEvent(float event) { return event > 0.5F; }

std::size_t EndOfTied(std::span<const std::uint32_t> ranks, std::size_t at) {
  std::size_t end = at + 1;
  while (end < ranks.size() && ranks[end] == ranks[at]) ++end;
  return end;
}

/// log(sum of e^f), one f after the other.
class LogSum {
 public:
  void Add(double f) {
    if (f > largest_) {
      sum_ = sum_ > 0 ? sum_ * PortableExp(largest_ - f) : 0;
      largest_ = f;
    }
    sum_ += PortableExp(f - largest_);
  }
  double value() const { return largest_ + PortableLog(sum_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0;
};

}  // namespace

double CoxLoss::Of(std::span<const std::uint32_t> ranks,
                   std::span<const float> events,
                   std::span<const double> outputs,
                   std::span<double> derivatives) {
  CHECK(ranks.size() == outputs.size() && events.size() == outputs.size());
  if (!std::all_of(outputs.begin(), outputs.end(), [](double f) { return std::isfinite(f); })) {
    std::fill(derivatives.begin(), derivatives.end(), std::numeric_limits<double>::quiet_NaN());
    return kMost * static_cast<double>(std::count_if(events.begin(), events.end(), IsEvent));
  }
  times_.clear();
  LogSum at_risk;
  double loss = 0;
  for (std::size_t at = 0; at < outputs.size();) {
    Events tied{EndOfTied(ranks, at), 0, 0};
    for (std::size_t i = at; i < tied.end; ++i) {
      at_risk.Add(outputs[i]);
      tied.count += IsEvent(events[i]) ? 1 : 0;
    }
    if (tied.count > 0) {
      tied.log_sum = at_risk.value();
      for (std::size_t i = at; i < tied.end; ++i) {
        if (IsEvent(events[i])) loss += std::clamp(tied.log_sum - outputs[i], 0.0, kMost);
      }
      times_.push_back(tied);
    }
    at = tied.end;
  }
  if (!derivatives.empty()) Derive(events, outputs, derivatives);
  return loss;
}

/// By f of a row: the sum over events at which it is at risk of e^f over the sum there, less 1 if
/// it has the event. From the shortest time up: the sum over those at risk only shrinks.
void CoxLoss::Derive(std::span<const float> events,
                     std::span<const double> outputs,
                     std::span<double> derivatives) const {
  CHECK(derivatives.size() == outputs.size());
  std::size_t times = times_.size();
  double log_sum = 0;
  double weight = 0;  // Sum over the events so far of e^log_sum over the sum at that event.
  for (std::size_t i = outputs.size(); i-- > 0;) {
    for (; times > 0 && times_[times - 1].end > i; --times) {
      const Events& next = times_[times - 1];
      weight = (weight > 0 ? weight * PortableExp(next.log_sum - log_sum) : 0) + next.count;
      log_sum = next.log_sum;
    }
    const double expected = weight > 0 ? weight * PortableExp(outputs[i] - log_sum) : 0;
    derivatives[i] = expected - (IsEvent(events[i]) ? 1 : 0);
  }
}

OrderedPairs PairsOf(std::span<const std::uint32_t> ranks,
                     std::span<const float> events,
                     std::span<const double> outputs) {
  cox::TimeOrder times;
  times.order.resize(ranks.size());
  std::iota(times.order.begin(), times.order.end(), std::size_t{0});
  for (std::size_t at = 0; at < ranks.size(); at = times.groups.back().end) {
    times.groups.push_back({at, EndOfTied(ranks, at)});
  }
  std::vector<bool> happened;
  happened.reserve(events.size());
  for (const float event : events) happened.push_back(IsEvent(event));
  const cox::PairSums pairs = cox::CountPairs(times, happened, outputs);
  return {pairs.concordant + pairs.tied / 2, pairs.concordant + pairs.discordant + pairs.tied};
}

}  // namespace consilium::train
