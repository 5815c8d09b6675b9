#include "simulations/course_figures.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Of the sweep's combinations, without a run.
Campaign CampaignOf(const std::string& sweep = {}) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 100]\n"
         "[analysis]\nkind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"age\"]\n";
  std::ofstream(folder / "trial.toml")
      << "[experiment]\nplan = \"plan.toml\"\n[generator]\nsites = 3\npatients = 60\n"
         "intercept = -3\ncoefficients = { age = 0.05 }\n" +
             sweep;
  Campaign campaign;
  campaign.experiments = ReadExperiments(folder / "trial.toml").value();
  return campaign;
}

/// A run whose rounds have these deviances, of 10 rows each.
Trial TrialOf(std::size_t combination, std::uint64_t seed, const std::vector<double>& deviances) {
  Trial trial;
  trial.combination = combination;
  trial.seed = seed;
  for (const double deviance : deviances) {
    RoundRecord round;
    round.round = static_cast<std::uint32_t>(trial.rounds.size() + 1);
    round.sums = {{"rows", 10}, {"deviance", deviance}};
    trial.rounds.push_back(round);
  }
  return trial;
}

TEST(CourseFiguresTest, ABandGoesFromTheSmallestToTheLargestSeedAboutTheirMean) {
  Campaign campaign = CampaignOf();
  campaign.trials = {TrialOf(0, 1, {40, 20}), TrialOf(0, 2, {20, 10, 0})};
  // x from 94 (round 1) to 580; y from 38 for 4 a row to 188 for 0. The first run counts with its
  // 0; the first run counts with its last value in round 3.
  EXPECT_THAT(CourseFigures(campaign),
              AllOf(HasSubstr("deviance a patient"),
                    HasSubstr("M94.0 75.5L337.0 131.8L580.0 150.5\" class=\"curve fed\""),
                    HasSubstr("M94.0 38.0L337.0 113.0L580.0 113.0"
                              "L580.0 188.0L337.0 150.5L94.0 113.0z\" class=\"band fed\"")));
}

TEST(CourseFiguresTest, EachCombinationHasACurveOfItsOwnAndItsName) {
  Campaign campaign = CampaignOf("[sweep]\nanalysis.ridge = [0.1, 0.5]\n");
  campaign.trials = {TrialOf(0, 1, {40, 20}), TrialOf(1, 1, {40, 19})};
  EXPECT_THAT(CourseFigures(campaign),
              AllOf(HasSubstr(">ridge 0.1</text>"), HasSubstr(">ridge 0.5</text>"),
                    HasSubstr("class=\"curve pool\" stroke-dasharray=\"8 4\"")));
}

TEST(CourseFiguresTest, RunsWithoutASecondRoundHaveNone) {
  Campaign campaign = CampaignOf();
  campaign.trials = {TrialOf(0, 1, {40}), TrialOf(0, 2, {})};
  EXPECT_EQ(CourseFigures(campaign), "");
}

TEST(CourseFiguresTest, FailedRunsAndRoundsWithoutTheirRowsAreLeftOut) {
  Campaign campaign = CampaignOf();
  campaign.trials = {TrialOf(0, 1, {40, 20}), TrialOf(0, 2, {2e6, 1e6})};
  const std::string both = CourseFigures(campaign);
  campaign.trials[1].error = Error{ErrorCode::kRefused, "no", ""};
  const std::string one = CourseFigures(campaign);
  EXPECT_NE(one, both);
  campaign.trials[1].error.reset();
  for (RoundRecord& round : campaign.trials[1].rounds) round.sums[0].second = 0;
  EXPECT_EQ(CourseFigures(campaign), one);
}

}  // namespace
}  // namespace consilium
