// A disk without space at either side: said in words, nothing lost, and studies go on when there is
// space again. The limit on the size of files stands in for the disk.

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr int kStorageFullExit = 16;

TEST(DiskFullTest, ACoordinatorSaysSoAndGoesOnWhenThereIsSpace) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(SmallPlan());
  FillDisk(federation.process("coordinator"));

  const CommandOutcome start = federation.Coordinator({"start", study});

  EXPECT_EQ(start.exit_code, kStorageFullExit) << start.err;
  EXPECT_THAT(start.err, HasSubstr("Free"));
  const CommandOutcome status = federation.Coordinator({"status"});
  EXPECT_EQ(status.exit_code, kStorageFullExit);
  EXPECT_THAT(status.err, HasSubstr("degraded"));
  EXPECT_TRUE(federation.process("coordinator").running());

  FreeDisk(federation.process("coordinator"));
  ASSERT_TRUE(Eventually(seconds(10), [&] { return federation.StateOf(study) == "offered"; }));
  ASSERT_TRUE(Eventually(seconds(10), [&] {
    return federation.Coordinator({"start", study}).exit_code == 0;
  }));
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(30))) << federation.ReasonOf(study);
  EXPECT_EQ(federation.Coordinator({"result", study}).out, PlainTable(SmallPlan(), {0, 1, 2}));
  EXPECT_EQ(federation.Coordinator({"audit", "--verify"}).exit_code, 0);
}

TEST(DiskFullTest, ACoordinatorThatFillsUpInMidStudyEndsWithTheSameBits) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(SmallPlan());
  federation.process("gamma").Pause();
  Expect(federation.Coordinator({"start", study}));
  FillDisk(federation.process("coordinator"));
  federation.process("gamma").Signal(SIGCONT);
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Coordinator({"status"}).exit_code == kStorageFullExit;
  })) << federation.WordsOf("coordinator");

  FreeDisk(federation.process("coordinator"));

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
  EXPECT_EQ(federation.Coordinator({"result", study}).out, PlainTable(SmallPlan(), {0, 1, 2}));
}

TEST(DiskFullTest, ASiteSaysSoAndItsStudyWaitsForIt) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(SmallPlan("wait", "2s"));
  FillDisk(federation.process("beta"));
  Expect(federation.Coordinator({"start", study}));
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Site("beta", {"status"}).exit_code == kStorageFullExit;
  })) << federation.WordsOf("beta");
  EXPECT_TRUE(federation.process("beta").running());
  EXPECT_EQ(federation.StateOf(study), "running");

  FreeDisk(federation.process("beta"));

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60)))
      << federation.ReasonOf(study) << federation.WordsOf("beta");
  EXPECT_EQ(federation.Coordinator({"result", study}).out,
            PlainTable(SmallPlan("wait", "2s"), {0, 1, 2}));
  EXPECT_EQ(federation.Site("beta", {"ledger", "--verify"}).exit_code, 0);
}

}  // namespace
}  // namespace consilium::testing
