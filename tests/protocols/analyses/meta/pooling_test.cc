#include "protocols/analyses/meta/pooling.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "protocols/analyses/meta/site.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using meta::MetaQuery;
using meta::OwnFit;
using meta::PooledCoefficient;
using meta::Step;

/// The sums over sites that each have one coefficient, as sites answer.
std::vector<double> SumOver(const std::vector<OwnFit>& fits, const MetaQuery& query) {
  const std::string name = "x";
  const Eigen::Matrix<double, 1, 1, Eigen::RowMajor> row(0);
  const CohortView cohort({&name, 1}, CohortView::Values(row.data(), 1, 1), 1);
  std::vector<double> sums(meta::kCommonSums + meta::NumbersPerCoefficient(query.step), 0.0);
  std::vector<double> values(sums.size());
  for (const OwnFit& fit : fits) {
    meta::AnswerFrom(query, fit, cohort, values);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += values[i];
  }
  sums.erase(sums.begin(), sums.begin() + meta::kCommonSums);
  return sums;
}

PooledCoefficient Pool(const std::vector<OwnFit>& fits, double unit = 1) {
  const auto k = static_cast<double>(fits.size());
  MetaQuery query;
  query.step = Step::kWeights;
  const std::vector<double> weights = SumOver(fits, query);
  const meta::FixedSums fixed{weights[0], weights[1]};
  query = {Step::kSpread, k, {FixedEffect(fixed)}, {fixed.weights}, {}};
  const std::vector<double> squares = SumOver(fits, query);
  const meta::SpreadSums spread{squares[0], squares[1]};
  query.step = Step::kRandom;
  query.variances = {BetweenSites(k, fixed, spread)};
  const std::vector<double> random = SumOver(fits, query);
  return PoolCoefficient("x", k, unit, fixed, spread, {random[0], random[1], random[2]}, 0.95);
}

/// Colditz and others' thirteen trials of BCG vaccine against tuberculosis (1994): with and without
/// the disease among the vaccinated, and among the others.
constexpr std::array<std::array<double, 4>, 13> kTrials = {{{4, 119, 11, 128},
                                                            {6, 300, 29, 274},
                                                            {3, 228, 11, 209},
                                                            {62, 13536, 248, 12619},
                                                            {33, 5036, 47, 5761},
                                                            {180, 1361, 372, 1079},
                                                            {8, 2537, 10, 619},
                                                            {505, 87886, 499, 87892},
                                                            {29, 7470, 45, 7232},
                                                            {17, 1699, 65, 1600},
                                                            {186, 50448, 141, 27197},
                                                            {5, 2493, 3, 2338},
                                                            {27, 16886, 29, 17825}}};

/// Log relative risks.
std::vector<OwnFit> Trials() {
  std::vector<OwnFit> fits;
  for (const auto& [ill, well, control_ill, control_well] : kTrials) {
    const double all = ill + well;
    const double control = control_ill + control_well;
    const double variance = 1 / ill - 1 / all + 1 / control_ill - 1 / control;
    fits.push_back({{std::log(ill / all / (control_ill / control))}, {1 / variance}});
  }
  return fits;
}

/// The header's formulas in 40 decimal digits. The first four digits of fixed effect, tau^2, random
/// effect and its standard error (-0.4303, 0.3088, -0.7141, 0.1787) are those that R's metafor has
/// for these trials: rma(yi, vi, method = "DL"), and 0.1807 its test = "knha".
TEST(PoolingTest, TrialsOfBcgVaccineGiveTheFormulasInFortyDigits) {
  const PooledCoefficient pooled = Pool(Trials());
  // Sums of 13 terms of size up to 100 cost some ten roundings.
  constexpr double kTolerance = 1e-13;
  ExpectClose(pooled.fixed.estimate, -0.43028516365409073, kTolerance, "fixed effect");
  ExpectClose(pooled.fixed.std_error, 0.040498751710863814, kTolerance, "its standard error");
  ExpectClose(pooled.q, 152.23300808237342, kTolerance, "Q");
  EXPECT_EQ(pooled.q_df, 12);
  ExpectClose(pooled.q_p_value, 1.9967645908458548e-26, 1e-11, "p of Q");
  ExpectClose(pooled.i_squared, 0.92117346854562061, kTolerance, "I^2");
  ExpectClose(pooled.h_squared, 12.686084006864451, kTolerance, "H^2");
  ExpectClose(pooled.tau_squared, 0.30876026286237647, kTolerance, "tau^2");
  ExpectClose(pooled.random.estimate, -0.71411722207322706, kTolerance, "random effect");
  ExpectClose(pooled.random.std_error, 0.17874208953540318, kTolerance, "its standard error");
  ExpectClose(pooled.random.p_value, 6.4629243047040277e-5, 1e-11, "its p");
  ASSERT_TRUE(pooled.hartung_knapp.has_value());
  EXPECT_EQ(pooled.hartung_knapp->estimate, pooled.random.estimate);
  ExpectClose(pooled.hartung_knapp->std_error, 0.18069662833554745, kTolerance, "Hartung-Knapp");
  ExpectClose(pooled.hartung_knapp->p_value, 0.0019207667670473594, 1e-11, "its p");
  ExpectClose(pooled.hartung_knapp->low, -1.1078213541683288, 1e-12, "its lower limit");
  ExpectClose(pooled.hartung_knapp->high, -0.32041308997812536, 1e-12, "its upper limit");
  ExpectClose(pooled.prediction_low, -1.9988384957521196, 1e-12, "lower prediction limit");
  ExpectClose(pooled.prediction_high, 0.57060405160566545, 1e-12, "upper prediction limit");
}

TEST(PoolingTest, AUnitScalesEstimatesAndErrorsOnly) {
  const PooledCoefficient one = Pool(Trials());
  const PooledCoefficient eight = Pool(Trials(), 8);
  EXPECT_EQ(eight.fixed.estimate, 8 * one.fixed.estimate);
  EXPECT_EQ(eight.random.std_error, 8 * one.random.std_error);
  EXPECT_EQ(eight.tau_squared, 64 * one.tau_squared);
  EXPECT_EQ(eight.hartung_knapp->p_value, one.hartung_knapp->p_value);
  EXPECT_EQ(eight.q, one.q);
  ExpectClose(eight.prediction_low, 8 * one.prediction_low, 1e-15, "prediction");
}

TEST(PoolingTest, WithoutExcessSpreadRandomIsFixed) {
  const PooledCoefficient pooled = Pool({{{1.0}, {4.0}}, {{1.1}, {2.0}}, {{0.9}, {1.0}}});
  EXPECT_EQ(pooled.tau_squared, 0);
  EXPECT_EQ(pooled.i_squared, 0);
  EXPECT_LT(pooled.h_squared, 1);
  ExpectClose(pooled.random.estimate, pooled.fixed.estimate, 1e-15, "estimate");
  ExpectClose(pooled.random.std_error, pooled.fixed.std_error, 1e-15, "standard error");
  EXPECT_LT(pooled.hartung_knapp->std_error, pooled.random.std_error);
}

TEST(PoolingTest, EqualEstimatesHaveNoSpreadToInferFrom) {
  const PooledCoefficient pooled = Pool({{{1.0}, {4.0}}, {{1.0}, {2.0}}, {{1.0}, {1.0}}});
  EXPECT_EQ(pooled.q, 0);
  EXPECT_EQ(pooled.q_p_value, 1);
  EXPECT_FALSE(pooled.hartung_knapp.has_value());
}

TEST(PoolingTest, OneSiteWithNearlyAllTheWeightLeavesNoTauSquared) {
  const PooledCoefficient pooled = Pool({{{1.0}, {1e20}}, {{9.0}, {1.0}}, {{-9.0}, {1.0}}});
  EXPECT_EQ(meta::BetweenSites(3, {1e20, 1e20}, {1.0, 164}), 0);
  EXPECT_TRUE(std::isfinite(pooled.tau_squared));
}

}  // namespace
}  // namespace consilium::testing
