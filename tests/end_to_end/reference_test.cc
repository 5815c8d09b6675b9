// Real processes on real hospitals' data, against R.

#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/deployment.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

/// 1e-8 is what the project promises for every coefficient and standard error.
constexpr double kPromised = 1e-8;

std::filesystem::path TestData() {
  const char* folder = std::getenv("CONSILIUM_TEST_DATA");
  if (folder != nullptr) return folder;
  return std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "../shared/data";
}

Json Reference(const std::string& file) { return Json::parse(ReadText(TestData() / file)); }

double RelativeDifference(double ours, double theirs) {
  return std::abs(ours - theirs) / std::max(std::abs(theirs), 1e-300);
}

/// Rows of a CSV without quotes whose `column` holds `value`, with the header.
std::string RowsWhere(const std::string& csv, const std::string& column, const std::string& value) {
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  std::string rows = line + "\n";
  std::size_t index = 0;
  std::istringstream header(line);
  for (std::string field; std::getline(header, field, ','); ++index) {
    if (field == column) break;
  }
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string field;
    for (std::size_t i = 0; i <= index; ++i) std::getline(fields, field, ',');
    if (field == value) rows += line + "\n";
  }
  return rows;
}

void ExpectCoefficients(const Json& result, const Json& reference, const std::string& p_name) {
  ASSERT_TRUE(result["converged"].get<bool>());
  const Json& expected = reference["coef"];
  ASSERT_EQ(result["coefficients"].size(), expected.size());
  for (const Json& row : expected) {
    const std::string term = row["term"];
    bool found = false;
    for (const Json& ours : result["coefficients"]) {
      if (ours["name"] != term) continue;
      found = true;
      EXPECT_LT(RelativeDifference(ours["estimate"], row["Estimate"]), kPromised) << term;
      EXPECT_LT(RelativeDifference(ours["std_error"], row["Std_Error"]), kPromised) << term;
      // A p-value multiplies the relative error of z by about z^2: 1e-6 at |z| = 10 and far beyond.
      EXPECT_LT(RelativeDifference(ours["p_value"], row[p_name]), 1e-6) << term;
    }
    EXPECT_TRUE(found) << term;
  }
}

class ReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(TestData() / "heart_disease")) {
      GTEST_SKIP() << "no clinical test data at " << TestData()
                   << "; set CONSILIUM_TEST_DATA to the folder that holds heart_disease/";
    }
  }

  static std::map<std::string, SiteData> HeartSites() {
    std::map<std::string, SiteData> sites;
    for (const std::string hospital : {"cleveland", "hungarian", "switzerland", "va"}) {
      SiteData data;
      data.csv = ReadText(TestData() / "heart_disease/csv" / (hospital + ".csv"));
      data.source = R"(type = "csv"
file = "data.csv"
[[column]]
name = "disease"
from = "num"
map = { "0" = "false", "1" = "true", "2" = "true", "3" = "true", "4" = "true" }
)";
      sites[hospital] = std::move(data);
    }
    return sites;
  }

  static Json Finish(Deployment& federation, const std::string& plan) {
    const std::string study = federation.RunningStudy(plan);
    EXPECT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
    return Json::parse(federation.ResultOf(study));
  }

  static std::string Example(const std::string& name) {
    return ReadText(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name);
  }
};

TEST_F(ReferenceTest, FourHospitalsGiveThePooledFitsOfR) {
  const Json reference = Reference("heart_disease/reference/heart_models.json");
  std::map<std::string, SiteData> sites = HeartSites();
  // Complete cases of the three models differ by one or two patients at Switzerland.
  for (auto& [name, data] : sites) data.policy = "preset = \"standard\"\nminimum_difference = 1\n";
  Deployment federation(std::move(sites));
  federation.StartAll();

  const Json logistic = Finish(federation, Example("heart.toml"));
  ExpectCoefficients(logistic, reference["logistic_basic5_pooled"], "Pr_z_");
  EXPECT_EQ(logistic["patients"], reference["logistic_basic5_pooled"]["n"]);
  EXPECT_EQ(logistic["sites"], 4);
  EXPECT_LT(
      RelativeDifference(logistic["deviance"], reference["logistic_basic5_pooled"]["deviance"]),
      kPromised);
  EXPECT_LT(
      RelativeDifference(logistic["log_likelihood"], reference["logistic_basic5_pooled"]["loglik"]),
      kPromised);
  const Json linear = Finish(federation, Example("heart_linear.toml"));
  ExpectCoefficients(linear, reference["linear_thalach_pooled"], "Pr_t_");
  const Json poisson = Finish(federation, Example("heart_poisson.toml"));
  ExpectCoefficients(poisson, reference["poisson_num_pooled"], "Pr_z_");
}

/// R has no such function; the measures of the pooled rows were computed with 50 digits.
TEST_F(ReferenceTest, AGivenModelIsJudgedAsOnThePooledRows) {
  Deployment federation(HeartSites());
  federation.StartAll();

  const Json result = Finish(federation, Example("heart_evaluate.toml"));

  EXPECT_EQ(result["patients"], 857);
  EXPECT_EQ(result["events"], 468);
  const auto expect = [&result](const char* field, double estimate, double std_error) {
    EXPECT_LT(RelativeDifference(result[field]["estimate"], estimate), kPromised) << field;
    EXPECT_LT(RelativeDifference(result[field]["std_error"], std_error), kPromised) << field;
  };
  expect("brier", 0.15442805417852801, 0.0074335847043913860);
  expect("log_loss", 0.47534656750559425, 0.019457578768202894);
  expect("calibration_in_the_large", 0.13316227497751418, 0.088505531494123865);
  expect("calibration_intercept", 0.12922827852208793, 0.087026611819560834);
  expect("calibration_slope", 0.94609643756083727, 0.063691536517293339);
  // Of the predictions themselves, and so within half of the pairs that share a bin.
  EXPECT_LE(std::abs(result["auc"]["estimate"].get<double>() - 0.85390712543668827),
            result["auc"]["bin_error"].get<double>());
  EXPECT_NEAR(result["auc"]["std_error"].get<double>(), 0.012856802451547557, 1e-4);
}

/// Folds by the documentation's formula; each of them by R's glm.
TEST_F(ReferenceTest, FoldsOfPatientsAreValidatedAsByR) {
  Deployment federation(HeartSites());
  federation.StartAll();

  const Json result = Finish(federation, Example("heart_validate.toml"));

  const int held_out_rows[] = {183, 145, 180, 156, 193};
  const double slopes[] = {1.123457573352896, 0.84776932071951816, 1.2007094663512266,
                           0.87804437734196206, 0.92041247692642547};
  ASSERT_EQ(result["folds"].size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    const Json& held_out = result["folds"][i]["held_out"];
    EXPECT_EQ(held_out["rows"], held_out_rows[i]);
    EXPECT_LT(RelativeDifference(held_out["calibration_slope"]["estimate"], slopes[i]), kPromised);
  }
  EXPECT_LE(result["rounds"].get<int>(), 15);
}

/// Each site knows its own name, so that it is the one that is left out.
TEST_F(ReferenceTest, SitesThatAllowItAreLeftOutOneAtATime) {
  auto sites = HeartSites();
  for (auto& [name, data] : sites) data.policy = "preset = \"standard\"\nsite_level = true\n";
  Deployment federation(std::move(sites));
  federation.StartAll();

  const Json result = Finish(federation, Example("heart_leave_one_out.toml"));

  const std::pair<const char*, double> in_the_large[] = {{"cleveland", -0.36607834867415445},
                                                         {"hungarian", -0.98816356505694924},
                                                         {"switzerland", 2.9685350507860204},
                                                         {"va", -0.11697308680618393}};
  ASSERT_EQ(result["folds"].size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(result["folds"][i]["site"], in_the_large[i].first);
    const Json& ours = result["folds"][i]["held_out"]["calibration_in_the_large"]["estimate"];
    EXPECT_LT(RelativeDifference(ours, in_the_large[i].second), kPromised);
  }
  EXPECT_EQ(result["warnings"].size(), 3u);
}

TEST_F(ReferenceTest, ThirteenFeaturesGiveThePooledFitOfR) {
  const std::string pooled = ReadText(TestData() / "heart_disease/csv/heart_flamby740.csv");
  std::map<std::string, SiteData> sites;
  for (const std::string hospital : {"cleveland", "hungarian", "switzerland", "va"}) {
    sites[hospital].csv = RowsWhere(pooled, "site", hospital);
    // Switzerland has 46 patients here, one of them without disease, for 14 parameters.
    sites[hospital].policy = "preset = \"research\"\nminimum_class = 1\n";
  }
  Deployment federation(std::move(sites));
  federation.StartAll();
  std::string plan = R"([study]
title = "Thirteen features"
question = "What predicts disease?"
requested_by = "Cardiology consortium"
permit = "IRB"
expires = 2090-01-01
minimum_sites = 4
[contract]
patient = "patient_id"
)";
  const char* numbers[] = {"age", "trestbps", "chol", "thalach", "oldpeak"};
  const char* ranges[] = {"[18, 110]", "[0, 300]", "[0, 700]", "[30, 250]", "[-10, 10]"};
  for (int i = 0; i < 5; ++i) {
    plan += std::string("[[contract.column]]\nname = \"") + numbers[i] +
            "\"\ntype = \"number\"\nrange = " + ranges[i] + "\n";
  }
  for (const char* name :
       {"sex", "fbs", "exang", "cp_2", "cp_3", "cp_4", "restecg_1", "restecg_2", "y"}) {
    plan += std::string("[[contract.column]]\nname = \"") + name + "\"\ntype = \"boolean\"\n";
  }
  plan += R"([analysis]
kind = "logistic"
outcome = "y"
features = ["age", "sex", "trestbps", "chol", "fbs", "thalach", "exang", "oldpeak", "cp_2", "cp_3",
            "cp_4", "restecg_1", "restecg_2"]
)";

  const Json result = Finish(federation, plan);

  ExpectCoefficients(
      result, Reference("heart_disease/reference/heart_models.json")["logistic_flamby13_all740"],
      "Pr_z_");
}

TEST_F(ReferenceTest, ATrialWithTinySitesGivesThePooledFitOfR) {
  const std::string pooled = ReadText(TestData() / "multisite/csv/indo_rct.csv");
  std::map<std::string, SiteData> sites;
  for (const std::string site : {"UM", "IU", "UK", "Case"}) {
    sites[site].csv = RowsWhere(pooled, "site", site);
    sites[site].policy =
        "preset = \"research\"\nminimum_patients = 3\nminimum_class = 1\n"
        "maximum_parameters_per_patient = 2\n";
  }
  Deployment federation(std::move(sites));
  federation.StartAll();

  const Json result = Finish(federation, R"([study]
title = "Indomethacin after ERCP"
question = "Does indomethacin prevent pancreatitis?"
requested_by = "Gastroenterology consortium"
permit = "IRB"
expires = 2090-01-01
minimum_sites = 4
[contract]
patient = "id"
[[contract.column]]
name = "pancreatitis"
type = "boolean"
[[contract.column]]
name = "rx_indomethacin"
type = "boolean"
[[contract.column]]
name = "risk"
type = "number"
range = [0, 10]
[[contract.column]]
name = "age"
type = "number"
range = [0, 120]
[[contract.column]]
name = "male"
type = "boolean"
[analysis]
kind = "logistic"
outcome = "pancreatitis"
features = ["rx_indomethacin", "risk", "age", "male"]
[privacy]
minimum_patients = 3
)");

  ExpectCoefficients(
      result, Reference("multisite/reference/multisite_reference.json")["indo_rct"]["logistic"],
      "Pr_z_");
}

TEST_F(ReferenceTest, FourTransplantHospitalsGiveTheStratifiedCoxFitOfR) {
  const std::string pooled = ReadText(TestData() / "multisite/csv/bmt.csv");
  std::map<std::string, SiteData> sites;
  for (const std::string hospital :
       {"ohio_state", "alfred_melbourne", "st_vincent_sydney", "hahnemann_philadelphia"}) {
    // Names of sites have no underscore; three hospitals have about 20 patients.
    SiteData& site = sites[hospital.substr(0, hospital.find('_'))];
    site.csv = RowsWhere(pooled, "hospital", hospital);
    site.policy = "preset = \"research\"\nminimum_class = 1\n";
  }
  Deployment federation(std::move(sites));
  federation.StartAll();

  const Json result = Finish(federation, Example("transplant.toml"));

  const Json r = Reference(
      "multisite/reference/multisite_reference.json")["bmt"]["cox_dfs_strata_hospital"]["efron"];
  ASSERT_TRUE(result["converged"].get<bool>());
  EXPECT_EQ(result["sites"], 4);
  EXPECT_EQ(result["events"], r["events"]);
  for (std::size_t j = 0; j < r["coef"].size(); ++j) {
    const Json& line = result["coefficients"][j];
    EXPECT_LT(RelativeDifference(line["estimate"], r["coef"][j]["coef"]), kPromised);
    EXPECT_LT(RelativeDifference(line["std_error"], r["coef"][j]["se_coef_"]), kPromised);
    EXPECT_LT(RelativeDifference(line["p_value"], r["coef"][j]["Pr_z_"]), 1e-6);
  }
  EXPECT_LT(RelativeDifference(result["concordance"], r["c_index"][0]), kPromised);
}

}  // namespace
}  // namespace consilium::testing
