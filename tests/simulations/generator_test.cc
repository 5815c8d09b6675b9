// Covers simulations/generator.cc and simulations/generator_settings.cc.

#include "simulations/generator.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulations/comparison.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

Plan PlanOf(const std::string& kind, const std::string& outcome) {
  return ParsePlan(
             "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
             "[contract]\npatient = \"id\"\n"
             "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
             "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
             "[[contract.column]]\nname = \"male\"\ntype = \"boolean\"\n"
             "[[contract.column]]\nname = \"stage\"\ntype = \"category\"\n"
             "levels = [\"I\", \"II\", \"III\"]\n"
             "[[contract.column]]\nname = \"visits\"\ntype = \"integer\"\nrange = [0, 60]\n"
             "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-50, 50]\n"
             "[analysis]\nkind = \"" +
                 kind + "\"\noutcome = \"" + outcome +
                 "\"\nfeatures = [\"age\", \"male\", \"stage\"]\n",
             "plan.toml")
      .value();
}

const char* const kText =
    "sites = 4\npatients = 5000\nintercept = -2.0\n"
    "coefficients = { age = 0.03, male = 0.5, stage_III = 1.0 }\n"
    "[[column]]\nname = \"age\"\nmean = 60\nsd = 10\n"
    "[[column]]\nname = \"male\"\nshare = 0.3\n"
    "[[column]]\nname = \"stage\"\nshares = [0.5, 0.3, 0.2]\n";

Result<Generator> Parsed(const std::string& text, const Plan& plan) {
  return ParseGenerator(Settings::Parse(text, "trial.toml").value(), plan);
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return sum / static_cast<double>(count);
}

TEST(GeneratorTest, DrawsTheColumnsThatTheFileDescribes) {
  const Plan plan = PlanOf("logistic", "ill");
  const Generator generator = Parsed(kText, plan).value();
  EXPECT_EQ(generator.truth.names,
            (std::vector<std::string>{"(Intercept)", "age", "male", "stage_II", "stage_III"}));
  EXPECT_EQ(generator.truth.values, (std::vector<double>{-2, 0.03, 0.5, 0, 1}));
  const LoadedTable drawn = Generate(generator, plan, 1).value();
  ASSERT_EQ(drawn.groups.size(), 20'000u);
  EXPECT_EQ(drawn.groups.front(), "site-01");
  EXPECT_EQ(drawn.groups.back(), "site-04");
  // Five standard errors.
  EXPECT_NEAR(MeanOf(drawn.table.columns[1]), 60, 0.36);
  EXPECT_NEAR(MeanOf(drawn.table.columns[2]), 0.3, 0.017);
  EXPECT_NEAR(MeanOf(drawn.table.columns[3]), 0.3 + 2 * 0.2, 0.03);
  for (const double age : drawn.table.columns[1]) EXPECT_TRUE(age >= 0 && age <= 110);
}

TEST(GeneratorTest, DrawsTheSamePatientsForASeedAndOthersForAnother) {
  const Plan plan = PlanOf("linear", "dose");
  const Generator generator = Parsed(kText, plan).value();
  const LoadedTable drawn = Generate(generator, plan, 1).value();
  EXPECT_EQ(Generate(generator, plan, 1)->table.columns, drawn.table.columns);
  EXPECT_NE(Generate(generator, plan, 2)->table.columns, drawn.table.columns);
}

TEST(GeneratorTest, LeavesOutTheShareThatIsMissingButNoOutcome) {
  const Plan plan = PlanOf("logistic", "ill");
  const Generator generator = Parsed(
                                  "sites = 1\npatients = 20000\nmissing = 0.2\n"
                                  "[[column]]\nname = \"male\"\nmissing = 0\n",
                                  plan)
                                  .value();
  const LoadedTable drawn = Generate(generator, plan, 1).value();
  const auto missing = [&](std::size_t column) {
    return std::count_if(drawn.table.columns[column].begin(), drawn.table.columns[column].end(),
                         [](double value) { return std::isnan(value); });
  };
  EXPECT_EQ(missing(0), 0);
  EXPECT_NEAR(static_cast<double>(missing(1)), 4000, 5 * std::sqrt(20000 * 0.2 * 0.8));
  EXPECT_EQ(missing(2), 0);
}

/// The spread of the hospitals' mean ages.
double SpreadOfMeans(const std::string& more) {
  const Plan plan = PlanOf("logistic", "ill");
  const Generator generator = Parsed("sites = 20\npatients = 500\n" + more, plan).value();
  const LoadedTable drawn = Generate(generator, plan, 1).value();
  double low = 1e9;
  double high = -1e9;
  for (std::size_t site = 0; site < 20; ++site) {
    const auto begin = drawn.table.columns[1].begin() + static_cast<std::ptrdiff_t>(site * 500);
    const double mean = MeanOf(std::vector<double>(begin, begin + 500));
    low = std::min(low, mean);
    high = std::max(high, mean);
  }
  return high - low;
}

TEST(GeneratorTest, AShiftMovesHospitalsApart) {
  EXPECT_LT(SpreadOfMeans(""), 6);
  EXPECT_GT(SpreadOfMeans("shift = 1\n"), 15);
}

TEST(GeneratorTest, CountsAndNumbersFollowTheirModel) {
  const Plan poisson = PlanOf("poisson", "visits");
  const LoadedTable counts =
      Generate(Parsed("sites = 1\npatients = 20000\nintercept = 1.0\n", poisson).value(), poisson,
               1)
          .value();
  EXPECT_NEAR(MeanOf(counts.table.columns[4]), std::exp(1.0), 5 * std::sqrt(std::exp(1.0) / 20000));
  const Plan linear = PlanOf("linear", "dose");
  const LoadedTable doses =
      Generate(Parsed("sites = 1\npatients = 20000\nintercept = 3.0\nnoise = 2\n", linear).value(),
               linear, 1)
          .value();
  EXPECT_NEAR(MeanOf(doses.table.columns[5]), 3, 5 * 2 / std::sqrt(20000));
}

Plan SurvivalPlan(const std::string& time_type = "number", const std::string& range = "[0, 100]") {
  return ParsePlan(
             "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
             "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
             "[[contract.column]]\nname = \"days\"\ntype = \"" +
                 time_type + "\"\nrange = " + range +
                 "\n[[contract.column]]\nname = \"x\"\ntype = \"number\"\nrange = [-5, 5]\n"
                 "[[contract.column]]\nname = \"dead\"\ntype = \"boolean\"\n"
                 "[[contract.column]]\nname = \"male\"\ntype = \"boolean\"\n"
                 "[analysis]\nkind = \"cox\"\nevent = \"dead\"\ntime = \"days\"\n"
                 "features = [\"x\", \"male\"]\n",
             "plan.toml")
      .value();
}

/// The share of `sites` hospitals' patients without the event at time t, all followed up to 100.
double ShareBeyond(const LoadedTable& drawn, double t) {
  const std::vector<double>& times = drawn.table.columns[0];
  return static_cast<double>(
             std::count_if(times.begin(), times.end(), [t](double time) { return time > t; })) /
         static_cast<double>(times.size());
}

TEST(GeneratorTest, TimesFollowTheirHazardAndEndWithTheFollowUp) {
  const Plan plan = SurvivalPlan();
  const Generator generator =
      Parsed("sites = 1\npatients = 40000\nintercept = -5\nshape = 2\nfollow_up = 15\n", plan)
          .value();
  EXPECT_EQ(generator.truth.names, (std::vector<std::string>{"x", "male"}));
  const LoadedTable drawn = Generate(generator, plan, 1).value();
  for (const double t : {3.0, 8.0, 14.0}) {
    const double expected = std::exp(-std::exp(-5.0) * t * t);
    EXPECT_NEAR(ShareBeyond(drawn, t), expected, 5 * std::sqrt(expected * (1 - expected) / 40000));
  }
  for (std::size_t i = 0; i < 40'000; ++i) {
    const bool dead = drawn.table.columns[2][i] == 1;
    EXPECT_TRUE(drawn.table.columns[0][i] == 15 ? !dead : drawn.table.columns[0][i] < 15 && dead);
  }
}

TEST(GeneratorTest, DropOutCensorsAndMovesNoEvent) {
  const Plan plan = SurvivalPlan();
  const std::string text = "sites = 1\npatients = 20000\nintercept = -3\n";
  const LoadedTable all = Generate(Parsed(text, plan).value(), plan, 1).value();
  const LoadedTable some =
      Generate(Parsed(text + "drop_out = 0.05\n", plan).value(), plan, 1).value();
  std::size_t lost = 0;
  for (std::size_t i = 0; i < 20'000; ++i) {
    EXPECT_LE(some.table.columns[0][i], all.table.columns[0][i]);
    if (some.table.columns[2][i] == 1) {
      EXPECT_EQ(some.table.columns[0][i], all.table.columns[0][i]);
    } else if (some.table.columns[0][i] < 100) {
      ++lost;
    }
  }
  // Of two exponentials the one with hazard 0.05 comes first with probability 0.05 / (0.05 + e^-3).
  const double share = 0.05 / (0.05 + std::exp(-3.0));
  EXPECT_NEAR(static_cast<double>(lost), 20000 * share, 5 * std::sqrt(20000 * share * (1 - share)));
}

TEST(GeneratorTest, WholeTimesAreRoundedUpAndTied) {
  const Plan plan = SurvivalPlan("integer");
  const LoadedTable drawn =
      Generate(Parsed("sites = 1\npatients = 1000\nintercept = -3\n", plan).value(), plan, 1)
          .value();
  for (const double time : drawn.table.columns[0]) {
    EXPECT_EQ(time, std::floor(time));
    EXPECT_GE(time, 1);
  }
}

/// The Cox fit of drawn hospitals is a normal draw about the truth: each coefficient within four
/// standard errors (false alarm 6e-5 each), their mean square near 1 over many.
TEST(GeneratorTest, ACoxFitFindsTheTruthWhateverTheBaselines) {
  const Plan plan = SurvivalPlan("integer", "[0, 3000]");
  const Generator generator =
      Parsed(
          "sites = 6\npatients = [400, 300, 300, 200, 150, 100]\nintercept = -6\n"
          "intercept_spread = 1\nshape = 1.1\nshape_spread = 0.3\nfollow_up = 1000\n"
          "drop_out = 0.0005\nshift = 0.5\nmissing = 0.05\n"
          "coefficients = { x = 0.4, male = -0.6 }\n",
          plan)
          .value();
  double squares = 0;
  constexpr std::uint64_t kSeeds = 40;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const LoadedTable drawn = Generate(generator, plan, seed).value();
    std::vector<Cohort> cohorts;
    std::size_t at = 0;
    for (const std::size_t patients : generator.patients) {
      DataTable part;
      for (std::size_t row = at; row < at + patients; ++row) {
        part.patients.push_back(drawn.table.patients[row]);
      }
      for (const std::vector<double>& column : drawn.table.columns) {
        part.columns.emplace_back(column.begin() + static_cast<std::ptrdiff_t>(at),
                                  column.begin() + static_cast<std::ptrdiff_t>(at + patients));
      }
      cohorts.push_back(BuildCohort(plan.contract, part, plan.analysis->columns())->cohort);
      at += patients;
    }
    std::vector<const Cohort*> pointers;
    for (const Cohort& cohort : cohorts) pointers.push_back(&cohort);
    const std::vector<Coefficient> fit = CoefficientsOf(RunPlain(*plan.analysis, pointers).value());
    ASSERT_EQ(fit.size(), 2u);
    for (std::size_t j = 0; j < 2; ++j) {
      const double z = (fit[j].estimate - generator.truth.values[j]) / fit[j].std_error;
      EXPECT_LT(std::abs(z), 4) << fit[j].name << " with seed " << seed;
      squares += z * z;
    }
  }
  // Chi-squared on 80 degrees of freedom: beyond these limits with probability 1e-4.
  EXPECT_GT(squares, 39);
  EXPECT_LT(squares, 136);
}

TEST(GeneratorTest, ATimeBelowThePlansRangeIsRefused) {
  const Plan plan = SurvivalPlan("number", "[5, 100]");
  const Result<LoadedTable> drawn =
      Generate(Parsed("sites = 1\npatients = 100\nintercept = -3\n", plan).value(), plan, 1);
  ASSERT_FALSE(drawn.has_value());
  EXPECT_THAT(Describe(drawn.error()), HasSubstr("trial.toml:3:13: \"days\": the model gives"));
}

TEST(GeneratorTest, KeysOfTimesBelongToTimesOnly) {
  const std::string head = "sites = 2\npatients = 9\n";
  EXPECT_THAT(Describe(Parsed(head + "follow_up = 200\n", SurvivalPlan()).error()),
              HasSubstr("between 0 and 100"));
  EXPECT_THAT(Describe(Parsed(head + "shape = 0\n", SurvivalPlan()).error()),
              HasSubstr("between 0.05 and 20"));
  EXPECT_THAT(Describe(Parsed(head + "noise = 1\n", SurvivalPlan()).error()),
              HasSubstr("'noise' is not known here"));
  EXPECT_THAT(Describe(Parsed(head + "drop_out = 1\n", PlanOf("logistic", "ill")).error()),
              HasSubstr("'drop_out' is not known here"));
}

TEST(GeneratorTest, RefusesAnOutcomeThatBreaksThePlansRange) {
  const Plan plan = PlanOf("linear", "dose");
  const Result<LoadedTable> drawn = Generate(
      Parsed("sites = 1\npatients = 100\ncoefficients = { age = 2 }\n", plan).value(), plan, 1);
  ASSERT_FALSE(drawn.has_value());
  EXPECT_THAT(Describe(drawn.error()), HasSubstr("trial.toml:3:16: \"dose\": the model gives"));
  EXPECT_THAT(Describe(drawn.error()), HasSubstr("Widen the range"));
}

TEST(GeneratorTest, MistakesNameThePlaceAndWhatWasMeant) {
  const Plan plan = PlanOf("logistic", "ill");
  const std::string head = "sites = 2\npatients = 9\n";
  const std::pair<std::string, std::vector<const char*>> cases[] = {
      {"patients = 9\n", {"'sites' is missing"}},
      {"sites = 2\n", {"'patients' is missing"}},
      {"sites = 2\npatients = [1, 2, 3]\n", {"trial.toml:2:12: ", "one a site"}},
      {head + "coefficients = { aeg = 1 }\n", {"trial.toml:3:18: ", "Did you mean 'age'?"}},
      {head + "interecpt = 1\n", {"trial.toml:3:1: ", "Did you mean 'intercept'?"}},
      {head + "noise = 1\n", {"trial.toml:3:1: ", "'noise' is not known here"}},
      {head + "[spread]\nage = -1\n", {"trial.toml:4:7: ", "between 0"}},
      {head + "[[column]]\nname = \"mail\"\n", {"trial.toml:4:8: ", "Did you mean \"male\"?"}},
      {head + "[[column]]\nname = \"age\"\nmean = 200\n",
       {"trial.toml:5:8: ", "between 0 and 110"}},
      {head + "[[column]]\nname = \"stage\"\nshares = [0.5, 0.5]\n",
       {"trial.toml:5:10: ", "3 levels"}},
      {head + "[[column]]\nname = \"ill\"\nshare = 0.5\n", {"trial.toml:5:1: ", "'share'"}}};
  for (const auto& [text, parts] : cases) {
    const Result<Generator> generator = Parsed(text, plan);
    ASSERT_FALSE(generator.has_value()) << text;
    for (const char* part : parts) EXPECT_THAT(Describe(generator.error()), HasSubstr(part));
  }
  EXPECT_FALSE(Parsed(head, PlanOf("linear", "ill")).has_value());
  EXPECT_FALSE(Parsed(head, PlanOf("poisson", "ill")).has_value());
}

TEST(GeneratorTest, CoefficientsMayBeOfDerivedColumns) {
  const std::string text =
      "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
      "[contract]\npatient = \"id\"\n"
      "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
      "[[contract.column]]\nname = \"crp\"\ntype = \"number\"\nrange = [0.1, 500]\n"
      "[[contract.column]]\nname = \"male\"\ntype = \"boolean\"\n"
      "[[contract.derived]]\nname = \"log_crp\"\nlog = \"crp\"\n"
      "[[contract.derived]]\nname = \"male_log_crp\"\nproduct = [\"male\", \"log_crp\"]\n"
      "[analysis]\nkind = \"logistic\"\noutcome = \"ill\"\n"
      "features = [\"male\", \"log_crp\", \"male_log_crp\"]\n";
  const Plan plan = ParsePlan(text, "plan.toml").value();
  const Generator generator =
      Parsed(
          "sites = 4\npatients = 20000\nintercept = -3.0\n"
          "coefficients = { male = 0.5, log_crp = 1.0, male_log_crp = -0.5 }\n"
          "[[column]]\nname = \"crp\"\nmean = 30\nsd = 40\n",
          plan)
          .value();
  const DataTable table = Generate(generator, plan, 1)->table;
  // Of men with values from 50 to 60 the model has odds of exp(-3 + 0.5 + 0.5 log crp).
  double expected = 0;
  double seen = 0;
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    if (table.columns[2][row] == 0 || std::abs(table.columns[1][row] - 55) > 5) continue;
    const double p = 1 / (1 + std::exp(2.5 - 0.5 * std::log(table.columns[1][row])));
    expected += p;
    seen += table.columns[0][row] - p;
  }
  ASSERT_GT(expected, 500);
  EXPECT_LT(std::abs(seen), 4 * std::sqrt(expected));
}

TEST(GeneratorTest, AnOutcomeIsNotDerived) {
  const std::string text =
      "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
      "[contract]\npatient = \"id\"\n"
      "[[contract.column]]\nname = \"crp\"\ntype = \"number\"\nrange = [0.1, 500]\n"
      "[[contract.column]]\nname = \"male\"\ntype = \"boolean\"\n"
      "[[contract.derived]]\nname = \"log_crp\"\nlog = \"crp\"\n"
      "[analysis]\nkind = \"linear\"\noutcome = \"log_crp\"\nfeatures = [\"male\"]\n";
  const Plan plan = ParsePlan(text, "plan.toml").value();
  EXPECT_THAT(Describe(Parsed("sites = 3\npatients = 10\n", plan).error()),
              HasSubstr("the outcome \"log_crp\" is derived from others"));
}

}  // namespace
}  // namespace consilium
