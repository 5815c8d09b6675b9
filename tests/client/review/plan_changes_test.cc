#include "client/review/plan_changes.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string HeartText() {
  std::ifstream file(std::string(CONSILIUM_SOURCE_FOLDER) + "/examples/heart.toml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The heart plan with each first text replaced by the second.
Plan HeartWith(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::string text = HeartText();
  for (const auto& [from, to] : changes) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
  Result<Plan> plan = ParsePlan(text, "plan.toml");
  EXPECT_TRUE(plan.has_value()) << Describe(plan.error());
  return std::move(*plan);
}

std::vector<std::string> Changes(const Plan& earlier, const Plan& plan) {
  const auto changes = ChangesOf(earlier, plan);
  EXPECT_TRUE(changes.has_value());
  std::vector<std::string> words;
  for (const PlanChange& change : *changes) words.push_back(InWords(change));
  return words;
}

TEST(PlanChangesTest, NoneBetweenTwoSpellingsOfOnePlan) {
  const Plan plan = HeartWith({});
  const Plan spelt = HeartWith({{"# Coronary", "# Another comment. Coronary"},
                                {"range = [18, 110]", "range = [ 18.0,110 ]"}});
  EXPECT_EQ(plan.id, spelt.id);
  EXPECT_THAT(Changes(plan, spelt), IsEmpty());
}

TEST(PlanChangesTest, AreInPlainWordsByPartOfThePlan) {
  const Plan plan = HeartWith({{"expires = 2027-06-30", "expires = 2028-06-30"},
                               {"minimum_sites = 3 ", "minimum_sites = 4 "},
                               {"on_loss = \"wait\"", "on_loss = \"continue\""},
                               {"permit = \"IRB-2026-114\"\n", ""},
                               {"minimum = 18", "minimum = 40"},
                               {"range = [18, 110]", "range = [18, 120]"}});
  EXPECT_THAT(
      Changes(HeartWith({}), plan),
      ElementsAre("Valid through: 2028-06-30 instead of 2027-06-30",
                  "Fewest hospitals in a total: 4 instead of 3", "Permit: no longer: IRB-2026-114",
                  "Column age: range: 18 to 120 instead of 18 to 110",
                  "Eligibility by age: minimum: 40 instead of 18",
                  "When a hospital is lost: continue instead of wait"));
}

TEST(PlanChangesTest, TellColumnsAndFeaturesThatCameAndWent) {
  const std::string column =
      "[[contract.column]]\nname = \"crp\"\ntype = \"number\"\nunit = \"mg/L\"\n"
      "range = [0, 500]\n\n[[contract.eligible]]";
  const Plan plan = HeartWith(
      {{"[[contract.eligible]]", column}, {"\"exang\", \"oldpeak\"]", "\"oldpeak\", \"crp\"]"}});
  EXPECT_THAT(Changes(HeartWith({}), plan),
              ElementsAre("Features: new: crp", "Features: no longer: exang",
                          "Column crp: new: range 0 to 500, type number, unit mg/L"));
  EXPECT_THAT(Changes(plan, HeartWith({})),
              ElementsAre("Features: new: exang", "Features: no longer: crp",
                          "Column crp: no longer: range 0 to 500, type number, unit mg/L"));
}

TEST(PlanChangesTest, NeitherOfTwoRulesOnOneColumnHidesTheOther) {
  const std::string rules =
      "[[contract.eligible]]\ncolumn = \"age\"\nmaximum = 80\n\n[[contract.eligible]]";
  const Plan two = HeartWith({{"[[contract.eligible]]", rules}});
  const Plan other =
      HeartWith({{"[[contract.eligible]]", rules}, {"maximum = 80", "maximum = 90"}});
  EXPECT_THAT(Changes(two, other), ElementsAre("Eligibility by age: maximum: 90 instead of 80"));
}

TEST(PlanChangesTest, AnotherOrderIsNamedWhereItMakesAnotherStudy) {
  const Plan turned =
      HeartWith({{"\"age\", \"sex\", \"thalach\"", "\"sex\", \"age\", \"thalach\""}});
  EXPECT_THAT(Changes(HeartWith({}), turned), ElementsAre(HasSubstr("sex, age, thalach")));
  const std::string sex =
      "[[contract.column]]\nname = \"sex\"                 # true: male\n"
      "type = \"boolean\"\n\n";
  const Plan moved =
      HeartWith({{sex, ""}, {"[[contract.eligible]]", sex + "[[contract.eligible]]"}});
  EXPECT_NE(moved.id, HeartWith({}).id);
  EXPECT_THAT(Changes(HeartWith({}), moved), ElementsAre(HasSubstr("Order of columns or rules")));
}

TEST(PlanChangesTest, EveryPlanThatDiffersHasAChange) {
  const std::vector<std::pair<std::string, std::string>> single = {
      {"maximum_patients = 100000", "maximum_patients = 50000"},
      {"deadline = \"60s\"", "deadline = \"61s\""},
      {"minimum_patients = 20", "minimum_patients = 21"},
      {"kind = \"logistic\"", "kind = \"logistic\"\nridge = 0.5"},
      {"question = \"Which", "question = \"what"}};
  for (const auto& change : single) {
    EXPECT_EQ(Changes(HeartWith({}), HeartWith({change})).size(), 1U) << change.second;
  }
}

TEST(PlanChangesTest, AContractIsTheSameWhateverElseDiffers) {
  const Plan plan = HeartWith({});
  EXPECT_TRUE(SameContract(plan, HeartWith({{"title = \"Coronary", "title = \"Other"}})));
  EXPECT_FALSE(SameContract(plan, HeartWith({{"range = [18, 110]", "range = [18, 120]"}})));
}

}  // namespace
}  // namespace consilium
