#include "protocols/analyses/imputation/imputation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/bytes.h"
#include "tests/protocols/analyses/regression_testing.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string MappedColumns() {
  return Boolean("ill") + Number("age", 0, 110) + Integer("visits", 0, 30) +
         Category("stage", {"I", "II", "III"}) + Boolean("smoker");
}
std::string Columns() {
  return MappedColumns() + "[[contract.derived]]\nname = \"age_gap\"\nmissing = \"age\"\n";
}
/// The same for rows that were filled by hand, in which no gap is left to tell.
std::string ColumnsByHand() { return MappedColumns() + Boolean("age_gap"); }

const std::string kFeatures =
    "features = [\"age\", \"visits\", \"stage\", \"smoker\", \"age_gap\"]\n";
const std::string kLogistic = "kind = \"logistic\"\noutcome = \"ill\"\n" + kFeatures;
const std::string kImpute =
    "\n[impute]\nage = \"mean\"\nvisits = \"median\"\nstage = \"mode\"\nsmoker = \"mode\"\n";

/// Rows of four hospitals with a gap in every third value or so, and never in the outcome.
std::vector<DataTable> Tables() {
  std::vector<DataTable> tables(4);
  for (std::size_t site = 0; site < tables.size(); ++site) {
    DataTable& table = tables[site];
    table.columns.resize(5);
    for (std::size_t i = 0; i < 60; ++i) {
      const std::size_t at = i * 7 + site * 13;
      table.patients.push_back(std::to_string(site) + "/" + std::to_string(i));
      table.columns[0].push_back((at * at / 3) % 5 < 2 ? 1 : 0);
      table.columns[1].push_back(at % 4 == 0 ? kMissing : 20.5 + static_cast<double>(at * 11 % 80));
      table.columns[2].push_back(at % 5 == 1 ? kMissing : static_cast<double>(at * 3 % 29));
      table.columns[3].push_back(at % 7 == 2 ? kMissing : static_cast<double>(at * 5 % 3));
      table.columns[4].push_back(at % 6 == 3 ? kMissing : static_cast<double>(at % 11 % 2));
    }
  }
  return tables;
}

std::vector<Cohort> CohortsOf(const Plan& plan, const std::vector<DataTable>& tables) {
  std::vector<Cohort> cohorts;
  for (const DataTable& table : tables) {
    cohorts.push_back(consilium::CohortOf(plan, table).value().cohort);
  }
  return cohorts;
}

/// The cohorts with what a result says was put into gaps, for a plan without [impute].
std::vector<Cohort> ByHand(std::vector<Cohort> cohorts, const Json& result) {
  for (Cohort& cohort : cohorts) {
    for (const Json& line : result["imputed"]) {
      const auto found =
          std::find(cohort.columns.begin(), cohort.columns.end(), line["name"].get<std::string>());
      auto column = cohort.values.col(found - cohort.columns.begin());
      for (Eigen::Index row = 0; row < column.size(); ++row) {
        if (std::isnan(column[row])) column[row] = line["value"].get<double>();
      }
    }
  }
  return cohorts;
}

void ExpectAsIfFilledByHand(const std::string& analysis) {
  const Plan plan = PlanOf(Columns(), analysis + kImpute);
  const std::vector<Cohort> cohorts = CohortsOf(plan, Tables());
  Json imputed = RunOn(plan, cohorts).json;
  Json by_hand = RunOn(PlanOf(ColumnsByHand(), analysis), ByHand(cohorts, imputed)).json;
  ASSERT_EQ(imputed["imputed"].size(), 4u);
  imputed.erase("imputed");
  EXPECT_EQ(imputed, by_hand);
}

TEST(ImputationTest, AnyAnalysisIsThatOfRowsFilledByHand) {
  ExpectAsIfFilledByHand(kLogistic);
  ExpectAsIfFilledByHand("kind = \"meta\"\nmodel = \"logistic\"\noutcome = \"ill\"\n" + kFeatures);
  ExpectAsIfFilledByHand("kind = \"train\"\nmodel = \"logistic\"\noutcome = \"ill\"\n" + kFeatures +
                         "rounds = 3\nstrategy = \"scaffold\"\n");
}

TEST(ImputationTest, SaysWhatWasPutWhereAndHowOften) {
  const Plan plan = PlanOf(Columns(), kLogistic + kImpute);
  const Outcome outcome = RunOn(plan, CohortsOf(plan, Tables()));
  const Json& imputed = outcome.json["imputed"];
  std::vector<double> known;
  std::vector<double> visits;
  std::size_t stages_missing = 0;
  for (const DataTable& table : Tables()) {
    for (const double value : table.columns[1]) {
      if (!std::isnan(value)) known.push_back(value);
    }
    for (const double value : table.columns[2]) {
      if (!std::isnan(value)) visits.push_back(value);
    }
    for (const double value : table.columns[3]) stages_missing += std::isnan(value) ? 1U : 0U;
  }
  double sum = 0;
  for (const double value : known) sum += value;
  std::sort(visits.begin(), visits.end());
  EXPECT_EQ(imputed[0]["name"], "age");
  EXPECT_EQ(imputed[0]["by"], "mean");
  EXPECT_NEAR(imputed[0]["value"].get<double>(), sum / static_cast<double>(known.size()), 1e-12);
  EXPECT_EQ(imputed[0]["missing"], 240 - known.size());
  EXPECT_EQ(imputed[2]["name"], "stage");
  EXPECT_EQ(imputed[2]["missing"], stages_missing);
  EXPECT_THAT(imputed[2]["level"].get<std::string>(), ::testing::AnyOf("I", "II", "III"));
  EXPECT_EQ(imputed[3]["name"], "visits");
  EXPECT_EQ(imputed[3]["value"], visits[(visits.size() - 1) / 2]);
  EXPECT_THAT(outcome.result.table, HasSubstr("Imputed: age mean "));
  EXPECT_EQ(outcome.result.patients, 240u);
}

TEST(ImputationTest, RowsWithGapsElsewhereAreLeftOut) {
  std::vector<DataTable> tables = Tables();
  tables[0].columns[0][3] = kMissing;  // An outcome.
  const Plan plan = PlanOf(Columns(), kLogistic + "\n[impute]\nage = \"mean\"\n");
  const std::vector<Cohort> cohorts = CohortsOf(plan, tables);
  std::size_t complete = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    bool known = true;
    for (const std::size_t j : {0U, 2U, 3U, 4U}) {
      known = known && !std::isnan(tables[0].columns[j][i]);
    }
    complete += known ? 1U : 0U;
  }
  EXPECT_EQ(static_cast<std::size_t>(cohorts[0].values.rows()), complete);
  EXPECT_TRUE(cohorts[0].values.col(1).hasNaN());
}

TEST(ImputationTest, PooledRowsOfAMetaAnalysisAreFilledToo) {
  const Plan plan = PlanOf(Columns(), "kind = \"meta\"\nmodel = \"logistic\"\noutcome = \"ill\"\n" +
                                          kFeatures + kImpute);
  const Analysis& one_table = plan.analysis->OnOneTable();
  EXPECT_EQ(one_table.kind(), "logistic");
  EXPECT_THAT(one_table.columns_with_gaps(), ElementsAre("age", "smoker", "stage", "visits"));
}

TEST(ImputationTest, AQueryThatFillsWithWhatIsNoValueIsRefused) {
  const Plan plan = PlanOf(Columns(), kLogistic + kImpute);
  const Outcome outcome = RunOn(plan, CohortsOf(plan, Tables()));
  ASSERT_GE(outcome.queries.size(), 3u);
  const Query& asked = outcome.queries[1];
  ASSERT_TRUE(plan.analysis->Describe(asked).has_value());
  // Step, count of values (4 bytes), then age, smoker, stage and visits.
  const auto with = [&](std::size_t index, double value) {
    Query changed = asked;
    StoreU64(MutableByteSpan(changed.body).subspan(5 + 8 * index, 8),
             std::bit_cast<std::uint64_t>(value));
    return plan.analysis->Describe(changed);
  };
  ASSERT_TRUE(with(2, 2.0).has_value());
  for (const auto& [index, value] : std::vector<std::pair<std::size_t, double>>{
           {0, 111}, {0, -1}, {0, kMissing}, {1, 0.5}, {1, 2}, {2, 3}, {3, 4.5}, {3, 31}}) {
    EXPECT_EQ(with(index, value).error().code, ErrorCode::kInvalidArgument) << index << value;
  }
  Query cut = asked;
  cut.body.resize(cut.body.size() - 1);
  EXPECT_FALSE(plan.analysis->Describe(cut).has_value());
  Query first = outcome.queries[0];
  ASSERT_TRUE(plan.analysis->Describe(first).has_value());
  first.body[0] = std::byte{2};
  EXPECT_FALSE(plan.analysis->Describe(first).has_value());
}

TEST(ImputationTest, ReviewersAreTold) {
  const Plan plan = PlanOf(Columns(), kLogistic + kImpute);
  const std::string text = testing::Unwrapped(ExplainPlan(plan));
  EXPECT_THAT(plan.analysis->InWords(),
              HasSubstr("gaps filled with the mean of age, the most frequent value of smoker, the "
                        "most frequent value of stage and the median of visits"));
  EXPECT_THAT(text, HasSubstr("counts of visits [31]"));
  EXPECT_THAT(text, HasSubstr("but for age, smoker,"));
  const Plan plain = PlanOf(ColumnsByHand(), kLogistic);
  EXPECT_EQ(plan.analysis->maximum_rounds(), plain.analysis->maximum_rounds() + 1);
}

TEST(ImputationTest, EachMistakeIsNamedWithItsPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {kLogistic + "\n[impute]\n", "[impute] names no column"},
      {kLogistic + "\n[impute]\nill = \"mode\"\n", "\"ill\" is an outcome"},
      {kLogistic + "\n[impute]\nweight = \"mean\"\n", "the analysis has no column \"weight\""},
      {kLogistic, "\"age_gap\" says whether \"age\" is missing, and rows without"},
      {kLogistic + "\n[impute]\nage = \"mode\"\n", "Say \"mean\" or \"median\""},
      {kLogistic + "\n[impute]\nsmoker = \"mean\"\n", "\"smoker\" is no number"},
      {kLogistic + "\n[impute]\nage = \"zero\"\n", "mean"},
      {kLogistic + "\n[impute]\nage = 3\n", "age"},
      {"kind = \"summary\"\nvariables = [\"age\"]\n\n[impute]\nage = \"mean\"\n",
       "Leave [impute] out"}};
  for (const auto& [analysis, words] : cases) {
    const Result<Plan> plan = ParsePlan(PlanText(Columns(), analysis), "plan.toml");
    ASSERT_FALSE(plan.has_value()) << analysis;
    EXPECT_THAT(Describe(plan.error()),
                ::testing::AllOf(HasSubstr(words), HasSubstr("plan.toml:")));
  }
}

std::string WithCurve() {
  return Columns() +
         "[[contract.derived]]\nname = \"curve\"\nspline = \"age\"\nknots = [20, 40, 60, 80]\n";
}

TEST(ImputationTest, TheNameOfASeriesStandsForItsColumns) {
  const Plan plan = PlanOf(WithCurve(),
                           "kind = \"logistic\"\noutcome = \"ill\"\n"
                           "features = [\"age\", \"curve\", \"age_gap\"]\n"
                           "[impute]\nage = \"median\"\ncurve = \"mean\"\n");
  EXPECT_THAT(plan.analysis->columns_with_gaps(), ElementsAre("age", "curve_1", "curve_2"));
  EXPECT_EQ(RunOn(plan, CohortsOf(plan, Tables())).result.patients, 240u);
}

/// What would be filled, and is not since the same rows are left out for another column.
TEST(ImputationTest, FillingThatWouldDoNothingIsRefused) {
  const std::string curve =
      "kind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"age\", \"curve\"]\n";
  const std::string rule = "[[contract.eligible]]\ncolumn = \"age\"\nminimum = 18\n";
  const std::string age = "kind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"age\"]\n";
  const std::string impute = "[impute]\nage = \"mean\"\n";
  const auto error = [](const std::string& columns, const std::string& analysis) {
    return Describe(ParsePlan(PlanText(columns, analysis), "plan.toml").error());
  };
  EXPECT_THAT(error(WithCurve(), curve + impute),
              HasSubstr("no gap of \"age\" would be filled: \"curve_1\" leaves out the same rows"));
  EXPECT_THAT(error(WithCurve(), curve + "[impute]\ncurve = \"mean\"\n"),
              HasSubstr("no gap of \"curve_1\" would be filled: \"age\" leaves out"));
  EXPECT_THAT(error(Columns() + rule, age + impute),
              HasSubstr("the eligibility rule on \"age\" leaves out the same rows"));
  EXPECT_THAT(error(WithCurve(), curve + impute + "curve_1 = \"mean\"\ncurve = \"mean\"\n"),
              HasSubstr("\"curve_1\" is filled twice"));
  EXPECT_THAT(error(Columns(),
                    "kind = \"logistic\"\noutcome = \"ill\"\n"
                    "features = [\"age_gap\"]\n[impute]\nage_gap = \"mode\"\n"),
              HasSubstr("\"age_gap\" has no gaps"));
}

/// R: glm(y ~ age + sex + chol + thalach + fbs + is.na(chol), binomial) where a missing chol is its
/// mean, thalach its (lower) median and fbs its mode, over the 920 rows.
TEST(ImputationTest, TheHeartDataGiveWhatRGives) {
  REQUIRE_REFERENCE_DATA();
  Rows rows = ReadCsv(*DataFolder() / "heart_disease/csv/heart_pooled.csv");
  for (Row& row : rows) row["disease"] = row["num"] == "0" ? "0" : "1";
  const Plan plan =
      PlanOf(Boolean("disease") + Number("age", 18, 110) + Boolean("sex") +
                 Number("chol", 0, 1000) + Integer("thalach", 30, 250) + Boolean("fbs") +
                 "[[contract.derived]]\nname = \"chol_gap\"\nmissing = \"chol\"\n",
             "kind = \"logistic\"\noutcome = \"disease\"\n"
             "features = [\"age\", \"sex\", \"chol\", \"thalach\", \"fbs\", \"chol_gap\"]\n"
             "[impute]\nchol = \"mean\"\nthalach = \"median\"\nfbs = \"mode\"\n");
  const std::map<std::string, std::pair<double, double>> expected = {
      {"(Intercept)", {1.35865441065515, 0.812009498621088}},
      {"age", {0.0404924763831623, 0.00898834309289454}},
      {"sex", {1.36039861012596, 0.199129996091423}},
      {"chol", {-0.00280505390361668, 0.000772090745445984}},
      {"thalach", {-0.0276382438950368, 0.00360924149222274}},
      {"fbs", {0.436715959687443, 0.225358156239385}},
      {"chol_gap", {-0.960162227083395, 0.439196267561372}}};
  const Json json = RunOn(plan, CohortsBy(plan, rows, "site")).json;
  ASSERT_EQ(json["coefficients"].size(), expected.size());
  for (const Json& line : json["coefficients"]) {
    const auto& [estimate, std_error] = expected.at(line["name"]);
    ExpectClose(line["estimate"], estimate, 1e-8, line["name"]);
    ExpectClose(line["std_error"], std_error, 1e-8, line["name"]);
  }
  EXPECT_EQ(json["imputed"][0]["missing"], 30);
  EXPECT_NEAR(json["imputed"][0]["value"].get<double>(), 199.130337078652, 1e-11);
  EXPECT_EQ(json["imputed"][2]["value"], 140);
}

}  // namespace
}  // namespace consilium::testing
