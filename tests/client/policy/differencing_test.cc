// Two sums over nearly the same patients tell, subtracted, of the few between them: what a site's
// core does about it, over rounds, studies and restarts.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/site_core.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint32_t kVictim = 0;
constexpr std::uint64_t kPatients = 60;

/// Answers one study with patients 1 to 60, then another with other ones at the victim.
class DifferencingGuardTest : public ::testing::Test {
 protected:
  DifferencingGuardTest() { EXPECT_TRUE(federation_.RunToEnd(federation_.RunningStudy())); }

  bool SecondStudyWith(CohortPatients patients) {
    federation_.SetPatients(kVictim, std::move(patients));
    FederationOptions options;
    options.extra_plan_title = " again";
    second_ = federation_.Submit(LogisticPlanText(options));
    federation_.ApproveAll(second_);
    federation_.Start(second_);
    return federation_.RunToEnd(second_, 5);
  }
  std::string WordsAtTheVictim() { return federation_.site(kVictim).View(second_)->last_refusal; }
  std::size_t CohortsOnDisk() { return federation_.site_store(kVictim).Load("cohort")->size(); }

  VirtualFederation federation_{{}};
  StudyId second_;
};

TEST_F(DifferencingGuardTest, TheSamePatientsAreAnsweredWithAgain) {
  EXPECT_TRUE(SecondStudyWith(NumberedPatients(kPatients)));
  EXPECT_EQ(CohortsOnDisk(), 1U);
}

TEST_F(DifferencingGuardTest, AsManyPatientsAsThePolicyAsksForMayLieBetween) {
  EXPECT_TRUE(SecondStudyWith(NumberedPatients(kPatients + 5)));
  EXPECT_EQ(CohortsOnDisk(), 2U);
}

TEST(DifferencingTest, FewerPatientsAreRefusedInWordsWithNothingSent) {
  for (std::uint64_t more = 1; more < 5; ++more) {
    SCOPED_TRACE(more);
    VirtualFederation federation({});
    ASSERT_TRUE(federation.RunToEnd(federation.RunningStudy()));
    const std::size_t ledger = federation.site_store(kVictim).Load("ledger")->size();
    federation.SetPatients(kVictim, NumberedPatients(kPatients + more));
    FederationOptions options;
    options.extra_plan_title = " again";
    const StudyId second = federation.Submit(LogisticPlanText(options));
    federation.ApproveAll(second);
    federation.Start(second);
    EXPECT_FALSE(federation.RunToEnd(second, 5));

    ASSERT_FALSE(federation.refusals().empty());
    EXPECT_THAT(federation.refusals().front().second,
                HasSubstr("differs by " + std::to_string(more) + " patient"));
    EXPECT_THAT(federation.site(kVictim).View(second)->last_refusal,
                AllOf(HasSubstr("minimum_difference"), HasSubstr("at least 5")));
    EXPECT_THAT(federation.View(second).reason, HasSubstr("site-0 refuses"));
    // The approval alone is new in the ledger: nothing was answered.
    EXPECT_EQ(federation.site_store(kVictim).Load("ledger")->size(), ledger + 1);
    for (const auto& [site, bytes] : federation.received()) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (site != kVictim || message.route.study != second) continue;
      EXPECT_NE(message.kind, MessageKind::kUploadHeader);
      EXPECT_NE(message.kind, MessageKind::kUploadChunk);
    }
  }
}

TEST_F(DifferencingGuardTest, ARestartForgetsNothing) {
  federation_.CrashAndRestartSite(kVictim);
  federation_.Settle();
  EXPECT_FALSE(SecondStudyWith(NumberedPatients(kPatients - 1)));
  EXPECT_THAT(WordsAtTheVictim(), HasSubstr("differs by 1 patient "));
}

TEST_F(DifferencingGuardTest, ThePolicyCanSayHowManyAreEnough) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.minimum_difference = 1;
  federation_.SetPolicy(kVictim, policy);
  EXPECT_TRUE(SecondStudyWith(NumberedPatients(kPatients + 1)));
}

/// Data that change while a study runs: the next round would be of one patient more.
TEST(DifferencingTest, WithinAStudyTheCohortStaysAsItIs) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  std::uint64_t rounds = 0;
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    if (site == kVictim && OpenMessage(bytes)->kind == MessageKind::kRoundClosed) {
      ++rounds;
      federation.SetPatients(kVictim, NumberedPatients(kPatients + 1));
    }
    return true;
  };
  EXPECT_FALSE(federation.RunToEnd(study, 5));
  EXPECT_EQ(rounds, 1U);
  EXPECT_THAT(federation.site(kVictim).View(study)->last_refusal, HasSubstr("differs by 1"));
}

class ExclusionTest : public ::testing::Test {
 protected:
  ExclusionTest() { federation_.JoinAll(); }

  SiteCore::Exclusion Exclude(PatientCodes patients) {
    SiteEffects effects;
    const auto done = federation_.site(kVictim).Exclude(patients, federation_.now(), effects);
    EXPECT_TRUE(done.has_value());
    federation_.Carry(kVictim, effects);
    return done.value_or(SiteCore::Exclusion{});
  }

  VirtualFederation federation_{{}};
};

TEST_F(ExclusionTest, IsOnRecordAndOutlivesARestart) {
  EXPECT_THAT(federation_.site(kVictim).excluded(), IsEmpty());
  const SiteCore::Exclusion first = Exclude({7, 9});
  EXPECT_EQ(first.added, 2U);
  const SiteCore::Exclusion second = Exclude({8, 9});
  EXPECT_EQ(second.added, 1U);
  EXPECT_EQ(second.in_all, 3U);
  EXPECT_EQ(second.head.records, first.head.records + 1);
  federation_.CrashAndRestartSite(kVictim);
  EXPECT_THAT(federation_.site(kVictim).excluded(), ::testing::ElementsAre(7U, 8U, 9U));
  EXPECT_EQ(federation_.site(kVictim).ledger_head().hash, second.head.hash);

  // Nobody new: the list and the ledger stay as they are.
  EXPECT_EQ(Exclude({8}).added, 0U);
  EXPECT_EQ(federation_.site(kVictim).ledger_head().records, second.head.records);
}

/// Two studies at once: the first is computed, and before it is masked the second has answered.
TEST(DifferencingTest, OfTwoStudiesAtOnceTheLaterAnswerIsRefused) {
  VirtualFederation federation({});
  const StudyId first = federation.RunningStudy();
  std::optional<Bytes> delivery;  // Of the first study to the victim.
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    const bool holds =
        site == kVictim && message.route.study == first && message.kind == MessageKind::kDelivery;
    if (holds) delivery = bytes;
    return !holds;
  };
  federation.Settle();
  ASSERT_TRUE(delivery.has_value());
  federation.SetPatients(kVictim, NumberedPatients(kPatients + 1));
  FederationOptions options;
  options.extra_plan_title = " again";
  const StudyId second = federation.Submit(LogisticPlanText(options));
  federation.ApproveAll(second);
  federation.Start(second);
  federation.Settle();
  ASSERT_EQ(federation.View(second).state, StudyState::kFinished);

  const SiteEffects effects = federation.site(kVictim).OnMessage(federation.now(), *delivery);
  EXPECT_THAT(federation.site(kVictim).View(first)->last_refusal,
              HasSubstr("differs by 1 patient "));
  bool noted = false;
  for (const SiteEffect& effect : effects) {
    EXPECT_FALSE(std::holds_alternative<Persist>(effect));
    const auto* note = std::get_if<Note>(&effect);
    noted = noted || (note != nullptr && note->event == "answer-refused");
  }
  EXPECT_TRUE(noted) << "the site's own log says where";
}

/// Patient 7 withdraws while the worker computes; it looks at the new list the next time.
TEST_F(ExclusionTest, ReachesAnAnswerThatIsUnderWay) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  federation_.ApproveAll(study);
  federation_.Start(study);
  std::size_t computed = 0;
  federation_.answer = [&](std::uint32_t site) -> std::optional<Result<ComputedAnswer>> {
    if (site != kVictim) return std::nullopt;
    if (++computed == 1) Exclude({7});
    if (computed == 2) {
      CohortPatients without = NumberedPatients(kPatients);
      without.erase(without.begin() + 6);
      federation_.SetPatients(kVictim, std::move(without));
    }
    return std::nullopt;
  };
  EXPECT_TRUE(federation_.RunToEnd(study));
  const std::vector<Record> cohorts = *federation_.site_store(kVictim).Load("cohort");
  ASSERT_EQ(cohorts.size(), 1U);
  const CohortPatients answered = Decode<AnsweredCohort>(cohorts.front().value)->patients;
  EXPECT_EQ(answered.size(), kPatients - 1);
  EXPECT_FALSE(AnyOf(answered, {7}));
}

}  // namespace
}  // namespace consilium::testing
