// The example experiment on four real hospitals, against R.

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// What the project promises for every coefficient and standard error.
constexpr double kPromised = 1e-8;

std::filesystem::path HeartData() {
  const char* set = std::getenv("CONSILIUM_TEST_DATA");
  const std::filesystem::path folder =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "../shared/data";
  return folder / "heart_disease";
}

void ExpectClose(const Json& ours, const Json& theirs, const std::string& what) {
  const double expected = theirs.get<double>();
  EXPECT_LE(std::abs(ours.get<double>() - expected), kPromised * std::abs(expected)) << what;
}

void ExpectEqualsR(const Json& result, const Json& reference) {
  ASSERT_TRUE(result["converged"].get<bool>());
  EXPECT_EQ(result["patients"], reference["n"]);
  const Json& ours = result["coefficients"];
  const Json& theirs = reference["coef"];
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t j = 0; j < theirs.size(); ++j) {
    ASSERT_EQ(ours[j]["name"], theirs[j]["term"]);
    ExpectClose(ours[j]["estimate"], theirs[j]["Estimate"], ours[j]["name"]);
    ExpectClose(ours[j]["std_error"], theirs[j]["Std_Error"], ours[j]["name"]);
  }
}

/// examples/heart_experiment.toml as a scientist runs it: with the table beside it.
class HeartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(HeartData())) {
      GTEST_SKIP() << "no clinical test data at " << HeartData()
                   << "; set CONSILIUM_TEST_DATA to the folder that holds heart_disease/";
    }
    const std::filesystem::path examples =
        std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";
    for (const char* name : {"heart.toml", "heart.source.toml", "heart_experiment.toml"}) {
      std::filesystem::copy_file(examples / name, folder_ / name);
    }
    std::filesystem::copy_file(HeartData() / "csv/heart_pooled.csv", folder_ / "heart_pooled.csv");
    std::ifstream(HeartData() / "reference/heart_models.json") >> reference_;
    const Experiment experiment = ReadExperiment(folder_ / "heart_experiment.toml").value();
    const VirtualFederation federation = LoadFederation(experiment).value();
    const Comparison comparison = Compare(experiment.plan, federation, 2).value();
    result_ = Json::parse(ResultJson(experiment, comparison));
    comparison_ = Json::parse(ComparisonJson(experiment, federation, comparison, 1));
    text_ = ResultText(experiment, federation, comparison);
  }

  Json Alone(const std::string& site) const {
    for (const Json& alone : comparison_["alone"]) {
      if (alone["site"] == site) return alone["result"];
    }
    return {};
  }

  TemporaryFolder folder_;
  Json reference_;
  Json result_;
  Json comparison_;
  std::string text_;
};

TEST_F(HeartTest, FederatedAndPooledEqualThePooledFitOfR) {
  const Json& pooled = reference_["logistic_basic5_pooled"];
  EXPECT_EQ(result_["sites"], 4);
  ExpectEqualsR(result_, pooled);
  ExpectClose(result_["log_likelihood"], pooled["loglik"], "log-likelihood");
  ExpectEqualsR(comparison_["federated"], pooled);
  ExpectEqualsR(comparison_["pooled"], pooled);
  EXPECT_LT(comparison_["largest_relative_difference"].get<double>(), 1e-12);
}

TEST_F(HeartTest, HospitalsAloneEqualTheirOwnFitsOfR) {
  for (const char* site : {"cleveland", "hungarian", "va"}) {
    ExpectEqualsR(Alone(site), reference_["logistic_basic5_by_site"][site]);
  }
}

TEST_F(HeartTest, SwitzerlandAloneIsSaidToSeparateOnSex) {
  const Json alone = Alone("switzerland");
  EXPECT_EQ(alone["converged"], false);
  EXPECT_EQ(alone["separation"]["terms"], Json({"sex"}));
  EXPECT_THAT(alone.dump(), Not(HasSubstr("std_error")));
  EXPECT_THAT(text_, AllOf(HasSubstr("switzerland alone: There is no estimate for \"sex\""),
                           HasSubstr("(separation)")));
  EXPECT_THAT(text_, Not(HasSubstr("cleveland alone:")));
}

}  // namespace
}  // namespace consilium
