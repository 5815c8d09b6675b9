// Both state machines at once: a coordinator's core and its sites' on the storm's virtual network,
// under faults, lies and garbage in the order in which the input has them, judged by the storm's
// witness. Nothing unsafe happens, and when the input is used up every study ends.

#include <cstdio>

#include "common/random.h"
#include "simulations/storm/storm.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {

void FuzzOne(ByteSpan input) {
  const SeedOutcome outcome = RunSchedule(input);
  for (const std::string& violation : outcome.violations) {
    std::fprintf(stderr, "violation: %s\n", violation.c_str());
  }
  CHECK(outcome.violations.empty());
}

std::vector<Bytes> FuzzSeeds() {
  constexpr std::size_t kSizes[] = {80, 160, 400, 400, 800, 800, 1'200, 1'600};
  std::vector<Bytes> seeds{Bytes(80, std::byte{0xff})};  // A calm day.
  SeededRandom random(1);
  for (const std::size_t size : kSizes) {
    seeds.emplace_back(size);
    random.Fill(seeds.back());
  }
  return seeds;
}

}  // namespace consilium
