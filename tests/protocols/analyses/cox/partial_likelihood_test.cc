#include "protocols/analyses/cox/partial_likelihood.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace consilium::cox {
namespace {

constexpr std::size_t kTerms = 2;
using Sums = std::vector<double>;  // -2 log-likelihood, score (2), information (3)

SurvivalRows SomeRows() {
  SurvivalRows rows;
  rows.times = OrderByTime(std::vector<double>{4, 1, 2, 2, 2, 7, 1, 3, 3, 5});
  rows.event = {true, false, true, true, false, true, true, false, true, false};
  rows.terms = {0.3, -1, 1.2, 0.4, -0.7, 0.9, 0.1, -0.2, 1.8, 0.5,
                -1,  0,  0.6, 0.6, 0.2,  1.1, -1,  -1,   0.4, 0.3};
  rows.count = kTerms;
  return rows;
}

Sums At(const SurvivalRows& rows, const std::vector<double>& coefficients, Ties ties) {
  Sums sums(6, 0.0);
  AddPartialLikelihood(rows, coefficients, ties, sums);
  return sums;
}

/// From the definition, every risk set anew.
double BreslowDeviance(const SurvivalRows& rows, const std::vector<double>& b) {
  const double time[] = {4, 1, 2, 2, 2, 7, 1, 3, 3, 5};
  const auto eta = [&](std::size_t i) {
    return b[0] * rows.terms[2 * i] + b[1] * rows.terms[2 * i + 1];
  };
  double sum = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    if (!rows.event[i]) continue;
    double at_risk = 0;
    for (std::size_t k = 0; k < 10; ++k) at_risk += time[k] >= time[i] ? std::exp(eta(k)) : 0;
    sum += eta(i) - std::log(at_risk);
  }
  return -2 * sum;
}

TEST(PartialLikelihoodTest, IsItsDefinition) {
  const SurvivalRows rows = SomeRows();
  for (const std::vector<double>& b : {std::vector<double>{0, 0}, {0.5, -1.3}}) {
    EXPECT_NEAR(At(rows, b, Ties::kBreslow)[0], BreslowDeviance(rows, b), 1e-13);
  }
}

TEST(PartialLikelihoodTest, ScoreAndInformationAreItsDerivatives) {
  const SurvivalRows rows = SomeRows();
  for (const Ties ties : {Ties::kEfron, Ties::kBreslow}) {
    const std::vector<double> b = {0.5, -1.3};
    const Sums here = At(rows, b, ties);
    std::size_t at = 3;
    for (std::size_t j = 0; j < kTerms; ++j) {
      std::vector<double> up = b;
      std::vector<double> down = b;
      constexpr double kStep = 1e-5;
      up[j] += kStep;
      down[j] -= kStep;
      const Sums above = At(rows, up, ties);
      const Sums below = At(rows, down, ties);
      EXPECT_NEAR(here[1 + j], -(above[0] - below[0]) / (4 * kStep), 1e-8);
      for (std::size_t k = j; k < kTerms; ++k) {
        EXPECT_NEAR(here[at++], -(above[1 + k] - below[1 + k]) / (2 * kStep), 1e-8);
      }
    }
  }
}

TEST(PartialLikelihoodTest, AShiftOfATermChangesNothing) {
  SurvivalRows rows = SomeRows();
  const std::vector<double> b = {0.5, -1.3};
  const Sums before = At(rows, b, Ties::kEfron);
  for (std::size_t i = 0; i < rows.terms.size(); i += 2) rows.terms[i] += 4096;
  CentreHere(rows);
  const Sums after = At(rows, b, Ties::kEfron);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-11);
}

TEST(PartialLikelihoodTest, ATermWithoutDifferencesHasNoInformationToTheBit) {
  SurvivalRows rows = SomeRows();
  for (std::size_t i = 1; i < rows.terms.size(); i += 2) rows.terms[i] = 0.1;
  CentreHere(rows);
  const Sums sums = At(rows, {0.5, -1.3}, Ties::kEfron);
  EXPECT_EQ(sums[2], 0);
  EXPECT_EQ(sums[4], 0);
  EXPECT_EQ(sums[5], 0);
  EXPECT_GT(sums[3], 0);
}

TEST(PartialLikelihoodTest, HugePredictorsOverflowNothing) {
  const SurvivalRows rows = SomeRows();
  for (const Ties ties : {Ties::kEfron, Ties::kBreslow}) {
    for (const std::vector<double>& b : {std::vector<double>{3000, -2000}, {-9000, 0}}) {
      for (const double sum : At(rows, b, ties)) EXPECT_TRUE(std::isfinite(sum));
    }
  }
}

TEST(PartialLikelihoodTest, WithoutEventsEverythingIsZero) {
  SurvivalRows rows = SomeRows();
  rows.event.assign(10, false);
  EXPECT_EQ(At(rows, {0.5, -1.3}, Ties::kEfron), Sums(6, 0.0));
}

}  // namespace
}  // namespace consilium::cox
