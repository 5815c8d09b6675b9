#include "protocols/derived_columns.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/cohort.h"
#include "protocols/plan.h"
#include "tests/support/unwrapped.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

const std::string kColumns =
    "patient = \"id\"\n"
    "[[column]]\nname = \"ill\"\ntype = \"boolean\"\n"
    "[[column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 110]\n"
    "[[column]]\nname = \"crp\"\ntype = \"number\"\nrange = [0.1, 500]\n"
    "[[column]]\nname = \"change\"\ntype = \"number\"\nrange = [-3, 2]\n"
    "[[column]]\nname = \"stage\"\ntype = \"category\"\nlevels = [\"I\", \"II\", \"III\"]\n"
    "[[column]]\nname = \"sex\"\ntype = \"category\"\nlevels = [\"f\", \"m\"]\n"
    "[[column]]\nname = \"born\"\ntype = \"date\"\n";

Result<Contract> Parse(const std::string& tables) {
  TRY(const Settings settings, Settings::Parse(kColumns + tables, "plan.toml"));
  return ParseContract(settings);
}

Contract ContractWith(const std::string& tables) {
  Result<Contract> contract = Parse(tables);
  EXPECT_TRUE(contract.has_value()) << Describe(contract.error());
  return *std::move(contract);
}

std::string Derived(const std::string& name, const std::string& rest) {
  return "[[derived]]\nname = \"" + name + "\"\n" + rest + "\n";
}

/// One row a value of age, crp, change, stage and sex.
DataTable Table() {
  return {{"p1", "p2", "p3", "p4"},
          {{0, 1, 0, 1},
           {50, 62.5, 18, kMissing},
           {1, kMissing, 0.1, 500},
           {-2, 0.5, 2, 1},
           {0, 1, 2, 2},
           {1, 0, 1, kMissing},
           {0, 0, 0, 0}}};
}

std::vector<double> ValuesOf(const Contract& contract, const std::string& column) {
  const Result<CohortWithFlow> built = BuildCohort(contract, Table(), {column}, {column});
  std::vector<double> values;
  for (Eigen::Index i = 0; i < built->cohort.values.rows(); ++i) {
    values.push_back(built->cohort.values(i, 0));
  }
  return values;
}

MATCHER(IsNotKnown, "") { return std::isnan(arg); }

TEST(DerivedColumnsTest, LogarithmsSquaresProductsAndGapsAreComputedRowByRow) {
  const Contract contract =
      ContractWith(Derived("log_crp", "log = \"crp\"") + Derived("change2", "square = \"change\"") +
                   Derived("age_change", "product = [\"age\", \"change\"]") +
                   Derived("crp_gap", "missing = \"crp\""));
  EXPECT_THAT(ValuesOf(contract, "log_crp"),
              ElementsAre(0, IsNotKnown(), ::testing::DoubleEq(std::log(0.1)),
                          ::testing::DoubleEq(std::log(500.0))));
  EXPECT_THAT(ValuesOf(contract, "change2"), ElementsAre(4, 0.25, 4, 1));
  EXPECT_THAT(ValuesOf(contract, "age_change"), ElementsAre(-100, 31.25, 36, IsNotKnown()));
  EXPECT_THAT(ValuesOf(contract, "crp_gap"), ElementsAre(0, 1, 0, 0));
}

TEST(DerivedColumnsTest, ProductsWithCategoriesAreColumnsOfTheirLevels) {
  const Contract contract = ContractWith(Derived("age_stage", "product = [\"stage\", \"age\"]") +
                                         Derived("sex_stage", "product = [\"sex\", \"stage\"]"));
  EXPECT_THAT(contract.ColumnsOf("age_stage"), ElementsAre("age_stage_II", "age_stage_III"));
  EXPECT_THAT(contract.ColumnsOf("sex_stage"), ElementsAre("sex_stage_m_II", "sex_stage_m_III"));
  EXPECT_THAT(ValuesOf(contract, "age_stage_II"), ElementsAre(0, 62.5, 0, IsNotKnown()));
  EXPECT_THAT(ValuesOf(contract, "age_stage_III"), ElementsAre(0, 0, 18, IsNotKnown()));
  EXPECT_THAT(ValuesOf(contract, "sex_stage_m_III"), ElementsAre(0, 0, 1, IsNotKnown()));
  EXPECT_EQ(contract.Find("sex_stage_m_III")->type, ColumnType::kBoolean);
  EXPECT_EQ(contract.Find("age_stage_II")->minimum.value(), -110e-9);
  EXPECT_NEAR(contract.Find("age_stage_II")->maximum.value(), 110, 1e-6);
}

TEST(DerivedColumnsTest, ProductsWithASeriesAreColumnsOfItsColumns) {
  const Contract contract =
      ContractWith(Derived("age_s", "spline = \"age\"\nknots = [40, 50, 60, 70]") +
                   Derived("sex_age", "product = [\"sex\", \"age_s\"]") +
                   Derived("change_age", "product = [\"change\", \"age_s\"]") +
                   Derived("all", "product = [\"sex_age\", \"stage\"]"));
  EXPECT_THAT(contract.ColumnsOf("sex_age"), ElementsAre("sex_age_m_1", "sex_age_m_2"));
  EXPECT_THAT(contract.ColumnsOf("change_age"), ElementsAre("change_age_1", "change_age_2"));
  EXPECT_THAT(contract.ColumnsOf("all"),
              ElementsAre("all_m_1_II", "all_m_1_III", "all_m_2_II", "all_m_2_III"));
  for (const char* const term : {"_1", "_2"}) {
    const std::vector<double> spline = ValuesOf(contract, std::string("age_s") + term);
    EXPECT_THAT(ValuesOf(contract, std::string("sex_age_m") + term),
                ElementsAre(spline[0], 0, spline[2], IsNotKnown()));
    EXPECT_THAT(ValuesOf(contract, std::string("change_age") + term),
                ElementsAre(-2 * spline[0], 0.5 * spline[1], 2 * spline[2], IsNotKnown()));
  }
  EXPECT_EQ(contract.derived.size(), 10u);
}

/// Hmisc::rcspline.eval(c(18, 40, 47, 62.5, 71, 110), knots = c(40, 50, 60, 70), norm = 2),
/// printed to 17 digits.
TEST(DerivedColumnsTest, SplineTermsAreThoseOfHmisc) {
  const Contract contract =
      ContractWith(Derived("age_s", "spline = \"age\"\nknots = [40, 50, 60, 70]"));
  ASSERT_EQ(contract.derived.size(), 2u);
  const std::vector<double> ages = {18, 40, 47, 62.5, 71, 110};
  const std::vector<std::vector<double>> expected = {
      {0, 0, 0.38111111111111129, 12.604166666666671, 28.666666666666671, 106.6666666666668},
      {0, 0, 0, 2.1354166666666674, 7.3333333333333339, 33.333333333333343}};
  for (std::size_t term = 0; term < 2; ++term) {
    for (std::size_t i = 0; i < ages.size(); ++i) {
      EXPECT_NEAR(DerivedValue(contract.derived[term], ages[i], 0), expected[term][i],
                  1e-14 * (1 + expected[term][i]))
          << "term " << term << " at " << ages[i];
    }
  }
}

TEST(DerivedColumnsTest, ADerivedColumnCanBeDerivedFromAgain) {
  const Contract contract =
      ContractWith(Derived("log_crp", "log = \"crp\"") + Derived("log2", "square = \"log_crp\"") +
                   Derived("log_stage", "product = [\"log2\", \"stage\"]"));
  const double log = std::log(0.1);
  EXPECT_THAT(ValuesOf(contract, "log_stage_III"),
              ElementsAre(0, IsNotKnown(), ::testing::DoubleEq(log * log),
                          ::testing::DoubleEq(std::log(500.0) * std::log(500.0))));
  const auto early =
      Parse(Derived("log2", "square = \"log_crp\"") + Derived("log_crp", "log = \"crp\""));
  EXPECT_THAT(Describe(early.error()), HasSubstr("no column \"log_crp\" before this one"));
}

/// Whatever a site may have in a column, what is derived from it lies in the range that follows.
TEST(DerivedColumnsTest, NoValueThatTheContractAllowsLeavesTheDerivedRange) {
  const Contract contract =
      ContractWith(Derived("log_crp", "log = \"crp\"") + Derived("age2", "square = \"age\"") +
                   Derived("change2", "square = \"change\"") +
                   Derived("both", "product = [\"change\", \"age\"]") +
                   Derived("wide", "spline = \"crp\"\nknots = [0.1, 0.2, 0.3, 400]") +
                   Derived("close", "spline = \"age\"\nknots = [50, 50.001, 50.002, 50.003]"));
  for (const DerivedColumn& derived : contract.derived) {
    const ContractColumn& first = contract.At(derived.first.place);
    const ContractColumn& second = contract.At(derived.second.place);
    constexpr int kSteps = 3'000;
    const bool product = derived.how == Derivation::kProduct;
    for (int i = 0; i <= kSteps; ++i) {
      for (int j = 0; j <= (product ? 50 : 0); ++j) {
        const double x = *first.minimum + (*first.maximum - *first.minimum) * i / kSteps;
        const double y =
            product ? *second.minimum + (*second.maximum - *second.minimum) * j / 50 : 0;
        const double value = DerivedValue(derived, x, y);
        ASSERT_GE(value, *derived.column.minimum) << derived.column.name << " at " << x;
        ASSERT_LE(value, *derived.column.maximum) << derived.column.name << " at " << x;
      }
    }
    // Nor is the range wider than what can be reached.
    EXPECT_GT(*derived.column.maximum, *derived.column.minimum);
  }
}

TEST(DerivedColumnsTest, EligibilityMayAskForADerivedColumn) {
  const Contract contract = ContractWith(Derived("change2", "square = \"change\"") +
                                         "[[eligible]]\ncolumn = \"change2\"\nmaximum = 1\n");
  const CohortWithFlow built = BuildCohort(contract, Table(), {"ill"}).value();
  EXPECT_EQ(built.cohort.patients, 2u);
  EXPECT_EQ(built.flow.removed[0].reason, "not eligible: change2 at most 1");
}

TEST(DerivedColumnsTest, EachMistakeIsNamedWithItsPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {Derived("x", ""), "\"x\" is derived from nothing"},
      {Derived("x", "log = \"crp\"\nsquare = \"crp\""), "not by \"log\" and \"square\" at once"},
      {Derived("x", "log = \"change\""), "\"change\" may be -3, which has no logarithm"},
      {Derived("x", "log = \"stage\""), "\"stage\" is no number, integer or duration"},
      {Derived("x", "log = \"absent\""), "no column \"absent\" before this one"},
      {Derived("x", "logg = \"crp\""), "the key 'logg' is not known here. Did you mean 'log'?"},
      {Derived("x", "formula = \"log(crp)\""), "the key 'formula' is not known here"},
      {Derived("x", "knots = [1, 2, 3]"), "\"x\" is derived from nothing"},
      {Derived("x", "spline = \"age\"\nknots = [50, 50.00001, 60]"), "computed, they are one"},
      {Derived("s", "spline = \"age\"\nknots = [40, 50, 60]") + Derived("x", "log = \"s\""),
       "\"s\" stands for s_1, and one column is asked for"},
      {Derived("s", "spline = \"age\"\nknots = [40, 50, 60]") +
           Derived("x", "product = [\"s\", \"s_1\"]"),
       "a product is of two different columns"},
      {"[[column]]\nname = \"w\"\ntype = \"boolean\"\ncount = 300\n" +
           Derived("x", "product = [\"w\", \"stage\"]"),
       "this makes 600 columns"},
      {Derived("x", "log = \"crp\"\nknots = [1, 2, 3]"), "knots"},
      {Derived("x", "spline = \"age\""), "knots"},
      {Derived("x", "spline = \"age\"\nknots = [40, 50]"), "a spline has 3 to 10 knots"},
      {Derived("x", "spline = \"age\"\nknots = [40, 60, 50]"),
       "'knots' is [40, 60, 50]: knots rise, and lie within"},
      {Derived("x", "spline = \"age\"\nknots = [10, 50, 60]"), "18 to 110"},
      {Derived("x", "product = [\"age\"]"), "a product is of two different columns"},
      {Derived("x", "product = [\"age\", \"age\"]"), "Of a column with itself say square"},
      {Derived("x", "product = [\"age\", \"born\"]"), "the date \"born\" is no factor"},
      {Derived("age", "log = \"crp\""), "a second column is called \"age\""},
      {Derived("id", "log = \"crp\""), "a second column is called \"id\""},
      {Derived("a b", "log = \"crp\""), "\"a b\" is no column name"},
      {Derived("x", "log = \"crp\"") + Derived("x", "square = \"age\""),
       "a second column is called"},
  };
  for (const auto& [tables, words] : cases) {
    const Result<Contract> contract = Parse(tables);
    ASSERT_FALSE(contract.has_value()) << tables;
    EXPECT_THAT(Describe(contract.error()), AllOf(HasSubstr(words), HasSubstr("plan.toml:")));
  }
  const std::string huge = "[[column]]\nname = \"huge\"\ntype = \"number\"\nrange = [0, 1e9]\n";
  EXPECT_THAT(Describe(Parse(huge + Derived("x", "square = \"huge\"")).error()),
              HasSubstr("could be beyond 1e15"));
}

TEST(DerivedColumnsTest, WordsSayWhatIsComputed) {
  const Contract contract = ContractWith(
      Derived("log_crp", "log = \"crp\"") + Derived("age2", "square = \"age\"") +
      Derived("s", "spline = \"age\"\nknots = [40, 50, 60]") +
      Derived("p", "product = [\"stage\", \"age\"]") + Derived("m", "missing = \"crp\""));
  std::vector<std::string> words;
  for (const DerivedColumn& derived : contract.derived) {
    words.push_back(DerivationInWords(contract, derived));
  }
  EXPECT_THAT(words,
              ElementsAre("the natural logarithm of crp", "the square of age",
                          "term 1 of a restricted cubic spline of age with knots at 40, 50, "
                          "60",
                          "the product of stage being II and age",
                          "the product of stage being III and age", "whether crp is missing"));
}

std::string PlanText(const std::string& tables, const std::string& analysis) {
  std::string contract = kColumns + tables;
  for (const std::string table : {"[column]", "[derived]"}) {
    for (std::size_t at = 0; (at = contract.find("[" + table, at)) != std::string::npos; at += 9) {
      contract.insert(at + 2, "contract.");
    }
  }
  return "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n[contract]\n" +
         contract + "[analysis]\n" + analysis;
}

TEST(DerivedColumnsTest, ThePlanTellsReviewersWhatIsComputed) {
  const Result<Plan> plan = ParsePlan(PlanText(Derived("log_crp", "log = \"crp\""),
                                               "kind = \"logistic\"\noutcome = \"ill\"\n"
                                               "features = [\"age\", \"log_crp\"]\n"),
                                      "plan.toml");
  ASSERT_TRUE(plan.has_value()) << Describe(plan.error());
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(*plan)),
              HasSubstr("log_crp: the natural logarithm of crp, computed there"));
}

TEST(DerivedColumnsTest, AFeatureMadeOfTheOutcomeIsRefused) {
  const std::string tables = Derived("ill_age", "product = [\"ill\", \"age\"]") +
                             Derived("log_crp", "log = \"crp\"") +
                             Derived("crp2", "square = \"crp\"");
  const auto error = [&](const std::string& analysis) {
    const Result<Plan> plan = ParsePlan(PlanText(tables, analysis), "plan.toml");
    return plan ? std::string("none") : Describe(plan.error());
  };
  EXPECT_THAT(error("kind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"age\", \"ill_age\"]\n"),
              HasSubstr("\"ill_age\" is made of \"ill\", as is the outcome"));
  EXPECT_THAT(error("kind = \"linear\"\noutcome = \"log_crp\"\nfeatures = [\"crp2\"]\n"),
              HasSubstr("\"crp2\" is made of \"crp\", as is the outcome"));
  EXPECT_EQ(error("kind = \"linear\"\noutcome = \"log_crp\"\nfeatures = [\"age\"]\n"), "none");
}

TEST(DerivedColumnsTest, WhatAColumnIsMadeOfAndWhatItNeeds) {
  const Contract contract =
      ContractWith(Derived("log_crp", "log = \"crp\"") + Derived("gap", "missing = \"log_crp\"") +
                   Derived("both", "product = [\"gap\", \"age\"]"));
  const std::size_t both = *contract.PlaceOf("both");
  EXPECT_THAT(MadeOf(contract, both), ElementsAre("age", "crp"));
  EXPECT_THAT(NeededBy(contract, both), ElementsAre("age"));
}

}  // namespace
}  // namespace consilium
