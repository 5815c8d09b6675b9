// Covers simulations/campaign.cc and simulations/experiment_file.cc: repetitions and sweeps.

#include <cmath>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const char* const kPlan =
    "[study]\ntitle = \"Trial <b>\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
    "minimum_sites = 3\n"
    "[contract]\npatient = \"id\"\n"
    "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
    "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0.5, 110]\n"
    "[[contract.column]]\nname = \"male\"\ntype = \"boolean\"\n"
    "[analysis]\nkind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"age\", \"male\"]\n";

const char* const kGenerator =
    "[generator]\nsites = 4\npatients = 200\nintercept = -2.5\n"
    "coefficients = { age = 0.04, male = 0.7 }\n"
    "[[generator.column]]\nname = \"age\"\nmean = 60\nsd = 12\n";

class SweepTest : public ::testing::Test {
 protected:
  void SetUp() override { Write("plan.toml", kPlan); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }
  Result<std::vector<Experiment>> Read(const std::string& more,
                                       const std::string& head = "",
                                       const std::string& data = kGenerator) {
    Write("trial.toml", "[experiment]\nplan = \"plan.toml\"\n" + head + data + more);
    return ReadExperiments(folder_.path() / "trial.toml");
  }
  Campaign Run(const std::string& more, const std::string& head = "", unsigned threads = 1) {
    return RunCampaign(Read(more, head).value(), 11, threads).value();
  }
  std::string ErrorOf(const std::string& more, const std::string& head = "") {
    const auto read = Read(more, head);
    return read ? "no error" : Describe(read.error());
  }

  TemporaryFolder folder_;
};

TEST_F(SweepTest, RepetitionsTakeTheSeedsThatFollow) {
  const Campaign campaign = Run("", "repetitions = 3\n");
  ASSERT_EQ(campaign.trials.size(), 3u);
  std::set<double> estimates;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(campaign.trials[i].seed, 11 + i);
    estimates.insert(campaign.trials[i].federated.at(1).estimate);
  }
  EXPECT_EQ(estimates.size(), 3u);
  const Experiment once = Read("").value().front();
  EXPECT_EQ(RunCampaign({once}, 12, 1)->trials[0].federated[1].estimate,
            campaign.trials[1].federated[1].estimate);
}

TEST_F(SweepTest, OutputsAreTheSameWhateverTheThreads) {
  const Campaign one = Run("[sweep]\nanalysis.ridge = [0, 2]\n", "repetitions = 2\n", 1);
  const Campaign many = Run("[sweep]\nanalysis.ridge = [0, 2]\n", "repetitions = 2\n", 5);
  EXPECT_EQ(ComparisonJson(one), ComparisonJson(many));
  EXPECT_EQ(RoundsCsv(one), RoundsCsv(many));
  EXPECT_EQ(HtmlReport(one), HtmlReport(many));
}

TEST_F(SweepTest, EstimatesScatterAboutTheTruth) {
  const Campaign campaign = Run("", "repetitions = 60\n");
  const auto spreads = SpreadOf(FederatedFits(campaign, 0), campaign.experiments[0].generator);
  ASSERT_EQ(spreads.size(), 3u);
  for (const Spread& spread : spreads) {
    EXPECT_EQ(spread.runs, 60u);
    // Five standard errors of a mean over 60 runs.
    EXPECT_NEAR(spread.mean, *spread.truth, 5 * spread.deviation / std::sqrt(60)) << spread.name;
    EXPECT_NEAR(spread.deviation / spread.mean_std_error, 1, 0.45) << spread.name;
    EXPECT_GT(spread.coverage, 0.8) << spread.name;
  }
  const auto alone = SpreadOf(AloneFits(campaign, 0), campaign.experiments[0].generator);
  EXPECT_EQ(alone.at(1).runs, 240u);
  EXPECT_GT(alone[1].root_mean_square_error, 1.5 * spreads[1].root_mean_square_error);
}

TEST_F(SweepTest, SpreadIsCountedByHand) {
  const std::vector<Coefficient> a = {{"x", 1, 0.5, 0, 2, 0.1}};
  const std::vector<Coefficient> b = {{"x", 3, 1.5, 2.5, 3.5, 0.1}};
  const std::vector<Coefficient> none;
  Generator generator{.patients = {},
                      .columns = {},
                      .truth = {{"x"}, {2}},
                      .spread = {},
                      .survival = {},
                      .place = Settings::Parse("", "t").value()};
  const Spread spread = SpreadOf({&none, &a, &b}, generator).at(0);
  EXPECT_EQ(spread.runs, 2u);
  EXPECT_EQ(spread.mean, 2);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(2.0));
  EXPECT_EQ(spread.mean_std_error, 1);
  EXPECT_EQ(spread.smallest, 1);
  EXPECT_EQ(spread.largest, 3);
  EXPECT_EQ(spread.root_mean_square_error, 1);
  EXPECT_EQ(spread.coverage, 0.5);
  EXPECT_TRUE(SpreadOf({&none}, generator).empty());
}

TEST_F(SweepTest, AGridHasEachCombinationAndTheLastKeyChangesFastest) {
  const auto experiments =
      Read("[sweep]\nanalysis.ridge = [0.5, 2]\nprivacy.minimum_patients = [5, 6, 7]\n").value();
  ASSERT_EQ(experiments.size(), 6u);
  EXPECT_EQ(CombinationName(experiments[0]), "analysis.ridge = 0.5, privacy.minimum_patients = 5");
  EXPECT_EQ(CombinationName(experiments[1]), "analysis.ridge = 0.5, privacy.minimum_patients = 6");
  EXPECT_EQ(experiments[5].plan.minimum_patients, 7u);
  std::set<std::string> studies;
  for (const Experiment& experiment : experiments) studies.insert(experiment.plan.id.ToHex());
  EXPECT_EQ(studies.size(), 6u);
}

TEST_F(SweepTest, AValueThatStandsInThePlanAlreadyGivesItsStudy) {
  const auto experiments = Read(
                               "[sweep]\nanalysis.features = [[\"age\", \"male\"], [\"age\"]]\n"
                               "study.minimum_sites = [3]\n")
                               .value();
  ASSERT_EQ(experiments.size(), 2u);
  EXPECT_EQ(experiments[0].plan.id, ReadExperiment(folder_.path() / "trial.toml")->plan.id);
  EXPECT_NE(experiments[1].plan.id, experiments[0].plan.id);
}

TEST_F(SweepTest, VariesTheExperimentsOwnTablesAndTakesKeysInQuotes) {
  const auto experiments = Read("[sweep]\n\"generator.patients\" = [100, 300]\n").value();
  ASSERT_EQ(experiments.size(), 2u);
  EXPECT_EQ(experiments[1].generator->patients.front(), 300u);
  const Campaign campaign = RunCampaign(experiments, 1, 1).value();
  EXPECT_EQ(campaign.trials[0].patients, 400u);
  EXPECT_EQ(campaign.trials[1].patients, 1200u);
  EXPECT_LT(campaign.trials[1].federated[1].std_error, campaign.trials[0].federated[1].std_error);
}

TEST_F(SweepTest, MistakesNameThePlaceTheValueAndWhatWasMeant) {
  const std::pair<std::string, std::vector<const char*>> cases[] = {
      {"[sweep]\nanalysis.rigde = [1]\n",
       {"trial.toml:13:18: ", "analysis.rigde = 1: the key 'rigde'", "Did you mean 'ridge'?"}},
      {"[sweep]\nanalysis.ridge = [1, -1]\n", {"trial.toml:13:18: ", "analysis.ridge = -1: "}},
      {"[sweep]\nanalysis.ridge = 1\n", {"trial.toml:13:18: ", "must be a list"}},
      {"[sweep]\nanalysis.ridge = []\n", {"trial.toml:13:18: ", "empty"}},
      {"[sweep]\nanlysis.ridge = [1]\n", {"trial.toml:13:17: ", "Did you mean 'analysis'?"}},
      {"[sweep]\ngenerator.shfit = [1]\n", {"trial.toml:13:19: ", "Did you mean 'shift'?"}},
      {"[swep]\nanalysis.ridge = [1]\n", {"trial.toml:12:", "Did you mean 'sweep'?"}}};
  for (const auto& [more, parts] : cases) {
    const std::string error = ErrorOf(more);
    for (const char* part : parts) EXPECT_THAT(error, HasSubstr(part)) << more;
    EXPECT_THAT(error, Not(HasSubstr("plan.toml:1:"))) << more;
  }
  std::string many = "[sweep]\nanalysis.maximum_iterations = [2";
  for (int i = 3; i < 60; ++i) many += ", " + std::to_string(i);
  many += "]\nprivacy.minimum_patients = [1";
  for (int i = 2; i < 60; ++i) many += ", " + std::to_string(i);
  EXPECT_THAT(ErrorOf(many + "]\n"), HasSubstr("more than 1000 combinations"));
}

TEST_F(SweepTest, RepetitionsNeedSomethingDrawn) {
  Write("data.csv", "hospital,id,ill,age,male\n");
  const auto read =
      Read("", "repetitions = 2\n", "[data]\ncsv = \"data.csv\"\nsite_column = \"hospital\"\n");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(Describe(read.error()),
              AllOf(HasSubstr("trial.toml:3:15: "), HasSubstr("all would be the same")));
  EXPECT_THAT(ErrorOf("", "repetitions = 0\n"),
              HasSubstr("trial.toml:3:15: 'repetitions' is 0: it must be between 1"));
}

TEST_F(SweepTest, AFailedRunIsNamedAndTheOthersCount) {
  const Campaign campaign = Run("[sweep]\nstudy.minimum_sites = [5, 3]\n");
  ASSERT_EQ(campaign.trials.size(), 2u);
  EXPECT_THAT(Describe(*campaign.trials[0].error),
              AllOf(HasSubstr("trial.toml:3:1: only 4 of 4"), HasSubstr("fewer than")));
  EXPECT_FALSE(campaign.trials[1].error.has_value());
  EXPECT_EQ(campaign.shown.trial, 1u);
  const Json json = Json::parse(ComparisonJson(campaign));
  EXPECT_EQ(json["runs"][0]["error"]["code"], "refused");
  EXPECT_EQ(json["runs"][1]["swept"]["study.minimum_sites"], "3");
  EXPECT_THAT(ResultText(campaign), HasSubstr("1 run has no result: "));
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("only 4 of 4"));
  const auto none = RunCampaign(Read("[sweep]\nstudy.minimum_sites = [5, 6]\n").value(), 1, 1);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::kRefused);
}

TEST_F(SweepTest, ParticipationDrawsHospitalsBySeed) {
  const auto sites_of = [&](std::uint64_t seed) {
    const Experiment experiment = Read("[participation]\nsites = 3\n").value().front();
    std::set<std::string> names;
    const VirtualFederation federation = LoadFederation(experiment, seed).value();
    for (const VirtualSite& site : federation.sites()) {
      if (site.refusal.empty()) {
        names.insert(site.name);
      } else {
        EXPECT_THAT(site.refusal, HasSubstr("not drawn"));
      }
    }
    return names;
  };
  std::set<std::set<std::string>> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(sites_of(seed).size(), 3u);
    seen.insert(sites_of(seed));
  }
  EXPECT_GT(seen.size(), 1u);
  EXPECT_EQ(LoadFederation(Read("[participation]\nshare = 0.7\n")->front())->Participants().size(),
            3u);
  EXPECT_THAT(ErrorOf("[participation]\n"), HasSubstr("either sites or share"));
  EXPECT_THAT(ErrorOf("[participation]\nshare = 2\n"), HasSubstr("trial.toml:13:9: "));
}

TEST_F(SweepTest, RoundsHaveTheirBytesAndSums) {
  const std::string csv = RoundsCsv(Run("[sweep]\nanalysis.ridge = [0]\n"));
  EXPECT_THAT(csv, HasSubstr("run,seed,analysis.ridge,round,sites,bytes_to_each_site,"
                             "bytes_from_each_site,sum of deviance,"));
  EXPECT_THAT(csv, HasSubstr("\n1,11,0,1,4,"));
  const Campaign campaign = Run("");
  EXPECT_EQ(campaign.trials[0].rounds.size(), campaign.trials[0].rounds_used);
  EXPECT_GT(campaign.trials[0].rounds.back().answer_bytes, 8u);
}

TEST_F(SweepTest, TellsTheWatcherHowFarItIs) {
  std::vector<CampaignProgress> told;
  const auto experiments = Read("", "repetitions = 2\n").value();
  const Campaign campaign =
      RunCampaign(
          experiments, 1, 1,
          {.watcher = [&](const CampaignProgress& p) { told.push_back(p); }, .before_first = {}})
          .value();
  EXPECT_EQ(told.front().trials, 2u);
  EXPECT_EQ(told.back().trials_done, 2u);
  EXPECT_EQ(told.back().next, "");
  EXPECT_GT(told.back().rounds, campaign.trials[0].rounds_used + campaign.trials[1].rounds_used);
}

}  // namespace
}  // namespace consilium
