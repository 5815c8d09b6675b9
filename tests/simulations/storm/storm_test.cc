// Covers
// simulations/storm/{faults,liars,storm,storm_report,trace,world,world_network,world_people}.cc.

#include "simulations/storm/storm.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

StormSummary Storm(std::uint64_t seeds, unsigned threads) {
  StormOptions options;
  options.seeds = seeds;
  options.threads = threads;
  return RunStorm(options);
}

TEST(StormTest, NothingUnsafeHappensAndStudiesEnd) {
  const StormSummary summary = Storm(150, 2);

  EXPECT_EQ(summary.failed, 0U) << StormText(summary);
  EXPECT_EQ(summary.seeds, 150U);
  EXPECT_GT(summary.finished, 120U);
  // Most days are bad: a storm that injects nothing shows nothing.
  std::size_t kinds = 0;
  for (const std::uint64_t count : summary.faults) kinds += count > 0 ? 1U : 0U;
  EXPECT_GT(kinds, 45U);
  EXPECT_GT(summary.drops.size(), 15U);
}

TEST(StormTest, NoSumHasASiteThatLiedInItsSketch) {
  std::uint64_t lies = 0;
  std::uint64_t named = 0;
  std::uint64_t found_out = 0;
  std::uint64_t finished = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const SeedOutcome outcome = RunSeed(seed, /*keep_lines=*/true, StormStudies::kNormsChecked);
    EXPECT_THAT(outcome.violations, IsEmpty()) << seed;
    lies += outcome.faults[static_cast<std::size_t>(Fault::kSiteLiesInSketch)];
    if (outcome.drops.contains(DropReason::kTooLong)) ++named;
    found_out += static_cast<std::uint64_t>(
        std::count_if(outcome.lines.begin(), outcome.lines.end(), [](const std::string& line) {
          return line.find("sketches do not add up") != std::string::npos;
        }));
    if (outcome.end == StormEnd::kFinished) ++finished;
  }
  EXPECT_GT(lies, 20U);
  EXPECT_GT(named, 2U);
  EXPECT_GT(found_out, 2U);
  EXPECT_GT(finished, 10U);
}

/// The witness counts what each site tells against the plan's epsilon, whatever becomes of
/// attempts.
TEST(StormTest, NoSiteTellsMoreUnderNoiseThanThePlanPromises) {
  std::uint64_t spent = 0;
  std::uint64_t finished = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const SeedOutcome outcome = RunSeed(seed, /*keep_lines=*/false, StormStudies::kWithNoise);
    EXPECT_THAT(outcome.violations, IsEmpty()) << seed;
    if (outcome.refusals.contains(RefusalReason::kPromiseSpent)) ++spent;
    if (outcome.end == StormEnd::kFinished) ++finished;
  }
  EXPECT_GT(spent, 5U);
  EXPECT_GT(finished, 20U);
}

TEST(StormTest, DependsOnTheSeedAlone) {
  const StormSummary one = Storm(30, 1);
  const StormSummary three = Storm(30, 3);

  EXPECT_EQ(one.trace, three.trace);
  EXPECT_EQ(one.faults, three.faults);
  EXPECT_NE(one.trace, Storm(29, 1).trace);
  EXPECT_NE(RunSeed(1, false).trace, RunSeed(2, false).trace);
}

// The same bits on each compiler at each level of optimisation. UPDATE_GOLDEN=1 writes the file
// anew after a change of the protocol or of the faults.
TEST(StormTest, TracesAreThoseOfEveryCompiler) {
  const std::string file =
      std::string(CONSILIUM_SOURCE_DIR) + "/tests/simulations/storm/golden_traces.txt";
  std::string traces;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    traces += std::to_string(seed) + " " + RunSeed(seed, false).trace.ToHex() + "\n";
  }
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file) << traces;
  }
  std::ifstream golden(file);
  const std::string expected{std::istreambuf_iterator<char>(golden), {}};
  EXPECT_EQ(traces, expected);
}

TEST(StormTest, AReplayTellsWhatHappenedAndIsTheSame) {
  const SeedOutcome outcome = RunSeed(7, /*keep_lines=*/true);

  EXPECT_EQ(outcome.trace, RunSeed(7, false).trace);
  EXPECT_THAT(outcome.lines, SizeIs(outcome.events));
  EXPECT_THAT(outcome.violations, IsEmpty());
  const auto tells = [&](const std::string& words) {
    return std::any_of(outcome.lines.begin(), outcome.lines.end(), [&](const std::string& line) {
      return line.find(words) != std::string::npos;
    });
  };
  EXPECT_TRUE(tells("round-start round 1 attempt 1"));
  EXPECT_TRUE(tells("receives from site-0"));
}

TEST(StormReportTest, NamesAFailingSeedAndTheCommandThatReplaysIt) {
  StormSummary summary;
  summary.seeds = 3;
  summary.failed = 1;
  SeedOutcome failure;
  failure.seed = 42;
  failure.end = StormEnd::kFailed;
  failure.violations = {"a site gave both shares of one dealer"};
  summary.failures.push_back(failure);
  summary.stuck["waiting for site-1"] = {2, 17};

  const std::string text = StormText(summary);
  EXPECT_THAT(text, HasSubstr("consilium-sim storm --seed 42"));
  EXPECT_THAT(text, HasSubstr("a site gave both shares of one dealer"));
  EXPECT_THAT(text, HasSubstr("torn-write"));
  EXPECT_THAT(text, HasSubstr("dealt-inconsistently"));
  const auto json = nlohmann::json::parse(StormJson(summary));
  EXPECT_EQ(json["failures"][0]["seed"], 42);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["stuck"][0]["first_seed"], 17);
  EXPECT_EQ(json["faults"]["torn-write"], 0);
}

}  // namespace
}  // namespace consilium
