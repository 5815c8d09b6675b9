// client/site_foresight.cc and client/preview.h: looking ahead records nothing and says what would
// be refused, what is asked next, and which numbers would leave.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/preview.h"
#include "client/site_core.h"
#include "common/crypto/hash.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint32_t kSite = 0;

class ForesightTest : public ::testing::Test {
 protected:
  ForesightTest() { federation_.JoinAll(); }

  const Plan& PlanOf(const StudyId& study) { return **federation_.site(kSite).PlanOf(study); }
  std::vector<std::string> Foreseen(const StudyId& study) {
    std::vector<std::string> words;
    for (const auto& each : federation_.site(kSite).Foresee(PlanOf(study), federation_.now().utc)) {
      if (!each.rule.empty()) {
        EXPECT_THAT(each.words, HasSubstr(each.rule));
      }
      words.push_back(each.words);
    }
    return words;
  }
  ComputeAnswer Asked(const StudyId& study) {
    return federation_.site(kSite).NextQuestion(study).value();
  }

  VirtualFederation federation_{FederationOptions{}};
};

TEST_F(ForesightTest, NothingStandsAgainstAnOrdinaryPlan) {
  EXPECT_THAT(Foreseen(federation_.Submit(LogisticPlanText({}))), IsEmpty());
}

TEST_F(ForesightTest, EveryRuleThatWouldRefuseIsNamed) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.requesters = {"Another"};
  policy.times.hours = {{0, 1}};
  policy.anchors = {"charite"};
  federation_.SetPolicy(kSite, policy);
  EXPECT_THAT(Foreseen(study), ElementsAre(HasSubstr("requesters"), HasSubstr("answer_hours"),
                                           HasSubstr("anchors")));
  federation_.SetPolicy(kSite, Fail(ErrorCode::kInvalidArgument, "policy.toml:1:1: broken"));
  EXPECT_THAT(Foreseen(study), ElementsAre(HasSubstr("broken")));
}

TEST_F(ForesightTest, UsedUpQuotasAreForeseen) {
  const StudyId first = federation_.Submit(LogisticPlanText({}));
  federation_.ApproveAll(first);
  federation_.Start(first);
  ASSERT_TRUE(federation_.RunToEnd(first));
  FederationOptions options;
  options.extra_plan_title = " again";
  const StudyId second = federation_.Submit(LogisticPlanText(options));
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.quotas.studies_a_month = 1;
  federation_.SetPolicy(kSite, policy);
  EXPECT_THAT(Foreseen(second), ElementsAre(HasSubstr("maximum_studies_a_month")));
  EXPECT_THAT(Foreseen(first), IsEmpty());
}

TEST_F(ForesightTest, RecordsNothing) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  const auto ledger = federation_.site(kSite).ledger_head().records;
  Foreseen(study);
  Asked(study);
  EXPECT_EQ(federation_.site(kSite).ledger_head().records, ledger);
  EXPECT_THAT(federation_.site(kSite).cohorts().answered(), IsEmpty());
  federation_.ApproveAll(study);
  federation_.Start(study);
  EXPECT_TRUE(federation_.RunToEnd(study));
}

TEST_F(ForesightTest, TheNextQuestionIsTheOneThatIsThenAsked) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  std::vector<Bytes> foreseen = {Asked(study).query.body};
  EXPECT_EQ(Asked(study).round, RoundNumber(1));
  std::vector<Digest> asked;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (site != kSite || message.route.study != study) return true;
    if (message.kind == MessageKind::kRoundStart) {
      asked.push_back(Decode<RoundStart>(message.body)->query_hash);
      foreseen.push_back(Asked(study).query.body);
      EXPECT_EQ(Asked(study).round, message.route.round);
    }
    return true;
  };
  federation_.ApproveAll(study);
  federation_.Start(study);
  ASSERT_TRUE(federation_.RunToEnd(study));
  ASSERT_GT(asked.size(), 2U);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(HashBytes(foreseen[i + 1]), asked[i]) << "round " << i + 1;
  }
  // Once it is over, the last one.
  EXPECT_EQ(Asked(study).query.body, foreseen.back());
}

TEST_F(ForesightTest, APreviewHasTheVeryNumbersThatAreSummed) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  const ComputeAnswer question = Asked(study);
  const Plan& plan = PlanOf(study);
  std::vector<double> sum;
  for (std::uint32_t site = 0; site < 4; ++site) {
    const auto preview = MakePreview(plan, question, federation_.cohort(site), 4);
    ASSERT_TRUE(preview.has_value()) << Describe(preview.error());
    sum.resize(preview->values.size(), 0);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += preview->values[i];
  }
  std::vector<std::uint64_t> opened;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (site == kSite && message.kind == MessageKind::kRoundClosed && opened.empty()) {
      opened = Decode<RoundClosed>(message.body)->sum;
    }
    return true;
  };
  federation_.ApproveAll(study);
  federation_.Start(study);
  ASSERT_TRUE(federation_.RunToEnd(study));
  const std::vector<Slot> slots = SlotsOf(*plan.analysis->Describe(question.query));
  const std::vector<double> aggregate = DecodeFixedPoint(opened, slots, 4).value();
  ASSERT_EQ(aggregate.size(), sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i) {
    EXPECT_NEAR(aggregate[i], sum[i], 1e-12 * std::max(1.0, std::abs(sum[i]))) << i;
  }
}

TEST_F(ForesightTest, APreviewsPageNamesEverySliceAndShowsItsNumbers) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  const Plan& plan = PlanOf(study);
  const Preview preview = MakePreview(plan, Asked(study), federation_.cohort(kSite), 4).value();
  const std::string page = PreviewPage(preview, 1'000, 80);
  EXPECT_THAT(page, AllOf(HasSubstr(", from 60"), HasSubstr("in 60 rows"), HasSubstr("Round 1")));
  const auto json = PreviewJson(preview);
  std::size_t numbers = 0;
  for (const Slice& slice : preview.slices) {
    EXPECT_THAT(page, HasSubstr("\n" + slice.name + " ["));
    numbers += slice.slot.count;
  }
  EXPECT_EQ(preview.values.size(), numbers);
  EXPECT_EQ(json["slices"].size(), preview.slices.size());
  for (const auto& slice : json["slices"]) {
    for (const auto& value : slice["values"]) {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", value.get<double>());
      EXPECT_THAT(page, HasSubstr("  " + std::string(text) + "\n"));
    }
  }
  // Wide slices are cut on a screen, and it says so.
  EXPECT_THAT(PreviewPage(preview, 0, 80), HasSubstr(" more\n"));
  EXPECT_THAT(page, Not(HasSubstr(" more\n")));
  std::size_t longest = 0;
  std::size_t at = 0;
  while (at < page.size()) {
    const std::size_t end = std::min(page.find('\n', at), page.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  EXPECT_LE(longest, 80U);
}

TEST_F(ForesightTest, APreviewFailsAsTheAnswerWould) {
  const StudyId study = federation_.Submit(LogisticPlanText({}));
  Cohort cohort = federation_.cohort(kSite);
  cohort.values(3, 1) = 1e9;
  EXPECT_FALSE(MakePreview(PlanOf(study), Asked(study), cohort, 4).has_value());
}

}  // namespace
}  // namespace consilium::testing
