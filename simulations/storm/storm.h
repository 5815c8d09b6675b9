#pragma once

// Seeds, one after another: each a federation, a study and a bad day. First faults are on and
// nothing unsafe may happen; then they are off and the study must end.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/ids.h"
#include "protocols/reasons.h"
#include "simulations/storm/faults.h"

namespace consilium {

enum class StormEnd {
  kFinished,  ///< With a result.
  kStuck,     ///< For a reason that a person has to look into; see `stuck_because`.
  kFailed     ///< Something happened that must not.
};

struct SeedOutcome {
  std::uint64_t seed = 0;
  std::uint32_t sites = 0;
  StormEnd end = StormEnd::kFinished;
  std::string stuck_because;
  std::vector<std::string> violations;
  Digest trace;
  std::uint64_t events = 0;
  FaultCounts faults{};
  std::map<DropReason, std::uint64_t> drops;
  std::map<RefusalReason, std::uint64_t> refusals;
  std::vector<std::string> lines;  ///< The readable trace, when asked for.
};

/// What the sites of a storm are asked for.
enum class StormStudies {
  kExact,         ///< A regression.
  kNormsChecked,  ///< Training with the length of updates checked, and sites that lie about it.
  kWithNoise      ///< Training with noise, whose epsilon has room for one more attempt.
};

SeedOutcome RunSeed(std::uint64_t seed,
                    bool keep_lines,
                    StormStudies studies = StormStudies::kExact);
/// The same under a day and a luck that are read from bytes (see schedule.h), for as long as they
/// last; then the weather is calm. Keys and data are those of seed 0.
SeedOutcome RunSchedule(ByteSpan schedule);

struct StormOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1'000;
  unsigned threads = 1;
  StormStudies studies = StormStudies::kExact;
};

struct Stuck {
  std::uint64_t times = 0;
  std::uint64_t first_seed = 0;
};

struct StormSummary {
  StormStudies studies = StormStudies::kExact;
  std::uint64_t seeds = 0;
  std::uint64_t finished = 0;
  std::uint64_t events = 0;
  FaultCounts faults{};
  std::map<DropReason, std::uint64_t> drops;
  std::map<RefusalReason, std::uint64_t> refusals;
  std::map<std::string, Stuck> stuck;  ///< By reason.
  std::vector<SeedOutcome> failures;   ///< The first ones, by seed.
  std::uint64_t failed = 0;
  Digest trace;  ///< Over the seeds' traces in order: whatever the number of threads.
};

/// Called from one thread at a time, with the seeds done so far.
using StormWatcher = std::function<void(std::uint64_t done)>;

StormSummary RunStorm(const StormOptions& options, const StormWatcher& watcher = {});

/// For a terminal: faults by kind, reasons by kind, what got stuck, and each failing seed with the
/// command that replays it.
std::string StormText(const StormSummary& summary);
std::string StormJson(const StormSummary& summary);

}  // namespace consilium
