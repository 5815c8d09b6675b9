// Covers common/transport/ask_service.cc with processes that start and end.

// Processes that die, hang and run out of disk, and studies that end all the same.

#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string TableOf(Deployment& federation, const std::string& study) {
  return federation.Coordinator({"result", study}).out;
}

TEST(FaultsTest, FourProcessesGiveTheBitsOfPlainSumsInLittleMemory) {
  Deployment federation(GeneratedSites(4));
  federation.StartAll();

  const std::string study = federation.RunningStudy(SmallPlan());

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(30))) << federation.ReasonOf(study);
  EXPECT_EQ(TableOf(federation, study), PlainTable(SmallPlan(), {0, 1, 2, 3}));
  for (const char* party : {"coordinator", "alpha", "beta", "gamma", "delta"}) {
    EXPECT_LT(federation.process(party).peak_resident_kib(), 40U * 1024) << party;
    EXPECT_EQ(federation.process(party).Stop(), 0) << party << ": " << federation.WordsOf(party);
  }
}

TEST(FaultsTest, ACoordinatorKilledAtRandomMomentsEndsWithTheSameBits) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string first = federation.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation.Reaches(first, "finished", seconds(30)));
  const std::string expected = Numbers(federation.ResultOf(first));
  SeededRandom random(3);
  for (int run = 0; run < 10; ++run) {
    // Another title is another study; the numbers must be the same.
    const std::string study =
        federation.ApprovedStudy(SmallPlan("wait", "30s", "Run " + std::to_string(run)));
    federation.Coordinator({"start", study});
    for (int kill = 0; kill < 5; ++kill) {
      std::this_thread::sleep_for(milliseconds(random.Below(60)));
      federation.process("coordinator").Kill();
      federation.StartCoordinator();
    }
    ASSERT_TRUE(Eventually(seconds(20), [&] { return !federation.StateOf(study).empty(); }));
    if (federation.StateOf(study) == "offered") Expect(federation.Coordinator({"start", study}));

    ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60)))
        << "run " << run << ": " << federation.Coordinator({"status", study}).out
        << federation.WordsOf("alpha") << federation.WordsOf("coordinator");
    ASSERT_EQ(Numbers(federation.ResultOf(study)), expected) << "run " << run;
  }
}

TEST(FaultsTest, ASiteKilledInMidStudyComesBackAndTheBitsAreTheSame) {
  Deployment federation(GeneratedSites(4));
  federation.StartAll();
  SeededRandom random(4);
  for (int run = 0; run < 5; ++run) {
    const std::string plan = SmallPlan("wait", "30s", "Run " + std::to_string(run));
    const std::string study = federation.RunningStudy(plan);
    for (int kill = 0; kill < 2; ++kill) {
      std::this_thread::sleep_for(milliseconds(random.Below(50)));
      federation.process("beta").Kill();
      federation.StartSite("beta");
    }

    ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
    ASSERT_EQ(TableOf(federation, study), PlainTable(plan, {0, 1, 2, 3}));
  }
}

TEST(FaultsTest, ADeadAndAHangingSiteAreLeftBehindWherethePlanSaysSo) {
  const std::string plan = SmallPlan("continue", "2s");
  for (const int signal : {SIGKILL, SIGSTOP}) {
    Deployment federation(GeneratedSites(5));
    federation.StartAll();
    const std::string study = federation.ApprovedStudy(plan);
    federation.process("delta").Signal(signal);

    Expect(federation.Coordinator({"start", study}));

    ASSERT_TRUE(federation.Reaches(study, "finished", seconds(90)))
        << federation.ReasonOf(study) << federation.WordsOf("coordinator");
    EXPECT_EQ(TableOf(federation, study), PlainTable(plan, {0, 1, 2, 4}));
  }
}

TEST(FaultsTest, AFrozenSetWaitsForAHangingSite) {
  const std::string plan = SmallPlan("wait", "1s");
  Deployment federation(GeneratedSites(4));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(plan);
  federation.process("gamma").Pause();
  Expect(federation.Coordinator({"start", study}));
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.ReasonOf(study).find("gamma") != std::string::npos;
  })) << federation.ReasonOf(study);

  federation.process("gamma").Signal(SIGCONT);

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
  EXPECT_EQ(TableOf(federation, study), PlainTable(plan, {0, 1, 2, 3}));
}

TEST(FaultsTest, ASecondServiceOnOneFolderIsTurnedAway) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  ASSERT_TRUE(Eventually(seconds(10), [&] {
    return federation.Coordinator({"status"}).exit_code == 0 &&
           federation.Site("alpha", {"status"}).exit_code == 0;
  }));
  std::this_thread::sleep_for(milliseconds(300));

  const CommandOutcome serve = federation.Coordinator({"serve"});
  const CommandOutcome run = federation.Site("alpha", {"run"});

  EXPECT_EQ(serve.exit_code, 15) << serve.err;
  EXPECT_EQ(run.exit_code, 15) << run.err;
  EXPECT_TRUE(federation.process("coordinator").running());
}

}  // namespace
}  // namespace consilium::testing
