// Studies with norms checked, through the production cores: who is named, what is not in the
// result, and how often a site lets itself be sketched (client/site_sketches.cc).

#include "protocols/norm_check.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/records.h"
#include "protocols/analysis_thread.h"
#include "protocols/result_document.h"
#include "protocols/secure_sum/sketch.h"
#include "tests/coordinator/federation_results.h"

namespace consilium::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::uint32_t kSites = 5;
constexpr std::uint32_t kLiar = 1;

/// 1,249 parameters on the columns of GeneratedCohort; the first round is one of training.
std::string TrainPlanText(bool checks_norms, const std::string& title = "") {
  FederationOptions options;
  options.on_loss = "continue";
  options.extra_plan_title = title;
  std::string text = LogisticPlanText(options);
  const std::string exact = "kind = \"logistic\"\n";
  text.replace(text.find(exact), exact.size(),
               "kind = \"train\"\nmodel = \"mlp\"\nhidden = [64, 16]\nrounds = 3\n"
               "standardise = \"range\"\nclip = 0.5\n" +
                   std::string(checks_norms ? "norm_check = true\n" : ""));
  const std::string patient = "patient = \"id\"\n";
  text.replace(text.find(patient), patient.size(), patient + "maximum_patients = 100\n");
  return text;
}

Policy Allowing(std::uint32_t norm_checks) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.maximum_parameters_per_patient = std::numeric_limits<double>::infinity();
  policy.norm_checks = norm_checks;
  return policy;
}

class NormCheckedStudyTest : public ::testing::Test {
 protected:
  NormCheckedStudyTest() {
    FederationOptions options;
    options.sites = kSites;
    federation_.emplace(options);
    AllowAll(1);
  }

  void AllowAll(std::uint32_t norm_checks) {
    for (std::uint32_t site = 0; site < kSites; ++site) {
      federation_->SetPolicy(site, Allowing(norm_checks));
    }
  }
  void Start(const std::string& text = TrainPlanText(true)) {
    if (federation_->coordinator().roster().members.empty()) federation_->JoinAll();
    study_ = federation_->Submit(text);
    federation_->ApproveAll(study_);
    federation_->Start(study_);
  }
  bool RunToEnd() { return federation_->RunToEnd(study_); }
  StudyView View() const { return federation_->View(study_); }

  /// What plain sums over these sites release.
  std::string PlainResult(const std::vector<std::uint32_t>& sites) const {
    const Plan plan = ParsePlan(TrainPlanText(true), "plan.toml").value();
    std::vector<const Cohort*> cohorts;
    for (const std::uint32_t site : sites) cohorts.push_back(&federation_->cohort(site));
    const PlainRun run = RunPlain(*plan.analysis, cohorts).value();
    return ResultDocument(plan, run.result, run.rounds);
  }
  std::string PlainResultWithout(const std::vector<std::uint32_t>& sites) const {
    FederationOptions options;
    options.sites = kSites;
    return PlainResult(SitesBut(options, sites));
  }

  /// The liar answers the first round with numbers of this size each, within every bound of one
  /// number.
  void AnswerWithNumbersOf(double size) {
    const Plan plan = ParsePlan(TrainPlanText(true), "plan.toml").value();
    AnalysisThread thread(plan.analysis);
    const Query query = std::get<Query>(thread.Start());
    const Slice update = plan.analysis->Describe(query)->back();
    Contribution lie = plan.analysis->Answer(query, federation_->cohort(kLiar)).value();
    const auto count = static_cast<std::ptrdiff_t>(update.slot.count);
    std::fill(lie.values.end() - count, lie.values.end(), size * update.slot.bound);
    federation_->answer = [lie](std::uint32_t site) -> std::optional<Result<ComputedAnswer>> {
      if (site != kLiar) return std::nullopt;
      return ComputedAnswer{lie, NumberedPatients(60), {}};
    };
  }

  /// The liar's sketches are a tenth of what they should be.
  void LieInSketches() {
    federation_->to_coordinator = [this](std::uint32_t site, Bytes& message) {
      const auto opened = OpenMessage(message);
      if (site != kLiar || !opened || opened->kind != MessageKind::kSketch) return true;
      auto sketch = *Decode<Sketch>(opened->body);
      SketchNumbers numbers = *SketchNumbersOf(sketch.numbers);
      for (SketchNumber& number : numbers) number /= 10;
      sketch.numbers = SketchWords(numbers);
      message = SealMessage(opened->kind, opened->route, Encode(sketch),
                            federation_->site_identity(kLiar));
      return true;
    };
  }

  std::uint64_t Received(MessageKind kind) const {
    return static_cast<std::uint64_t>(
        std::count_if(federation_->received().begin(), federation_->received().end(),
                      [&](const auto& entry) { return OpenMessage(entry.second)->kind == kind; }));
  }

  /// Seeds of a site's sketches, as they reached the coordinator.
  std::set<Digest> SeedsOf(std::uint32_t site) const {
    std::set<Digest> seeds;
    for (const auto& [from, bytes] : federation_->received()) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (from == site && message.kind == MessageKind::kSketch) {
        seeds.insert(Decode<Sketch>(message.body)->seed);
      }
    }
    return seeds;
  }

  std::optional<VirtualFederation> federation_;
  StudyId study_;
};

TEST_F(NormCheckedStudyTest, HonestSitesGetTheResultOfPlainSums) {
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  EXPECT_EQ(federation_->ResultOf(study_), PlainResultWithout({}));
  EXPECT_EQ(Received(MessageKind::kSketch), 3 * kSites);
  EXPECT_TRUE(federation_->refusals().empty());
}

TEST_F(NormCheckedStudyTest, WithoutTheKeyNothingOfItIsSent) {
  Start(TrainPlanText(false));
  ASSERT_TRUE(RunToEnd()) << View().reason;

  EXPECT_EQ(Received(MessageKind::kSketch), 0U);
  for (std::uint32_t site = 0; site < kSites; ++site) {
    EXPECT_TRUE(federation_->site_store(site).Load("sketched")->empty());
  }
}

TEST_F(NormCheckedStudyTest, EachSketchIsInTheSitesLedger) {
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  for (std::uint32_t site = 0; site < kSites; ++site) {
    const std::vector<Record> ledger = *federation_->site_store(site).Load("ledger");
    const auto sketches = std::count_if(ledger.begin(), ledger.end(), [](const Record& record) {
      return AsText(record.value).find("\"projections\":64") != std::string_view::npos;
    });
    EXPECT_EQ(sketches, 3) << site;
  }
}

TEST_F(NormCheckedStudyTest, ASiteWithAHugeVectorIsNamedAndTheRoundsGoOnWithoutIt) {
  federation_->JoinAll();
  AnswerWithNumbersOf(0.9);
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  EXPECT_EQ(View().sites.at(kLiar).progress, "excluded");
  EXPECT_EQ(federation_->ResultOf(study_), PlainResultWithout({kLiar}));
  for (const JournalRecord& round : JournalOf(*federation_)) {
    EXPECT_EQ(round.survivors.size(), kSites - 1);
    EXPECT_EQ(round.attempt, AttemptNumber(1));  // Nobody else was asked twice.
  }
  const std::vector<Record> audit = *federation_->coordinator_store().Load("audit");
  EXPECT_TRUE(std::any_of(audit.begin(), audit.end(), [](const Record& record) {
    const std::string_view text = AsText(record.value);
    return text.find("site-at-fault") != std::string_view::npos &&
           text.find("site-1") != std::string_view::npos &&
           text.find("too-long") != std::string_view::npos;
  }));
}

TEST_F(NormCheckedStudyTest, WithoutTheCheckTheSameVectorIsNoticedButNobodyIsNamed) {
  federation_->JoinAll();
  AnswerWithNumbersOf(0.9);
  Start(TrainPlanText(false));
  EXPECT_FALSE(RunToEnd());
  EXPECT_THAT(View().reason, HasSubstr("longer than clip"));
}

TEST_F(NormCheckedStudyTest, AStudyThatWaitsPausesWithTheNameOfTheSite) {
  std::string text = TrainPlanText(true);
  const std::string on_loss = "on_loss = \"continue\"";
  text.replace(text.find(on_loss), on_loss.size(), "on_loss = \"wait\"");
  federation_->JoinAll();
  AnswerWithNumbersOf(0.9);
  Start(text);

  EXPECT_FALSE(RunToEnd());
  EXPECT_EQ(View().state, StudyState::kPaused);
  EXPECT_THAT(View().reason, HasSubstr("site-1"));
  EXPECT_THAT(View().reason, HasSubstr("longer than the plan allows"));
}

TEST_F(NormCheckedStudyTest, AHugeVectorBehindAFalseSketchIsInNoResult) {
  federation_->JoinAll();
  AnswerWithNumbersOf(0.1);
  LieInSketches();
  Start();

  EXPECT_FALSE(RunToEnd());
  EXPECT_EQ(View().state, StudyState::kPaused);
  EXPECT_THAT(View().reason, HasSubstr("sketches do not add up"));
  EXPECT_TRUE(JournalOf(*federation_).empty());
  for (std::uint32_t site = 0; site < kSites; ++site) {
    EXPECT_EQ(federation_->site(site).View(study_)->sums_known, 0U);
  }
}

TEST_F(NormCheckedStudyTest, AfterAFalseSketchASiteIsNotSketchedAgainForTheSameRound) {
  federation_->JoinAll();
  LieInSketches();
  Start();
  ASSERT_FALSE(RunToEnd());
  CoordinatorEffects effects;
  ASSERT_TRUE(federation_->coordinator().Resume(study_, federation_->now(), effects));
  federation_->Carry(effects);

  EXPECT_FALSE(RunToEnd());
  EXPECT_EQ(View().state, StudyState::kPaused);
  EXPECT_THAT(View().reason, HasSubstr("norm_checks"));
  for (std::uint32_t site = 0; site < kSites; ++site) EXPECT_EQ(SeedsOf(site).size(), 1U) << site;
}

TEST_F(NormCheckedStudyTest, ASiteLostAfterItsSketchIsLeftOutOfThatRound) {
  constexpr std::uint32_t kLost = 3;
  bool lost = false;
  federation_->to_coordinator = [&](std::uint32_t site, Bytes& message) {
    if (lost || site != kLost || OpenMessage(message)->kind != MessageKind::kUploadChunk) {
      return true;
    }
    lost = true;
    federation_->CrashAndRestartSite(kLost);
    return false;
  };
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  const std::vector<JournalRecord> journal = JournalOf(*federation_);
  ASSERT_EQ(journal.size(), 3U);
  EXPECT_EQ(journal[0].survivors.size(), kSites - 1);
  EXPECT_EQ(journal[0].attempt, AttemptNumber(1));
  EXPECT_EQ(journal[2].survivors.size(), kSites);
}

TEST_F(NormCheckedStudyTest, ASiteWhoseConnectionBreaksBeforeItsVectorSendsItAfterwards) {
  constexpr std::uint32_t kCut = 2;
  bool cut = false;
  federation_->to_site = [&](std::uint32_t site, Bytes& message) {
    if (cut || site != kCut || OpenMessage(message)->kind != MessageKind::kChunkReceived) {
      return true;
    }
    cut = true;
    federation_->Disconnect(kCut);
    federation_->Connect(kCut);
    return false;
  };
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  EXPECT_TRUE(cut);
  EXPECT_EQ(federation_->ResultOf(study_), PlainResultWithout({}));
}

TEST_F(NormCheckedStudyTest, ASiteWhoseConnectionBreaksAtTheRequestRepeatsItsSketch) {
  constexpr std::uint32_t kCut = 2;
  int lost = 0;
  federation_->to_coordinator = [&](std::uint32_t site, Bytes& message) {
    if (lost > 0 || site != kCut || OpenMessage(message)->kind != MessageKind::kSketch) {
      return true;
    }
    ++lost;
    federation_->Disconnect(kCut);
    federation_->Connect(kCut);
    return false;
  };
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  EXPECT_EQ(lost, 1);
  EXPECT_EQ(federation_->ResultOf(study_), PlainResultWithout({}));
  const std::vector<Record> sketched = *federation_->site_store(kCut).Load("sketched");
  for (const Record& record : sketched) {
    EXPECT_EQ(Decode<SketchedRecord>(record.value)->times, 1U);
  }
}

/// Until after the sketches of the first round, when the coordinator dies.
class CoordinatorDiesAfterSketchesTest : public NormCheckedStudyTest {
 protected:
  void StartAndCrash() {
    federation_->to_coordinator = [this](std::uint32_t, Bytes& message) {
      if (crashed_ || OpenMessage(message)->kind != MessageKind::kUploadChunk) return true;
      crashed_ = true;
      federation_->CrashAndRestartCoordinator();
      return false;
    };
    Start();
  }
  bool crashed_ = false;
};

TEST_F(CoordinatorDiesAfterSketchesTest, SitesThatAreSketchedOnceRefuseByNameAndTheStudySaysSo) {
  StartAndCrash();
  EXPECT_FALSE(RunToEnd());

  EXPECT_TRUE(crashed_);
  EXPECT_EQ(View().state, StudyState::kPaused);
  EXPECT_THAT(View().reason, HasSubstr("norm_checks"));
  for (const StudySiteView& site : View().sites) EXPECT_NE(site.progress, "excluded");
  EXPECT_THAT(federation_->refusals(), Contains(Pair(0U, "second-sketch")));
  for (std::uint32_t site = 0; site < kSites; ++site) EXPECT_EQ(SeedsOf(site).size(), 1U) << site;
}

TEST_F(CoordinatorDiesAfterSketchesTest, SitesThatAllowTwoTryTheRoundAgain) {
  AllowAll(2);
  StartAndCrash();
  ASSERT_TRUE(RunToEnd()) << View().reason;

  EXPECT_TRUE(crashed_);
  EXPECT_EQ(federation_->ResultOf(study_), PlainResultWithout({}));
  EXPECT_EQ(JournalOf(*federation_).front().attempt, AttemptNumber(2));
}

TEST_F(CoordinatorDiesAfterSketchesTest, ASiteRemembersItsSketchesOverItsOwnRestart) {
  StartAndCrash();
  ASSERT_FALSE(RunToEnd());
  for (std::uint32_t site = 0; site < kSites; ++site) federation_->CrashAndRestartSite(site);
  CoordinatorEffects effects;
  ASSERT_TRUE(federation_->coordinator().Resume(study_, federation_->now(), effects));
  federation_->Carry(effects);

  EXPECT_FALSE(RunToEnd());
  for (std::uint32_t site = 0; site < kSites; ++site) EXPECT_EQ(SeedsOf(site).size(), 1U) << site;
}

/// The record is durable before the sketch leaves, wherever a site dies.
TEST_F(NormCheckedStudyTest, NoSketchLeavesASiteThatHasNotRecordedIt) {
  Start();
  federation_->to_coordinator = [this](std::uint32_t site, Bytes& message) {
    const OpenedMessage opened = *OpenMessage(message);
    if (opened.kind != MessageKind::kSketch) return true;
    const std::vector<Record> sketched = *federation_->site_store(site).Load("sketched");
    EXPECT_EQ(sketched.size(), opened.route.round.value()) << site;
    return true;
  };
  ASSERT_TRUE(RunToEnd()) << View().reason;
}

TEST_F(NormCheckedStudyTest, AnotherStudyOfTheSameQuestionIsRefused) {
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;
  Start(TrainPlanText(true, " again"));

  EXPECT_FALSE(RunToEnd());
  EXPECT_THAT(View().reason, HasSubstr("norm_checks"));
}

TEST_F(NormCheckedStudyTest, APolicyThatDoesNotAllowItRefusesTheStudy) {
  federation_->JoinAll();
  federation_->SetPolicy(3, Allowing(0));
  study_ = federation_->Submit(TrainPlanText(true));
  SiteEffects effects;

  const Status approved = federation_->site(3).Approve(study_, federation_->now(), effects);

  ASSERT_FALSE(approved);
  EXPECT_THAT(approved.error().message, HasSubstr("norm_checks"));
  EXPECT_EQ(MakePolicy(PolicyPreset::kResearch).norm_checks, 0U);
}

TEST_F(NormCheckedStudyTest, ACoordinatorThatAsksTwiceGetsOneSketch) {
  bool asked = false;
  federation_->to_site = [&](std::uint32_t site, Bytes& message) {
    const OpenedMessage opened = *OpenMessage(message);
    if (asked || site != 0 || opened.kind != MessageKind::kSurvivors) return true;
    asked = true;
    SketchRequest again;
    again.committed = *Decode<Survivors>(opened.body);
    again.nonce[0] = std::byte{77};
    federation_->Deliver(0, SealMessage(MessageKind::kSketchRequest, opened.route, Encode(again),
                                        federation_->coordinator_identity()));
    return true;
  };
  Start();
  ASSERT_TRUE(RunToEnd()) << View().reason;  // One site's word does not stop the others.

  EXPECT_TRUE(asked);
  EXPECT_THAT(federation_->refusals(), Contains(Pair(0U, "second-sketch")));
  EXPECT_EQ(SeedsOf(0).size(), 3U);  // One a round.
}

}  // namespace
}  // namespace consilium::testing
