// What a training can make a sum hold of single rows.

#include "protocols/analyses/train/memorising.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "common/settings.h"

namespace consilium::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TrainPlan PlanOf(const std::string& more) {
  const Settings contract = Settings::Parse(
                                "patient = \"id\"\n[[column]]\nname = \"ill\"\ntype = \"boolean\"\n"
                                "[[column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 100]\n"
                                "[[column]]\nname = \"dose\"\ntype = \"number\"\nrange = [0, 9]\n",
                                "contract.toml")
                                .value();
  const Settings settings =
      Settings::Parse(
          "kind = \"train\"\noutcome = \"ill\"\nfeatures = [\"age\", \"dose\"]\n"
          "rounds = 3\n" +
              more,
          "plan.toml")
          .value();
  EXPECT_TRUE(settings.Text("kind").has_value());
  auto plan = ParseTrainPlan(settings, ParseContract(contract).value());
  EXPECT_TRUE(plan.has_value()) << Describe(plan.error());
  return std::move(plan).value();
}

std::vector<MemorisingRisk> RisksOf(const std::string& plan, const SiteInSum& site) {
  std::vector<MemorisingRisk> risks;
  for (const MemorisingFinding& finding : MemorisingFindings(PlanOf(plan), site)) {
    risks.push_back(finding.risk);
  }
  return risks;
}

constexpr SiteInSum kHospital{300, 300, 3, 20};

/// Against drawn cells; 20000 draws of a mean with a deviation below 4: +-0.15 is five deviations.
TEST(RowsAloneTest, IsTheMeanNumberOfRowsWithACellOfTheirOwn) {
  SeededRandom random(11);
  for (const std::size_t cells : {2U, 20U, 60U}) {
    constexpr std::size_t kRows = 30;
    constexpr int kDraws = 20'000;
    double alone = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      std::vector<int> counts(cells, 0);
      for (std::size_t row = 0; row < kRows; ++row) {
        const auto cell = static_cast<std::size_t>(random.Unit() * static_cast<double>(cells));
        ++counts[std::min(cell, cells - 1)];
      }
      alone += static_cast<double>(std::count(counts.begin(), counts.end(), 1));
    }
    EXPECT_NEAR(RowsAlone(kRows, static_cast<double>(cells)), alone / kDraws, 0.15) << cells;
  }
  EXPECT_EQ(RowsAlone(1, 1), 1);
  EXPECT_EQ(RowsAlone(2, 1), 0);
  EXPECT_EQ(RowsAlone(0, 5), 0);
  EXPECT_EQ(RowsAlone(5, 0), 0);
}

TEST(MemorisingTest, AnOrdinaryModelOnAWholeHospitalHasNoFinding) {
  EXPECT_THAT(RisksOf("model = \"logistic\"\n", kHospital), IsEmpty());
  EXPECT_THAT(RisksOf("model = \"mlp\"\nhidden = [16]\n", kHospital), IsEmpty());
}

TEST(MemorisingTest, AStepOnASingleRowIsFound) {
  const std::string one = "model = \"logistic\"\nlocal_steps = 1\nbatch_size = 1\n";
  EXPECT_THAT(RisksOf(one, kHospital), ElementsAre(MemorisingRisk::kFewRows));
  EXPECT_THAT(MemorisingFindings(PlanOf(one), kHospital).front().words,
              HasSubstr("would meet 1 of the 300 rows"));
  EXPECT_TRUE(IsGrave(MemorisingRisk::kFewRows));
  EXPECT_THAT(RisksOf("model = \"logistic\"\nlocal_steps = 1\nbatch_size = 20\n", kHospital),
              IsEmpty());
  EXPECT_THAT(RisksOf("model = \"logistic\"\nlocal_steps = 19\nbatch_size = 1\n", kHospital),
              ElementsAre(MemorisingRisk::kFewRows));
}

TEST(MemorisingTest, RepeatedRowsMayAllBeOfThoseThatAStepMeets) {
  const std::string plan = "model = \"logistic\"\nlocal_steps = 1\nbatch_size = 32\n";
  EXPECT_THAT(RisksOf(plan, {300, 288, 3, 20}), IsEmpty());
  EXPECT_THAT(RisksOf(plan, {300, 287, 3, 20}), ElementsAre(MemorisingRisk::kFewRows));
}

TEST(MemorisingTest, ALayerAsWideAsASumHasRowsIsFound) {
  // Of 900 rows 900 exp(-900 / k) are alone: one at k = 900 / ln 900 = 132.
  EXPECT_THAT(RisksOf("model = \"mlp\"\nhidden = [120]\n", kHospital),
              ElementsAre(MemorisingRisk::kManySums));
  EXPECT_THAT(RisksOf("model = \"mlp\"\nhidden = [140]\n", kHospital),
              ElementsAre(MemorisingRisk::kManySums, MemorisingRisk::kFirstLayer));
  // Any layer may be the one.
  EXPECT_THAT(RisksOf("model = \"mlp\"\nhidden = [4, 140]\n", kHospital),
              ::testing::Contains(MemorisingRisk::kFirstLayer));
  // More sites in a sum hide a row better.
  EXPECT_THAT(RisksOf("model = \"mlp\"\nhidden = [140]\n", {300, 300, 10, 20}),
              ElementsAre(MemorisingRisk::kManySums));
  EXPECT_TRUE(IsGrave(MemorisingRisk::kFirstLayer));
}

TEST(MemorisingTest, AWideClipAndManySumsAreToldAndNotGrave) {
  EXPECT_THAT(RisksOf("model = \"logistic\"\nclip = 2000\n", kHospital),
              ElementsAre(MemorisingRisk::kClip));
  EXPECT_THAT(RisksOf("model = \"mlp\"\nhidden = [100]\n", kHospital),
              ElementsAre(MemorisingRisk::kManySums));
  EXPECT_FALSE(IsGrave(MemorisingRisk::kClip));
  EXPECT_FALSE(IsGrave(MemorisingRisk::kManySums));
}

TEST(MemorisingTest, AProgramsModelIsItsOwn) {
  EXPECT_THAT(
      RisksOf("clip = 5000\n[trainer]\ncommand = [\"forest\"]\nparameters = 9\n", kHospital),
      IsEmpty());
}

}  // namespace
}  // namespace consilium::train
