#include "protocols/analyses/survival/grid.h"

namespace consilium::survival {
namespace {

/// Goes through the bins in one direction.
class Merger {
 public:
  explicit Merger(double minimum) : minimum_(minimum) {}

  void Add(std::uint32_t bin, double events) {
    if (events == 0 && open_ == 0) {
      AddRun(bin);
      return;
    }
    if (events > 0) last_event_ = bin;
    open_ += events;
    if (open_ >= minimum_) Close(bin);
  }

  /// What is left at the end is too little for a bin of its own: it joins those before.
  std::vector<std::uint32_t> Finish(std::uint32_t last) {
    while (open_ > 0 && open_ < minimum_) {
      if (closed_.empty()) return {};
      open_ += closed_.back().events;
      closed_.pop_back();
    }
    if (open_ > 0) Close(last_event_);
    if (closed_.back().end < last) AddRun(last);
    std::vector<std::uint32_t> ends;
    for (const Bin& bin : closed_) ends.push_back(bin.end);
    return ends;
  }

 private:
  struct Bin {
    std::uint32_t end = 0;
    double events = 0;
  };

  void AddRun(std::uint32_t bin) {
    if (!closed_.empty() && closed_.back().events == 0) {
      closed_.back().end = bin;
    } else {
      closed_.push_back({bin, 0});
    }
  }

  void Close(std::uint32_t bin) {
    closed_.push_back({bin, open_});
    open_ = 0;
  }

  const double minimum_;
  std::vector<Bin> closed_;
  double open_ = 0;               ///< Events of the bin that is not yet closed.
  std::uint32_t last_event_ = 0;  ///< The last bin that had any.
};

}  // namespace

std::vector<std::uint32_t> MergeBins(const std::vector<double>& events, double minimum) {
  double all = 0;
  for (const double number : events) all += number;
  if (!(all > 0)) return {};
  // From the latest time back: events are rare there, and what is left over joins early bins, which
  // are narrow.
  const auto count = static_cast<std::uint32_t>(events.size());
  Merger merger(minimum);
  for (std::uint32_t i = 0; i < count; ++i) merger.Add(i, events[count - 1 - i]);
  const std::vector<std::uint32_t> backwards = merger.Finish(count - 1);
  if (backwards.empty()) return {};
  // Where one bin ends on the way back, the one before it in time ends.
  std::vector<std::uint32_t> ends;
  for (std::size_t i = backwards.size() - 1; i-- > 0;) ends.push_back(count - 2 - backwards[i]);
  ends.push_back(count - 1);
  return ends;
}

std::vector<double> Merged(const std::vector<double>& counts,
                           const std::vector<std::uint32_t>& ends) {
  std::vector<double> merged;
  std::size_t at = 0;
  for (const std::uint32_t end : ends) {
    double sum = 0;
    for (; at <= end; ++at) sum += counts[at];
    merged.push_back(sum);
  }
  return merged;
}

}  // namespace consilium::survival
