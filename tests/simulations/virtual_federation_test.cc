// Hospitals of a run in one block, and runs of very many of them.

#include "simulations/virtual_federation.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/report.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// Sites "0", "1", ... with as many rows, each the number of its site.
VirtualFederation Counting(const std::vector<std::string>& refusals) {
  SiteTable table({"a", "b"}, refusals.size(), refusals.size() * refusals.size());
  std::vector<VirtualSite> sites;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    for (double& value : table.Add(i, i)) value = static_cast<double>(i);
    sites.push_back({std::to_string(i), refusals[i]});
  }
  return {std::move(sites), std::move(table)};
}

TEST(VirtualFederationTest, PoolsThoseWhoTakePartWhereverItWasMoved) {
  for (const std::string refusal : {"", "is too small"}) {
    VirtualFederation first = Counting({"", "", refusal, ""});
    const VirtualFederation moved = std::move(first);
    const std::span<const CohortView> participants = moved.Participants();
    ASSERT_EQ(participants.size(), refusal.empty() ? 4u : 3u);
    EXPECT_EQ(participants.back().values(2, 1), 3);
    EXPECT_EQ(participants.back().columns[1], "b");
    const CohortView pooled = moved.Pooled();
    ASSERT_EQ(pooled.values.rows(), refusal.empty() ? 6 : 4);
    EXPECT_EQ(pooled.patients, static_cast<std::uint64_t>(pooled.values.rows()));
    EXPECT_EQ(pooled.columns[0], "a");
    EXPECT_EQ(pooled.values(0, 0), 1);
    EXPECT_EQ(pooled.values(1, 0), refusal.empty() ? 2 : 3);
    EXPECT_EQ(moved.cohort(2).values.rows(), 2) << "shown, whether it takes part or not";
  }
}

TEST(VirtualFederationTest, SingleSitesAreShownUpToTheDocumentedNumber) {
  EXPECT_EQ(kMostSingleSites, 10'000u);
  for (const std::size_t count : {kMostSingleSites, kMostSingleSites + 1}) {
    SiteTable table({"a"}, count, 0);
    for (std::size_t i = 0; i < count; ++i) table.Add(0, 0);
    const VirtualFederation federation(std::vector<VirtualSite>(count), std::move(table));
    EXPECT_EQ(ShowsSingleSites(federation), count == kMostSingleSites);
  }
}

Experiment MillionSites(std::size_t sites) {
  Experiment experiment = ReadExperiments(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) /
                                          "examples/million_sites_experiment.toml")
                              .value()
                              .front();
  EXPECT_EQ(experiment.generator->patients.size(), 1'000'000u);
  experiment.generator->patients.resize(sites);
  return experiment;
}

TEST(VirtualFederationTest, HospitalsDrawnOneByOneAreThoseOfOneTable) {
  const Experiment experiment = MillionSites(40);
  const VirtualFederation federation = LoadFederation(experiment, 7).value();
  const LoadedTable table = Generate(*experiment.generator, experiment.plan, 7).value();
  ASSERT_EQ(table.groups.size(), 800u);
  const CohortView pooled = federation.Pooled();
  ASSERT_EQ(pooled.values.rows(), 800);
  for (std::size_t j = 0; j < pooled.columns.size(); ++j) {
    const std::size_t column = *experiment.plan.contract.IndexOf(pooled.columns[j]);
    for (std::size_t i = 0; i < 800; ++i) {
      ASSERT_EQ(pooled.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)),
                table.table.columns[column][i]);
    }
  }
  EXPECT_EQ(federation.sites()[39].name, table.groups.back());
}

TEST(VirtualFederationTest, HospitalsDrawnByManyThreadsAreThoseOfOne) {
  // More than a batch, so that a second one follows.
  const Experiment experiment = MillionSites(2'100);
  const VirtualFederation one = LoadFederation(experiment, 7, 1).value();
  const VirtualFederation three = LoadFederation(experiment, 7, 3).value();
  ASSERT_EQ(one.sites().size(), three.sites().size());
  for (std::size_t i = 0; i < one.sites().size(); ++i) {
    ASSERT_EQ(one.sites()[i].name, three.sites()[i].name);
    ASSERT_EQ(one.cohort(i).values, three.cohort(i).values);
  }
}

TEST(VirtualFederationTest, OfSeveralHospitalsThatCannotBeDrawnTheFirstIsNamed) {
  Experiment experiment = MillionSites(500);
  experiment.plan.contract.maximum_patients = 25;
  experiment.generator->patients[77] = experiment.generator->patients[300] = 26;
  const Result<VirtualFederation> none = LoadFederation(experiment, 7, 2);
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("virtual site site-078"));
}

TEST(VirtualFederationTest, VeryManySitesAreNeitherFittedAloneNorListed) {
  const Experiment experiment = MillionSites(kMostSingleSites + 1);
  const Campaign campaign = RunCampaign({experiment}, 3, 2).value();
  const Comparison& comparison = campaign.shown.comparison;
  EXPECT_EQ(comparison.federated.result.sites, kMostSingleSites + 1);
  EXPECT_TRUE(comparison.alone.empty());
  ASSERT_TRUE(comparison.largest_difference.has_value());
  EXPECT_LT(*comparison.largest_difference, 1e-9);
  // Chance of one of 11 estimates beyond 5 standard errors: 6e-6. The spread of the intercepts
  // biases them by far less.
  for (const Spread& spread : SpreadOf(FederatedFits(campaign, 0), experiment.generator)) {
    if (spread.name == "(Intercept)") continue;
    EXPECT_NEAR(spread.mean, *spread.truth, 5 * spread.mean_std_error + 0.01 * *spread.truth);
  }
  const std::string json = ComparisonJson(campaign);
  EXPECT_EQ(Json::parse(json)["sites_not_listed"], kMostSingleSites + 1);
  EXPECT_TRUE(Json::parse(json)["virtual_sites"].empty());
  EXPECT_LT(json.size(), 20'000u);
  const std::string said = "With more than 10000 hospitals none is fitted alone or listed.";
  const std::string page = HtmlReport(campaign);
  EXPECT_THAT(page, HasSubstr(said));
  EXPECT_THAT(page, Not(HasSubstr("0 of 0 hospitals")));
  EXPECT_LT(page.size(), 200'000u);
  const std::string text = ResultText(campaign);
  EXPECT_THAT(text, HasSubstr(said));
  EXPECT_THAT(text, HasSubstr("10001 sites in all, 0 of them left out."));
  EXPECT_LT(text.size(), 10'000u);
}

/// More sites than are fitted alone, with this in place of the plan's kind.
Campaign RunVeryMany(const std::string& kind) {
  Experiment experiment = MillionSites(kMostSingleSites + 1);
  std::ostringstream text;
  text << std::ifstream(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) /
                        "examples/million_sites.toml")
              .rdbuf();
  const std::string written = "kind = \"logistic\"";
  std::string plan = text.str();
  plan.replace(plan.find(written), written.size(), kind);
  experiment.plan = ParsePlan(plan, "plan.toml").value();
  return RunCampaign({experiment}, 3, 2).value();
}

TEST(VirtualFederationTest, VeryManySitesTrainAModelThatPooledDataDoNot) {
  const Campaign campaign = RunVeryMany("kind = \"train\"\nmodel = \"logistic\"\nrounds = 2");
  EXPECT_FALSE(campaign.shown.comparison.pooled.run.has_value());
  EXPECT_THAT(ResultText(campaign), HasSubstr("no model is trained on pooled data"));
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("no model is trained on pooled data"));
}

TEST(VirtualFederationTest, TheMetaAnalysisOfVeryManySitesHasItsPooledRegression) {
  const Campaign campaign = RunVeryMany("kind = \"meta\"\nmodel = \"logistic\"");
  ASSERT_TRUE(campaign.shown.comparison.pooled.run.has_value());
  EXPECT_EQ(Json::parse(campaign.shown.comparison.pooled.run->result.json)["rows"], 200'020);
}

}  // namespace
}  // namespace consilium
