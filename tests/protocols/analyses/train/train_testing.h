#pragma once

// Small studies of kind "train" with patients from known models.

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/train/settings.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {

inline std::string TrainColumns() {
  return Boolean("ill") + Number("dose", 0, 10) + Number("age", 20, 90) +
         Category("group", {"a", "b", "c"}) + Number("pressure", 60, 220);
}

inline std::string TrainAnalysis(const std::string& outcome, const std::string& rest) {
  return "kind = \"train\"\noutcome = \"" + outcome + "\"\nfeatures = [\"dose\", \"age\"]\n" + rest;
}

inline Plan TrainPlanOf(const std::string& outcome, const std::string& rest) {
  return PlanOf(TrainColumns(), TrainAnalysis(outcome, rest));
}

/// Patients whose illness, group and pressure follow dose and age; `shift` moves the hospital.
inline Cohort TrainPatients(const Plan& plan,
                            std::size_t count,
                            std::uint64_t seed,
                            double shift = 0) {
  Cohort cohort;
  cohort.columns = plan.analysis->columns();
  cohort.values.resize(static_cast<Eigen::Index>(count), 3);
  cohort.patients = count;
  SeededRandom random(seed);
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
    const double dose = 10 * random.Unit();
    const double age = 20 + 70 * random.Unit();
    const double eta = 0.5 * (dose - 5) + 0.03 * (age - 55) + shift;
    const double draw = random.Unit();
    double outcome = draw < 1 / (1 + std::exp(-eta)) ? 1 : 0;
    if (cohort.columns[0] == "group") outcome = dose < 3 ? 0 : age + 20 * draw < 65 ? 1 : 2;
    if (cohort.columns[0] == "pressure") outcome = 120 + 4 * eta + 10 * (draw - 0.5);
    cohort.values(i, 0) = outcome;
    cohort.values(i, 1) = dose;
    cohort.values(i, 2) = age;
  }
  return cohort;
}

inline std::vector<Cohort> TrainSites(const Plan& plan, std::size_t sites, std::size_t rows = 60) {
  std::vector<Cohort> cohorts;
  for (std::size_t site = 0; site < sites; ++site) {
    cohorts.push_back(
        TrainPatients(plan, rows + 7 * site, site, 0.5 * static_cast<double>(site) - 0.5));
  }
  return cohorts;
}

/// A gradient of the mean logistic loss in double over TrainPatients, on terms scaled by the
/// contract's ranges.
inline std::vector<double> GradientByHand(const Cohort& cohort, const std::vector<double>& w) {
  std::vector<double> gradient(3, 0.0);
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
    const double x[] = {(cohort.values(i, 1) - 5) / 5, (cohort.values(i, 2) - 55) / 35, 1};
    const double p = 1 / (1 + std::exp(-(w[0] * x[0] + w[1] * x[1] + w[2])));
    for (std::size_t j = 0; j < 3; ++j) {
      gradient[j] += (p - cohort.values(i, 0)) * x[j] / static_cast<double>(cohort.values.rows());
    }
  }
  return gradient;
}

/// All numbers of a result's parameters, in order.
inline std::vector<double> ParametersOf(const Json& result) {
  std::vector<double> numbers;
  for (const Json& tensor : result["parameters"]) {
    for (const Json& value : tensor["values"]) numbers.push_back(value.get<double>());
  }
  return numbers;
}

inline void ExpectNear(const std::vector<double>& found,
                       const std::vector<double>& expected,
                       double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t j = 0; j < found.size(); ++j) EXPECT_NEAR(found[j], expected[j], tolerance);
}

}  // namespace consilium::testing
