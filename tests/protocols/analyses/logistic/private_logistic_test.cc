// Logistic regression under differential privacy: the maximum likelihood estimate where noise is
// small, and with noise no surer than it may be. Also covers
// protocols/analyses/logistic/noisy_newton.cc and protocols/analyses/glm/contract_scale.cc.

#include "protocols/analyses/logistic/private_logistic.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "common/wire.h"
#include "protocols/analyses/glm/contract_scale.h"
#include "protocols/analyses/logistic/noisy_newton.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using glm::Symmetric;
using ::testing::HasSubstr;

const std::string kColumns = Boolean("ill") + Number("dose", 0, 10) + Boolean("treated");
const std::string kAnalysis =
    "kind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"dose\", \"treated\"]\n";
const std::string kFive = "maximum_iterations = 5\n";

std::string Dp(double noise, double epsilon) {
  return "[privacy.dp]\nnoise_multiplier = " + std::to_string(noise) +
         "\nepsilon = " + std::to_string(epsilon) + "\ndelta = 1e-6\n";
}

Plan NoisyPlan(double noise, double epsilon, const std::string& steps = kFive) {
  Result<Plan> plan =
      ParsePlan(PlanText(kColumns, kAnalysis + steps) + Dp(noise, epsilon), "plan.toml");
  if (!plan) throw std::runtime_error(Describe(plan.error()));
  return *std::move(plan);
}

/// Log odds -1.5 + 0.24 dose - treated.
constexpr double kTruth[] = {-1.5, 0.24, -1};

std::vector<Cohort> Draw(const Plan& plan, std::uint64_t seed, Eigen::Index rows = 300) {
  SeededRandom random(seed);
  std::vector<Cohort> cohorts(5);
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = static_cast<std::uint64_t>(rows);
    cohort.values.resize(rows, 3);
    for (Eigen::Index i = 0; i < rows; ++i) {
      const double dose = 10 * random.Unit();
      const double treated = random.Below(2) == 0 ? 0 : 1;
      const double eta = kTruth[0] + kTruth[1] * dose + kTruth[2] * treated;
      const double ill = random.Unit() < 1 / (1 + std::exp(-eta)) ? 1 : 0;
      cohort.values.row(i) << ill, dose, treated;
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

/// The bytes of a query at these coefficients, as private_logistic.cc lays them out.
struct StepQuery {
  std::vector<double> coefficients;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<501>(coefficients));
  }
};
Query QueryAt(std::vector<double> coefficients) {
  return Query{Encode(StepQuery{std::move(coefficients)})};
}

/// Next to no noise, epsilon aside: the fit without it, which is compared with R's glm elsewhere. A
/// score of 100000 rows has noise of a deviation of 0.5.
TEST(PrivateLogisticTest, WithoutMuchNoiseItIsTheMaximumLikelihoodEstimate) {
  const Plan noisy = NoisyPlan(0.2, 2'000, "maximum_iterations = 8\n");
  const Plan exact = PlanOf(kColumns, kAnalysis);
  const std::vector<Cohort> cohorts = Draw(noisy, 1, 20'000);
  const Json expected = RunOn(exact, cohorts).json;
  const Json found = Json::parse(RunWith(noisy, 1, 20'000)->result.json);
  EXPECT_TRUE(found["converged"].get<bool>());
  for (std::size_t j = 0; j < 3; ++j) {
    const Json& line = found["coefficients"][j];
    const Json& reference = expected["coefficients"][j];
    EXPECT_EQ(line["name"], reference["name"]);
    EXPECT_NEAR(line["estimate"], reference["estimate"],
                0.1 * reference["std_error"].get<double>());
    ExpectClose(line["std_error"], reference["std_error"], 1e-3, "standard error");
  }
  ExpectClose(found["coefficients"][1]["odds_ratio"], expected["coefficients"][1]["odds_ratio"],
              1e-3, "odds ratio");
  EXPECT_NEAR(found["rows"].get<double>(), 100'000, 20);
}

/// 400 federations: an interval of 95 % holds the truth in 380 +- 4.4 of them; five deviations.
TEST(PrivateLogisticTest, IntervalsHoldTheTruthAsOftenAsTheySay) {
  constexpr int kRuns = 400;
  const Plan plan = NoisyPlan(2.5, 6);
  int held[3] = {};
  int converged = 0;
  double noise_share = 0;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    const Json result = Json::parse(RunWith(plan, seed).value().result.json);
    if (!result["converged"].get<bool>()) continue;
    ++converged;
    for (std::size_t j = 0; j < 3; ++j) {
      const Json& line = result["coefficients"][j];
      held[j] += line["conf_low"] <= kTruth[j] && line["conf_high"] >= kTruth[j] ? 1 : 0;
    }
    noise_share += result["noise_std_errors"][1].get<double>() /
                   result["coefficients"][1]["std_error"].get<double>() / kRuns;
  }
  EXPECT_GE(converged, 396);
  for (const int count : held) EXPECT_NEAR(count, 380, 22);
  EXPECT_GT(noise_share, 0.4);  // With either alone the intervals would be too narrow.
  EXPECT_LT(noise_share, 0.8);
}

TEST(PrivateLogisticTest, ARowMoreChangesTheSumsByExactlyItsOwnAndNoMoreThanItsBounds) {
  const Plan plan = NoisyPlan(5, 3);
  const std::vector<Slice> slices = plan.analysis->DescribeForReview();
  Cohort cohort = Draw(plan, 5, 50)[0];
  cohort.values.row(0) << 1, 10, 1;  // A corner of all ranges.
  for (const double far : {0.0, 1.0, -700.0, 1e100}) {
    const Query query = QueryAt({-far, far, -far});
    const std::vector<double> all = plan.analysis->Answer(query, cohort)->values;
    Cohort alone = cohort;
    alone.values = cohort.values.topRows(1);
    alone.patients = 1;
    Cohort others = cohort;
    others.values = cohort.values.bottomRows(49);
    others.patients = 49;
    const std::vector<double> corner = plan.analysis->Answer(query, alone)->values;
    const std::vector<double> rest = plan.analysis->Answer(query, others)->values;
    double squares[2] = {};
    for (std::size_t j = 0; j < all.size(); ++j) {
      ASSERT_TRUE(std::isfinite(all[j]));
      EXPECT_EQ(all[j] - rest[j], corner[j]);
      squares[j < 3 ? 0 : 1] += corner[j] * corner[j];
    }
    EXPECT_LE(std::sqrt(squares[0]), slices[0].patient_l2);
    EXPECT_LE(std::sqrt(squares[1]), slices[1].patient_l2);
  }
  EXPECT_LE(slices[0].patient_l2, std::sqrt(3.0) * (1 + 1e-8));
  EXPECT_LE(slices[1].patient_l2, std::sqrt(6.0) / 4 * (1 + 1e-8));
}

TEST(PrivateLogisticTest, WhatNoiseHidesOrHasNotEndedIsSaidInWords) {
  const Result<PlainRun> hidden = RunWith(NoisyPlan(40, 3), 1, 60);
  ASSERT_FALSE(hidden.has_value());
  EXPECT_EQ(hidden.error().code, ErrorCode::kNotEstimable);
  EXPECT_THAT(hidden.error().message, HasSubstr("the noise is too large for these patients"));

  // Two steps from zero are far from the end where noise is small.
  const Json early = Json::parse(
      RunWith(NoisyPlan(0.2, 2'000, "maximum_iterations = 2\n"), 1, 20'000)->result.json);
  EXPECT_FALSE(early["converged"].get<bool>());
  EXPECT_THAT(std::string(early["message"]), HasSubstr("Ask for more steps"));
  EXPECT_FALSE(early.contains("covariance"));
}

TEST(PrivateLogisticTest, TheResultSaysWhatIsPromised) {
  const AnalysisResult result = RunWith(NoisyPlan(3, 5), 1).value().result;
  const Json json = Json::parse(result.json);
  EXPECT_EQ(json["privacy"]["epsilon"], 5.0);
  EXPECT_EQ(json["iterations"], 5);
  EXPECT_NEAR(static_cast<double>(result.patients), 1'500, 400);
  EXPECT_THAT(result.table, HasSubstr("epsilon 5, delta 1e-06 for a patient"));
  EXPECT_THAT(NoisyPlan(3, 5).analysis->InWords(), HasSubstr("5 Newton steps"));
}

TEST(PrivateLogisticTest, WhatFixedStepsCannotDoIsRefusedAtItsPlace) {
  const auto error_of = [](const std::string& key, const std::string& dp) {
    const Result<Plan> plan = ParsePlan(PlanText(kColumns, kAnalysis + key) + dp, "plan.toml");
    EXPECT_FALSE(plan.has_value());
    return plan ? std::string() : Describe(plan.error());
  };
  EXPECT_THAT(error_of("", Dp(5, 3)), HasSubstr("Start with maximum_iterations = 5"));
  EXPECT_THAT(error_of(kFive + "ridge = 1\n", Dp(5, 3)), HasSubstr("Leave ridge out"));
  EXPECT_THAT(error_of(kFive, Dp(5, 1)), HasSubstr("the study's 5 rounds tell as much as epsilon"));
}

TEST(PrivateLogisticTest, OtherQueriesAndRowsAreRefused) {
  const Plan plan = NoisyPlan(5, 3);
  Cohort cohort = Draw(plan, 6, 20)[0];
  EXPECT_TRUE(plan.analysis->Answer(QueryAt({0, 0, 0}), cohort).has_value());
  for (const Query& query : {Query{}, QueryAt({0, 0}), QueryAt({0, 0, 0, 0}),
                             QueryAt({0, std::nan(""), 0}), QueryAt({0, 1e101, 0})}) {
    EXPECT_FALSE(plan.analysis->Describe(query).has_value());
    EXPECT_FALSE(plan.analysis->Answer(query, cohort).has_value());
  }
  cohort.values(3, 1) = 11;
  EXPECT_FALSE(plan.analysis->Answer(QueryAt({0, 0, 0}), cohort).has_value());
}

/// Of predictions on the scale and in units; and a covariance as the transformation's matrix has
/// it.
TEST(ContractScaleTest, UnitsPredictWhatTheScaleDoes) {
  const Contract contract = NoisyPlan(5, 3).contract;
  const glm::Design design =
      glm::MakeDesign(contract, {*contract.Find("ill")}, {"dose", "treated"}).value();
  const glm::ContractScale scale(design);
  const std::vector<double> beta = {0.3, -1.2, 0.7};
  const std::vector<double> units = scale.InUnits(beta);
  const double row[] = {1, 2.5, 1};
  std::vector<double> x(3);
  scale.Row(row, x);
  EXPECT_EQ(x, (std::vector<double>{1, -0.5, 1}));
  EXPECT_NEAR(units[0] + 2.5 * units[1] + units[2], 0.3 + 1.2 * 0.5 + 0.7, 1e-14);

  Symmetric covariance(3);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = i; j < 3; ++j) {
      covariance.Set(i, j, i == j ? 2 + static_cast<double>(i) : 0.1 * static_cast<double>(i + j));
    }
  }
  // In units the intercept is b0 - b1 - b2, the slopes b1 / 5 and 2 b2.
  const double matrix[3][3] = {{1, -1, -1}, {0, 0.2, 0}, {0, 0, 2}};
  const Symmetric found = scale.InUnits(covariance);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      double expected = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        for (std::size_t l = 0; l < 3; ++l) {
          expected += matrix[i][k] * covariance(k, l) * matrix[j][l];
        }
      }
      EXPECT_NEAR(found(i, j), expected, 1e-13) << i << j;
    }
  }
}

}  // namespace
}  // namespace consilium::testing
