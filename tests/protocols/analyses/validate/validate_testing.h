#pragma once

// Hospitals with a known model, and validations over them.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/portable_math.h"
#include "common/random.h"
#include "protocols/analyses/validate/settings.h"
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

/// A validated regression of the patients of PatientsAt.
struct ValidatedModel {
  std::string name;
  std::string columns;  ///< Of the contract.
  std::string table;    ///< [analysis]
};

inline std::vector<ValidatedModel> ValidatedModels() {
  const std::string features = Number("x", -4, 4) + Category("stage", {"i", "ii", "iii"});
  const auto table = [](const std::string& model, const std::string& outcome) {
    return "kind = \"validate\"\nmodel = \"" + model + "\"\n" + outcome +
           "features = [\"x\", \"stage\"]\n";
  };
  return {
      {"logistic", kValidateColumns, kValidate},
      {"linear", Number("pain", -20, 20) + features, table("linear", "outcome = \"pain\"\n")},
      {"poisson", Integer("visits", 0, 500) + features, table("poisson", "outcome = \"visits\"\n")},
      {"cox", Boolean("died") + Number("time", 0, 100) + features,
       table("cox", "event = \"died\"\ntime = \"time\"\n")}};
}

inline ValidatedModel ValidatedModelOf(const std::string& name) {
  for (ValidatedModel& model : ValidatedModels()) {
    if (model.name == name) return model;
  }
  ADD_FAILURE() << "no model " << name;
  return {};
}

inline Plan ModelPlanOf(const std::string& model, const std::string& more = "") {
  const ValidatedModel found = ValidatedModelOf(model);
  return PlanOf(found.columns, found.table + more);
}

/// The settings that a plan comes of.
inline validate::ValidatePlan ParsedPlan(const std::string& model,
                                         const std::string& more,
                                         std::uint32_t minimum_sites) {
  const ValidatedModel found = ValidatedModelOf(model);
  const Settings settings =
      Settings::Parse("[analysis]\n" + found.table + more, "plan.toml").value();
  const Settings analysis = settings.Table("analysis").value();
  // As MakeAnalysis leaves it.
  EXPECT_EQ(analysis.Text("kind").value(), "validate");
  return validate::ParseValidatePlan(analysis, ModelPlanOf(model, more).contract, minimum_sites)
      .value();
}

/// Outcomes of the same patients for the other models, at a linear predictor.
inline void DrawOutcomes(double eta, SeededRandom& random, Row& row) {
  const double noise = random.Unit() + random.Unit() + random.Unit() - 1.5;
  row["pain"] = std::to_string(2 * eta + 3 * noise);
  int visits = 0;
  for (double left = std::exp(0.5 * eta); (left += std::log(1 - random.Unit())) > 0;) ++visits;
  row["visits"] = std::to_string(visits);
  const double event = -5 * std::log(1 - random.Unit()) * std::exp(-eta);
  const double seen = 10 * random.Unit();
  row["died"] = event <= seen ? "1" : "0";
  row["time"] = std::to_string(std::min(event, seen));
}

/// Patients at so many sites in turn, whose log odds are those of the model and `shift` of the
/// site.
inline Rows PatientsAt(std::size_t sites, std::size_t count, std::vector<double> shift = {}) {
  SeededRandom random = StreamOf(3, "validate test");
  SeededRandom others = StreamOf(3, "other outcomes");
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
    DrawOutcomes(-0.5 + x + effect[stage] + shift[i % sites], others, rows.back());
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
