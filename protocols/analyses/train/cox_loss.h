#pragma once

// The loss of a model of the time to an event: minus the logarithm of Cox's partial likelihood,
// which compares rows with each other, so that no row has a loss of its own.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace consilium::train {

/// Of rows of one site that are compared with each other.
class CoxLoss {
 public:
  /// Breslow's form (1974): with f the outputs, the sum over events of log(sum of e^f over those at
  /// risk) - f, where all with a time no shorter are at risk, tied events included. Rows come the
  /// longest followed first, by rising `ranks`; equal ranks are tied. An event counts at most
  /// kLargestLoss. `derivatives`, by each output, is empty or as long. NaN in all of it, and the
  /// most that events count, for outputs that are not finite.
  ///
  /// Sums are relative to their largest part, in one order, by arithmetic that is the same on every
  /// machine.
  double Of(std::span<const std::uint32_t> ranks,
            std::span<const float> events,
            std::span<const double> outputs,
            std::span<double> derivatives);

 private:
  /// The events of one time.
  struct Events {
    std::size_t end = 0;  ///< Rows before it are at risk.
    double count = 0;
    double log_sum = 0;  ///< Of e^f over them.
  };

  void Derive(std::span<const float> events,
              std::span<const double> outputs,
              std::span<double> derivatives) const;

  std::vector<Events> times_;
};

/// Pairs of whom it is known who had the event first, and in how many of them that one has the
/// higher output, ties counting one half: Harrell's concordance is their ratio. Rows as above.
struct OrderedPairs {
  double in_order = 0;
  double all = 0;
};
OrderedPairs PairsOf(std::span<const std::uint32_t> ranks,
                     std::span<const float> events,
                     std::span<const double> outputs);

}  // namespace consilium::train
