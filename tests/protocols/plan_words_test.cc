#include "protocols/plan_words.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kContract = R"(
[contract]
patient = "id"
[[contract.column]]
name = "ill"
type = "boolean"
[[contract.column]]
name = "age"
type = "number"
unit = "a"
range = [18, 110]
[[contract.eligible]]
column = "age"
minimum = 18
)";
constexpr std::string_view kLogistic = R"(
[analysis]
kind = "logistic"
outcome = "ill"
features = ["age"]
)";
constexpr std::string_view kSummary = R"(
[analysis]
kind = "summary"
variables = ["age"]
)";

Plan PlanWith(int sites, std::string_view rest) {
  const std::string text =
      "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\nminimum_sites = " +
      std::to_string(sites) + "\n" + std::string(kContract) + std::string(rest);
  Result<Plan> plan = ParsePlan(text, "plan.toml");
  EXPECT_TRUE(plan.has_value()) << Describe(plan.error());
  return std::move(*plan);
}

std::vector<std::string> RisksOf(const Plan& plan) {
  std::vector<std::string> titles;
  for (const PlanRisk& risk : RisksInWords(plan)) titles.push_back(risk.title);
  return titles;
}

TEST(PlanWordsTest, SayWhatIsReadAndOfWhom) {
  const Plan plan = PlanWith(5, kLogistic);
  EXPECT_THAT(ColumnsInWords(plan), ElementsAre(ColumnWords("ill", "yes/no"),
                                                ColumnWords("age", "number from 18 to 110 a")));
  EXPECT_THAT(EligibilityInWords(plan), ElementsAre("age at least 18"));
  EXPECT_THAT(GapsInWords(plan), HasSubstr("left out"));
}

TEST(PlanWordsTest, SayHowManyInLeagueATotalProtectsFrom) {
  EXPECT_THAT(ThresholdsInWords(PlanWith(5, kLogistic))[1],
              HasSubstr("fewer than 5 hospitals is opened. In the smallest one a hospital's own "
                        "numbers are safe from the coordinator and 1 of the others"));
  EXPECT_THAT(ThresholdsInWords(PlanWith(20, kLogistic))[1], HasSubstr("and 6 of the others"));
}

TEST(PlanWordsTest, NameTheRisksThatAPlanHas) {
  const std::string subtracted = "Results that are subtracted from each other";
  EXPECT_THAT(RisksOf(PlanWith(5, kLogistic)), ElementsAre(subtracted));
  EXPECT_THAT(RisksOf(PlanWith(3, kLogistic)), ElementsAre("A small federation", subtracted));
  EXPECT_THAT(RisksOf(PlanWith(5, std::string(kLogistic) + "[round]\non_loss = \"continue\"\n")),
              ElementsAre("Rounds without a hospital", subtracted));
  const Plan left_out =
      PlanWith(5,
               "[analysis]\nkind = \"validate\"\nmodel = \"logistic\"\noutcome = \"ill\"\n"
               "features = [\"age\"]\nmethod = \"leave-one-site-out\"\n"
               "sites = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\n");
  EXPECT_THAT(RisksOf(left_out), ElementsAre("Numbers of single hospitals", subtracted));
}

TEST(PlanWordsTest, SayThatThereIsNoNoiseOrWhatItPromises) {
  EXPECT_THAT(PrivacyInWords(PlanWith(5, kLogistic)), HasSubstr("No noise is added"));
  const Plan noised = PlanWith(
      5, std::string(kSummary) +
             "[privacy.dp]\nunit = \"patient\"\nepsilon = 1\ndelta = 1e-6\nnoise_multiplier = 6\n");
  EXPECT_THAT(PrivacyInWords(noised),
              AllOf(HasSubstr("any one patient"), HasSubstr("2.72 times"), HasSubstr("1e-06"),
                    HasSubstr("leaves no room: with one answer to each round (1 round in all)")));
  const Plan with_room = PlanWith(
      5,
      std::string(kSummary) +
          "[privacy.dp]\nunit = \"patient\"\nepsilon = 1.4\ndelta = 1e-6\nnoise_multiplier = 6\n");
  EXPECT_THAT(PrivacyInWords(with_room),
              HasSubstr("covers 3 answers of this hospital, for 1 round and for what has to"));
  EXPECT_THAT(RisksOf(noised), IsEmpty());
}

TEST(PlanWordsTest, BoundEachNumberThatLeaves) {
  for (const Slice& slice : PlanWith(5, kLogistic).analysis->DescribeForReview()) {
    EXPECT_THAT(BoundInWords(slice), Not(IsEmpty())) << slice.name;
  }
  Slice count;
  count.slot = {Encoding::kCount, 1, 100};
  EXPECT_EQ(BoundInWords(count), "whole numbers up to 100");
  EXPECT_EQ(BoundInWords(Slice()), "");
}

}  // namespace
}  // namespace consilium
