#pragma once

// A study whose sums take several chunks: many columns, few patients, and a federation to run it.

#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/result_document.h"
#include "tests/coordinator/federation_results.h"
#include "tests/support/wide_plan.h"

namespace consilium::testing {

inline constexpr std::uint32_t kWideSites = 4;
inline constexpr int kFeatures = 330;  ///< Sums of 110,000 words: four chunks.

inline std::string WidePlanText(const std::string& on_loss = "wait", int features = kFeatures) {
  WidePlan plan;
  plan.features = features;
  plan.tables = "[privacy]\nminimum_patients = 10\n[round]\ndeadline = \"30s\"\non_loss = \"" +
                on_loss + "\"\n";
  return TextOf(plan);
}

inline Cohort WideCohort(std::uint32_t site, int features = kFeatures) {
  SeededRandom random(900 + site);
  Cohort cohort;
  cohort.columns.emplace_back("y");
  for (int j = 0; j < features; ++j) cohort.columns.push_back("x" + std::to_string(j));
  cohort.patients = 150;
  cohort.values.resize(150, features + 1);
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    cohort.values(row, 0) = static_cast<double>(random.Below(2));
    for (Eigen::Index j = 1; j <= features; ++j) {
      cohort.values(row, j) = static_cast<double>(random.Below(2));
    }
  }
  return cohort;
}

/// Gives the sites wide cohorts and policies that let them be used.
inline void GiveWideCohorts(VirtualFederation& federation,
                            std::uint32_t sites,
                            int features = kFeatures) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.maximum_parameters_per_patient = std::numeric_limits<double>::infinity();
  policy.minimum_class = 0;
  for (std::uint32_t site = 0; site < sites; ++site) {
    federation.SetPolicy(site, policy);
    federation.SetCohort(site, WideCohort(site, features));
  }
}

inline FederationOptions WideOptions() {
  FederationOptions options;
  options.sites = kWideSites;
  return options;
}

class WideStudyTest : public ::testing::Test {
 protected:
  WideStudyTest() { GiveWideCohorts(federation_, kWideSites); }

  void Start(const std::string& on_loss = "wait") {
    federation_.JoinAll();
    study_ = federation_.Submit(WidePlanText(on_loss));
    federation_.ApproveAll(study_);
    federation_.Start(study_);
  }

  /// What plain sums over all sites release.
  static const std::string& Expected() {
    static const std::string expected = [] {
      const Plan plan = *ParsePlan(WidePlanText(), "plan.toml");
      std::vector<Cohort> cohorts;
      for (std::uint32_t site = 0; site < kWideSites; ++site) cohorts.push_back(WideCohort(site));
      std::vector<const Cohort*> pointers;
      for (const Cohort& cohort : cohorts) pointers.push_back(&cohort);
      const PlainRun run = RunPlain(*plan.analysis, pointers).value();
      return ResultDocument(plan, run.result, run.rounds);
    }();
    return expected;
  }

  void ExpectExact() {
    ASSERT_TRUE(federation_.RunToEnd(study_, 400)) << federation_.View(study_).reason;
    EXPECT_EQ(federation_.ResultOf(study_), Expected());
    for (const auto& [site, reason] : federation_.refusals())
      ADD_FAILURE() << site << " " << reason;
    federation_.Settle();
    for (std::uint32_t site = 0; site < kWideSites; ++site) {
      EXPECT_EQ(federation_.site(site).View(study_)->sums_known,
                federation_.View(study_).rounds_done);
    }
  }

  VirtualFederation federation_{WideOptions()};
  StudyId study_;
};

}  // namespace consilium::testing
