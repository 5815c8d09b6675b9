// Linear regression under differential privacy: equal to least squares where there is no noise, and
// with noise no surer than it may be. Also covers protocols/analyses/linear/noisy_moments.cc.

#include "protocols/analyses/linear/private_linear.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/linear/noisy_moments.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/regression_testing.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using glm::Symmetric;
using ::testing::HasSubstr;

const std::string kColumns =
    Number("y", -3, 5) + Number("dose", 0, 10) + Boolean("treated") + Number("age", 20, 90);
const std::string kAnalysis =
    "kind = \"linear\"\noutcome = \"y\"\nfeatures = [\"dose\", \"treated\"]\n";

std::string Dp(double noise, double epsilon, const std::string& rest = "") {
  return "[privacy.dp]\nnoise_multiplier = " + std::to_string(noise) +
         "\nepsilon = " + std::to_string(epsilon) + "\ndelta = 1e-6\n" + rest;
}

Plan NoisyPlan(double noise, double epsilon, const std::string& rest = "") {
  Result<Plan> plan =
      ParsePlan(PlanText(kColumns, kAnalysis) + Dp(noise, epsilon, rest), "plan.toml");
  if (!plan) throw std::runtime_error(Describe(plan.error()));
  return *std::move(plan);
}

constexpr double kTruth[] = {0.2, 0.1, -0.4};  // y = 0.2 + 0.1 dose - 0.4 treated + error.
constexpr double kSigma = 0.5;

std::vector<Cohort> Draw(const Plan& plan, std::uint64_t seed, Eigen::Index rows = 300) {
  SeededRandom random(seed);
  std::vector<Cohort> cohorts(5);
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = static_cast<std::uint64_t>(rows);
    cohort.values.resize(rows, 3);
    for (Eigen::Index i = 0; i < rows; ++i) {
      double error = -6;  // Twelve uniform numbers less six: variance 1.
      for (int k = 0; k < 12; ++k) error += random.Unit();
      const double dose = 10 * random.Unit();
      const double treated = random.Below(2) == 0 ? 0 : 1;
      const double y = kTruth[0] + kTruth[1] * dose + kTruth[2] * treated + kSigma * error;
      cohort.values.row(i) << std::min(5.0, std::max(-3.0, y)), dose, treated;
    }
  }
  return cohorts;
}

Result<PlainRun> RunWith(const Plan& plan, std::uint64_t seed, Eigen::Index rows = 300) {
  const std::vector<Cohort> cohorts = Draw(plan, seed, rows);
  const std::vector<CohortView> views = ViewsOf(cohorts);
  PlainOptions options;
  options.noise_seed = seed;
  return RunPlain(*plan.analysis, views, options);
}

/// The moments that the plan's sites answer, added.
Symmetric MomentsOf(const Plan& plan, const std::vector<Cohort>& cohorts) {
  Symmetric moments(4);
  for (const Cohort& cohort : cohorts) {
    const Query query{Bytes{std::byte{1}}};
    const std::vector<double> values = plan.analysis->Answer(query, cohort)->values;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i; j < 4; ++j) moments.Set(i, j, moments(i, j) + values[at++]);
    }
  }
  return moments;
}

/// Next to no noise, epsilon aside: the fit without it, which is compared with R's lm elsewhere.
/// The noise left has a deviation of 0.1 * sqrt(10) in sums over 100000 rows.
TEST(PrivateLinearTest, WithoutMuchNoiseItIsLeastSquares) {
  const Plan noisy = NoisyPlan(0.1, 200);
  const Plan exact = PlanOf(kColumns, kAnalysis);
  const std::vector<Cohort> cohorts = Draw(noisy, 1, 20'000);
  const Json expected = RunOn(exact, cohorts).json;
  const Json found = Json::parse(RunWith(noisy, 1, 20'000)->result.json);
  for (std::size_t j = 0; j < 3; ++j) {
    const Json& line = found["coefficients"][j];
    const Json& reference = expected["coefficients"][j];
    EXPECT_EQ(line["name"], reference["name"]);
    EXPECT_NEAR(line["estimate"], reference["estimate"],
                0.1 * reference["std_error"].get<double>());
    ExpectClose(line["std_error"], reference["std_error"], 1e-3, "standard error");
    ExpectClose(line["conf_low"], reference["conf_low"], 1e-3, "limit");
  }
  ExpectClose(found["sigma"], expected["sigma"], 1e-3, "sigma");
  EXPECT_NEAR(found["rows"].get<double>(), 100'000, 5);
}

/// Without any, but for what is cut off each row's parts: 2^-33 of 1 on average, so a part in 1e8
/// of the residuals' mean square, which is 0.016 on that scale.
TEST(PrivateLinearTest, MomentsWithoutNoiseGiveTheLeastSquaresOfThePooledRows) {
  const Plan noisy = NoisyPlan(5, 1.1);
  const std::vector<Cohort> cohorts = Draw(noisy, 2);
  const NoisyLeastSquares fit = SolveNoisyMoments(MomentsOf(noisy, cohorts), 0).value();
  const Json expected = RunOn(PlanOf(kColumns, kAnalysis), cohorts).json;
  // Half of the ranges: of the outcome 4, of the terms 5 and 0.5.
  const double widths[] = {0, 5, 0.5};
  for (std::size_t j = 1; j < 3; ++j) {
    const Json& line = expected["coefficients"][j];
    const double unit = 4 / widths[j];
    ExpectClose(unit * fit.coefficients[j], line["estimate"], 1e-8, "estimate");
    ExpectClose(unit * std::sqrt(fit.covariance(j, j)), line["std_error"], 1e-8, "error");
    EXPECT_EQ(fit.noise_covariance(j, j), 0);
  }
  ExpectClose(4 * std::sqrt(fit.residual_variance), expected["sigma"], 1e-8, "sigma");
  EXPECT_FALSE(fit.residuals_hidden);
}

/// 2000 draws of the noise: a sample variance has a relative deviation of sqrt(2 / 1999) = 0.032;
/// five of them, and 3 % for what is of second order.
TEST(PrivateLinearTest, WhatNoiseAddsToTheVarianceIsWhatItDoes) {
  const Plan plan = NoisyPlan(5, 1.1);
  const Symmetric moments = MomentsOf(plan, Draw(plan, 3));
  constexpr double kTau = 8;
  constexpr int kDraws = 2'000;
  const NoisyLeastSquares exact = SolveNoisyMoments(moments, 0).value();
  SeededRandom random(std::uint64_t{4});
  double squares[3] = {};
  double said[3] = {};
  double residuals = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    Symmetric noised(4);
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i; j < 4; ++j) {
        double noise = -6;
        for (int k = 0; k < 12; ++k) noise += random.Unit();
        noised.Set(i, j, moments(i, j) + kTau * noise);
      }
    }
    const NoisyLeastSquares fit = SolveNoisyMoments(noised, kTau).value();
    for (std::size_t j = 0; j < 3; ++j) {
      const double off = fit.coefficients[j] - exact.coefficients[j];
      squares[j] += off * off / kDraws;
      said[j] += fit.noise_covariance(j, j) / kDraws;
    }
    residuals += fit.residual_variance / kDraws;
  }
  for (std::size_t j = 0; j < 3; ++j) ExpectClose(squares[j], said[j], 0.19, "variance");
  // Noise in the residuals is as large as a third of them, and it is not below its own deviation.
  EXPECT_GT(residuals, exact.residual_variance * 0.98);
  EXPECT_LT(residuals, exact.residual_variance * 1.2);
}

/// 400 federations: an interval of 95 % holds the truth in 380 +- 4.4 of them; five deviations.
TEST(PrivateLinearTest, IntervalsHoldTheTruthAsOftenAsTheySay) {
  constexpr int kRuns = 400;
  const Plan plan = NoisyPlan(1, 6);
  int held[3] = {};
  double noise_share = 0;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    const Json result = Json::parse(RunWith(plan, seed).value().result.json);
    for (std::size_t j = 0; j < 3; ++j) {
      const Json& line = result["coefficients"][j];
      held[j] += line["conf_low"] <= kTruth[j] && line["conf_high"] >= kTruth[j] ? 1 : 0;
    }
    noise_share += result["noise_std_errors"][1].get<double>() /
                   result["coefficients"][1]["std_error"].get<double>() / kRuns;
  }
  for (const int count : held) EXPECT_NEAR(count, 380, 22);
  // Both count: with either alone the intervals would be too narrow.
  EXPECT_GT(noise_share, 0.6);
  EXPECT_LT(noise_share, 0.95);
}

TEST(PrivateLinearTest, ARowMoreChangesTheSumsByExactlyItsOwnAndNoMoreThanItsBound) {
  const Plan plan = NoisyPlan(5, 1.1);
  const Query query{Bytes{std::byte{1}}};
  const double bound = plan.analysis->DescribeForReview()[0].patient_l2;
  Cohort cohort = Draw(plan, 5, 50)[0];
  cohort.values.row(0) << 5, 10, 1;  // A corner of all ranges.
  const std::vector<double> all = plan.analysis->Answer(query, cohort)->values;
  const auto one = [&](Eigen::Index row) {
    Cohort alone = cohort;
    alone.values = cohort.values.middleRows(row, 1);
    alone.patients = 1;
    return plan.analysis->Answer(query, alone)->values;
  };
  Cohort others = cohort;
  others.values = cohort.values.bottomRows(49);
  others.patients = 49;
  const std::vector<double> rest = plan.analysis->Answer(query, others)->values;
  const std::vector<double> corner = one(0);
  double squares = 0;
  for (std::size_t j = 0; j < all.size(); ++j) {
    EXPECT_EQ(all[j] - rest[j], corner[j]);
    squares += corner[j] * corner[j];
  }
  EXPECT_NEAR(std::sqrt(squares), std::sqrt(10.0), 1e-7);
  EXPECT_LE(std::sqrt(squares), bound);
}

/// The middle of two doubles that are neighbours is one of them, so that a row would be 2 away.
TEST(PrivateLinearTest, ARangeOfTwoNeighboursWidensNoBound) {
  const double next = std::nextafter(1.0, 2.0);
  const std::string columns =
      Number("y", 1, next) + Number("dose", 1, next) + Boolean("treated") + Number("age", 20, 90);
  const Plan plan = ParsePlan(PlanText(columns, kAnalysis) + Dp(5, 1.1), "plan.toml").value();
  const double bound = plan.analysis->DescribeForReview()[0].patient_l2;
  for (const double dose : {1.0, next}) {
    for (const double y : {1.0, next}) {
      Cohort cohort;
      cohort.columns = plan.analysis->columns();
      cohort.patients = 1;
      cohort.values.resize(1, 3);
      cohort.values.row(0) << y, dose, 1;
      const Contribution answer = plan.analysis->Answer(Query{Bytes{std::byte{1}}}, cohort).value();
      double squares = 0;
      for (const double number : answer.values) squares += number * number;
      EXPECT_LE(std::sqrt(squares), bound);
    }
  }
}

TEST(PrivateLinearTest, NoiseThatHidesTheTermsIsSaidInWords) {
  const Result<PlainRun> run = RunWith(NoisyPlan(50, 1), 1);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().code, ErrorCode::kNotEstimable);
  EXPECT_THAT(run.error().message, HasSubstr("the noise is too large for these patients"));
  // Few rows, all noise, and nothing at all.
  EXPECT_FALSE(SolveNoisyMoments(Symmetric(4), 1).has_value());
  EXPECT_FALSE(SolveNoisyMoments(Symmetric(4), 0).has_value());
}

TEST(PrivateLinearTest, TheResultSaysWhatIsPromised) {
  const AnalysisResult result = RunWith(NoisyPlan(3, 2), 1).value().result;
  const Json json = Json::parse(result.json);
  EXPECT_EQ(json["privacy"]["epsilon"], 2.0);
  EXPECT_EQ(json["privacy"]["unit"], "patient");
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(static_cast<double>(result.patients), 1'500, 200);
  EXPECT_THAT(result.table, HasSubstr("epsilon 2, delta 1e-06 for a patient"));
  EXPECT_THAT(result.table, HasSubstr("treated"));
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(NoisyPlan(3, 2))),
              HasSubstr("all brought to -1 ... 1"));
}

TEST(PrivateLinearTest, WhatOneSumCannotDoIsRefusedAtItsPlace) {
  const auto error_of = [](const std::string& key, const std::string& dp) {
    const Result<Plan> plan = ParsePlan(PlanText(kColumns, kAnalysis + key) + dp, "plan.toml");
    EXPECT_FALSE(plan.has_value());
    return plan ? std::string() : Describe(plan.error());
  };
  EXPECT_THAT(error_of("ridge = 1\n", Dp(5, 1.1)), HasSubstr("Leave ridge out"));
  EXPECT_THAT(error_of("maximum_iterations = 3\n", Dp(5, 1.1)),
              HasSubstr("Leave maximum_iterations out"));
  EXPECT_THAT(error_of("", "[impute]\ndose = \"mean\"\n" + Dp(5, 1.1)),
              HasSubstr("no bound for what one patient changes"));
  EXPECT_THAT(error_of("", Dp(5, 0.5)), HasSubstr("as much as epsilon"));
}

TEST(PrivateLinearTest, RowsBeyondTheContractAndOtherQueriesAreRefused) {
  const Plan plan = NoisyPlan(5, 1.1);
  Cohort cohort = Draw(plan, 6, 20)[0];
  EXPECT_FALSE(plan.analysis->Answer(Query{}, cohort).has_value());
  EXPECT_FALSE(plan.analysis->Describe(Query{Bytes{std::byte{2}}}).has_value());
  cohort.values(3, 1) = 11;
  EXPECT_FALSE(plan.analysis->Answer(Query{Bytes{std::byte{1}}}, cohort).has_value());
  cohort.values(3, 1) = std::nan("");
  EXPECT_FALSE(plan.analysis->Answer(Query{Bytes{std::byte{1}}}, cohort).has_value());
}

}  // namespace
}  // namespace consilium::testing
