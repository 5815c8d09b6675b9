// Each rule of the policy, through the site's production core: it refuses in words that name the
// rule, and no answer leaves. docs/policy-file.md lists every rule's test.

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/site_core.h"
#include "protocols/hash_chain.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint32_t kVictim = 0;

/// In place of the plan's logistic regression.
std::string PlanWith(const std::string& analysis, const std::string& privacy = "") {
  std::string text = LogisticPlanText({});
  const std::size_t start = text.find("[analysis]\n");
  const std::size_t end = text.find("[privacy]\n");
  text.replace(start, end - start, "[analysis]\n" + analysis);
  const std::string round = "[round]\n";
  return text.replace(text.find(round), round.size(), privacy + round);
}

std::string TrainPlan(const std::string& more) {
  return PlanWith(
      "kind = \"train\"\noutcome = \"ill\"\nfeatures = [\"age\", \"dose\"]\n"
      "rounds = 3\n" +
      more);
}

/// With enough parameters for norms to be checked.
std::string NormCheckPlan() {
  std::string text = TrainPlan(
      "model = \"mlp\"\nhidden = [64, 16]\nstandardise = \"range\"\nclip = 0.5\n"
      "norm_check = true\n");
  const std::string patient = "patient = \"id\"\n";
  return text.replace(text.find(patient), patient.size(), patient + "maximum_patients = 100\n");
}

struct Rule {
  PolicyRule rule;
  std::string words;                    ///< Beside the rule's name.
  std::function<void(Policy&)> forbid;  ///< After the approval.
  std::string plan = LogisticPlanText({});
  std::function<void(Policy&)> allow = [](Policy&) {};  ///< For the approval.
  bool has_answered = false;  ///< Another study, with the cohort as it is.
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << Name(rule.rule); }

class PolicyRuleTest : public ::testing::TestWithParam<Rule> {
 protected:
  PolicyRuleTest() {
    federation_.JoinAll();
    // As the site's worker: the policy's rules on the cohort come before the answer.
    federation_.answer = [this](std::uint32_t site) -> std::optional<Result<ComputedAnswer>> {
      if (site != kVictim) return std::nullopt;
      const Plan* const plan = federation_.site(site).PlanOf(study_).value();
      CohortWithFlow data;
      data.cohort = federation_.cohort(site);
      const PolicyStatus allowed = CheckCohort(*federation_.site(site).policy(), *plan, data);
      if (allowed) return std::nullopt;
      return Result<ComputedAnswer>(
          tl::make_unexpected(static_cast<const Error&>(allowed.error())));
    };
  }

  void AnswerAnotherStudy() {
    FederationOptions options;
    options.extra_plan_title = " before";
    study_ = federation_.Submit(LogisticPlanText(options));
    federation_.ApproveAll(study_);
    federation_.Start(study_);
    ASSERT_TRUE(federation_.RunToEnd(study_)) << federation_.View(study_).reason;
  }

  /// The rule's study, approved everywhere.
  void ApproveWhereAllAllow(const Rule& rule) {
    if (rule.has_answered) AnswerAnotherStudy();
    // Everywhere: a rule that some site breaks must not be what stops the study.
    for (std::uint32_t site = 0; site < 4; ++site) {
      Policy policy = MakePolicy(PolicyPreset::kStandard);
      rule.allow(policy);
      federation_.SetPolicy(site, policy);
    }
    study_ = federation_.Submit(rule.plan);
    federation_.ApproveAll(study_);
  }

  void SetPolicy(const std::function<void(Policy&)>& change) {
    Policy policy = MakePolicy(PolicyPreset::kStandard);
    change(policy);
    federation_.SetPolicy(kVictim, policy);
  }

  /// Masked vectors that the victim sent for the study.
  std::size_t VectorsSent() const {
    std::size_t sent = 0;
    for (const auto& [site, bytes] : federation_.received()) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (site != kVictim || message.route.study != study_) continue;
      if (message.kind == MessageKind::kUploadHeader || message.kind == MessageKind::kUploadChunk) {
        ++sent;
      }
    }
    return sent;
  }

  std::size_t AnswersOnRecord() {
    std::size_t answers = 0;
    const auto records = HashChain::ReadAll(federation_.site_store(kVictim),
                                            std::string(kLedgerTable), std::string(kLedgerDomain),
                                            federation_.site_identity(kVictim).public_key());
    for (const ChainRecord& record : *records) {
      const bool is_answer =
          record.event == "answered" && record.detail.find(study_.ToHex()) != std::string::npos;
      if (is_answer) ++answers;
    }
    return answers;
  }

  VirtualFederation federation_{FederationOptions{}};
  StudyId study_;
};

TEST_P(PolicyRuleTest, RefusesInWordsWithNothingSent) {
  const Rule& rule = GetParam();
  ApproveWhereAllAllow(rule);
  SetPolicy([&rule](Policy& policy) {
    rule.allow(policy);
    rule.forbid(policy);
  });
  if (rule.rule == PolicyRule::kDifference) {
    federation_.SetPatients(kVictim, NumberedPatients(61));
  }

  federation_.Start(study_);
  federation_.RunToEnd(study_, 5);

  EXPECT_THAT(federation_.site(kVictim).View(study_)->last_refusal,
              AllOf(HasSubstr(std::string(Name(rule.rule))), HasSubstr(rule.words)));
  EXPECT_EQ(VectorsSent(), 0U);
  EXPECT_EQ(AnswersOnRecord(), 0U);
  // The words stay here; the coordinator has a reason by its name.
  for (const auto& [site, bytes] : federation_.received()) {
    const std::string text(AsText(bytes));
    ASSERT_EQ(text.find(rule.words), std::string::npos);
  }
}

/// For the rules whose study needs neither a program nor sites by their names.
class PolicyRuleKeptTest : public PolicyRuleTest {};

TEST_P(PolicyRuleKeptTest, LetsTheSameStudyRun) {
  const Rule& rule = GetParam();
  ApproveWhereAllAllow(rule);
  federation_.Start(study_);
  EXPECT_TRUE(federation_.RunToEnd(study_)) << federation_.View(study_).reason;
  EXPECT_GT(VectorsSent(), 0U);
  EXPECT_EQ(AnswersOnRecord(), VectorsSent() / 2) << "a header and a chunk for each";
}

std::vector<Rule> RulesOnThePlan() {
  return {
      {PolicyRule::kExpired, "valid until 2026-01-31",
       [](Policy& policy) {
         policy.valid_until = Date{2026, 1, 31};
       }},
      {PolicyRule::kAnalysis, "runs the analysis \"logistic\"",
       [](Policy& policy) { policy.allowed_analyses = {"linear"}; }},
      {PolicyRule::kRequester, "requested by \"Test consortium\"",
       [](Policy& policy) { policy.requesters = {"Another"}; }},
      {PolicyRule::kRounds, "allows 1", [](Policy& policy) { policy.maximum_rounds = 1; }},
      {PolicyRule::kTrainer, "a program called \"forest\"",
       [](Policy& policy) { policy.trainers.clear(); },
       TrainPlan("[analysis.trainer]\ncommand = [\"forest\"]\nparameters = 3\n"),
       [](Policy& policy) { policy.trainers["forest"].program = "/usr/bin/forest"; }},
      {PolicyRule::kSiteLevel, "what single hospitals have",
       [](Policy& policy) { policy.site_level = false; },
       PlanWith("kind = \"validate\"\nmodel = \"logistic\"\noutcome = \"ill\"\n"
                "features = [\"age\", \"dose\"]\nmethod = \"leave-one-site-out\"\n"
                "sites = [\"site-0\", \"site-1\", \"site-2\", \"site-3\"]\n"),
       [](Policy& policy) { policy.site_level = true; }},
      {PolicyRule::kNormChecks, "random combinations of them",
       [](Policy& policy) { policy.norm_checks = 0; }, NormCheckPlan(),
       [](Policy& policy) {
         policy.norm_checks = 1;
         policy.maximum_parameters_per_patient = 100;
       }},
  };
}

std::vector<Rule> RulesOnTheCohort() {
  return {
      {PolicyRule::kPatients, "has 60 patients here",
       [](Policy& policy) { policy.minimum_patients = 61; }},
      {PolicyRule::kParameters, "estimates 3 parameters",
       [](Policy& policy) { policy.maximum_parameters_per_patient = 0.04; }},
      {PolicyRule::kClass, "the smallest class of \"ill\"",
       [](Policy& policy) { policy.minimum_class = 31; }},
      {PolicyRule::kDifference, "differs by 1 patient ",
       [](Policy& policy) { policy.minimum_difference = 2; }, LogisticPlanText({}), [](Policy&) {},
       true},
      {PolicyRule::kModel, "would meet 1 of the 60 rows",
       [](Policy& policy) { policy.memorising_models = false; },
       TrainPlan("model = \"logistic\"\nlocal_steps = 1\nbatch_size = 1\n"),
       [](Policy& policy) { policy.memorising_models = true; }},
  };
}

std::vector<Rule> RulesOnTheAnswer() {
  const std::string noisy = PlanWith(
      "kind = \"summary\"\nby = \"ill\"\nvariables = [\"age\", \"dose\"]\n"
      "mantel_haenszel = false\n",
      "[privacy.dp]\nnoise_multiplier = 5\nepsilon = 1.1\ndelta = 1e-6\n");
  return {
      {PolicyRule::kSites, "would have 4 sites", [](Policy& policy) { policy.minimum_sites = 5; }},
      {PolicyRule::kPrivacy, "allows 0.5", [](Policy& policy) { policy.privacy_epsilon = 0.5; },
       noisy},
      // It is 14:13 there, on a Monday.
      {PolicyRule::kHours, "mon 2026-09-21 14:13",
       [](Policy& policy) {
         policy.times.hours = {{22 * 60, 6 * 60}};
       }},
      {PolicyRule::kAnswersADay, "within 24 hours",
       [](Policy& policy) { policy.quotas.answers_a_day = 3; }, LogisticPlanText({}),
       [](Policy&) {}, true},
      {PolicyRule::kAnswersAMonth, "within 30 days",
       [](Policy& policy) { policy.quotas.answers_a_month = 3; }, LogisticPlanText({}),
       [](Policy&) {}, true},
      {PolicyRule::kStudiesAMonth, "1 other study",
       [](Policy& policy) { policy.quotas.studies_a_month = 1; }, LogisticPlanText({}),
       [](Policy&) {}, true},
      {PolicyRule::kAnchors, "would not hold the site \"charite\"",
       [](Policy& policy) { policy.anchors = {"charite"}; }},
  };
}

std::string NameOf(const ::testing::TestParamInfo<Rule>& info) {
  return std::string(Name(info.param.rule));
}

std::vector<Rule> RulesThatCanBeKept() {
  std::vector<Rule> kept;
  for (const auto& rules : {RulesOnThePlan(), RulesOnTheCohort(), RulesOnTheAnswer()}) {
    for (const Rule& rule : rules) {
      const bool needs_more = rule.rule == PolicyRule::kTrainer ||
                              rule.rule == PolicyRule::kSiteLevel ||
                              rule.rule == PolicyRule::kNormChecks;
      if (needs_more) continue;
      kept.push_back(rule);
    }
  }
  return kept;
}

INSTANTIATE_TEST_SUITE_P(Plan, PolicyRuleTest, ::testing::ValuesIn(RulesOnThePlan()), NameOf);
INSTANTIATE_TEST_SUITE_P(Cohort, PolicyRuleTest, ::testing::ValuesIn(RulesOnTheCohort()), NameOf);
INSTANTIATE_TEST_SUITE_P(Answer, PolicyRuleTest, ::testing::ValuesIn(RulesOnTheAnswer()), NameOf);
INSTANTIATE_TEST_SUITE_P(All,
                         PolicyRuleKeptTest,
                         ::testing::ValuesIn(RulesThatCanBeKept()),
                         NameOf);

// -- What changes while a round is open

TEST(PolicyRefusalsTest, AnHourThatPassesDuringARoundKeepsTheAnswerHere) {
  VirtualFederation federation({});
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.times.hours = {{14 * 60, 14 * 60 + 15}};
  federation.SetPolicy(kVictim, policy);
  // Until the hour is over, somebody's shares are late.
  const StudyId study = federation.RunningStudy();
  std::optional<Bytes> delivery;
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const bool holds = site == kVictim && OpenMessage(bytes)->kind == MessageKind::kDelivery;
    if (holds) delivery = bytes;
    return !holds;
  };
  federation.Settle();
  ASSERT_TRUE(delivery.has_value());
  Moment later = federation.now();
  later.utc.seconds += 3'600;
  const SiteEffects effects = federation.site(kVictim).OnMessage(later, *delivery);
  EXPECT_THAT(federation.site(kVictim).View(study)->last_refusal, HasSubstr("answer_hours"));
  for (const SiteEffect& effect : effects) {
    EXPECT_FALSE(std::holds_alternative<Persist>(effect));
    const auto* send = std::get_if<SendToCoordinator>(&effect);
    if (send == nullptr) continue;
    EXPECT_EQ(OpenMessage(send->message)->kind, MessageKind::kRefusal);
  }
}

TEST(PolicyRefusalsTest, QuotasOutliveARestart) {
  VirtualFederation federation({});
  ASSERT_TRUE(federation.RunToEnd(federation.RunningStudy()));
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.quotas.studies_a_month = 1;
  federation.SetPolicy(kVictim, policy);
  federation.CrashAndRestartSite(kVictim);
  federation.Settle();
  FederationOptions options;
  options.extra_plan_title = " again";
  const StudyId second = federation.Submit(LogisticPlanText(options));
  federation.ApproveAll(second);
  federation.Start(second);
  EXPECT_FALSE(federation.RunToEnd(second, 5));
  EXPECT_THAT(federation.site(kVictim).View(second)->last_refusal,
              HasSubstr("maximum_studies_a_month"));
  // A month later there is room again.
  federation.Advance(std::chrono::hours(30 * 24));
  CoordinatorEffects effects;
  ASSERT_TRUE(federation.coordinator().Resume(second, federation.now(), effects).has_value());
  federation.Carry(effects);
  EXPECT_TRUE(federation.RunToEnd(second)) << federation.View(second).reason;
}

/// An anchor that took part and then stays silent: U2 and the survivors would be without it.
TEST(PolicyRefusalsTest, AnAnchorMustBeAmongThoseWhoseVectorsAreSummed) {
  for (const MessageKind lost : {MessageKind::kShares, MessageKind::kUploadHeader}) {
    SCOPED_TRACE(Name(lost));
    FederationOptions options;
    options.on_loss = "continue";
    VirtualFederation federation(options);
    Policy policy = MakePolicy(PolicyPreset::kStandard);
    policy.anchors = {"site-3"};
    federation.SetPolicy(kVictim, policy);
    federation.to_coordinator = [lost](std::uint32_t site, Bytes& bytes) {
      return site != 3 || OpenMessage(bytes)->kind != lost;
    };
    const StudyId study = federation.RunningStudy();
    federation.RunToEnd(study, 3);
    EXPECT_THAT(federation.site(kVictim).View(study)->last_refusal,
                AllOf(HasSubstr("anchors"), HasSubstr("site-3")));
    std::size_t opened = 0;
    for (const auto& [site, bytes] : federation.received()) {
      const MessageKind kind = OpenMessage(bytes)->kind;
      if (site == kVictim && kind == MessageKind::kUnmasking) ++opened;
      if (lost == MessageKind::kShares && site == kVictim) {
        EXPECT_NE(kind, MessageKind::kUploadHeader);
      }
    }
    EXPECT_EQ(opened, 0U);
  }
}

TEST(PolicyRefusalsTest, WithItsAnchorsInTheSumAStudyRuns) {
  VirtualFederation federation({});
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.anchors = {"site-3", "site-0"};
  federation.SetPolicy(kVictim, policy);
  const StudyId study = federation.RunningStudy();
  EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
}

}  // namespace
}  // namespace consilium::testing
