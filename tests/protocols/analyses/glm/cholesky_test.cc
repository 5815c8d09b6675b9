#include "protocols/analyses/glm/cholesky.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace consilium::glm {
namespace {

using ::testing::ElementsAre;

constexpr double kTolerance = 1e-11;

/// X'X of a matrix given by its columns.
Symmetric CrossProducts(const std::vector<std::vector<double>>& columns) {
  Symmetric matrix(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t j = i; j < columns.size(); ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < columns[i].size(); ++k) sum += columns[i][k] * columns[j][k];
      matrix.Set(i, j, sum);
    }
  }
  return matrix;
}

TEST(CholeskyTest, SolvesAndInverts) {
  Symmetric matrix(2);
  matrix.Set(0, 0, 4);
  matrix.Set(0, 1, 2);
  matrix.Set(1, 1, 3);
  const Cholesky factor(matrix, kTolerance);
  ASSERT_FALSE(factor.singular());
  const std::vector<double> x = factor.Solve({8, 7});
  EXPECT_NEAR(x[0], 1.25, 1e-15);
  EXPECT_NEAR(x[1], 1.5, 1e-15);
  const Symmetric inverse = factor.Inverse();
  EXPECT_NEAR(inverse(0, 0), 0.375, 1e-15);
  EXPECT_NEAR(inverse(0, 1), -0.25, 1e-15);
  EXPECT_NEAR(inverse(1, 1), 0.5, 1e-15);
}

TEST(CholeskyTest, NamesTheColumnThatOthersDetermine) {
  const std::vector<double> a = {1, 0, 2, 5, 1};
  const std::vector<double> b = {3, 1, 1, 0, 2};
  const std::vector<double> unrelated = {0, 4, 1, 1, 7};
  std::vector<double> sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.push_back(2 * a[i] - b[i]);
  const Cholesky factor(CrossProducts({a, unrelated, b, sum}), kTolerance);
  ASSERT_TRUE(factor.singular());
  EXPECT_EQ(factor.dependence()->column, 3u);
  EXPECT_THAT(factor.dependence()->on, ElementsAre(0, 2));
}

TEST(CholeskyTest, NamesAColumnOfZeros) {
  const Cholesky factor(CrossProducts({{1, 2}, {0, 0}}), kTolerance);
  ASSERT_TRUE(factor.singular());
  EXPECT_EQ(factor.dependence()->column, 1u);
}

TEST(CholeskyTest, RefusesAMatrixThatIsNotANumber) {
  Symmetric matrix(1);
  matrix.Set(0, 0, std::nan(""));
  EXPECT_TRUE(Cholesky(matrix, kTolerance).singular());
}

TEST(CholeskyTest, UnitsOfTheColumnsDoNotMatter) {
  const Cholesky factor(CrossProducts({{1e-150, 2e-150}, {3e120, -1e120}}), kTolerance);
  EXPECT_FALSE(factor.singular());
}

RC_GTEST_PROP(CholeskyTest, SolutionSatisfiesTheEquations, ()) {
  const auto order = *rc::gen::inRange<std::size_t>(1, 6);
  std::vector<std::vector<double>> columns(order);
  for (std::size_t j = 0; j < order; ++j) {
    for (std::size_t i = 0; i < order + 4; ++i) {
      columns[j].push_back(*rc::gen::inRange(-100, 101) / 10.0);
    }
    columns[j][j] += 50;  // Far from singular.
  }
  const Symmetric matrix = CrossProducts(columns);
  const Cholesky factor(matrix, kTolerance);
  RC_ASSERT(!factor.singular());
  std::vector<double> right;
  for (std::size_t i = 0; i < order; ++i) right.push_back(*rc::gen::inRange(-100, 101));
  const std::vector<double> x = factor.Solve(right);
  for (std::size_t i = 0; i < order; ++i) {
    double left = 0;
    for (std::size_t j = 0; j < order; ++j) left += matrix(i, j) * x[j];
    RC_ASSERT(std::abs(left - right[i]) < 1e-8);
  }
}

}  // namespace
}  // namespace consilium::glm
