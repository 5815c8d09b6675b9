// Where a validated regression has nothing to say, and where it says that a model fails: each by
// itself.

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/validate/model.h"
#include "protocols/analyses/validate/parts.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Of rows in one place the folds are the same; a Cox regression is another model there.
TEST(ValidateLinearModelTest, DoesNotDependOnHowPatientsAreSpread) {
  for (const char* model : {"linear", "poisson"}) {
    const Plan plan = ModelPlanOf(model);
    Rows rows = PatientsAt(4, 600);
    const Json many = RunOn(plan, NamedCohorts(plan, rows)).json["validated"];
    for (Row& row : rows) row["site"] = row["stage"];
    const Json other = RunOn(plan, NamedCohorts(plan, rows)).json["validated"];
    const Cohort pooled = CohortOf(plan, rows);
    const Json one = Json::parse(
        RunPlain(plan.analysis->OnOneTable(), {&pooled}).value().result.json)["validated"];
    for (const auto& [field, value] : many.items()) {
      if (!value.is_object()) continue;
      EXPECT_NEAR(value["estimate"].get<double>(), other[field]["estimate"].get<double>(), 1e-10);
      EXPECT_NEAR(value["estimate"].get<double>(), one[field]["estimate"].get<double>(), 1e-10);
    }
  }
}

TEST(ValidateLinearModelTest, OutcomesThatAreAllTheSameHaveNoRSquared) {
  const Plan plan = ModelPlanOf("linear", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  for (Row& row : rows) {
    if (row["site"] == "site-2") row["pain"] = "1.5";
  }
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  const Json& held_out = result["folds"][1]["held_out"];
  EXPECT_EQ(held_out["r_squared"], nullptr);
  EXPECT_EQ(held_out["recalibrated_r_squared"], nullptr);
  EXPECT_TRUE(held_out["rmse"].is_object());
  EXPECT_NEAR(held_out["calibration_slope"]["estimate"].get<double>(), 0, 1e-9);
  EXPECT_TRUE(result["validated"]["r_squared"].is_object());
}

TEST(ValidateLinearModelTest, PredictionsThatAreAllTheSameHaveNoSlope) {
  const Plan plan = ModelPlanOf("linear", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  for (Row& row : rows) {
    if (row["site"] != "site-2") continue;
    row["x"] = "0.5";
    row["stage"] = "ii";
  }
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  const Json& held_out = result["folds"][1]["held_out"];
  EXPECT_EQ(held_out["calibration_slope"], nullptr);
  EXPECT_TRUE(held_out["calibration_in_the_large"].is_object());
  EXPECT_THAT(held_out["message"].get<std::string>(), HasSubstr("predictions are all the same"));
}

/// A patient alone has a prediction and an error, and nothing more.
TEST(ValidateLinearModelTest, OneRowHasNoLimits) {
  const Plan plan = ModelPlanOf("linear", kLeaveOut + "minimum_count = 1\n");
  Rows rows = PatientsAt(4, 400);
  std::size_t seen = 0;
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](Row& row) { return row["site"] == "site-2" && ++seen > 1; }),
             rows.end());
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  const Json& held_out = result["folds"][1]["held_out"];
  EXPECT_EQ(held_out["rows"], 1);
  EXPECT_EQ(held_out["calibration_in_the_large"]["std_error"], nullptr);
  EXPECT_EQ(held_out["r_squared"], nullptr);
  EXPECT_EQ(held_out["calibration_slope"], nullptr);
}

/// An outcome that features determine: errors are rounding, and so is any lack of calibration.
TEST(ValidateLinearModelTest, AFitWithoutErrorIsNotWarnedOf) {
  const Plan plan = ModelPlanOf("linear", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  for (Row& row : rows) row["pain"] = std::to_string(2 * std::stod(row["x"]));
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  EXPECT_TRUE(outcome.json["warnings"].empty()) << outcome.json["warnings"];
  EXPECT_NEAR(outcome.json["validated"]["r_squared"]["estimate"].get<double>(), 1, 1e-10);
}

TEST(ValidateLinearModelTest, WhereAMeanIsOffThoughPatientsAreOrderedWellIsSaid) {
  const Plan plan = ModelPlanOf("linear", kLeaveOut);
  Rows rows = PatientsAt(4, 800);
  for (Row& row : rows) {
    if (row["site"] == "site-3") row["pain"] = std::to_string(std::stod(row["pain"]) + 6);
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  EXPECT_THAT(outcome.result.table, HasSubstr("site-3: "));
  bool said = false;
  for (const Json& warning : outcome.json["warnings"]) {
    const std::string text = warning;
    said =
        said || (text.starts_with("site-3: ") && text.find("too low: by 6") != std::string::npos);
  }
  EXPECT_TRUE(said) << outcome.json["warnings"];
}

TEST(ValidatePoissonModelTest, WithoutACountAboveZeroThereIsNoCalibration) {
  const Plan plan = ModelPlanOf("poisson", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  for (Row& row : rows) {
    if (row["site"] == "site-2") row["visits"] = "0";
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  const Json& held_out = outcome.json["folds"][1]["held_out"];
  EXPECT_EQ(held_out["d_squared"], nullptr);
  EXPECT_EQ(held_out["observed_over_expected"], nullptr);
  EXPECT_EQ(held_out["calibration_in_the_large"], nullptr);
  EXPECT_TRUE(held_out["deviance"].is_object());
  EXPECT_THAT(held_out["message"].get<std::string>(), HasSubstr("no count above 0"));
  EXPECT_EQ(outcome.json["validated"]["rows"], 300);
}

TEST(ValidatePoissonModelTest, PredictionsThatAreAllTheSameHaveNoSlope) {
  const Plan plan = ModelPlanOf("poisson", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  for (Row& row : rows) {
    if (row["site"] != "site-2") continue;
    row["x"] = "0.5";
    row["stage"] = "ii";
  }
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  const Json& held_out = result["folds"][1]["held_out"];
  EXPECT_EQ(held_out["calibration_slope"], nullptr);
  EXPECT_TRUE(held_out["calibration_in_the_large"].is_object());
  EXPECT_THAT(held_out["message"].get<std::string>(),
              HasSubstr("has the same value for every patient"));
}

TEST(ValidatePoissonModelTest, EventsAreRowsWithACountAboveZero) {
  const Plan plan = ModelPlanOf("poisson", "folds = 3\n");
  const Rows rows = PatientsAt(4, 400);
  double above = 0;
  double all = 0;
  for (const Row& row : rows) {
    above += row.at("visits") == "0" ? 0 : 1;
    all += std::stod(row.at("visits"));
  }
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  EXPECT_EQ(result["events"], above);
  EXPECT_EQ(result["validated"]["events"], above);
  EXPECT_EQ(result["validated"]["observed"], all);
}

TEST(ValidateCoxModelTest, WithoutAnEventThereIsNoConcordance) {
  const Plan plan = ModelPlanOf("cox", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  for (Row& row : rows) {
    if (row["site"] == "site-2") row["died"] = "0";
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  const Json& held_out = outcome.json["folds"][1]["held_out"];
  EXPECT_EQ(held_out["concordance"], nullptr);
  EXPECT_EQ(held_out["log_likelihood_gain"], nullptr);
  EXPECT_EQ(held_out["calibration_slope"], nullptr);
  EXPECT_THAT(held_out["message"].get<std::string>(), HasSubstr("no pair of patients"));
  EXPECT_TRUE(outcome.json["validated"]["concordance"].is_object());
  EXPECT_EQ(outcome.json["validated"]["folds"], 3);
}

/// The higher the hazard the earlier the event, without a mistake: the likelihood has no maximum.
TEST(ValidateCoxModelTest, ACourseThatPredictionsOrderWithoutAMistakeHasNoSlope) {
  const Plan plan = ModelPlanOf("cox", kLeaveOut);
  Rows rows = PatientsAt(4, 400);
  int at = 0;
  for (Row& row : rows) {
    if (row["site"] != "site-2") continue;
    row["stage"] = "i";
    row["died"] = ++at % 4 == 0 ? "0" : "1";
    row["time"] = std::to_string(50 - 10 * std::stod(row["x"]));
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  const Json& held_out = outcome.json["folds"][1]["held_out"];
  EXPECT_EQ(held_out["concordance"]["estimate"], 1);
  // One way in all pairs says nothing of how sure that is.
  EXPECT_EQ(held_out["concordance"]["std_error"], nullptr);
  EXPECT_EQ(held_out["concordance"]["conf_high"], nullptr);
  EXPECT_EQ(held_out["calibration_slope"], nullptr);
  EXPECT_THAT(held_out["message"].get<std::string>(), HasSubstr("has no limit"));
}

TEST(ValidateCoxModelTest, ASlopeThatFailsThoughPatientsAreOrderedWellIsSaid) {
  const Plan plan = ModelPlanOf("cox", kLeaveOut);
  Rows rows = PatientsAt(4, 1'200);
  // One hospital's hazards differ far more between patients than the others'.
  for (Row& row : rows) {
    if (row["site"] != "site-1") continue;
    row["died"] = "1";
    row["time"] = std::to_string(
        std::min(99.0, std::exp(-2.5 * std::stod(row["x"])) * (0.5 + std::stod(row["time"]) / 10)));
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  ASSERT_FALSE(outcome.json["warnings"].empty());
  EXPECT_THAT(outcome.json["warnings"][0].get<std::string>(),
              AllOf(HasSubstr("site-1: the concordance looks fine"),
                    HasSubstr("not extreme enough (calibration slope ")));
}

/// Sums over events at one site are that site's, however many have rows.
TEST(ValidateCoxModelTest, AFoldWhoseEventsLieAtTooFewSitesIsLeftOut) {
  const Plan plan = ModelPlanOf("cox", "folds = 3\n");
  Rows rows = PatientsAt(5, 600);
  for (Row& row : rows) {
    const bool second = validate::FoldOf(1, PatientNumber(row["patient_id"]), 3) == 2;
    if (second && row["site"] != "site-1" && row["site"] != "site-4") row["died"] = "0";
  }
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  EXPECT_THAT(result["folds"][1]["message"].get<std::string>(),
              HasSubstr("What is held out lies at fewer than 3 sites"));
}

/// An event of the last one at risk tells nothing of anybody.
TEST(ValidateCoxModelTest, ASiteAddsWhatTellsAnEventFromOthersAtRisk) {
  const validate::ValidatePlan plan = ParsedPlan("cox", "", 3);
  const Plan whole = ModelPlanOf("cox");
  const auto adds = [&](const std::string& rows) {
    Rows table = ParseCsv("patient_id,died,time,x,stage\n" + rows);
    Cohort cohort = CohortOf(whole, table);
    cohort.columns.pop_back();
    const RowMatrix values = cohort.values.leftCols(4);
    cohort.values = values;
    return plan.model->Adds(cohort);
  };
  EXPECT_FALSE(adds(""));
  EXPECT_FALSE(adds("a,1,5,0,i\n"));
  EXPECT_FALSE(adds("a,0,3,0,i\nb,1,5,0,i\n"));
  EXPECT_TRUE(adds("a,1,3,0,i\nb,0,5,0,i\n"));
  EXPECT_TRUE(adds("a,1,5,0,i\nb,0,5,0,i\n"));
}

TEST(ValidateCoxModelTest, KeepsSitesApart) {
  EXPECT_TRUE(ModelPlanOf("cox").analysis->KeepsSitesApart());
  EXPECT_EQ(ModelPlanOf("cox").analysis->outcomes(), 2u);
  EXPECT_FALSE(ModelPlanOf("poisson").analysis->KeepsSitesApart());
}

}  // namespace
}  // namespace consilium::testing
