// client/policy/policy_limits.cc and client/policy/quotas.h: when, how much and with whom a site
// answers.

#include <cctype>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/policy/policy.h"
#include "client/policy/policy_words.h"
#include "client/policy/quotas.h"
#include "common/random.h"
#include "protocols/hash_chain.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kDay = 86'400;
constexpr UtcSeconds kNow{1'780'272'000};  // Monday 2026-06-01, 00:00 UTC.

StudyId Study(std::uint8_t number) {
  StudyId id;
  id.bytes[0] = std::byte{number};
  return id;
}

void ExpectRefusal(const PolicyStatus& status, PolicyRule rule, const std::string& words) {
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().rule, rule);
  EXPECT_EQ(ReasonToTell(rule), RefusalReason::kPolicyForbids);
  EXPECT_THAT(status.error().message, AllOf(HasSubstr(words), HasSubstr(std::string(Name(rule)))));
  EXPECT_THAT(status.error().remedy, HasSubstr("policy.toml"));
}

TEST(CheckTimesTest, RefusesBesideTheHours) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  EXPECT_TRUE(CheckTimes(policy, kNow).has_value());
  policy.times.hours = {{22 * 60, 6 * 60}};
  EXPECT_TRUE(CheckTimes(policy, kNow).has_value());
  ExpectRefusal(CheckTimes(policy, {kNow.seconds + 12 * 3'600}), PolicyRule::kHours,
                "it is mon 2026-06-01 12:00 (UTC)");
}

TEST(CheckQuotasTest, RefusesOnceAQuotaIsUsedUp) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.quotas = {3, 5, 2};
  EXPECT_TRUE(CheckQuotas(policy, {2, 4, 1}).has_value());
  ExpectRefusal(CheckQuotas(policy, {3, 3, 0}), PolicyRule::kAnswersADay,
                "has answered 3 rounds within 24 hours");
  ExpectRefusal(CheckQuotas(policy, {0, 5, 0}), PolicyRule::kAnswersAMonth,
                "has answered 5 rounds within 30 days");
  ExpectRefusal(CheckQuotas(policy, {0, 0, 2}), PolicyRule::kStudiesAMonth,
                "has answered 2 other studies within 30 days");
}

TEST(AnswerHistoryTest, ADayAndAMonthEndWhenTheyAreOver) {
  AnswerHistory history;
  history.Add(Study(1), kNow);
  history.Add(Study(1), {kNow.seconds + 1});
  history.Add(Study(2), {kNow.seconds + kDay});
  const auto at = [&](std::int64_t seconds) {
    return history.Before({kNow.seconds + seconds}, Study(2));
  };
  EXPECT_EQ(at(kDay - 1).a_day, 3U) << "a record of the future counts";
  EXPECT_EQ(at(kDay).a_day, 2U);
  EXPECT_EQ(at(kDay + 1).a_day, 1U);
  EXPECT_EQ(at(2 * kDay).a_day, 0U);
  EXPECT_EQ(at(2 * kDay).a_month, 3U);
  EXPECT_EQ(at(2 * kDay).other_studies_a_month, 1U);
  EXPECT_EQ(at(30 * kDay).a_month, 2U);
  EXPECT_EQ(at(30 * kDay + 1).other_studies_a_month, 0U);
  EXPECT_EQ(history.AnswersTo(Study(1)), 2U) << "at any time";
  EXPECT_EQ(history.AnswersTo(Study(3)), 0U);
  EXPECT_EQ(at(-50 * kDay).a_day, 3U) << "a clock that was set back gives nothing back";
}

TEST(AnswerHistoryTest, IsReadFromTheLedger) {
  SeededRandom random(5);
  const SigningKey owner = SigningKey::Generate(random);
  MemoryStore store;
  HashChain ledger("ledger", "consilium/ledger/v1");
  const auto append = [&](const std::string& event, const std::string& detail) {
    ASSERT_TRUE(store.Apply({ledger.Append(kNow, event, detail, owner)}).has_value());
  };
  append("approved", R"({"study":")" + Study(1).ToHex() + "\"}");
  append("answered", R"({"study":")" + Study(1).ToHex() + R"(","round":1})");
  append("answered", R"({"study":")" + Study(2).ToHex() + R"(","round":1})");
  append("excluded", R"({"patients":1})");
  AnswerHistory history;
  ASSERT_TRUE(history.Restore(store, "ledger").has_value());
  EXPECT_EQ(history.Before(kNow, Study(1)).a_day, 2U);
  EXPECT_EQ(history.Before(kNow, Study(1)).other_studies_a_month, 1U);
  EXPECT_EQ(history.AnswersTo(Study(1)), 1U);

  append("answered", R"({"round":1})");
  const Status status = history.Restore(store, "ledger");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(status.error().message, HasSubstr("record 5"));
}

class CheckAnchorsTest : public ::testing::Test {
 protected:
  CheckAnchorsTest() {
    SeededRandom random(7);
    for (const char* name : {"alpha", "beta", "gamma"}) {
      Member member;
      member.id = SiteId(static_cast<std::uint32_t>(roster_.members.size() + 1));
      member.name = name;
      member.identity = SigningKey::Generate(random).public_key();
      member.transport.bytes = random.Draw<32>();
      roster_.members.push_back(member);
    }
  }
  PolicyStatus Check(const std::vector<std::uint32_t>& sites) const {
    std::vector<SiteId> ids;
    for (const std::uint32_t site : sites) ids.emplace_back(site);
    return CheckAnchors(policy_, roster_, ids);
  }

  Roster roster_;
  Policy policy_ = MakePolicy(PolicyPreset::kStandard);
};

TEST_F(CheckAnchorsTest, WithoutAnchorsAnySitesDo) { EXPECT_TRUE(Check({}).has_value()); }

TEST_F(CheckAnchorsTest, EveryAnchorMustBeThereByNameOrFingerprint) {
  const Member& gamma = roster_.members[2];
  policy_.anchors = {"alpha", Fingerprint(gamma.identity, gamma.transport)};
  EXPECT_TRUE(Check({1, 2, 3}).has_value());
  EXPECT_TRUE(Check({1, 3}).has_value());
  ExpectRefusal(Check({2, 3}), PolicyRule::kAnchors, "would not hold the site \"alpha\"");
  ExpectRefusal(Check({1, 2}), PolicyRule::kAnchors, policy_.anchors[1]);
}

/// Names are the coordinator's to give.
TEST_F(CheckAnchorsTest, ASiteThatIsCalledLikeAFingerprintIsNone) {
  const std::string gammas = Fingerprint(roster_.members[2].identity, roster_.members[2].transport);
  std::string capitals = gammas;
  for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (const std::string& anchor : {gammas, capitals}) {
    policy_.anchors = {anchor};
    roster_.members[0].name = anchor;
    EXPECT_TRUE(CheckName("site", anchor).has_value()) << "a name that a roster may have";
    ExpectRefusal(Check({1, 2}), PolicyRule::kAnchors, anchor);
    EXPECT_TRUE(Check({2, 3}).has_value());
  }
}

TEST_F(CheckAnchorsTest, ARevokedOrUnknownSiteIsNone) {
  policy_.anchors = {"beta"};
  EXPECT_TRUE(Check({1, 2, 3}).has_value());
  roster_.members[1].state = MemberState::kRevoked;
  ExpectRefusal(Check({1, 2, 3}), PolicyRule::kAnchors, "\"beta\"");
  policy_.anchors = {"delta"};
  ExpectRefusal(Check({1, 2, 3, 4}), PolicyRule::kAnchors, "\"delta\"");
}

TEST(PolicyWordsTest, CountInSentences) {
  EXPECT_EQ(Counted(1, "patient"), "1 patient");
  EXPECT_EQ(Counted(0, "patient"), "0 patients");
  EXPECT_EQ(Listed({}), "none");
  EXPECT_EQ(Listed({"a", "b"}), "a, b");
}

TEST(PolicyFileTest, TheLimitsAreRead) {
  const auto policy = ParsePolicy(
      "preset = \"strict\"\nmaximum_answers_a_day = 7\nmaximum_answers_a_month = 70\n"
      "maximum_studies_a_month = 3\nanswer_hours = [\"22:00-06:00\"]\nanswer_days = [\"sat\"]\n"
      "time_zone = \"+02:00\"\nanchors = [\"alpha\"]\nmemorising_models = true\n",
      "policy.toml");
  ASSERT_TRUE(policy.has_value()) << Describe(policy.error());
  EXPECT_EQ(policy->quotas.answers_a_day, 7U);
  EXPECT_EQ(policy->quotas.answers_a_month, 70U);
  EXPECT_EQ(policy->quotas.studies_a_month, 3U);
  EXPECT_EQ(policy->times.hours, (std::vector<AnswerHours>{{1'320, 360}}));
  EXPECT_EQ(policy->times.offset_minutes, 120);
  EXPECT_THAT(policy->anchors, ::testing::ElementsAre("alpha"));
  EXPECT_TRUE(policy->memorising_models);
}

TEST(PolicyFileTest, ThePresetsLimitsAreAsDocumented) {
  const auto expect = [](PolicyPreset preset, std::uint32_t day, std::uint32_t month,
                         std::uint32_t studies) {
    const Policy policy = MakePolicy(preset);
    EXPECT_EQ(policy.quotas.answers_a_day, day);
    EXPECT_EQ(policy.quotas.answers_a_month, month);
    EXPECT_EQ(policy.quotas.studies_a_month, studies);
    EXPECT_EQ(month, studies * policy.maximum_rounds) << "the documented origin";
    EXPECT_TRUE(policy.times.hours.empty());
    EXPECT_TRUE(policy.anchors.empty());
    EXPECT_FALSE(policy.memorising_models);
  };
  expect(PolicyPreset::kStrict, 100, 500, 10);
  expect(PolicyPreset::kStandard, 1'000, 10'000, 50);
  expect(PolicyPreset::kResearch, 10'000, 100'000, 100);
}

TEST(PolicyFileTest, EachMistakeInALimitRefusesEverything) {
  for (const std::string mistake :
       {"maximum_answers_a_day = 0", "maximum_answers_a_day = 1000001",
        "maximum_answers_a_month = -1", "maximum_answers_a_month = 1.5",
        "maximum_studies_a_month = \"9\"", "maximum_studies_a_month = 0", "anchors = \"alpha\"",
        "anchors = [\"\"]", "anchors = [1]", "memorising_models = \"no\"", "memorising_models = 0",
        "answer_hours = []", "answer_days = []", "time_zone = \"CET\"",
        "maximum_answers_a_week = 5"}) {
    const auto policy = ParsePolicy("preset = \"standard\"\n" + mistake + "\n", "policy.toml");
    ASSERT_FALSE(policy.has_value()) << mistake;
    EXPECT_THAT(Describe(policy.error()),
                AllOf(HasSubstr("policy.toml:2:"), HasSubstr("refuses every study")))
        << mistake;
  }
}

}  // namespace
}  // namespace consilium
