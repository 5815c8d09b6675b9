// Lost sites, with the production cores: every subset of sites, every way of getting lost, every
// phase. The sums stay exact over the sites that each of them holds, or the study waits and says
// for whom.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/records.h"
#include "tests/coordinator/federation_results.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using Sites = std::set<std::uint32_t>;

enum class Fault { kDisconnected, kRestarted, kSilent };

constexpr MessageKind kPhases[] = {MessageKind::kRoundStart, MessageKind::kDelivery,
                                   MessageKind::kSurvivors, MessageKind::kQuorum};

/// Feeds the analysis with plain sums over the very sites that each round was closed with.
void ExpectExactSums(VirtualFederation& federation, const FederationOptions& options) {
  const Plan plan = *ParsePlan(LogisticPlanText(options), "plan.toml");
  AnalysisThread analysis(plan.analysis);
  AnalysisThread::Step step = analysis.Start();
  for (const JournalRecord& entry : JournalOf(federation)) {
    const Query query = std::get<Query>(step);
    const std::vector<Slot> slots = SlotsOf(*plan.analysis->Describe(query));
    RingVector sum(WordsOf(slots), 0);
    for (const SiteId site : entry.survivors) {
      const Cohort& cohort = federation.cohort(site.value() - 1);
      const Contribution contribution = *plan.analysis->Answer(query, cohort);
      AddTo(sum, *EncodeFixedPoint(contribution.values, slots, entry.capacity));
    }
    ASSERT_EQ(entry.sum, sum) << "round " << entry.round.value();
    step = analysis.Resume(Aggregate{*DecodeFixedPoint(sum, slots, entry.capacity),
                                     static_cast<std::uint32_t>(entry.survivors.size())});
  }
  const auto& result = std::get<Result<AnalysisResult>>(step);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(*federation.coordinator().ResultTable(federation.coordinator().Studies().at(0).id),
            result->table);
}

/// Strikes the given sites when the first of them is about to hear of a phase of a round.
class Strike {
 public:
  Strike(VirtualFederation& federation,
         Sites sites,
         Fault fault,
         MessageKind phase,
         std::uint32_t round)
      : federation_(federation), sites_(std::move(sites)), fault_(fault) {
    federation_.to_site = [this, phase, round](std::uint32_t site, Bytes& bytes) {
      const OpenedMessage message = *OpenMessage(bytes);
      const bool now = message.kind == phase && message.route.round == RoundNumber(round);
      if (!struck_ && now && sites_.contains(site)) return Hit();
      return !(silent_ && sites_.contains(site));
    };
    federation_.to_coordinator = [this](std::uint32_t site, Bytes&) {
      return !(silent_ && sites_.contains(site));
    };
  }

  /// The sites are back, and their computers speak again.
  void End() {
    silent_ = false;
    if (fault_ == Fault::kRestarted) return;
    for (const std::uint32_t site : sites_) {
      federation_.Disconnect(site);
      federation_.Connect(site);
    }
  }
  bool struck() const { return struck_; }

 private:
  bool Hit() {
    struck_ = true;
    silent_ = fault_ == Fault::kSilent;
    for (const std::uint32_t site : sites_) {
      if (fault_ == Fault::kDisconnected) federation_.Disconnect(site);
      if (fault_ == Fault::kRestarted) federation_.CrashAndRestartSite(site);
    }
    return false;
  }

  VirtualFederation& federation_;
  Sites sites_;
  Fault fault_;
  bool struck_ = false;
  bool silent_ = false;
};

/// Every non-empty subset of up to four sites; of more, all of them, each one, and each with the
/// first.
std::vector<Sites> SubsetsOf(std::uint32_t sites) {
  std::vector<Sites> subsets;
  for (std::uint32_t mask = 1; mask < (1U << sites); ++mask) {
    Sites subset;
    for (std::uint32_t i = 0; i < sites; ++i) {
      if ((mask >> i) & 1U) subset.insert(i);
    }
    const bool chosen = sites <= 4 || subset.size() == sites || subset.size() == 1 ||
                        (subset.size() == 2 && subset.contains(0));
    if (chosen) subsets.push_back(subset);
  }
  return subsets;
}

/// With the fault gone an administrator resumes what was paused. True if it then ends.
bool GoesOn(VirtualFederation& federation, const StudyId& study) {
  federation.Settle();
  if (federation.View(study).state == StudyState::kPaused) {
    CoordinatorEffects effects;
    if (!federation.coordinator().Resume(study, federation.now(), effects)) return false;
    federation.Carry(effects);
  }
  return federation.RunToEnd(study);
}

class DropOutFederationTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  /// Larger federations strike in one round; the smallest in the first and in a later one.
  std::vector<std::uint32_t> Rounds() const {
    return GetParam() <= 4 ? std::vector<std::uint32_t>{1, 3} : std::vector<std::uint32_t>{2};
  }

  void ForEachCase(
      const std::function<void(const Sites&, Fault, MessageKind, std::uint32_t)>& run) {
    for (const Sites& lost : SubsetsOf(GetParam())) {
      for (const Fault fault : {Fault::kDisconnected, Fault::kRestarted, Fault::kSilent}) {
        for (const MessageKind phase : kPhases) {
          for (const std::uint32_t round : Rounds()) {
            SCOPED_TRACE("sites " + ::testing::PrintToString(lost) + " fault " +
                         std::to_string(static_cast<int>(fault)) + " at " +
                         std::string(Name(phase)) + " of round " + std::to_string(round));
            run(lost, fault, phase, round);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
};

TEST_P(DropOutFederationTest, AWaitingStudyEndsWithTheBitsOfAllSites) {
  FederationOptions options;
  options.sites = GetParam();
  ForEachCase([&](const Sites& lost, Fault fault, MessageKind phase, std::uint32_t round) {
    VirtualFederation federation(options);
    Strike strike(federation, lost, fault, phase, round);
    const StudyId study = federation.RunningStudy();
    bool finished = federation.RunToEnd(study, 8);
    ASSERT_TRUE(strike.struck());
    if (!finished) {
      const StudyView view = federation.View(study);
      if (view.state == StudyState::kRunning) {
        EXPECT_THAT(view.reason, HasSubstr("site-" + std::to_string(*lost.begin())));
      }
      EXPECT_FALSE(view.reason.empty());
      strike.End();
      finished = GoesOn(federation, study);
    }
    ASSERT_TRUE(finished) << federation.View(study).reason;
    ASSERT_EQ(TableOf(federation, study), PlainTable(federation, options, SitesBut(options)));
    for (const auto& [site, reason] : federation.refusals()) {
      EXPECT_EQ(reason, "no-such-session");  // On its way to a site that has just restarted.
    }
  });
}

TEST_P(DropOutFederationTest, AStudyThatGoesOnIsExactOverTheSitesOfEachRound) {
  FederationOptions options;
  options.sites = GetParam();
  options.on_loss = "continue";
  ForEachCase([&](const Sites& lost, Fault fault, MessageKind phase, std::uint32_t round) {
    VirtualFederation federation(options);
    Strike strike(federation, lost, fault, phase, round);
    const StudyId study = federation.RunningStudy();
    bool finished = federation.RunToEnd(study, 20);
    ASSERT_TRUE(strike.struck());
    const std::size_t left = options.sites - lost.size();
    const bool before_release = phase != MessageKind::kQuorum && phase != MessageKind::kSurvivors;
    if (before_release && left >= 3) {
      EXPECT_TRUE(finished) << federation.View(study).reason;
    }
    if (!finished) {
      EXPECT_FALSE(federation.View(study).reason.empty());
      strike.End();
      finished = GoesOn(federation, study);
    }
    ASSERT_TRUE(finished) << federation.View(study).reason;
    ASSERT_NO_FATAL_FAILURE(ExpectExactSums(federation, options));
  });
}

INSTANTIATE_TEST_SUITE_P(Sites, DropOutFederationTest, ::testing::Values(3U, 4U, 5U, 6U));

TEST(LateSiteTest, OneThatWasTooSlowJoinsTheNextRoundWithoutReconnecting) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  bool lost_once = false;
  federation.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    const bool slow =
        site == 4 && message.route.round == RoundNumber(1) &&
        (message.kind == MessageKind::kUploadHeader || message.kind == MessageKind::kUploadChunk);
    lost_once = lost_once || slow;
    return !slow;
  };

  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  ASSERT_TRUE(lost_once);
  const std::vector<JournalRecord> journal = JournalOf(federation);
  EXPECT_EQ(journal.at(0).survivors.size(), 4U);
  EXPECT_EQ(journal.at(1).survivors.size(), 5U);
}

/// Two sites are lost as the first round closes: one before it could offer another key, so that the
/// others wait, one after that, but before it heard the sum.
void CloseTheFirstRoundWithoutTwo(VirtualFederation& federation) {
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    const bool quorum = site == 3 && message.kind == MessageKind::kQuorum;
    const bool sum = site == 2 && message.kind == MessageKind::kRoundClosed;
    if (quorum || sum) federation.Disconnect(site);
    return !quorum && !sum;
  };
  federation.Settle();
  federation.to_site = nullptr;
}

TEST(LateSiteTest, IsToldTheSumsItMissedBeforeItIsAskedAnything) {
  for (const bool together : {true, false}) {
    VirtualFederation federation({});
    const StudyId study = federation.RunningStudy();
    CloseTheFirstRoundWithoutTwo(federation);
    ASSERT_EQ(federation.View(study).rounds_done, 1U);
    ASSERT_EQ(federation.site(2).View(study)->sums_known, 0U);

    federation.Connect(3);
    if (!together) federation.Settle();
    federation.Connect(2);

    EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
    for (const auto& [site, reason] : federation.refusals()) {
      ADD_FAILURE() << "site " << site << " refused: " << reason << ", together " << together;
    }
  }
}

}  // namespace
}  // namespace consilium::testing
