#include "common/log_limiter.h"

namespace consilium {

std::optional<std::uint64_t> LogLimiter::MayWrite(const std::string& kind, Instant now) {
  if (counts_.size() >= kMostKinds && !counts_.contains(kind)) counts_.clear();
  const auto [found, is_new] = counts_.try_emplace(kind, Count{now, 0, 0});
  Count& count = found->second;
  std::uint64_t left_out = 0;
  if (!is_new && now - count.since >= kWhile) {
    left_out = count.left_out;
    count = Count{now, 0, 0};
  }
  if (count.written >= kLinesInAWhile) {
    ++count.left_out;
    return std::nullopt;
  }
  ++count.written;
  return left_out;
}

}  // namespace consilium
