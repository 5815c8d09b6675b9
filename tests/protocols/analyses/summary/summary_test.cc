// Table 1 over four hospitals against R on their pooled patients, and what does not depend on how
// patients are spread.

#include "protocols/analyses/summary/summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/summary/query.h"
#include "protocols/analyses/summary/render.h"
#include "protocols/analyses/summary/settings.h"
#include "protocols/analyses/summary/site.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

/// The variable of a result with this name.
Json VariableOf(const Json& result, const std::string& name) {
  for (const Json& variable : result["variables"]) {
    if (variable["name"] == name) return variable;
  }
  ADD_FAILURE() << "no variable " << name;
  return {};
}

std::string Table(const std::string& variables, const std::string& rest = "") {
  // What is not released of few people has tests of its own: few_test.cc.
  return "kind = \"summary\"\nminimum_count = 1\nvariables = [" + variables + "]\n" + rest;
}

class HeartSummaryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    const std::filesystem::path folder = *DataFolder() / "heart_disease";
    reference_ = ReadJson(folder / "reference/heart_statistics.json");
    for (const char* hospital : {"cleveland", "hungarian", "switzerland", "va"}) {
      for (Row row : ReadCsv(folder / "csv" / (std::string(hospital) + ".csv"))) {
        row["hospital"] = hospital;
        row["disease"] = row["num"] == "0" ? "0" : "1";
        rows_.push_back(std::move(row));
      }
    }
  }

  Json Run(const std::string& columns, const std::string& table) {
    const Plan plan = PlanOf(columns, table);
    outcome_ = RunOn(plan, CohortsBy(plan, rows_, "hospital"));
    return outcome_.json;
  }

  Json reference_;
  Rows rows_;
  Outcome outcome_;
};

void ExpectMoments(const Json& cell, const Json& reference, const std::string& what) {
  EXPECT_EQ(cell["n"], reference["n"]) << what;
  EXPECT_EQ(cell["missing"], reference["missing"]) << what;
  ExpectClose(cell["mean"], reference["mean"], 1e-12, what + " mean");
  ExpectClose(cell["variance"], reference["variance"], 1e-10, what + " variance");
  ExpectClose(cell["sd"], reference["sd"], 1e-10, what + " sd");
}

const std::string kNumbers = Integer("age", 18, 110) + Number("trestbps", 0, 300) +
                             Number("chol", 0, 700) + Number("thalach", 0, 250) +
                             Number("oldpeak", -5, 10);

TEST_F(HeartSummaryTest, MomentsEqualRsOverAllAndByHospital) {
  const std::string hospitals =
      Category("hospital", {"cleveland", "hungarian", "switzerland", "va"});
  const Json result =
      Run(kNumbers + hospitals,
          Table(R"("age", "trestbps", "chol", "thalach", "oldpeak")", "by = \"hospital\"\n"));
  for (const auto& [name, reference] : reference_["numeric"].items()) {
    const Json variable = VariableOf(result, name);
    ExpectMoments(variable["all"], reference["pooled"], name);
    for (const Json& group : variable["groups"]) {
      const std::string hospital = group["group"];
      ExpectMoments(group, reference[hospital], name + " at " + hospital);
    }
  }
  const Json anova = VariableOf(result, "age")["anova"];
  const Json& reference = reference_["anova_age_by_site"];
  ExpectClose(anova["f"], reference["F"], 1e-10, "F");
  EXPECT_EQ(anova["df1"], reference["df1"]);
  EXPECT_EQ(anova["df2"], reference["df2"]);
  ExpectClose(anova["p_value"], reference["p"], 1e-8, "p of F");
}

TEST_F(HeartSummaryTest, QuartilesOfWholeNumbersAreRs) {
  const Json result = Run(kNumbers, Table("\"age\", \"chol\""));
  const Json& reference = reference_["numeric"]["age"]["pooled"];
  const Json age = VariableOf(result, "age")["all"];
  EXPECT_EQ(age["lower_quartile"]["estimate"], reference["q25"]);
  EXPECT_EQ(age["median"]["estimate"], reference["median"]);
  EXPECT_EQ(age["upper_quartile"]["estimate"], reference["q75"]);
  EXPECT_FALSE(age["median"].contains("at_least"));
  // Of other numbers the bin is known.
  const Json median = VariableOf(result, "chol")["all"]["median"];
  EXPECT_LE(median["at_least"], reference_["numeric"]["chol"]["pooled"]["median"]);
  EXPECT_GE(median["at_most"], reference_["numeric"]["chol"]["pooled"]["median"]);
  EXPECT_EQ(median["at_most"].get<double>() - median["at_least"].get<double>(), 14);
}

TEST_F(HeartSummaryTest, LevelsAndTestsEqualRs) {
  std::string columns = Boolean("disease") + Boolean("sex") + Integer("age", 18, 110);
  std::string names = "\"sex\", \"age\"";
  for (const auto& [name, reference] : reference_["categorical"].items()) {
    if (name == "sex") continue;
    std::vector<std::string> levels = reference["levels"];
    levels.pop_back();
    columns += Category(name, levels);
    names += ", \"" + name + "\"";
  }
  const Json result = Run(columns, Table(names, "by = \"disease\"\n"));
  for (const auto& [name, reference] : reference_["categorical"].items()) {
    const Json all = VariableOf(result, name)["all"];
    const std::vector<int> counts = reference["pooled"];
    for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
      EXPECT_EQ(all["levels"][i]["count"], counts[i]) << name;
    }
    EXPECT_EQ(all["missing"], counts.back()) << name;
  }
  const Json welch = VariableOf(result, "age")["t_test"];
  const Json& t = reference_["t_test_age_by_disease"]["welch"];
  ExpectClose(welch["statistic"], t["t"], 1e-10, "t");
  ExpectClose(welch["df"], t["df"], 1e-10, "df of t");
  ExpectClose(welch["p_value"], t["p"], 1e-8, "p of t");
  const Json sex = VariableOf(result, "sex");
  ExpectClose(sex["chi_squared"]["statistic"], reference_["chisq_sex_by_disease"]["pearson"], 1e-10,
              "chi-squared");
  ExpectClose(sex["chi_squared"]["p_value"], reference_["chisq_sex_by_disease"]["p"], 1e-8,
              "p of chi-squared");
  // The reference is without correction for continuity.
  const Json& stratified = reference_["mantel_haenszel_sex_disease_by_site"];
  ExpectClose(sex["mantel_haenszel"]["statistic"], stratified["chisq"], 1e-10, "Mantel-Haenszel");
  ExpectClose(sex["mantel_haenszel"]["p_value"], stratified["p"], 1e-8, "its p");
  ExpectClose(sex["mantel_haenszel"]["odds_ratio"], stratified["common_or"], 1e-10, "its ratio");
  ExpectClose(sex["mantel_haenszel"]["conf_low"], stratified["ci"][0], 1e-10, "its lower limit");
  ExpectClose(sex["mantel_haenszel"]["conf_high"], stratified["ci"][1], 1e-10, "its upper limit");
}

TEST_F(HeartSummaryTest, TheTableIsForPeople) {
  Run(Boolean("disease") + Boolean("sex") + kNumbers,
      Table("\"age\", \"sex\", \"trestbps\"", "by = \"disease\"\n"));
  const std::string& table = outcome_.result.table;
  EXPECT_THAT(table, HasSubstr("mean (sd)"));
  EXPECT_THAT(table, HasSubstr("726 (78.9)"));
  EXPECT_THAT(table, HasSubstr("missing"));
  std::size_t longest = 0;
  for (std::size_t at = 0, end = 0; at < table.size(); at = end + 1) {
    end = table.find('\n', at);
    longest = std::max(longest, end - at);
  }
  EXPECT_LE(longest, 100u);
}

// -- Without reference data
// ------------------------------------------------------------------------------

Rows SmallRows() {
  return ParseCsv(
      "site,ill,x,stage\n"
      "a,1,1.5,i\na,1,2.5,ii\na,0,,i\na,0,4,iii\nb,1,3,ii\nb,0,2,\nb,,9,i\nb,0,1,i\nc,1,6,iii\nc,0,"
      "5,i\n");
}

const std::string kSmallColumns =
    Boolean("ill") + Number("x", 0, 10) + Category("stage", {"i", "ii", "iii"});

/// Numbers to the rounding of sums at the sites; all else alike.
void ExpectSame(const Json& one, const Json& other) {
  const Json left = one.flatten();
  const Json right = other.flatten();
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [place, value] : left.items()) {
    if (value.is_number_float()) {
      ExpectClose(value, right[place], 1e-12, place);
    } else {
      EXPECT_EQ(value, right[place]) << place;
    }
  }
}

TEST(SummaryTest, DoesNotDependOnHowPatientsAreSpread) {
  const Plan plan =
      PlanOf(kSmallColumns, Table("\"x\", \"stage\"", "by = \"ill\"\nmantel_haenszel = false\n"));
  const Json apart = RunOn(plan, CohortsBy(plan, SmallRows(), "site")).json;
  const Json together = RunOn(plan, {CohortOf(plan, SmallRows())}).json;
  ExpectSame(apart, together);
  EXPECT_EQ(apart["rows"], 9);
  EXPECT_EQ(apart["without_group"], 1);
  EXPECT_EQ(VariableOf(apart, "stage")["groups"][0]["missing"], 1);
}

/// Values so close together in a wide range that their squares about its middle say nothing of
/// their spread.
TEST(SummaryTest, ASpreadThatTheRangeHidesIsAskedForAgain) {
  Rows rows;
  for (int i = 0; i < 30; ++i) {
    rows.push_back({{"site", std::to_string(i % 3)}, {"x", std::to_string(50 + 0.25 * (i % 4))}});
  }
  const Plan plan = PlanOf(Number("x", 0, 1e9), Table("\"x\""));
  const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, "site"));
  EXPECT_EQ(outcome.queries.size(), 2u);
  // By hand: 8, 8, 7 and 7 of 0, 1, 2 and 3 quarters.
  const double mean = (8 * 1 + 7 * 2 + 7 * 3) / 30.0;
  const double squares = 8 * 1 + 7 * 4 + 7 * 9 - 30 * mean * mean;
  const Json all = VariableOf(outcome.json, "x")["all"];
  // Numbers near 50 in a range of 1e9 are known to 2^-53 of it, half a ten-millionth.
  ExpectClose(all["mean"], 50 + 0.25 * mean, 1e-8, "mean");
  ExpectClose(all["variance"], squares / 29 / 16, 1e-6, "variance");
  const Plan narrow = PlanOf(Number("x", 49, 52), Table("\"x\""));
  EXPECT_EQ(RunOn(narrow, CohortsBy(narrow, rows, "site")).queries.size(), 1u);
}

TEST(SummaryTest, AVarianceThatIsRoundingIsNone) {
  Rows rows;
  for (int i = 0; i < 60; ++i) {
    rows.push_back({{"site", std::to_string(i % 3)},
                    {"x", "37.2"},
                    {"w", i % 2 == 0 ? "0.1" : "0.3"},
                    {"arm", std::to_string(i % 2)}});
  }
  for (const double largest : {45.0, 1e3, 1e9, 1e15}) {
    const Plan plan = PlanOf(Number("x", 0, largest) + Number("w", 0, largest) + Boolean("arm"),
                             Table("\"x\", \"w\"", "by = \"arm\"\n"));
    const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, "site"));
    for (const char* name : {"x", "w"}) {
      const Json variable = VariableOf(outcome.json, name);
      for (const Json& group : variable["groups"]) {
        EXPECT_EQ(group["variance"], 0.0) << name << " in " << largest;
        EXPECT_EQ(group["sd"], 0.0);
      }
      for (const char* test : {"standardised_difference", "t_test", "anova"}) {
        EXPECT_FALSE(variable.contains(test)) << test << " of " << name << " in " << largest;
      }
    }
    EXPECT_EQ(VariableOf(outcome.json, "x")["all"]["sd"], 0.0);
    ExpectClose(VariableOf(outcome.json, "x")["all"]["mean"], 37.2, 1e-14, "mean");
    const std::string dash = std::string(8, ' ') + "-";
    EXPECT_THAT(outcome.result.table, HasSubstr("37.2 (0)" + dash + dash + "\n"));
    EXPECT_THAT(outcome.result.table, ::testing::Not(HasSubstr("nan")));
  }
}

TEST(SummaryTest, WideRangesCostNoDigitsOrAreSaidTo) {
  Rows rows;
  for (int i = 0; i < 40; ++i) {
    rows.push_back(
        {{"site", std::to_string(i % 4)}, {"x", std::to_string(40 + 0.37 * ((i * 17) % 40))}});
  }
  const Plan narrow = PlanOf(Number("x", 0, 100), Table("\"x\""));
  const Json expected = VariableOf(RunOn(narrow, CohortsBy(narrow, rows, "site")).json, "x")["all"];
  for (const double largest : {1e9, 1e12, 1e15}) {
    const Plan plan = PlanOf(Number("x", 0, largest), Table("\"x\""));
    const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, "site"));
    const Json variable = VariableOf(outcome.json, "x");
    ExpectClose(variable["all"]["mean"], expected["mean"], 1e-13, "mean");
    const int digits = variable.value("digits", 8);
    ExpectClose(variable["all"]["variance"], expected["variance"], std::pow(10, -digits),
                "variance");
    EXPECT_EQ(variable.contains("digits"), largest == 1e15);
    EXPECT_EQ(outcome.result.table.find("Digits were lost") != std::string::npos, digits < 8);
  }
}

/// R's type 7.
double QuantileOf(std::vector<double> numbers, double p) {
  std::sort(numbers.begin(), numbers.end());
  const double place = static_cast<double>(numbers.size() - 1) * p;
  const double below = numbers[static_cast<std::size_t>(std::floor(place))];
  const double above = numbers[static_cast<std::size_t>(std::ceil(place))];
  return below + (place - std::floor(place)) * (above - below);
}

TEST(SummaryTest, QuartilesLieBetweenTheirBounds) {
  SeededRandom random(7);
  const Plan plan = PlanOf(Number("x", 0, 10), Table("\"x\"", "bins = 20\n"));
  for (int size = 1; size <= 60; ++size) {
    Rows rows;
    std::vector<double> numbers;
    for (int i = 0; i < size; ++i) {
      // Some on the very edges of bins.
      numbers.push_back(i % 3 == 0 ? 0.5 * std::floor(20 * random.Unit()) : 10 * random.Unit());
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", numbers.back());
      rows.push_back({{"site", "a"}, {"x", text}});
    }
    const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, "site"));
    const Json all = VariableOf(outcome.json, "x")["all"];
    const std::pair<const char*, double> names[] = {
        {"lower_quartile", 0.25}, {"median", 0.5}, {"upper_quartile", 0.75}};
    for (const auto& [name, p] : names) {
      const double quantile = QuantileOf(numbers, p);
      EXPECT_LE(all[name]["at_least"].get<double>(), quantile) << name << " of " << size;
      EXPECT_GE(all[name]["at_most"].get<double>(), quantile) << name << " of " << size;
      EXPECT_LE(all[name]["at_least"].get<double>(), all[name]["estimate"].get<double>());
      EXPECT_GE(all[name]["at_most"].get<double>(), all[name]["estimate"].get<double>());
    }
    EXPECT_THAT(outcome.result.table, HasSubstr("median (quartiles) ~"));
    EXPECT_THAT(outcome.result.table, HasSubstr("\n~ from histograms"));
  }
}

TEST(SummaryTest, AQueryWithAnotherShapeIsRefused) {
  const Plan plan = PlanOf(kSmallColumns, Table("\"x\""));
  EXPECT_FALSE(
      plan.analysis->Describe(summary::EncodeQuery({summary::Step::kSpread, {}})).has_value());
  EXPECT_FALSE(
      plan.analysis->Describe(summary::EncodeQuery({summary::Step::kSpread, {2.0}})).has_value());
  EXPECT_TRUE(
      plan.analysis->Describe(summary::EncodeQuery({summary::Step::kSpread, {0.5}})).has_value());
  EXPECT_FALSE(plan.analysis->Describe(Query{Bytes(3)}).has_value());
}

TEST(SummaryTest, RefusesWhatTheContractForbidsWithoutSayingTheValue) {
  const Plan plan = PlanOf(kSmallColumns, Table("\"x\", \"stage\""));
  Cohort cohort = CohortOf(plan, SmallRows());
  cohort.values(4, 0) = 777.25;
  const auto answer = plan.analysis->Answer(summary::EncodeQuery({}), cohort);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, HasSubstr("row 5"));
  EXPECT_THAT(answer.error().message, ::testing::Not(HasSubstr("777")));
}

TEST(SummaryTest, TheNameOfASeriesStandsForItsColumns) {
  const std::string curve =
      Number("age", 18, 110) +
      "[[contract.derived]]\nname = \"curve\"\nspline = \"age\"\nknots = [20, 40, 60, 80]\n";
  const Plan plan = PlanOf(curve, "kind = \"summary\"\nvariables = [\"age\", \"curve\"]\n");
  EXPECT_THAT(plan.analysis->columns(), ::testing::ElementsAre("age", "curve_1", "curve_2"));
}

struct Mistake {
  const char* name;
  const char* table;
  const char* words;
};

class SummarySettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(SummarySettingsTest, NamesTheMistake) {
  const Result<Plan> plan = ParsePlan(PlanText(kSmallColumns, GetParam().table), "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    SummarySettingsTest,
    ::testing::Values(
        Mistake{"NoVariables", "kind = \"summary\"\n", "variables"},
        Mistake{"Empty", "kind = \"summary\"\nvariables = []\n", "1 to 200"},
        Mistake{"Unknown", "kind = \"summary\"\nvariables = [\"y\"]\n", "no column \"y\""},
        Mistake{"Twice", "kind = \"summary\"\nvariables = [\"x\", \"x\"]\n", "named twice"},
        Mistake{"Grouped", "kind = \"summary\"\nvariables = [\"ill\"]\nby = \"ill\"\n",
                "named twice"},
        Mistake{"ByANumber", "kind = \"summary\"\nvariables = [\"stage\"]\nby = \"x\"\n",
                "no levels"},
        Mistake{"Bins", "kind = \"summary\"\nvariables = [\"x\"]\nbins = 0\n", "1 and 1000"},
        Mistake{"ThreeGroups",
                "kind = \"summary\"\nvariables = [\"ill\"]\nby = \"stage\"\nmantel_haenszel = "
                "true\n",
                "two groups"},
        Mistake{"Key", "kind = \"summary\"\nvariables = [\"x\"]\nbin = 3\n", "bin"}),
    [](const auto& mistake) { return mistake.param.name; });

}  // namespace
}  // namespace consilium::testing
