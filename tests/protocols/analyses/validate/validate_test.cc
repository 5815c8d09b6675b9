// Covers protocols/analyses/validate/: course.cc, estimate.cc, render.cc, site.cc and validate.cc
// (protocols/analyses/validate/course.cc, protocols/analyses/validate/estimate.cc,
// protocols/analyses/validate/render.cc, protocols/analyses/validate/site.cc and
// protocols/analyses/validate/validate.cc), and protocols/analyses/evaluate/measures_json.cc.

#include "protocols/analyses/validate/validate.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/validate/estimate.h"
#include "protocols/analyses/validate/parts.h"
#include "protocols/analyses/validate/query.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void ExpectSame(const Json& one, const Json& other, double tolerance) {
  const Json left = one.flatten();
  const Json right = other.flatten();
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [place, value] : left.items()) {
    if (value.is_number_float()) {
      // Sums at the sites are rounded; an estimate near 0 has an absolute error.
      EXPECT_NEAR(value.get<double>(), right[place].get<double>(), tolerance) << place;
    } else if (place != "/sites") {
      EXPECT_EQ(value, right[place]) << place;
    }
  }
}

TEST(ValidateTest, DoesNotDependOnHowPatientsAreSpread) {
  const Plan plan = ValidatePlanOf();
  Rows rows = PatientsAt(4, 600);
  const Json many = RunOn(plan, NamedCohorts(plan, rows)).json;
  for (Row& row : rows) row["site"] = row["stage"];
  ExpectSame(many, RunOn(plan, NamedCohorts(plan, rows)).json, 1e-10);
  std::reverse(rows.begin(), rows.end());
  ExpectSame(many, RunOn(plan, NamedCohorts(plan, rows)).json, 1e-10);
}

/// Rows in one place are validated in the same way, though they are at one site.
TEST(ValidateTest, OnOneTableFoldsAreTheSame) {
  const Plan plan = ValidatePlanOf();
  const Rows rows = PatientsAt(4, 600);
  const Json many = RunOn(plan, NamedCohorts(plan, rows)).json;
  const Cohort pooled = CohortOf(plan, rows);
  const Analysis& on_one_table = plan.analysis->OnOneTable();
  ExpectSame(many, Json::parse(RunPlain(on_one_table, {&pooled}).value().result.json), 1e-10);
  const Plan left_out = ValidatePlanOf(kLeaveOut);
  EXPECT_EQ(left_out.analysis->OnOneTable().kind(), "logistic");
  EXPECT_EQ(CohortColumns(left_out.analysis->OnOneTable()), CohortColumns(*left_out.analysis));
}

/// What each fold finds is what a regression and an evaluation of its rows alone find.
TEST(ValidateTest, AFoldIsARegressionAndAnEvaluationOfItsModel) {
  const Plan plan = ValidatePlanOf("folds = 3\nseed = 4\n");
  const Rows rows = PatientsAt(3, 300);
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  Rows training;
  Rows held_out;
  for (const Row& row : rows) {
    const bool out = validate::FoldOf(4, PatientNumber(row.at("patient_id")), 3) == 2;
    (out ? held_out : training).push_back(row);
  }
  const std::string variables = "outcome = \"ill\"\nfeatures = [\"x\", \"stage\"]\n";
  const Plan fit = PlanOf(kValidateColumns, "kind = \"logistic\"\n" + variables);
  const Json model = RunOn(fit, CohortsBy(fit, training, "site")).json["coefficients"];
  const Json& fold = result["folds"][1];
  std::ostringstream given;
  given.precision(17);
  given << "intercept = " << std::scientific << model[0]["estimate"].get<double>()
        << "\ncoefficients = { ";
  for (std::size_t j = 0; j < model.size(); ++j) {
    ExpectClose(fold["coefficients"][j]["estimate"], model[j]["estimate"], 1e-12, model[j]["name"]);
    if (j > 0) {
      given << (j == 1 ? "" : ", ") << model[j]["name"].get<std::string>() << " = "
            << model[j]["estimate"].get<double>();
    }
  }
  const Plan judge = PlanOf(kValidateColumns, "kind = \"evaluate\"\nscore_bins = 100\n" +
                                                  variables + given.str() + " }\n");
  for (const auto& [side, part] : {std::pair("training", training), {"held_out", held_out}}) {
    const Json alone = RunOn(judge, CohortsBy(judge, part, "site")).json;
    for (const auto& [name, value] : fold[side].items()) ExpectSame(value, alone[name], 1e-10);
  }
  EXPECT_TRUE(fold["held_out"].contains("calibration_slope"));
  EXPECT_FALSE(fold["training"].contains("calibration_slope"));
}

TEST(ValidateTest, AFoldWithoutAnEstimateEndsWithWordsAndTheOthersGoOn) {
  const Plan plan = ValidatePlanOf(
      "method = \"leave-one-site-out\"\nsites = [\"site-1\", "
      "\"site-2\"]\n");
  Rows rows = PatientsAt(3, 300);
  // Only the first site has patients of stage iii without the outcome.
  for (Row& row : rows) {
    if (row["site"] != "site-1" && row["stage"] == "iii") row["ill"] = "1";
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  EXPECT_TRUE(outcome.result.converged);
  const Json& separated = outcome.json["folds"][0];
  EXPECT_THAT(separated["message"].get<std::string>(),
              AllOf(HasSubstr("stage_iii"), HasSubstr("separation")));
  EXPECT_FALSE(separated.contains("coefficients"));
  EXPECT_FALSE(separated["held_out"].contains("auc"));
  EXPECT_EQ(separated["held_out"]["rows"], 100);
  EXPECT_TRUE(outcome.json["folds"][1]["held_out"]["auc"].is_object());
  EXPECT_EQ(outcome.json["validated"]["folds"], 1);
  EXPECT_EQ(outcome.json["validated"]["rows"], 100);
  EXPECT_THAT(outcome.result.table, HasSubstr("site-1: There is no estimate for \"stage_iii\""));
}

TEST(ValidateTest, AConstantTermOfAFoldIsItsOwnTrouble) {
  const Plan plan = ValidatePlanOf(
      "method = \"leave-one-site-out\"\nsites = [\"site-1\", "
      "\"site-2\"]\n");
  Rows rows = PatientsAt(3, 300);
  for (Row& row : rows) {
    if (row["site"] != "site-1" && row["stage"] == "ii") row["stage"] = "i";
  }
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  EXPECT_THAT(result["folds"][0]["message"].get<std::string>(), HasSubstr("\"stage_ii\""));
  EXPECT_EQ(result["validated"]["folds"], 1);
}

TEST(ValidateTest, AModelOfAllRowsWithoutAnEstimateIsAnError) {
  const Plan plan = ValidatePlanOf();
  Rows rows = PatientsAt(3, 300);
  for (Row& row : rows) row["stage"] = "i";
  EXPECT_EQ(ErrorOf(plan, NamedCohorts(plan, rows)).code, ErrorCode::kNotEstimable);
  EXPECT_EQ(ErrorOf(plan, {CohortOf(plan, Rows{})}).code, ErrorCode::kNotEstimable);
  for (Row& row : rows) row["ill"] = "1";
  EXPECT_EQ(ErrorOf(plan, NamedCohorts(plan, rows)).code, ErrorCode::kNotEstimable);
}

TEST(ValidateTest, SeparationOfAllRowsIsSaid) {
  const Plan plan = ValidatePlanOf();
  Rows rows = PatientsAt(3, 300);
  for (Row& row : rows) row["ill"] = std::stod(row["x"]) > 0 ? "1" : "0";
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_EQ(outcome.json["validated"], nullptr);
  EXPECT_EQ(outcome.json["apparent"], nullptr);
  EXPECT_TRUE(outcome.json.contains("separation"));
}

TEST(ValidateTest, SmallPartsAreNeitherShownNorAskedFor) {
  const Plan plan = ValidatePlanOf(kLeaveOut + "minimum_count = 30\n");
  Rows rows = PatientsAt(4, 400);
  std::size_t events = 0;
  for (Row& row : rows) {
    if (row["site"] == "site-2" && row["ill"] == "1" && ++events > 6) row["ill"] = "0";
  }
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  // Of the second there are six events; the fourth, which is not named, hides them.
  EXPECT_EQ(outcome.json["folds"][1]["left_out"], true);
  EXPECT_FALSE(outcome.json["folds"][1].contains("held_out"));
  EXPECT_FALSE(outcome.json["folds"][0].contains("left_out"));
  EXPECT_EQ(outcome.json["validated"]["rows"], 200);
  EXPECT_THAT(outcome.result.table, HasSubstr("site-2 is left out. Fewer than 30 patients"));
  for (std::size_t i = 1; i < outcome.queries.size(); ++i) {
    const std::vector<Slice> slices = plan.analysis->Describe(outcome.queries[i]).value();
    for (const Slice& slice : slices) EXPECT_THAT(slice.name, Not(HasSubstr("site-2")));
  }
}

TEST(ValidateTest, ASiteThatIsNotInTheSumsIsSaidToBeAbsent) {
  const Plan plan = ValidatePlanOf(
      "method = \"leave-one-site-out\"\nsites = [\"site-1\", "
      "\"Site-2\"]\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, PatientsAt(3, 300)));
  EXPECT_THAT(outcome.json["folds"][1]["message"].get<std::string>(),
              HasSubstr("No site of this name"));
}

TEST(ValidateTest, WithNoiseForFeaturesOverfittingIsSeen) {
  std::string columns = kValidateColumns;
  std::string features;
  for (int i = 0; i < 30; ++i) {
    columns += Number("noise" + std::to_string(i), 0, 1);
    features += ", \"noise" + std::to_string(i) + "\"";
  }
  SeededRandom random = StreamOf(5, "noise features");
  Rows rows = PatientsAt(3, 200);
  for (Row& row : rows) {
    for (int i = 0; i < 30; ++i) row["noise" + std::to_string(i)] = std::to_string(random.Unit());
  }
  const Plan plan = PlanOf(columns,
                           "kind = \"validate\"\nmodel = \"logistic\"\noutcome = \"ill\"\n"
                           "features = [\"x\", \"stage\"" +
                               features + "]\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  EXPECT_GT(outcome.json["optimism"]["auc"].get<double>(), 0.05);
  EXPECT_LT(outcome.json["validated"]["calibration_slope"]["conf_high"].get<double>(), 1);
  EXPECT_THAT(outcome.json["warnings"][0].get<std::string>(),
              AllOf(HasSubstr("too extreme"), HasSubstr("fewer features")));
}

TEST(ValidateTest, SaysInWordsWhatItDoesAndWhetherItShowsSingleSites) {
  const Plan folds = ValidatePlanOf();
  EXPECT_FALSE(folds.analysis->ShowsSingleSites());
  EXPECT_TRUE(folds.analysis->TellsPatientsApart());
  EXPECT_EQ(folds.analysis->parameters(), 4u);
  EXPECT_EQ(folds.analysis->maximum_rounds(), 1u + 2 + 25 + 2 + 25);
  EXPECT_THAT(folds.analysis->InWords(),
              AllOf(HasSubstr("logistic regression of ill on x and stage"), HasSubstr("5 times")));
  EXPECT_THAT(ExplainPlan(folds), Not(HasSubstr("site_level")));
  const Plan left_out = ValidatePlanOf(kLeaveOut);
  EXPECT_TRUE(left_out.analysis->ShowsSingleSites());
  EXPECT_FALSE(left_out.analysis->TellsPatientsApart());
  EXPECT_THAT(left_out.analysis->InWords(), HasSubstr("site-1, site-2, site-3"));
  EXPECT_THAT(ExplainPlan(left_out), HasSubstr("site_level"));
}

TEST(ValidateTest, RefusesWhatTheContractForbidsWithoutSayingTheValue) {
  const Plan plan = ValidatePlanOf();
  Cohort cohort = CohortOf(plan, PatientsAt(3, 30));
  cohort.values(4, 1) = 5.625;
  const auto answer = plan.analysis->Answer(validate::EncodeSizesQuery(), cohort);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, AllOf(HasSubstr("row 5"), Not(HasSubstr("5.625"))));
}

TEST(MeanOfTest, IsOfIndependentMeasures) {
  using validate::Measure;
  EXPECT_FALSE(validate::MeanOf({}, 0.95).has_value());
  const Measure mean = *validate::MeanOf({Measure{1, 0.3, {}, {}}, Measure{2, 0.4, {}, {}}}, 0.95);
  EXPECT_EQ(mean.estimate, 1.5);
  EXPECT_NEAR(*mean.std_error, 0.25, 1e-15);
  EXPECT_NEAR(*mean.high - *mean.low, 2 * 1.959963984540054 * 0.25, 1e-12);
  EXPECT_FALSE(
      validate::MeanOf({Measure{1, 0.3, {}, {}}, Measure{2, {}, {}, {}}}, 0.95)->std_error);
}

}  // namespace
}  // namespace consilium::testing
