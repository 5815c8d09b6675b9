// Vectors and sums of several chunks, up and down: a few at a time, resumed where a connection
// broke, exact whatever happens in between.

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/result_document.h"
#include "tests/coordinator/federation_results.h"

namespace consilium::testing {
namespace {

constexpr std::uint32_t kSites = 4;
constexpr int kFeatures = 330;  ///< Sums of 110,000 words: four chunks.

std::string PlanText() {
  std::string columns;
  std::string names;
  for (int j = 0; j < kFeatures; ++j) {
    const std::string name = "x" + std::to_string(j);
    columns += "[[contract.column]]\nname = \"" + name + "\"\ntype = \"boolean\"\n";
    names += (j == 0 ? "\"" : ", \"") + name + "\"";
  }
  return "[study]\ntitle = \"Wide\"\nrequested_by = \"Test consortium\"\npermit = \"none\"\n"
         "question = \"Does it fit?\"\nexpires = 2030-01-01\nminimum_sites = 3\n"
         "[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"y\"\ntype = \"boolean\"\n" +
         columns + "[analysis]\nkind = \"logistic\"\noutcome = \"y\"\nridge = 20\nfeatures = [" +
         names + "]\n[privacy]\nminimum_patients = 10\n[round]\ndeadline = \"30s\"\n";
}

Cohort WideCohort(std::uint32_t site) {
  SeededRandom random(900 + site);
  Cohort cohort;
  cohort.columns.emplace_back("y");
  for (int j = 0; j < kFeatures; ++j) cohort.columns.push_back("x" + std::to_string(j));
  cohort.patients = 150;
  cohort.values.resize(150, kFeatures + 1);
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    cohort.values(row, 0) = static_cast<double>(random.Below(2));
    for (Eigen::Index j = 1; j <= kFeatures; ++j) {
      cohort.values(row, j) = static_cast<double>(random.Below(2));
    }
  }
  return cohort;
}

/// Gives the sites wide cohorts and policies that let them be used.
void Prepare(VirtualFederation& federation, std::uint32_t sites) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.maximum_parameters_per_patient = std::numeric_limits<double>::infinity();
  policy.minimum_class = 0;
  for (std::uint32_t site = 0; site < sites; ++site) {
    federation.SetPolicy(site, policy);
    federation.SetCohort(site, WideCohort(site));
  }
}

FederationOptions Options() {
  FederationOptions options;
  options.sites = kSites;
  return options;
}

class LongVectorsTest : public ::testing::Test {
 protected:
  LongVectorsTest() { Prepare(federation_, kSites); }

  void Start() {
    federation_.JoinAll();
    study_ = federation_.Submit(PlanText());
    federation_.ApproveAll(study_);
    federation_.Start(study_);
  }

  /// What plain sums over all sites release.
  static const std::string& Expected() {
    static const std::string expected = [] {
      const Plan plan = *ParsePlan(PlanText(), "plan.toml");
      std::vector<Cohort> cohorts;
      for (std::uint32_t site = 0; site < kSites; ++site) cohorts.push_back(WideCohort(site));
      std::vector<const Cohort*> pointers;
      for (const Cohort& cohort : cohorts) pointers.push_back(&cohort);
      const PlainRun run = RunPlain(*plan.analysis, pointers).value();
      return ResultDocument(plan, run.result, run.rounds);
    }();
    return expected;
  }

  void ExpectExact() {
    ASSERT_TRUE(federation_.RunToEnd(study_, 400)) << federation_.View(study_).reason;
    EXPECT_EQ(federation_.ResultOf(study_), Expected());
    for (const auto& [site, reason] : federation_.refusals())
      ADD_FAILURE() << site << " " << reason;
    federation_.Settle();
    for (std::uint32_t site = 0; site < kSites; ++site) {
      EXPECT_EQ(federation_.site(site).View(study_)->sums_known,
                federation_.View(study_).rounds_done);
    }
  }

  VirtualFederation federation_{Options()};
  StudyId study_;
};

TEST_F(LongVectorsTest, AreSummedToTheBitAndComeAFewAtATime) {
  std::set<std::uint32_t> under_way;
  std::size_t most = 0;
  std::uint64_t chunks_up = 0;
  std::uint64_t chunks_down = 0;
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind != MessageKind::kUploadChunk) return true;
    ++chunks_up;
    under_way.insert(site);
    most = std::max(most, under_way.size());
    if (Decode<Chunk>(message.body)->words.size() < kChunkWords) under_way.erase(site);
    return true;
  };
  federation_.to_site = [&](std::uint32_t, Bytes& bytes) {
    if (OpenMessage(bytes)->kind == MessageKind::kSumChunk) ++chunks_down;
    return true;
  };

  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());

  EXPECT_EQ(most, kUploadsAtATime);
  EXPECT_GT(chunks_down, 0u);
  EXPECT_EQ(chunks_up % kSites, 0u) << "each chunk of each site once";
}

/// Cuts a connection whenever it would carry its nth chunk, up or down.
class CutTest : public LongVectorsTest, public ::testing::WithParamInterface<int> {};

TEST_P(CutTest, ResumesAtTheFirstChunkThatIsMissing) {
  int until_cut = GetParam();
  std::uint32_t cuts = 0;
  std::map<std::pair<std::uint32_t, Bytes>, int> carried;  ///< Chunks that arrived, and how often.
  const auto carry = [&](std::uint32_t site, const Bytes& bytes) {
    const MessageKind kind = OpenMessage(bytes)->kind;
    if (kind != MessageKind::kUploadChunk && kind != MessageKind::kSumChunk) return true;
    if (--until_cut == 0) {
      until_cut = GetParam();
      ++cuts;
      federation_.Disconnect(site);
      federation_.Connect(site);
      return false;
    }
    ++carried[{site, bytes}];
    return true;
  };
  federation_.to_coordinator = carry;
  federation_.to_site = carry;

  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());

  EXPECT_GT(cuts, 0u);
  for (const auto& [chunk, times] : carried) EXPECT_EQ(times, 1) << "a chunk that had arrived";
}

INSTANTIATE_TEST_SUITE_P(Chunks, CutTest, ::testing::Values(2, 3, 5, 7, 11));

TEST_F(LongVectorsTest, ASiteThatCrashesWhileASumComesDownIsToldItAnew) {
  bool crashed = false;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const bool chunk = OpenMessage(bytes)->kind == MessageKind::kSumChunk;
    if (crashed || site != 2 || !chunk) return true;
    crashed = true;
    federation_.CrashAndRestartSite(site);
    return false;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_TRUE(crashed);
}

TEST_F(LongVectorsTest, ACoordinatorThatCrashesBetweenChunksGoesOn) {
  int chunks = 0;
  int crashes = 0;
  federation_.to_coordinator = [&](std::uint32_t, Bytes& bytes) {
    const MessageKind kind = OpenMessage(bytes)->kind;
    const bool between = kind == MessageKind::kUploadChunk || kind == MessageKind::kSumReceived;
    if (!between || ++chunks % 7 != 0 || crashes == 5) return true;
    ++crashes;
    federation_.CrashAndRestartCoordinator();
    return false;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_EQ(crashes, 5);
}

/// Of seven sites two are asked for their vectors and never send them.
TEST(StalledUploadTest, OthersGetTheirTurnWherethePlanGoesOnWithoutSome) {
  FederationOptions options;
  options.sites = 7;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  Prepare(federation, 7);
  federation.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    return site > 1 || OpenMessage(bytes)->kind != MessageKind::kUploadChunk;
  };
  federation.JoinAll();
  std::string plan = PlanText();
  plan.replace(plan.find("deadline ="), 0, "on_loss = \"continue\"\n");
  const StudyId study = federation.Submit(plan);
  federation.ApproveAll(study);
  federation.Start(study);
  ASSERT_TRUE(federation.RunToEnd(study, 400)) << federation.View(study).reason;
  for (const JournalRecord& entry : JournalOf(federation)) {
    EXPECT_EQ(entry.survivors.size(), 5U) << "round " << entry.round.value();
  }
}

/// A site that takes its approval back after its vector has come, while others still upload.
TEST_F(LongVectorsTest, AVectorIsNotSummedAgainstItsSitesWill) {
  bool revoked = false;
  std::uint64_t ended = 0;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind == MessageKind::kAttemptEnded) ++ended;
    const bool last_receipt = message.kind == MessageKind::kChunkReceived && site == 0 &&
                              Decode<ChunkReceived>(message.body)->next == 4;
    if (!revoked && last_receipt) {
      revoked = true;
      SiteEffects effects;
      EXPECT_TRUE(federation_.site(0).Revoke(study_, federation_.now(), effects).has_value());
      federation_.Carry(0, effects);
    }
    return true;
  };
  Start();
  federation_.Settle();
  ASSERT_TRUE(revoked);
  EXPECT_EQ(federation_.View(study_).rounds_done, 1U) << "the moments, in one chunk";
  EXPECT_EQ(federation_.View(study_).state, StudyState::kPaused) << "the plan waits for all";
  EXPECT_GT(ended, 0U);
}

TEST_F(LongVectorsTest, RepeatedReceiptsAndChunksAskForNothing) {
  std::uint64_t chunks_down = 0;
  std::uint64_t sums = 0;
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const MessageKind kind = OpenMessage(bytes)->kind;
    if (kind != MessageKind::kSumReceived && kind != MessageKind::kUploadChunk) return true;
    for (int i = 0; i < 2; ++i) federation_.DeliverToCoordinator(site, bytes);
    return true;
  };
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind == MessageKind::kRoundClosed) {
      if (Decode<RoundClosed>(message.body)->more_words > 0) ++sums;
    }
    if (message.kind != MessageKind::kSumChunk && message.kind != MessageKind::kChunkReceived) {
      return true;
    }
    if (message.kind == MessageKind::kSumChunk) ++chunks_down;
    for (int i = 0; i < 2; ++i) federation_.Deliver(site, bytes);
    return true;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_EQ(chunks_down, 3 * sums) << "three more chunks for each long sum";
}

TEST_F(LongVectorsTest, ASumWhoseChunksAreNotWhatWasSignedIsRefused) {
  bool altered = false;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (altered || site != 1 || message.kind != MessageKind::kSumChunk) return true;
    altered = true;
    Chunk chunk = *Decode<Chunk>(message.body);
    ++chunk.words.back();
    bytes = FrameMessage(message.kind, message.route, Encode(chunk));
    return true;
  };
  Start();
  federation_.Settle();
  ASSERT_TRUE(altered);
  ASSERT_FALSE(federation_.refusals().empty());
  EXPECT_EQ(federation_.refusals().front().first, 1u);
  EXPECT_EQ(federation_.refusals().front().second, "malformed");
  EXPECT_EQ(federation_.site(1).View(study_)->sums_known + 1,
            federation_.site(0).View(study_)->sums_known);
}

}  // namespace
}  // namespace consilium::testing
