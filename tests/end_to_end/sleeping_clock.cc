// Preloaded into a program, it makes the machine seem to have slept: CLOCK_BOOTTIME, which goes on
// during sleep, gets ahead by the milliseconds in the file that CONSILIUM_TEST_SLEEP names. Covered
// by tests/end_to_end/service_test.cc.

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

namespace {

long long SleptMilliseconds() {
  const char* const name = std::getenv("CONSILIUM_TEST_SLEEP");
  std::FILE* const file = name == nullptr ? nullptr : std::fopen(name, "re");
  if (file == nullptr) return 0;
  long long slept = 0;
  if (std::fscanf(file, "%lld", &slept) != 1) slept = 0;
  std::fclose(file);
  return slept;
}

}  // namespace

// The name and form are the C library's: that is what makes the program call this one.
extern "C" int clock_gettime(clockid_t clock, timespec* time) {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (result != 0 || clock != CLOCK_BOOTTIME) return result;
  const long long slept = SleptMilliseconds();
  time->tv_sec += slept / 1'000;
  time->tv_nsec += slept % 1'000 * 1'000'000;
  if (time->tv_nsec >= 1'000'000'000) {
    time->tv_nsec -= 1'000'000'000;
    ++time->tv_sec;
  }
  return 0;
}
