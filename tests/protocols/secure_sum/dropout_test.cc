// Exact sums over every pattern of drop-outs, or a clean failure where the thresholds say so.

#include <gtest/gtest.h>

#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

/// The last thing that a site does.
enum class Last { kNothing, kShares, kUploadThenGone, kUpload, kConfirmation, kEverything };
constexpr Last kFaults[] = {Last::kNothing, Last::kShares, Last::kUploadThenGone, Last::kUpload,
                            Last::kConfirmation};

struct Expected {
  SumPhase phase = SumPhase::kFinished;
  SumPhase reached = SumPhase::kFinished;  ///< Where it failed.
  std::vector<SiteId> survivors;
};

/// What the thresholds promise, from the published rule alone.
Expected Predict(const SumFixture& fixture, const std::vector<Last>& last, bool everyone) {
  const Thresholds& thresholds = fixture.setup().start.thresholds;
  const auto count = [&](auto predicate) {
    return static_cast<std::uint32_t>(std::count_if(last.begin(), last.end(), predicate));
  };
  const std::uint32_t needed =
      everyone ? thresholds.sites : std::max(thresholds.shares, thresholds.minimum);
  Expected expected;
  expected.phase = SumPhase::kFailed;
  expected.reached = SumPhase::kDealing;
  if (count([](Last l) { return l >= Last::kShares; }) < needed) return expected;
  expected.reached = SumPhase::kUploading;
  if (count([](Last l) { return l >= Last::kUpload; }) < needed) return expected;
  // Whose whole vector has come is in the sum, also if it was lost right after.
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (last[i] >= Last::kUploadThenGone) expected.survivors.push_back(fixture.id(i));
  }
  expected.reached = SumPhase::kConfirming;
  if (count([](Last l) { return l >= Last::kConfirmation; }) < thresholds.quorum) return expected;
  expected.reached = SumPhase::kUnmasking;
  if (count([](Last l) { return l >= Last::kEverything; }) < thresholds.shares) return expected;
  return Expected{SumPhase::kFinished, SumPhase::kFinished, expected.survivors};
}

SumRun::Absent Before(const std::vector<Last>& last, Last step) {
  SumRun::Absent absent;
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (last[i] < step) absent.insert(i);
  }
  return absent;
}

void Play(SumRun& run, const SumFixture& fixture, const std::vector<Last>& last) {
  run.Dealing(Before(last, Last::kShares));
  if (run.coordinator().phase() != SumPhase::kUploading) return;
  const SumRun::Absent silent = Before(last, Last::kUploadThenGone);
  run.MaskAll(silent);
  for (const std::size_t i : run.Members(silent)) {
    CHECK(!run.SendHeader(i));
    CHECK(!run.SendVector(i));
    if (last[i] == Last::kUploadThenGone) {
      run.coordinator().Drop(fixture.id(i), DropReason::kDisconnected);
    }
  }
  run.coordinator().Close();
  if (run.coordinator().phase() != SumPhase::kConfirming) return;
  run.Confirming(Before(last, Last::kConfirmation));
  if (run.coordinator().phase() != SumPhase::kUnmasking) return;
  run.Unmask(Before(last, Last::kEverything));
}

void ExpectExact(SumFixture& fixture, const std::vector<Last>& last, bool everyone) {
  SumRun run(fixture, everyone);
  Play(run, fixture, last);
  const Expected expected = Predict(fixture, last, everyone);
  ASSERT_EQ(run.coordinator().phase(), expected.phase) << run.coordinator().failure();
  if (expected.phase == SumPhase::kFailed) {
    EXPECT_FALSE(run.coordinator().failure().empty());
    // Too few is found by counting: nobody is accused of having dealt badly.
    for (const auto& [site, reason] : run.coordinator().dropped()) {
      EXPECT_TRUE(reason == DropReason::kSilent || reason == DropReason::kDisconnected);
    }
    return;
  }
  ASSERT_EQ(run.coordinator().survivors(), expected.survivors);
  ASSERT_EQ(run.coordinator().sum(), run.ExpectedSum());
}

void EverySubsetInEveryPhase(std::uint32_t sites, std::uint32_t minimum) {
  SumFixture fixture(sites, 5, minimum, sites);
  for (const bool everyone : {false, true}) {
    for (const Last fault : kFaults) {
      for (std::uint32_t subset = 0; subset < 1u << sites; ++subset) {
        std::vector<Last> last(sites, Last::kEverything);
        for (std::uint32_t i = 0; i < sites; ++i) {
          if (subset >> i & 1) last[i] = fault;
        }
        SCOPED_TRACE("n " + std::to_string(sites) + " fault " +
                     std::to_string(static_cast<int>(fault)) + " subset " + std::to_string(subset) +
                     (everyone ? " everyone" : ""));
        ASSERT_NO_FATAL_FAILURE(ExpectExact(fixture, last, everyone));
      }
    }
  }
}

class DropOutTest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(DropOutTest, EverySubsetLostInAnyPhaseGivesTheExactSumOrACleanFailure) {
  EverySubsetInEveryPhase(GetParam(), 3);
}

INSTANTIATE_TEST_SUITE_P(Sites, DropOutTest, testing::Range(3u, 9u));

TEST(DropOutMinimumTest, AMinimumAboveTheThresholdDecides) { EverySubsetInEveryPhase(5, 5); }

TEST(DropOutMixtureTest, EveryAssignmentOfFaultsToFourSites) {
  SumFixture fixture(4, 3);
  for (std::uint32_t code = 0; code < 6 * 6 * 6 * 6; ++code) {
    std::vector<Last> last;
    for (std::uint32_t rest = code; last.size() < 4; rest /= 6) {
      last.push_back(static_cast<Last>(rest % 6));
    }
    SCOPED_TRACE(code);
    ASSERT_NO_FATAL_FAILURE(ExpectExact(fixture, last, code % 2 == 0));
  }
}

TEST(DropOutMixtureTest, RandomFaultsUpToTheLargestFederation) {
  SeededRandom random(11);
  for (const std::uint32_t sites : {9u, 13u, 20u, 33u, 64u, 128u}) {
    SumFixture fixture(sites, 7, 3, sites);
    // As many faults as may be survived, then one more.
    for (const std::uint32_t extra : {0u, 1u}) {
      std::vector<Last> last(sites, Last::kEverything);
      std::uint32_t faults = sites - fixture.setup().start.thresholds.shares + extra;
      while (faults > 0) {
        Last& one = last[random.Below(sites)];
        if (one != Last::kEverything) continue;
        one = kFaults[random.Below(5)];
        --faults;
      }
      SCOPED_TRACE(sites);
      ASSERT_NO_FATAL_FAILURE(ExpectExact(fixture, last, false));
      EXPECT_EQ(Predict(fixture, last, false).phase,
                extra == 0 ? SumPhase::kFinished : SumPhase::kFailed);
    }
  }
}

TEST(DropOutMixtureTest, AVectorOfSeveralChunksIsSummedExactly) {
  SumFixture fixture(4, 2 * kChunkWords + 77);
  ExpectExact(fixture, {Last::kEverything, Last::kShares, Last::kEverything, Last::kEverything},
              false);
  SumFixture whole(3, 2 * kChunkWords);
  ExpectExact(whole, std::vector<Last>(3, Last::kEverything), true);
}

TEST(DropOutMixtureTest, AnEmptyChunkCompletesAVectorWithoutWords) {
  SumFixture fixture(3, 0);
  SumRun run(fixture);
  run.Dealing();
  run.MaskAll();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(run.SendHeader(i));
    EXPECT_FALSE(run.coordinator().OnChunk(fixture.id(i), Chunk{}));
  }
  run.coordinator().Close();
  run.Confirming();
  run.Unmask();
  EXPECT_TRUE(run.coordinator().sum().empty());
}

}  // namespace
}  // namespace consilium
