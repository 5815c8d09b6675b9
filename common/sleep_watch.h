#pragma once

// Notices that the machine slept: a clock that goes on during sleep has got ahead of one that does
// not. Connections from before are then gone, and neither side knows it.

#include <optional>

#include "common/time.h"

namespace consilium {

class SleepWatch {
 public:
  /// Shorter sleeps do a connection no harm, and the two clocks are not read in the same instant.
  static constexpr Duration kShortest{3'000};

  /// `asleep`: how long the machine has slept in all. Returns how much of that is new since the
  /// last call, if it is enough to matter; nothing at the first call.
  std::optional<Duration> Look(Duration asleep) {
    if (!known_) {
      known_ = asleep;
      return std::nullopt;
    }
    const Duration slept = asleep - *known_;
    if (slept < kShortest) return std::nullopt;
    known_ = asleep;
    return slept;
  }

 private:
  std::optional<Duration> known_;
};

}  // namespace consilium
