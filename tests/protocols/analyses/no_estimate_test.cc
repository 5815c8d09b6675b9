// Data that have no estimate: separation, collinearity, constants. Always said, never hidden in a
// huge standard error.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Logistic(const std::string& features) {
  return "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [" + features + "]";
}

TEST(SeparationTest, CompleteSeparationByANumberNamesIt) {
  const Plan plan =
      PlanOf(Boolean("y") + Number("x", 0, 10) + Boolean("b"), Logistic("\"x\", \"b\""));
  const Rows rows = ParseCsv("y,x,b\n0,1,0\n0,2,1\n0,2.5,0\n0,3,1\n1,6,1\n1,7,0\n1,8,0\n1,9,1\n");
  const Outcome outcome = RunOn(plan, {CohortOf(plan, rows)});
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_THAT(outcome.json["separation"]["terms"].dump(), HasSubstr("\"x\""));
  EXPECT_THAT(outcome.result.json, Not(HasSubstr("std_error")));
  EXPECT_THAT(outcome.result.table, AllOf(HasSubstr("separation"), HasSubstr("ridge")));
}

TEST(SeparationTest, QuasiSeparationByALevelNamesOnlyThatLevel) {
  const Plan plan = PlanOf(Boolean("y") + Number("x", 0, 10) + Category("g", {"a", "b", "c"}),
                           Logistic("\"x\", \"g\""));
  const Rows rows = ParseCsv(
      "y,x,g\n0,1,a\n1,2,a\n0,3,a\n1,1,a\n0,2,b\n1,3,b\n1,2,b\n0,1,b\n1,1,c\n1,2,c\n1,3,c\n");
  const Json json = RunOn(plan, {CohortOf(plan, rows)}).json;
  EXPECT_EQ(json["separation"]["terms"], Json({"g_c"}));
  EXPECT_TRUE(json["coefficients"][3]["estimate"].is_null());
  EXPECT_TRUE(json["coefficients"][1]["estimate"].is_number());
}

TEST(SeparationTest, RidgeGivesAnEstimate) {
  const Plan plan = PlanOf(Boolean("y") + Number("x", 0, 10), Logistic("\"x\"") + "\nridge = 0.5");
  const Rows rows = ParseCsv("y,x\n0,1\n0,2\n0,3\n1,6\n1,7\n1,8\n");
  const Json json = RunOn(plan, {CohortOf(plan, rows)}).json;
  EXPECT_TRUE(json["converged"].get<bool>());
  EXPECT_FALSE(json.contains("aic"));
}

TEST(SeparationTest, PoissonLevelWithoutAnyEventNamesIt) {
  const Plan plan = PlanOf(Integer("y", 0, 100) + Category("g", {"a", "b"}),
                           "kind = \"poisson\"\noutcome = \"y\"\nfeatures = [\"g\"]");
  const Rows rows = ParseCsv("y,g\n3,a\n1,a\n2,a\n0,b\n0,b\n0,b\n");
  const Json json = RunOn(plan, {CohortOf(plan, rows)}).json;
  EXPECT_EQ(json["separation"]["terms"], Json({"g_b"}));
}

TEST(SeparationTest, StoppingEarlyIsNotConverged) {
  const Plan plan =
      PlanOf(Boolean("y") + Number("x", 0, 10), Logistic("\"x\"") + "\nmaximum_iterations = 3");
  const Rows rows = ParseCsv("y,x\n0,1\n1,2\n0,3\n1,6\n0,7\n1,8\n");
  const Outcome outcome = RunOn(plan, {CohortOf(plan, rows)});
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_THAT(outcome.result.table, HasSubstr("maximum_iterations"));
  EXPECT_LE(outcome.queries.size(), plan.analysis->maximum_rounds());
}

TEST(NotEstimableTest, CollinearTermsAreNamed) {
  const Plan plan = PlanOf(
      Boolean("y") + Number("age", 0, 100) + Number("born", 1900, 2030) + Number("other", 0, 10),
      Logistic("\"age\", \"other\", \"born\""));
  const Rows rows = ParseCsv(
      "y,age,born,other\n0,20,2004,1\n1,30,1994,3\n0,45,1979,2\n1,50,1974,5\n0,61,1963,4\n");
  const Error error = ErrorOf(plan, {CohortOf(plan, rows)});
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("\"born\""), HasSubstr("\"age\""), Not(HasSubstr("\"other\""))));
}

TEST(NotEstimableTest, ConstantTermsAreNamed) {
  const Plan plan = PlanOf(Boolean("y") + Number("x", 0, 1e6) + Category("g", {"a", "b", "c"}),
                           Logistic("\"x\", \"g\""));
  const Rows rows = ParseCsv("y,x,g\n0,0.1,a\n1,0.1,b\n0,0.1,a\n1,0.1,a\n0,0.1,b\n");
  const Error error = ErrorOf(plan, {CohortOf(plan, rows)});
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("\"x\""), HasSubstr("\"g_c\""), Not(HasSubstr("\"g_b\""))));
}

TEST(NotEstimableTest, AConstantOutcomeIsSaid) {
  const Plan logistic = PlanOf(Boolean("y") + Number("x", 0, 10), Logistic("\"x\""));
  EXPECT_THAT(ErrorOf(logistic, {CohortOf(logistic, ParseCsv("y,x\n1,1\n1,2\n1,3\n"))}).message,
              HasSubstr("yes in every row"));
  const Plan poisson = PlanOf(Integer("y", 0, 9) + Number("x", 0, 10),
                              "kind = \"poisson\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  EXPECT_THAT(ErrorOf(poisson, {CohortOf(poisson, ParseCsv("y,x\n0,1\n0,2\n0,3\n"))}).message,
              HasSubstr("zero in every row"));
  const Plan linear = PlanOf(Number("y", 0, 9) + Number("x", 0, 10),
                             "kind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  EXPECT_THAT(ErrorOf(linear, {CohortOf(linear, ParseCsv("y,x\n2,1\n2,2\n2,3\n"))}).message,
              HasSubstr("the same for every patient"));
}

TEST(NotEstimableTest, ARangeFarTooWideIsSaidWithItsRange) {
  const Plan logistic = PlanOf(Boolean("y") + Number("age", 0, 1e13), Logistic("\"age\""));
  const Rows rows = ParseCsv("y,age\n0,51\n1,52\n1,60\n0,71\n1,80\n0,55\n");
  const Error term = ErrorOf(logistic, {CohortOf(logistic, rows)});
  EXPECT_THAT(term.message, AllOf(HasSubstr("\"age\" differs between patients by less than 1e-10"),
                                  HasSubstr("[0, 1e+13]"), Not(HasSubstr("same value"))));
  EXPECT_THAT(term.remedy, HasSubstr("narrow the range"));
  const Plan linear = PlanOf(Boolean("y") + Number("age", 0, 1e13),
                             "kind = \"linear\"\noutcome = \"age\"\nfeatures = [\"y\"]");
  const Error outcome = ErrorOf(linear, {CohortOf(linear, rows)});
  EXPECT_THAT(outcome.message, AllOf(HasSubstr("the outcome \"age\" differs"), HasSubstr("1e-10"),
                                     Not(HasSubstr("is the same"))));
}

TEST(NotEstimableTest, ARangeOfABillionCostsAnAgeNothing) {
  const std::string table = "y,age\n0,51\n1,52\n1,60\n0,71\n1,80\n0,55\n1,66\n0,64\n";
  Json lines[2];
  for (const double largest : {1e2, 1e9}) {
    const Plan plan = PlanOf(Boolean("y") + Number("age", 0, largest), Logistic("\"age\""));
    lines[largest > 1e2] = RunOn(plan, {CohortOf(plan, ParseCsv(table))}).json["coefficients"][1];
  }
  for (const char* field : {"estimate", "std_error", "p_value"}) {
    ExpectClose(lines[1][field], lines[0][field], 1e-8, field);
  }
}

TEST(NotEstimableTest, FewerRowsThanCoefficientsIsSaid) {
  const Plan plan = PlanOf(Number("y", 0, 9) + Number("x", 0, 10),
                           "kind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Error error = ErrorOf(plan, {CohortOf(plan, ParseCsv("y,x\n2,1\n3,2\n"))});
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
}

TEST(NotEstimableTest, NobodyAtAllIsSaid) {
  const Plan plan = PlanOf(Boolean("y") + Number("x", 0, 10), Logistic("\"x\""));
  Cohort nobody;
  nobody.columns = plan.analysis->columns();
  nobody.values.resize(0, 2);
  EXPECT_EQ(ErrorOf(plan, {nobody, nobody}).code, ErrorCode::kNotEstimable);
}

}  // namespace
}  // namespace consilium::testing
