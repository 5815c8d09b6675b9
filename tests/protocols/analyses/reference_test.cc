// The regressions over real hospitals' data against R's pooled fits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kHospitals = {"cleveland", "hungarian", "switzerland", "va"};

class HeartDiseaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    folder_ = *DataFolder() / "heart_disease";
    rows_ = ReadCsv(folder_ / "csv/heart_pooled.csv");
    for (Row& row : rows_) row["disease"] = row["num"] == "0" ? "0" : "1";
    reference_ = ReadJson(folder_ / "reference/heart_models.json");
  }

  static std::string Columns() {
    return Boolean("disease") + Integer("num", 0, 4) + Number("age", 18, 110) + Boolean("sex") +
           Number("thalach", 30, 250) + Boolean("exang") + Number("oldpeak", -10, 10) +
           Category("site", kHospitals);
  }
  static std::string Columns13() {
    return Columns() + Number("trestbps", 0, 300) + Number("chol", 0, 1000) + Boolean("fbs") +
           Category("cp", {"1", "2", "3", "4"}) + Category("restecg", {"0", "1", "2"});
  }

  /// The 13 features as FLamby's table has them, dummies as columns of their own.
  static std::string FlambyColumns() {
    std::string text = Boolean("y") + Number("age", 18, 110) + Boolean("sex") +
                       Number("trestbps", 0, 300) + Number("chol", 0, 1000) + Boolean("fbs") +
                       Number("thalach", 30, 250) + Boolean("exang") + Number("oldpeak", -10, 10);
    for (const char* name : {"cp_2", "cp_3", "cp_4", "restecg_1", "restecg_2"}) {
      text += Boolean(name);
    }
    return text;
  }
  Rows TrainingRows() const {
    Rows training;
    for (const Row& row : ReadCsv(folder_ / "csv/heart_flamby740.csv")) {
      if (row.at("split") == "train") training.push_back(row);
    }
    return training;
  }

  void Compare(const Plan& plan, const std::string& reference) {
    const Outcome outcome = RunOn(plan, CohortsBy(plan, rows_, "site"));
    ExpectEqualsR(outcome.json, reference_[reference]);
    EXPECT_EQ(outcome.result.sites, 4u);
  }

  std::filesystem::path folder_;
  Rows rows_;
  Json reference_;
};

const char* const kFlambyFeatures =
    "features = [\"age\", \"sex\", \"trestbps\", \"chol\", \"fbs\", \"thalach\", \"exang\", "
    "\"oldpeak\", \"cp_2\", \"cp_3\", \"cp_4\", \"restecg_1\", \"restecg_2\"]\n";

TEST_F(HeartDiseaseTest, FiveFeatureLogisticFitEqualsPooledR) {
  Compare(PlanOf(Columns(),
                 "kind = \"logistic\"\noutcome = \"disease\"\n"
                 "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]"),
          "logistic_basic5_pooled");
}

TEST_F(HeartDiseaseTest, FiveFeatureLogisticFitWithSiteInterceptsEqualsPooledR) {
  Compare(PlanOf(Columns(),
                 "kind = \"logistic\"\noutcome = \"disease\"\n"
                 "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\", \"site\"]"),
          "logistic_basic5_pooled_site_intercepts");
}

TEST_F(HeartDiseaseTest, ThirteenFeatureLogisticFitEqualsPooledR) {
  const Plan plan = PlanOf(
      Columns13(),
      "kind = \"logistic\"\noutcome = \"disease\"\nfeatures = [\"age\", \"sex\", \"trestbps\", "
      "\"chol\", \"fbs\", \"thalach\", \"exang\", \"oldpeak\", \"cp\", \"restecg\"]");
  Compare(plan, "logistic_flamby13_all740");
}

TEST_F(HeartDiseaseTest, ThirteenFeatureLogisticFitWithSiteInterceptsEqualsPooledR) {
  const Plan plan = PlanOf(
      Columns13(),
      "kind = \"logistic\"\noutcome = \"disease\"\nfeatures = [\"age\", \"sex\", \"trestbps\", "
      "\"chol\", \"fbs\", \"thalach\", \"exang\", \"oldpeak\", \"cp\", \"restecg\", \"site\"]");
  Compare(plan, "logistic_flamby13_all740_site_intercepts");
}

/// R: glm(y ~ age + rcspline.eval(age, c(40, 50, 60, 70), norm = 2) + sex + log(thalach) + oldpeak
/// + I(oldpeak^2) + cp + age:sex + sex:cp, binomial), complete cases, epsilon = 1e-14, with
/// Hmisc 4.8. splines::ns(age, knots = c(50, 60), Boundary.knots = c(40, 70)) in its place gives
/// the same deviance.
TEST_F(HeartDiseaseTest, DerivedTermsGiveTheFitThatRsFormulaGives) {
  const std::string columns =
      Columns13() +
      "[[contract.derived]]\nname = \"age_spline\"\nspline = \"age\"\nknots = [40, 50, 60, 70]\n"
      "[[contract.derived]]\nname = \"log_thalach\"\nlog = \"thalach\"\n"
      "[[contract.derived]]\nname = \"oldpeak2\"\nsquare = \"oldpeak\"\n"
      "[[contract.derived]]\nname = \"age_sex\"\nproduct = [\"age\", \"sex\"]\n"
      "[[contract.derived]]\nname = \"sex_cp\"\nproduct = [\"sex\", \"cp\"]\n";
  const Plan plan = PlanOf(columns,
                           "kind = \"logistic\"\noutcome = \"disease\"\n"
                           "features = [\"age\", \"age_spline\", \"sex\", \"log_thalach\", "
                           "\"oldpeak\", \"oldpeak2\", \"cp\", \"age_sex\", \"sex_cp\"]");
  const std::map<std::string, std::pair<double, double>> expected = {
      {"(Intercept)", {9.33908195311932, 3.5409681148712}},
      {"age", {-0.00137557753948899, 0.0401742405885313}},
      {"age_spline_1", {0.185533104871814, 0.114686718591519}},
      {"age_spline_2", {-0.584372121963361, 0.351837034034311}},
      {"sex", {3.49510218529566, 1.99377633567708}},
      {"log_thalach", {-2.65561018202501, 0.533919753914369}},
      {"oldpeak2", {0.169246917609927, 0.0849069201340643}},
      {"oldpeak", {0.295834840213284, 0.204480135055902}},
      {"cp_2", {0.775920340674458, 1.28644633294428}},
      {"cp_3", {1.00918953829342, 1.24259527175843}},
      {"cp_4", {2.81040344178233, 1.19322165813532}},
      {"age_sex", {-0.0103710045793325, 0.0261796903677872}},
      {"sex_cp_2", {-2.01999182506756, 1.37485932157329}},
      {"sex_cp_3", {-1.48257621352766, 1.3219451928003}},
      {"sex_cp_4", {-1.59665662750721, 1.26968666269729}},
  };
  const Json json = RunOn(plan, CohortsBy(plan, rows_, "site")).json;
  ASSERT_EQ(json["coefficients"].size(), expected.size());
  for (const Json& line : json["coefficients"]) {
    const auto& [estimate, std_error] = expected.at(line["name"]);
    // Of a standard error: an estimate may lie by zero.
    EXPECT_NEAR(line["estimate"].get<double>(), estimate, 1e-8 * std_error) << line["name"];
    ExpectClose(line["std_error"], std_error, 1e-8, line["name"]);
  }
  ExpectClose(json["deviance"], 734.197113583417, 1e-10, "deviance");
}

TEST_F(HeartDiseaseTest, TrainingSplitEqualsPooledR) {
  rows_ = TrainingRows();
  Compare(PlanOf(FlambyColumns(),
                 std::string("kind = \"logistic\"\noutcome = \"y\"\n") + kFlambyFeatures),
          "logistic_flamby13_train486");
}

TEST_F(HeartDiseaseTest, RidgeEqualsPooledROnFederatedStandardisation) {
  rows_ = TrainingRows();
  for (const Json& reference : reference_["ridge_logistic_train486"]) {
    const Plan plan =
        PlanOf(FlambyColumns(), std::string("kind = \"logistic\"\noutcome = \"y\"\n") +
                                    kFlambyFeatures + "ridge = " + reference["lambda"].dump());
    const Json json = RunOn(plan, CohortsBy(plan, rows_, "site")).json;
    const Json& standardised = json["standardised_coefficients"];
    const Json& moments = reference_["standardisation_train486"];
    ASSERT_EQ(standardised.size(), reference["coef"].size());
    double penalty = 0;
    for (std::size_t j = 0; j < standardised.size(); ++j) {
      ExpectClose(standardised[j]["estimate"], reference["coef"][j]["estimate"], 1e-9, "estimate");
      if (j == 0) continue;
      penalty += std::pow(standardised[j]["estimate"].get<double>(), 2);
      ExpectClose(standardised[j]["mean"], moments[j - 1]["mean"], 1e-12, "mean");
      ExpectClose(standardised[j]["sd"], moments[j - 1]["sd"], 1e-12, "sd");
      const double raw = json["coefficients"][j]["estimate"];
      ExpectClose(raw * standardised[j]["sd"].get<double>(), standardised[j]["estimate"], 1e-12,
                  "raw estimate");
    }
    const double objective =
        -json["log_likelihood"].get<double>() + reference["lambda"].get<double>() / 2 * penalty;
    ExpectClose(objective, reference["objective"], 1e-11, "objective");
  }
}

TEST_F(HeartDiseaseTest, LinearFitEqualsPooledR) {
  const std::string columns = Columns() + Number("trestbps", 0, 300);
  Compare(PlanOf(columns,
                 "kind = \"linear\"\noutcome = \"thalach\"\n"
                 "features = [\"age\", \"sex\", \"trestbps\", \"exang\"]"),
          "linear_thalach_pooled");
  Compare(PlanOf(columns,
                 "kind = \"linear\"\noutcome = \"thalach\"\n"
                 "features = [\"age\", \"sex\", \"trestbps\", \"exang\", \"site\"]"),
          "linear_thalach_pooled_site_intercepts");
}

TEST_F(HeartDiseaseTest, PoissonFitEqualsPooledR) {
  Compare(PlanOf(Columns(),
                 "kind = \"poisson\"\noutcome = \"num\"\n"
                 "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]"),
          "poisson_num_pooled");
}

TEST_F(HeartDiseaseTest, EachHospitalAloneEqualsItsOwnR) {
  const Plan plan = PlanOf(Columns(),
                           "kind = \"logistic\"\noutcome = \"disease\"\n"
                           "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]");
  const std::vector<Cohort> cohorts = CohortsBy(plan, rows_, "site");
  for (const std::size_t site : {0u, 1u, 3u}) {
    ExpectEqualsR(RunOn(plan, {cohorts[site]}).json,
                  reference_["logistic_basic5_by_site"][kHospitals[site]]);
  }
}

TEST_F(HeartDiseaseTest, SwitzerlandAloneIsSaidToSeparateOnSex) {
  const Plan plan = PlanOf(Columns(),
                           "kind = \"logistic\"\noutcome = \"disease\"\n"
                           "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]");
  const Outcome outcome = RunOn(plan, {CohortsBy(plan, rows_, "site")[2]});
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_EQ(outcome.json["separation"]["terms"], Json({"sex"}));
  EXPECT_THAT(outcome.json["separation"]["message"].get<std::string>(), HasSubstr("ridge"));
  EXPECT_THAT(outcome.result.table, HasSubstr("\"sex\""));
  EXPECT_THAT(outcome.result.json, ::testing::Not(HasSubstr("std_error")));
  // R's own limit, as far as its stopping rule lets it come.
  ExpectClose(outcome.json["deviance"], 51.0788975800793, 1e-4, "deviance");
}

TEST_F(HeartDiseaseTest, SwitzerlandAloneHasARidgeFit) {
  const Plan plan = PlanOf(Columns(),
                           "kind = \"logistic\"\noutcome = \"disease\"\nridge = 1\n"
                           "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]");
  EXPECT_TRUE(RunOn(plan, {CohortsBy(plan, rows_, "site")[2]}).result.converged);
}

class IndometacinTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    rows_ = ReadCsv(*DataFolder() / "multisite/csv/indo_rct.csv");
    reference_ =
        ReadJson(*DataFolder() / "multisite/reference/multisite_reference.json")["indo_rct"];
  }
  static std::string Columns() {
    return Boolean("pancreatitis") + Boolean("rx_indomethacin") + Number("risk", 0, 10) +
           Number("age", 18, 100) + Boolean("male") + Boolean("pep") + Boolean("sod") +
           Category("site", {"UM", "IU", "UK", "Case"});
  }
  Rows rows_;
  Json reference_;
};

TEST_F(IndometacinTest, LogisticFitEqualsPooledR) {
  const Plan plan = PlanOf(Columns(),
                           "kind = \"logistic\"\noutcome = \"pancreatitis\"\n"
                           "features = [\"rx_indomethacin\", \"risk\", \"age\", \"male\"]");
  ExpectEqualsR(RunOn(plan, CohortsBy(plan, rows_, "site")).json, reference_["logistic"]);
}

TEST_F(IndometacinTest, LinearFitEqualsPooledR) {
  const Plan plan = PlanOf(Columns(),
                           "kind = \"linear\"\noutcome = \"risk\"\n"
                           "features = [\"age\", \"male\", \"pep\", \"sod\", \"site\"]");
  ExpectEqualsR(RunOn(plan, CohortsBy(plan, rows_, "site")).json, reference_["linear_risk"]);
}

TEST_F(IndometacinTest, HospitalWithoutEventsSeparatesOnItsIntercept) {
  const Plan plan =
      PlanOf(Columns(),
             "kind = \"logistic\"\noutcome = \"pancreatitis\"\n"
             "features = [\"rx_indomethacin\", \"risk\", \"age\", \"male\", \"site\"]");
  const Json json = RunOn(plan, CohortsBy(plan, rows_, "site")).json;
  EXPECT_FALSE(json["converged"].get<bool>());
  EXPECT_EQ(json["separation"]["terms"], Json({"site_Case"}));
}

}  // namespace
}  // namespace consilium::testing
