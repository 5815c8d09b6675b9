// Covers protocols/analyses/glm/design.cc, protocols/analyses/glm/fit.cc,
// protocols/analyses/glm/inference.cc, protocols/analyses/glm/moments.cc,
// protocols/analyses/glm/regression.cc, protocols/analyses/glm/render.cc,
// protocols/analyses/glm/site.cc, protocols/analyses/linear/linear.cc and
// protocols/analyses/logistic/logistic.cc.

// Regressions on data typed here. Expected values: R 4.2.2 with the code in the comments and
// ctl <- glm.control(epsilon = 1e-14, maxit = 100).

#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/glm/query.h"
#include "protocols/analyses/poisson/poisson.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Line {
  double estimate;
  double std_error;
  double statistic;
  double p_value;
};

void ExpectLines(const Json& json, const std::vector<Line>& lines, double tolerance = 1e-9) {
  ASSERT_TRUE(json["converged"].get<bool>());
  ASSERT_EQ(json["coefficients"].size(), lines.size());
  for (std::size_t j = 0; j < lines.size(); ++j) {
    const Json& line = json["coefficients"][j];
    const std::string name = line["name"];
    ExpectClose(line["estimate"], lines[j].estimate, tolerance, name);
    ExpectClose(line["std_error"], lines[j].std_error, tolerance, name + " standard error");
    ExpectClose(line["statistic"], lines[j].statistic, tolerance, name + " test");
    ExpectClose(line["p_value"], lines[j].p_value, 1e-7, name + " p value");
  }
}

/// Whether some query lies halfway between its predecessor and the one before that.
bool HalvesAStep(const Plan& plan, const std::vector<Query>& queries) {
  const std::unique_ptr<glm::Family> family = MakePoissonFamily();
  const std::vector<std::string> columns = plan.analysis->columns();
  const glm::Design design = glm::MakeDesign(plan.contract, {*plan.contract.Find(columns[0])},
                                             {columns.begin() + 1, columns.end()})
                                 .value();
  std::vector<std::vector<double>> points;
  for (const Query& query : queries) {
    const glm::GlmQuery decoded = glm::DecodeQuery(query, design, *family).value();
    if (decoded.step == glm::Step::kNewton) points.push_back(decoded.coefficients);
  }
  for (std::size_t k = 2; k < points.size(); ++k) {
    const double middle = (points[k - 1][1] + points[k - 2][1]) / 2;
    if (std::abs(points[k][1] - middle) < 1e-12 * std::abs(middle)) return true;
  }
  return false;
}

// d <- data.frame(y=c(0,1,0,1,1,0,1,0,1,1,0,0),
// x=c(1.2,3.4,2.2,2.9,4.1,1.9,2.5,3.3,3.8,2.1,2.4,0.7),
//                 g=c("a","b","a","c","b","c","a","b","c","a","c","b"))
const char* const kYesNo =
    "y,x,g\n0,1.2,a\n1,3.4,b\n0,2.2,a\n1,2.9,c\n1,4.1,b\n0,1.9,c\n1,2.5,a\n0,3.3,b\n1,3.8,c\n"
    "1,2.1,a\n0,2.4,c\n0,0.7,b\n";

TEST(LogisticTest, NearSeparationWithAnEstimateIsNotCalledSeparation) {
  // f <- glm(y ~ x + g, binomial, d, control = ctl)
  const Plan plan = PlanOf(Boolean("y") + Number("x", 0, 10) + Category("g", {"a", "b", "c"}),
                           "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\", \"g\"]");
  const Json json = RunOn(plan, {CohortOf(plan, ParseCsv(kYesNo))}).json;
  ExpectLines(
      json,
      {{-25.7236894020483362, 21.8589607349464181, -1.17680294657939921, 0.23927416626890263},
       {11.9791550532507181, 10.0970551893333038, 1.18640086922627663, 0.23546402861640120},
       {-14.4062062612127804, 12.1944856846106280, -1.18137055008341441, 0.23745555189785494},
       {-6.0224388066372621, 6.1252893879181061, -0.98320886169334087, 0.32550465423840397}},
      1e-8);
  ExpectClose(json["log_likelihood"], -3.0620366657090479, 1e-10, "log-likelihood");
  ExpectClose(json["null_deviance"], 16.635532333438686, 1e-12, "null deviance");
  ExpectClose(json["aic"], 14.124073331418096, 1e-10, "AIC");
  EXPECT_EQ(json["coefficients"][2]["name"], "g_b");
}

TEST(LogisticTest, TermFarFromZeroInAHugeRangeKeepsItsDigits) {
  // glm(y ~ x, binomial, d, control = ctl): shifting x by 500000 changes the intercept alone.
  Rows rows = ParseCsv(kYesNo);
  for (Row& row : rows) {
    const double x = std::stod(row["x"]);
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", 500000 + x);
    row["x"] = text;
  }
  const Plan plan = PlanOf(Boolean("y") + Number("x", 0, 1e6),
                           "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Outcome outcome = RunOn(plan, {CohortOf(plan, rows)});
  // 500000 + 1.2 is not 1.2 more than 500000 in a double: 3e-11 of x is lost before we see it.
  const Json& slope = outcome.json["coefficients"][1];
  ExpectClose(slope["estimate"], 1.8722787091960469, 1e-9, "slope");
  ExpectClose(slope["std_error"], 1.091495623271689, 1e-9, "slope's standard error");
  ExpectClose(slope["p_value"], 0.086284150079904795, 1e-9, "slope's p value");
  ExpectClose(outcome.json["coefficients"][0]["estimate"],
              -4.7928441655385097 - 500000 * 1.8722787091960469, 1e-9, "intercept");
  ExpectClose(outcome.json["deviance"], 11.323934489287863, 1e-10, "deviance");
}

TEST(LogisticTest, RefinesMomentsOnlyWhereDigitsWereLost) {
  const Plan narrow = PlanOf(Boolean("y") + Number("x", 0, 10),
                             "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Outcome outcome = RunOn(narrow, {CohortOf(narrow, ParseCsv(kYesNo))});
  EXPECT_EQ(outcome.queries.size(), 1 + outcome.json["iterations"].get<std::size_t>());
  const Plan wide = PlanOf(Boolean("y") + Number("x", 0, 1e6),
                           "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Outcome refined = RunOn(wide, {CohortOf(wide, ParseCsv(kYesNo))});
  EXPECT_EQ(refined.queries.size(), 2 + refined.json["iterations"].get<std::size_t>());
  ExpectClose(refined.json["coefficients"][1]["estimate"], 1.8722787091960469, 1e-10, "slope");
}

TEST(LogisticTest, TakesACategoryOfTwoLevelsAsOutcome) {
  Rows rows = ParseCsv(kYesNo);
  for (Row& row : rows) row["y"] = row["y"] == "1" ? "ill" : "well";
  const Plan plan = PlanOf(Category("y", {"well", "ill"}) + Number("x", 0, 10),
                           "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Json json = RunOn(plan, {CohortOf(plan, rows)}).json;
  ExpectClose(json["coefficients"][1]["estimate"], 1.8722787091960469, 1e-10, "slope");
  ExpectClose(json["coefficients"][1]["odds_ratio"], std::exp(1.8722787091960469), 1e-10, "OR");
}

// e <- data.frame(y=c(10.1,12.3,9.8,14.2,15.9,11.5,13.3,12.8), x=c(1,2,1.5,3,4,2.5,3.5,2.2),
//                 z=c(0,1,0,1,1,0,0,1))
const char* const kContinuous =
    "y,x,z\n10.1,1,0\n12.3,2,1\n9.8,1.5,0\n14.2,3,1\n15.9,4,1\n11.5,2.5,0\n13.3,3.5,0\n12.8,2.2,"
    "1\n";

TEST(LinearTest, EqualsLm) {
  // f <- lm(y ~ x + z, e); confint(f, level = 0.9)
  const Plan plan = PlanOf(Number("y", 0, 100) + Number("x", 0, 10) + Boolean("z"),
                           "kind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\", \"z\"]\n"
                           "confidence = 0.9");
  const Json json = RunOn(plan, {CohortOf(plan, ParseCsv(kContinuous))}).json;
  ExpectLines(
      json,
      {{7.8974868261045756, 0.40031447086440325, 19.7282071993336885, 6.1799344571450949e-06},
       {1.5423591406566690, 0.16265019121470062, 9.4826764674425288, 2.2041756832115000e-04},
       {1.5839075800567497, 0.30599749250242830, 5.1762109784091788, 3.5364840997798141e-03}});
  ExpectClose(json["coefficients"][1]["conf_low"], 1.21461113742718130, 1e-10, "lower limit");
  ExpectClose(json["coefficients"][1]["conf_high"], 1.8701071438861565, 1e-10, "upper limit");
  ExpectClose(json["sigma"], 0.40393283464047214, 1e-11, "sigma");
  ExpectClose(json["rss"], 0.81580867450343519, 1e-11, "rss");
  ExpectClose(json["r_squared"], 0.97212697247052104, 1e-12, "R squared");
  ExpectClose(json["adj_r_squared"], 0.96097776145872948, 1e-12, "adjusted R squared");
  ExpectClose(json["f_statistic"], 87.192445406440527, 1e-10, "F");
  ExpectClose(json["f_p_value"], 0.00012970608750758955, 1e-9, "F's p value");
  ExpectClose(json["log_likelihood"], -2.2194404227974927, 1e-10, "log-likelihood");
  ExpectClose(json["aic"], 12.438880845594985, 1e-10, "AIC");
  ExpectClose(json["null_deviance"], 29.268750000000001, 1e-12, "null deviance");
}

TEST(LinearTest, NearlyPerfectFitKeepsTheDigitsOfItsResiduals) {
  // n <- data.frame(x=1:10); n$y <- 3 + 2*n$x + 1e-6*c(1,-1,1,-1,1,-1,-1,1,1,-1); lm(y ~ x, n)
  const int signs[] = {1, -1, 1, -1, 1, -1, -1, 1, 1, -1};
  std::string csv = "y,x\n";
  for (int i = 0; i < 10; ++i) {
    char text[80];
    std::snprintf(text, sizeof text, "%.17g,%d\n", 3 + 2 * (i + 1) + 1e-6 * signs[i], i + 1);
    csv += text;
  }
  const Plan plan = PlanOf(Number("y", 0, 100) + Number("x", 0, 50),
                           "kind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Json json = RunOn(plan, {CohortOf(plan, ParseCsv(csv))}).json;
  ExpectClose(json["coefficients"][0]["estimate"], 3.0000001999999961, 1e-14, "intercept");
  ExpectClose(json["coefficients"][1]["estimate"], 1.9999999636363641, 1e-14, "slope");
  ExpectClose(json["coefficients"][1]["std_error"], 1.224182416285290e-07, 1e-8, "standard error");
  ExpectClose(json["rss"], 9.8909090830578004e-12, 1e-7, "rss");
}

Plan LinearPlan(double largest, const std::string& more = {}) {
  return PlanOf(Number("y", -largest, largest) + Number("x", 0, 50) + Boolean("z"),
                "kind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\", \"z\"]" + more);
}

/// 40 rows with the outcome that a function makes of x and z.
Rows RowsWhere(const std::function<double(double, double)>& outcome) {
  Rows rows;
  for (int i = 0; i < 40; ++i) {
    const double x = 0.3 * i + 0.1 * (i % 7);
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", outcome(x, i % 2));
    rows.push_back({{"y", text}, {"x", std::to_string(x)}, {"z", i % 2 == 0 ? "0" : "1"}});
  }
  return rows;
}

void ExpectExact(const Outcome& outcome, double slope, double tolerance = 1e-13) {
  EXPECT_TRUE(outcome.result.converged);
  EXPECT_THAT(outcome.json.value("message", ""),
              HasSubstr("determined by the features without error"));
  EXPECT_THAT(outcome.result.table, HasSubstr("without error"));
  EXPECT_THAT(outcome.result.table, Not(AnyOf(HasSubstr("nan"), HasSubstr("inf"))));
  EXPECT_NEAR(outcome.json["coefficients"][1]["estimate"].get<double>(), slope, tolerance);
  for (const Json& line : outcome.json["coefficients"]) {
    for (const char* field : {"std_error", "statistic", "p_value", "conf_low", "conf_high"}) {
      EXPECT_TRUE(line.contains(field) && line[field].is_null()) << field;
    }
  }
  for (const char* field : {"covariance", "log_likelihood", "aic", "f_statistic", "f_p_value"}) {
    EXPECT_TRUE(outcome.json.contains(field) && outcome.json[field].is_null()) << field;
  }
  EXPECT_EQ(outcome.json["rss"], 0.0);
  EXPECT_EQ(outcome.json["r_squared"], 1.0);
}

TEST(LinearTest, AnOutcomeWithoutErrorIsSaidAndHasNoTests) {
  const Plan plan = LinearPlan(100);
  const auto fit = [&](const std::function<double(double, double)>& outcome) {
    return RunOn(plan, {CohortOf(plan, RowsWhere(outcome))});
  };
  // R warns of each: "essentially perfect fit: summary may be unreliable".
  ExpectExact(fit([](double, double z) { return z; }), 0);
  ExpectExact(fit([](double x, double) { return 0.1 + 2 * x / 3; }), 2.0 / 3);
  ExpectExact(fit([](double x, double z) { return 7 - 0.7 * x + z / 7; }), -0.7);
}

TEST(LinearTest, RoundingIsThatOfTheNumbersThemselves) {
  const Plan plan = LinearPlan(1e9);
  // About 9e8 a double's last digit is 1e-7.
  const Rows rows = RowsWhere([](double x, double) { return 9e8 + 0.7 * x; });
  ExpectExact(RunOn(plan, {CohortOf(plan, rows)}), 0.7, 1e-7);
}

TEST(LinearTest, AnErrorThatIsThereIsNoRounding) {
  const Plan plan = LinearPlan(100);
  const Json json = RunOn(plan, {CohortOf(plan, RowsWhere([](double x, double z) {
                                            return 7 - 0.7 * x + z / 7 + 1e-8 * std::cos(100 * x);
                                          }))})
                        .json;
  EXPECT_FALSE(json.contains("message"));
  EXPECT_GT(json["coefficients"][1]["std_error"].get<double>(), 1e-10);
  EXPECT_LT(json["coefficients"][1]["std_error"].get<double>(), 1e-8);
}

// p <- data.frame(y=c(0,1,3,2,7,12,1,0,4,20), x=c(0.1,0.5,1.0,0.9,1.8,2.4,0.3,0.2,1.4,2.9),
//                 g=c(0,0,0,1,0,1,1,0,1,0))
const char* const kCounts =
    "y,x,g\n0,0.1,0\n1,0.5,0\n3,1.0,0\n2,0.9,1\n7,1.8,0\n12,2.4,1\n1,0.3,1\n0,0.2,0\n4,1.4,1\n"
    "20,2.9,0\n";

TEST(PoissonTest, EqualsGlm) {
  // f <- glm(y ~ x + g, poisson, p, control = ctl)
  const Plan plan = PlanOf(Integer("y", 0, 1000) + Number("x", 0, 10) + Boolean("g"),
                           "kind = \"poisson\"\noutcome = \"y\"\nfeatures = [\"x\", \"g\"]");
  const Json json = RunOn(plan, {CohortOf(plan, ParseCsv(kCounts))}).json;
  ExpectLines(
      json,
      {{-0.52653700301284223, 0.46475430823454900, -1.13293624972081619, 2.5724102577594210e-01},
       {1.23194607961401315, 0.18066602550102803, 6.81891393911802801, 9.1731329507128954e-12},
       {0.09262059323023128, 0.30119659044028002, 0.30750877058349602, 7.5845614827205510e-01}});
  ExpectClose(json["log_likelihood"], -14.824775271574588, 1e-10, "log-likelihood");
  ExpectClose(json["deviance"], 3.7920549149693139, 1e-10, "deviance");
  ExpectClose(json["null_deviance"], 66.220618723643554, 1e-11, "null deviance");
  ExpectClose(json["aic"], 35.649550543149175, 1e-10, "AIC");
}

TEST(PoissonTest, RangesFarWiderThanTheDataCostNoDigits) {
  // A worst case of exp(eta) by these ranges would be beyond any double.
  const Plan plan = PlanOf(Integer("y", 0, 1'000'000) + Number("x", -1e6, 1e6) + Boolean("g"),
                           "kind = \"poisson\"\noutcome = \"y\"\nfeatures = [\"x\", \"g\"]");
  const Json json = RunOn(plan, {CohortOf(plan, ParseCsv(kCounts))}).json;
  ExpectClose(json["coefficients"][1]["estimate"], 1.23194607961401315, 1e-9, "slope");
  ExpectClose(json["coefficients"][1]["std_error"], 0.18066602550102803, 1e-9, "standard error");
}

TEST(PoissonTest, FoundBySteppingBackWhenNewtonOvershoots) {
  // q <- data.frame(x=c(0,2,0.2,330.6,11.1,0.1,0,0,0.6), y=c(3,33,1,0,20,3,1,0,41))
  // glm(y ~ x, poisson, q, control = ctl), whose second step raises the deviance
  const Plan plan = PlanOf(Integer("y", 0, 1000) + Number("x", 0, 1000),
                           "kind = \"poisson\"\noutcome = \"y\"\nfeatures = [\"x\"]");
  const Outcome outcome =
      RunOn(plan, {CohortOf(plan, ParseCsv("y,x\n3,0\n33,2\n1,0.2\n0,330.6\n20,11.1\n3,0.1\n1,0\n"
                                           "0,0\n41,0.6\n"))});
  ExpectClose(outcome.json["coefficients"][0]["estimate"], 2.5582682025275649, 1e-9, "intercept");
  ExpectClose(outcome.json["coefficients"][1]["estimate"], -0.010165599785257419, 1e-8, "slope");
  EXPECT_TRUE(HalvesAStep(plan, outcome.queries));
}

}  // namespace
}  // namespace consilium::testing
