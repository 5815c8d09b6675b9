#include "protocols/analyses/glm/newton.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium::glm {
namespace {

/// Log-likelihood and its first and negative second derivative at one coefficient.
struct Curve {
  double value = 0;
  double slope = 0;
  double bend = 0;
};

class OneCoefficient final : public SummedLikelihood {
 public:
  explicit OneCoefficient(std::function<Curve(double)> curve) : curve_(std::move(curve)) {}

  Result<Evaluation> At(const std::vector<double>& coefficients) override {
    asked.push_back(coefficients[0]);
    const Curve curve = curve_(coefficients[0]);
    Evaluation evaluation;
    evaluation.rows = 10;
    evaluation.sites = asked.size() > 1 ? later_sites : 3;
    evaluation.deviance = -2 * curve.value;
    const double derivatives[] = {curve.slope, curve.bend};
    ReadDerivatives(derivatives, 1, evaluation);
    return evaluation;
  }
  bool IsLastStep(const Evaluation&, double) const override { return false; }
  tl::unexpected<Error> NotIdentified(const Dependence& dependence) const override {
    return Fail(ErrorCode::kNotEstimable, "column " + std::to_string(dependence.column));
  }

  std::vector<double> asked;
  std::uint32_t later_sites = 3;

 private:
  const std::function<Curve(double)> curve_;
};

/// Counts with mean exp(b) whose sum is 7, of one row.
Curve Poisson(double b) { return {7 * b - std::exp(b), 7 - std::exp(b), std::exp(b)}; }

/// Maximum at 0, where Newton's method overshoots from beyond 1.09.
Curve Flattening(double b) {
  return {-std::log(std::cosh(b)), -std::tanh(b), 1 / (std::cosh(b) * std::cosh(b))};
}

/// Rises for ever.
Curve Separated(double b) {
  const double rest = 1 / (1 + std::exp(b));
  return {-std::log1p(std::exp(-b)), rest, rest * (1 - rest)};
}

NewtonOptions Options() {
  NewtonOptions options;
  options.penalties = {0};
  options.units = {1};
  return options;
}

TEST(NewtonTest, FindsTheMaximumAndTheInverseInformationThere) {
  OneCoefficient likelihood(&Poisson);
  const Maximum maximum = Maximise(likelihood, Options()).value();
  EXPECT_TRUE(maximum.converged);
  EXPECT_NEAR(maximum.coefficients[0], std::log(7.0), 1e-12);
  EXPECT_NEAR(maximum.inverse(0, 0), 1.0 / 7, 1e-10);
  EXPECT_NEAR(maximum.deviance, -2 * (7 * std::log(7.0) - 7), 1e-10);
  EXPECT_EQ(maximum.evaluations, likelihood.asked.size());
}

TEST(NewtonTest, HalvesAStepThatMakesTheDevianceRise) {
  OneCoefficient likelihood(&Flattening);
  NewtonOptions options = Options();
  options.first_step = {1.5};
  const Maximum maximum = Maximise(likelihood, options).value();
  EXPECT_TRUE(maximum.converged);
  EXPECT_NEAR(maximum.coefficients[0], 0, 1e-12);
  const double full = 1.5 - std::sinh(1.5) * std::cosh(1.5);
  EXPECT_NEAR(likelihood.asked[1], full, 1e-12);
  EXPECT_NEAR(likelihood.asked[2], (1.5 + full) / 2, 1e-12);
}

TEST(NewtonTest, ComparesNoDeviancesOverDifferentSites) {
  OneCoefficient likelihood(&Flattening);
  likelihood.later_sites = 2;
  NewtonOptions options = Options();
  options.first_step = {1.5};
  options.maximum_evaluations = 2;
  const Maximum maximum = Maximise(likelihood, options).value();
  EXPECT_EQ(maximum.last.sites, 2u);
  EXPECT_EQ(maximum.point[0], likelihood.asked[1]);
}

TEST(NewtonTest, APenaltyDrawsTheMaximumTowardsZero) {
  OneCoefficient likelihood(&Poisson);
  NewtonOptions options = Options();
  options.penalties = {2};
  const Maximum maximum = Maximise(likelihood, options).value();
  const double b = maximum.coefficients[0];
  EXPECT_NEAR(7 - std::exp(b) - 2 * b, 0, 1e-10);
  EXPECT_NEAR(maximum.inverse(0, 0), 1 / (std::exp(b) + 2), 1e-10);
  EXPECT_NEAR(maximum.deviance, -2 * Poisson(b).value, 1e-10);
}

TEST(NewtonTest, SaysWhichCoefficientRunsOff) {
  OneCoefficient likelihood(&Separated);
  const Maximum maximum = Maximise(likelihood, Options()).value();
  EXPECT_FALSE(maximum.converged);
  EXPECT_EQ(maximum.separated, std::vector<std::size_t>{0});
  EXPECT_LT(maximum.evaluations, 20u);
}

TEST(NewtonTest, NoInformationAtTheStartIsAnError) {
  OneCoefficient likelihood([](double) { return Curve{0, 0, 0}; });
  const Result<Maximum> maximum = Maximise(likelihood, Options());
  ASSERT_FALSE(maximum.has_value());
  EXPECT_EQ(maximum.error().message, "column 0");
}

TEST(NewtonTest, GivesUpAfterTheRoundsItMayUse) {
  OneCoefficient likelihood(&Poisson);
  NewtonOptions options = Options();
  options.maximum_evaluations = 3;
  const Maximum maximum = Maximise(likelihood, options).value();
  EXPECT_FALSE(maximum.converged);
  EXPECT_TRUE(maximum.separated.empty());
  EXPECT_EQ(maximum.coefficients, maximum.point);
}

}  // namespace
}  // namespace consilium::glm
