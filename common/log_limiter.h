#pragma once

// Keeps what a peer can cause at will from filling the log: a few lines of a kind in a while, then
// only their number.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/time.h"

namespace consilium {

class LogLimiter {
 public:
  static constexpr std::uint64_t kLinesInAWhile = 5;
  static constexpr Duration kWhile{10'000};

  /// How many lines of this kind were left out before this one, if this one may be written.
  std::optional<std::uint64_t> MayWrite(const std::string& kind, Instant now);

 private:
  static constexpr std::size_t kMostKinds = 1'024;
  struct Count {
    Instant since;
    std::uint64_t written = 0;
    std::uint64_t left_out = 0;
  };
  std::map<std::string, Count> counts_;
};

}  // namespace consilium
