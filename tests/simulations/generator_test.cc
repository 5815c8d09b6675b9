// Covers simulations/generator.cc and simulations/generator_settings.cc.

#include "simulations/generator.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace consilium
