// A site's state from round to round, with the production cores: whatever dies between an upload
// and the closing of its round, and however often a round is tried, training gives the same bits.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "client/records.h"
#include "tests/coordinator/federation_results.h"

namespace consilium::testing {
namespace {

constexpr std::uint32_t kStruckSite = 1;

/// SCAFFOLD on the columns of GeneratedCohort: each site keeps its control variate.
std::string ScaffoldPlanText() {
  std::string text = LogisticPlanText(FederationOptions{});
  const std::string exact = "kind = \"logistic\"\n";
  text.replace(text.find(exact), exact.size(),
               "kind = \"train\"\nmodel = \"logistic\"\nstrategy = \"scaffold\"\nrounds = 4\n"
               "batch_size = 16\n");
  return text;
}

class TrainingCrashTest : public ::testing::Test {
 protected:
  void Approve(VirtualFederation& federation) {
    federation.JoinAll();
    study_ = federation.Submit(ScaffoldPlanText());
    federation.ApproveAll(study_);
  }

  /// Approved and started.
  void Start(VirtualFederation& federation) {
    Approve(federation);
    federation.Start(study_);
  }

  std::string UndisturbedResult() {
    VirtualFederation federation(FederationOptions{});
    Start(federation);
    EXPECT_TRUE(federation.RunToEnd(study_)) << federation.View(study_).reason;
    return federation.ResultOf(study_);
  }

  /// What the site's disk has now.
  static SiteStateRecord StateOf(VirtualFederation& federation, std::uint32_t site) {
    const std::vector<Record> records = *federation.site_store(site).Load("state");
    return records.empty() ? SiteStateRecord{} : *Decode<SiteStateRecord>(records.front().value);
  }

  StudyId study_;
};

TEST_F(TrainingCrashTest, ASiteKilledBetweenItsUploadAndTheClosingTakesItsNextStateFromItsDisk) {
  const std::string expected = UndisturbedResult();
  // The moments are round 1, training rounds 2 to 5.
  for (std::uint32_t round = 2; round <= 5; ++round) {
    VirtualFederation federation(FederationOptions{});
    bool killed = false;
    Bytes candidate;
    federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (killed || site != kStruckSite || message.kind != MessageKind::kRoundClosed ||
          message.route.round != RoundNumber(round)) {
        return true;
      }
      killed = true;
      const SiteStateRecord record = StateOf(federation, kStruckSite);
      EXPECT_EQ(record.candidate_round, RoundNumber(round));
      candidate = record.candidate;
      EXPECT_NE(candidate, record.state);
      federation.CrashAndRestartSite(kStruckSite);
      return false;
    };
    bool taken = false;
    federation.to_coordinator = [&](std::uint32_t site, Bytes&) {
      taken = taken || (killed && site == kStruckSite &&
                        StateOf(federation, kStruckSite).state == candidate);
      return true;
    };
    Start(federation);

    ASSERT_TRUE(federation.RunToEnd(study_)) << federation.View(study_).reason;
    EXPECT_TRUE(killed);
    EXPECT_EQ(federation.site_crashes(kStruckSite), 1u);
    EXPECT_TRUE(taken || StateOf(federation, kStruckSite).state == candidate) << round;
    EXPECT_EQ(federation.ResultOf(study_), expected) << "killed in round " << round;
  }
}

TEST_F(TrainingCrashTest, ASiteKilledBetweenAnyTwoEffectsEndsWithTheSameBits) {
  const std::string expected = UndisturbedResult();
  std::uint64_t crashes = 0;
  for (std::uint64_t point = 0;; ++point) {
    VirtualFederation federation(FederationOptions{});
    Approve(federation);
    federation.crash_site_in[kStruckSite] = point;
    federation.Start(study_);

    ASSERT_TRUE(federation.RunToEnd(study_))
        << "killed before effect " << point << ": " << federation.View(study_).reason;
    ASSERT_EQ(federation.ResultOf(study_), expected) << "killed before effect " << point;
    if (federation.site_crashes(kStruckSite) == 0) break;
    ++crashes;
  }
  EXPECT_GT(crashes, 50u);
}

/// Another site is silent after all have uploaded, so that the attempt ends without a sum.
TEST_F(TrainingCrashTest, ARepeatedAttemptStartsFromTheStateOfTheLastClosedRound) {
  const std::string expected = UndisturbedResult();
  constexpr RoundNumber kRound(4);
  constexpr std::uint32_t kSilentSite = 2;
  VirtualFederation federation(FederationOptions{});
  bool was_silent = false;
  std::map<AttemptNumber, SiteStateRecord> records;
  federation.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.route.round != kRound) return true;
    if (site == kStruckSite && message.kind == MessageKind::kUploadHeader) {
      records[message.route.attempt] = StateOf(federation, kStruckSite);
    }
    const bool lost = site == kSilentSite && message.route.attempt == AttemptNumber(1) &&
                      message.kind == MessageKind::kUploadHeader;
    was_silent = was_silent || lost;
    return !lost;
  };
  Start(federation);

  ASSERT_TRUE(federation.RunToEnd(study_)) << federation.View(study_).reason;
  EXPECT_TRUE(was_silent);
  ASSERT_EQ(records.size(), 2u);
  const SiteStateRecord& first = records.begin()->second;
  const SiteStateRecord& again = records.rbegin()->second;
  EXPECT_NE(first.candidate_attempt, again.candidate_attempt);
  EXPECT_FALSE(first.state.empty());
  EXPECT_EQ(again.state, first.state);
  // From the same state and question the same next state; from the candidate it would be another.
  EXPECT_EQ(again.candidate, first.candidate);
  EXPECT_NE(again.candidate, again.state);
  EXPECT_EQ(federation.ResultOf(study_), expected);
}

}  // namespace
}  // namespace consilium::testing
