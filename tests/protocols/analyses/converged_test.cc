// Standard errors are those at the estimates: random data against fits by Newton's method in long
// doubles, taken until nothing changes.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.h"
#include "simulations/draws.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using Real = long double;
using Numbers = std::vector<Real>;

/// Rows of a small study; x has no constant.
struct Data {
  std::vector<Numbers> x;
  Numbers y;
  Numbers time;
};

struct Derivatives {
  Numbers score;
  std::vector<Numbers> information;
};

Derivatives Zero(std::size_t order) {
  return {Numbers(order, 0), std::vector<Numbers>(order, Numbers(order, 0))};
}

Real Linear(const Numbers& b, const Numbers& x) {
  Real eta = 0;
  for (std::size_t j = 0; j < x.size(); ++j) eta += b[j] * x[j];
  return eta;
}

/// Of rows that begin with 1.
Derivatives OfRows(const Data& data, const Numbers& b, bool poisson) {
  Derivatives sums = Zero(b.size());
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    Numbers x = data.x[i];
    x.insert(x.begin(), 1);
    const Real eta = Linear(b, x);
    const Real mean = poisson ? std::exp(eta) : 1 / (1 + std::exp(-eta));
    const Real weight = poisson ? mean : mean * (1 - mean);
    for (std::size_t j = 0; j < b.size(); ++j) {
      sums.score[j] += (data.y[i] - mean) * x[j];
      for (std::size_t k = 0; k < b.size(); ++k) sums.information[j][k] += weight * x[j] * x[k];
    }
  }
  return sums;
}

/// Breslow's partial likelihood of one site.
Derivatives OfRiskSets(const Data& data, const Numbers& b) {
  const std::size_t order = b.size();
  Derivatives sums = Zero(order);
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    if (data.y[i] == 0) continue;
    Real total = 0;
    Derivatives at_risk = Zero(order);
    for (std::size_t m = 0; m < data.x.size(); ++m) {
      if (data.time[m] < data.time[i]) continue;
      const Real weight = std::exp(Linear(b, data.x[m]));
      total += weight;
      for (std::size_t j = 0; j < order; ++j) {
        at_risk.score[j] += weight * data.x[m][j];
        for (std::size_t k = 0; k < order; ++k) {
          at_risk.information[j][k] += weight * data.x[m][j] * data.x[m][k];
        }
      }
    }
    for (std::size_t j = 0; j < order; ++j) {
      sums.score[j] += data.x[i][j] - at_risk.score[j] / total;
      for (std::size_t k = 0; k < order; ++k) {
        sums.information[j][k] += at_risk.information[j][k] / total -
                                  at_risk.score[j] / total * (at_risk.score[k] / total);
      }
    }
  }
  return sums;
}

/// By Gauss and Jordan, with the largest pivot.
std::vector<Numbers> InverseOf(std::vector<Numbers> matrix) {
  const std::size_t order = matrix.size();
  for (std::size_t i = 0; i < order; ++i) {
    matrix[i].resize(2 * order, 0);
    matrix[i][order + i] = 1;
  }
  for (std::size_t i = 0; i < order; ++i) {
    std::size_t best = i;
    for (std::size_t m = i; m < order; ++m) {
      if (std::abs(matrix[m][i]) > std::abs(matrix[best][i])) best = m;
    }
    std::swap(matrix[i], matrix[best]);
    const Real pivot = matrix[i][i];
    for (Real& entry : matrix[i]) entry /= pivot;
    for (std::size_t m = 0; m < order; ++m) {
      if (m == i) continue;
      const Real factor = matrix[m][i];
      for (std::size_t k = 0; k < 2 * order; ++k) matrix[m][k] -= factor * matrix[i][k];
    }
  }
  for (Numbers& row : matrix) row.erase(row.begin(), row.begin() + static_cast<int>(order));
  return matrix;
}

struct Exact {
  Numbers estimates;
  Numbers std_errors;
};

/// Newton's method from near the maximum until steps are rounding.
template <class Function>
Exact Converge(Function&& derivatives, Numbers b) {
  for (int step = 0; step < 12; ++step) {
    const Derivatives at = derivatives(b);
    const std::vector<Numbers> inverse = InverseOf(at.information);
    for (std::size_t j = 0; j < b.size(); ++j) b[j] += Linear(inverse[j], at.score);
  }
  const std::vector<Numbers> inverse = InverseOf(derivatives(b).information);
  Exact exact{b, {}};
  for (std::size_t j = 0; j < b.size(); ++j) exact.std_errors.push_back(std::sqrt(inverse[j][j]));
  return exact;
}

std::string Text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// 30 to 400 patients: two numbers, one of them skewed, and a yes or no that may be rare.
Data RandomData(RandomSource& random, const std::string& kind) {
  const int rows = 30 + static_cast<int>(random.Unit() * 370);
  const double effect = 2 * random.Unit();
  const double share = 0.1 + 0.4 * random.Unit();
  Data data;
  for (int i = 0; i < rows; ++i) {
    const double a = 50 + 12 * DrawNormal(random);
    const double skewed = std::exp(DrawNormal(random));
    const double yes = random.Unit() < share ? 1 : 0;
    const double eta = effect * ((a - 50) / 12 - 0.3 * skewed + yes) - 0.5;
    data.x.push_back({a, skewed, yes});
    if (kind == "poisson") {
      data.y.push_back(static_cast<Real>(DrawPoisson(random, std::exp(std::min(eta, 4.0)))));
    } else {
      data.y.push_back(random.Unit() < 1 / (1 + std::exp(-eta)) ? 1 : 0);
    }
    const double time = 20 * random.Unit() / std::exp(std::clamp(eta, -5.0, 3.0));
    data.time.push_back(std::ceil(time));
  }
  return data;
}

Rows RowsOf(const Data& data) {
  Rows rows;
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    rows.push_back({{"y", Text(static_cast<double>(data.y[i]))},
                    {"t", Text(static_cast<double>(data.time[i]))},
                    {"a", Text(static_cast<double>(data.x[i][0]))},
                    {"s", Text(static_cast<double>(data.x[i][1]))},
                    {"b", Text(static_cast<double>(data.x[i][2]))}});
  }
  return rows;
}

Plan PlanFor(const std::string& kind) {
  const std::string columns = (kind == "poisson" ? Integer("y", 0, 100'000) : Boolean("y")) +
                              Number("t", 0, 10'000) + Number("a", -1000, 1000) +
                              Number("s", 0, 10'000) + Boolean("b");
  const std::string what =
      kind == "cox" ? "event = \"y\"\ntime = \"t\"\nties = \"breslow\"\n" : "outcome = \"y\"\n";
  return PlanOf(columns, "kind = \"" + kind + "\"\n" + what + "features = [\"a\", \"s\", \"b\"]");
}

class ConvergedTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ConvergedTest, StandardErrorsAreThoseAtTheEstimates) {
  const std::string kind = GetParam();
  const Plan plan = PlanFor(kind);
  SeededRandom random(20'261'129);
  int fitted = 0;
  for (int draw = 0; draw < 200; ++draw) {
    const Data data = RandomData(random, kind);
    const Json json = RunOn(plan, {CohortOf(plan, RowsOf(data))}).json;
    // Some of the small ones separate.
    if (!json["converged"].get<bool>()) continue;
    ++fitted;
    Numbers start;
    for (const Json& line : json["coefficients"]) start.push_back(line["estimate"].get<double>());
    const Exact exact = Converge(
        [&](const Numbers& b) {
          return kind == "cox" ? OfRiskSets(data, b) : OfRows(data, b, kind == "poisson");
        },
        start);
    for (std::size_t j = 0; j < start.size(); ++j) {
      const Json& line = json["coefficients"][j];
      const std::string what = "draw " + std::to_string(draw) + ", coefficient " +
                               std::to_string(j) + " of " + std::to_string(data.x.size());
      const auto error = static_cast<double>(exact.std_errors[j]);
      EXPECT_NEAR(line["estimate"].get<double>(), static_cast<double>(exact.estimates[j]),
                  1e-9 * error)
          << what;
      ExpectClose(line["std_error"], error, 1e-9, what);
    }
  }
  EXPECT_GT(fitted, 150);
}

INSTANTIATE_TEST_SUITE_P(Kinds,
                         ConvergedTest,
                         ::testing::Values("logistic", "poisson", "cox"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace consilium::testing
