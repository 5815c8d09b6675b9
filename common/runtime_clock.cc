#include "common/runtime_clock.h"

#include <ctime>

#include "common/check.h"

namespace consilium {

Moment ReadClocks() {
  timespec since_boot{};
  timespec since_epoch{};
  CHECK(::clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0);
  CHECK(::clock_gettime(CLOCK_REALTIME, &since_epoch) == 0);
  Moment now;
  now.monotonic.milliseconds =
      std::int64_t{since_boot.tv_sec} * 1'000 + since_boot.tv_nsec / 1'000'000;
  now.utc.seconds = since_epoch.tv_sec;
  return now;
}

}  // namespace consilium
