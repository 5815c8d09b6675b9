// Crashes between any two effects: after each the same study ends with the same bits.

#include <gtest/gtest.h>

#include "common/crypto/hash.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

struct Reference {
  std::string result;
  std::uint64_t coordinator_effects = 0;
  std::uint64_t site_effects = 0;
};

Reference UninterruptedRun(const FederationOptions& options) {
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  EXPECT_TRUE(federation.RunToEnd(study));
  return {federation.ResultOf(study), federation.coordinator_effects(), federation.site_effects(1)};
}

TEST(CrashTest, ACoordinatorKilledBetweenAnyTwoEffectsEndsWithTheSameBits) {
  const FederationOptions options;
  const Reference reference = UninterruptedRun(options);
  std::uint64_t crashes = 0;
  for (std::uint64_t point = 0;; ++point) {
    VirtualFederation federation(options);
    federation.JoinAll();
    const StudyId study = federation.Submit(LogisticPlanText(options));
    federation.ApproveAll(study);
    federation.crash_coordinator_in = point;
    federation.Start(study);
    if (federation.View(study).state == StudyState::kOffered) federation.Start(study);

    ASSERT_TRUE(federation.RunToEnd(study))
        << "killed before effect " << point << ": " << federation.View(study).reason;
    ASSERT_EQ(federation.ResultOf(study), reference.result) << "killed before effect " << point;
    if (federation.coordinator_crashes() == 0) break;
    ++crashes;
  }
  EXPECT_GT(crashes, 100U);
}

TEST(CrashTest, ASiteKilledBetweenAnyTwoEffectsNeverMasksTwoVectorsUnderOneKey) {
  const FederationOptions options;
  const Reference reference = UninterruptedRun(options);
  std::uint64_t crashes = 0;
  for (std::uint64_t point = 0;; ++point) {
    VirtualFederation federation(options);
    federation.JoinAll();
    const StudyId study = federation.Submit(LogisticPlanText(options));
    federation.ApproveAll(study);
    federation.crash_site_in[1] = point;
    federation.Start(study);

    ASSERT_TRUE(federation.RunToEnd(study))
        << "killed before effect " << point << ": " << federation.View(study).reason;
    ASSERT_EQ(federation.ResultOf(study), reference.result) << "killed before effect " << point;
    // One context is one set of mask keys: in each, one vector only may ever be seen.
    std::map<std::pair<std::uint32_t, Digest>, Digest> vectors;
    for (const auto& [site, bytes] : federation.received()) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (message.kind != MessageKind::kUploadHeader) continue;
      const UploadHeader header = *Decode<UploadHeader>(message.body);
      const auto [known, fresh] =
          vectors.emplace(std::pair(site, header.context), header.vector_hash);
      ASSERT_TRUE(fresh || known->second == header.vector_hash);
    }
    if (federation.site_crashes(1) == 0) break;
    ++crashes;
  }
  EXPECT_GT(crashes, 30U);
}

TEST(CrashTest, BothSidesKilledAgainAndAgainStillEndWithTheSameBits) {
  const FederationOptions options;
  const Reference reference = UninterruptedRun(options);
  SeededRandom random(17);
  for (int run = 0; run < 40; ++run) {
    VirtualFederation federation(options);
    const StudyId study = federation.RunningStudy();
    bool finished = false;
    for (int strike = 0; strike < 6 && !finished; ++strike) {
      federation.crash_coordinator_in = random.Below(120);
      federation.crash_site_in[static_cast<std::uint32_t>(random.Below(4))] = random.Below(40);
      finished = federation.RunToEnd(study, 3);
    }
    federation.crash_coordinator_in.reset();
    federation.crash_site_in.clear();

    ASSERT_TRUE(finished || federation.RunToEnd(study))
        << "run " << run << ": " << federation.View(study).reason;
    ASSERT_EQ(federation.ResultOf(study), reference.result) << "run " << run;
  }
}

}  // namespace
}  // namespace consilium::testing
