#pragma once

// Hospitals with a known model, and validations over them.

#include <string>
#include <vector>

#include "common/portable_math.h"
#include "common/random.h"
#include "simulations/draws.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {

inline const std::string kValidateColumns =
    Boolean("ill") + Number("x", -4, 4) + Category("stage", {"i", "ii", "iii"});
inline const std::string kValidate =
    "kind = \"validate\"\nmodel = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"x\", "
    "\"stage\"]\nscore_bins = 100\n";
inline const std::string kLeaveOut =
    "method = \"leave-one-site-out\"\nsites = [\"site-1\", \"site-2\", \"site-3\"]\n";

/// Patients at so many sites in turn, whose log odds are those of the model and `shift` of the
/// site.
inline Rows PatientsAt(std::size_t sites, std::size_t count, std::vector<double> shift = {}) {
  SeededRandom random = StreamOf(3, "validate test");
  shift.resize(sites, 0.0);
  const double effect[] = {0, 0.5, 1.5};
  const char* const names[] = {"i", "ii", "iii"};
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = -2 + 4 * random.Unit();
    const auto stage = static_cast<std::size_t>(random.Below(3));
    const double p = PortableLogistic(-0.5 + x + effect[stage] + shift[i % sites]);
    rows.push_back({{"site", "site-" + std::to_string(i % sites + 1)},
                    {"patient_id", "p" + std::to_string(i)},
                    {"ill", random.Unit() < p ? "1" : "0"},
                    {"x", std::to_string(x)},
                    {"stage", names[stage]}});
  }
  return rows;
}

/// CohortsBy "site", each with its name.
inline std::vector<Cohort> NamedCohorts(const Plan& plan, const Rows& rows) {
  std::vector<Cohort> cohorts = CohortsBy(plan, rows, "site");
  std::vector<std::string> order;
  for (const Row& row : rows) {
    const std::string& site = row.at("site");
    if (std::find(order.begin(), order.end(), site) == order.end()) order.push_back(site);
  }
  for (std::size_t i = 0; i < cohorts.size(); ++i) cohorts[i].site = order[i];
  return cohorts;
}

inline Plan ValidatePlanOf(const std::string& more = "") {
  return PlanOf(kValidateColumns, kValidate + more);
}

}  // namespace consilium::testing
