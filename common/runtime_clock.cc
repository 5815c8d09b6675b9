#include "common/runtime_clock.h"

#include <ctime>

#include "common/check.h"

namespace consilium {
namespace {

timespec Read(clockid_t clock) {
  timespec time{};
  CHECK(::clock_gettime(clock, &time) == 0);
  return time;
}

std::int64_t MillisecondsOf(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000 + time.tv_nsec / 1'000'000;
}

}  // namespace

Moment ReadClocks() {
  Moment now;
  now.monotonic.milliseconds = MillisecondsOf(Read(CLOCK_BOOTTIME));
  now.utc.seconds = Read(CLOCK_REALTIME).tv_sec;
  return now;
}

Duration ReadTimeAsleep() {
  const std::int64_t awake = MillisecondsOf(Read(CLOCK_MONOTONIC));
  return Duration(MillisecondsOf(Read(CLOCK_BOOTTIME)) - awake);
}

}  // namespace consilium
