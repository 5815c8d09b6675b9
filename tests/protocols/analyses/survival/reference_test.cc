// Survival curves and log-rank tests over real hospitals' data against R's survfit and survdiff.

#include <gtest/gtest.h>

#include "tests/protocols/analyses/survival/survival_testing.h"

namespace consilium::testing {
namespace {

constexpr double kTolerance = 1e-8;

class SurvivalReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    folder_ = *DataFolder() / "multisite";
    reference_ = ReadJson(folder_ / "reference/multisite_reference.json");
  }
  Rows Table(const std::string& name) const { return ReadCsv(folder_ / "csv" / (name + ".csv")); }

  std::filesystem::path folder_;
  Json reference_;
};

const Json& CurveOf(const Json& result, const std::string& group) {
  for (const Json& curve : result["curves"]) {
    if (curve["group"] == group) return curve;
  }
  throw std::runtime_error("no curve of " + group);
}

/// Every step of every curve; times in the reference are ours divided by `unit`.
void ExpectSteps(const Json& result, const Json& reference, double unit) {
  std::size_t steps = 0;
  for (const Json& curve : result["curves"]) {
    for (const Json& point : curve["points"]) steps += point["events"].get<double>() > 0 ? 1U : 0U;
  }
  EXPECT_EQ(steps, reference["full_curve"].size());
  for (const Json& step : reference["full_curve"]) {
    const Json* found = nullptr;
    for (const Json& point : CurveOf(result, step["group"])["points"]) {
      if (point["time"].get<double>() == unit * step["time"].get<double>()) found = &point;
    }
    ASSERT_NE(found, nullptr) << step.dump();
    EXPECT_EQ((*found)["at_risk"], step["n_risk"]);
    EXPECT_EQ((*found)["events"], step["n_event"]);
    EXPECT_NEAR((*found)["survival"].get<double>(), step["survival"].get<double>(), 1e-14);
    ExpectClose((*found)["cumulative_hazard"], step["cumhaz"], kTolerance, "hazard");
    if (step["survival"].get<double>() > 1e-12) {
      ExpectClose((*found)["std_error"], step["std_err"], kTolerance, "standard error");
    } else {
      EXPECT_TRUE((*found)["std_error"].is_null());
    }
  }
}

/// Limits at some times: those of the last step before.
void ExpectLimits(const Json& result, const Json& reference, double unit) {
  for (const Json& at : reference["at_times"]) {
    const Json* last = nullptr;
    for (const Json& point : CurveOf(result, at["group"])["points"]) {
      if (point["time"].get<double>() <= unit * at["time"].get<double>()) last = &point;
    }
    ASSERT_NE(last, nullptr);
    if (at["lower"].is_null()) continue;
    ExpectClose((*last)["conf_low"], at["lower"], kTolerance, "lower limit");
    ExpectClose((*last)["conf_high"], at["upper"], kTolerance, "upper limit");
  }
}

void ExpectMedian(const Json& curve, const Json& summary, double unit) {
  const std::string prefix = summary.contains("0.95LCL") ? "0.95" : "0_95";
  const std::pair<const char*, std::string> fields[] = {
      {"median", "median"}, {"median_low", prefix + "LCL"}, {"median_high", prefix + "UCL"}};
  for (const auto& [ours, theirs] : fields) {
    const Json expected = summary.value(theirs, Json());
    if (expected.is_null()) {
      EXPECT_TRUE(curve[ours].is_null()) << ours;
    } else {
      EXPECT_EQ(curve[ours].get<double>(), unit * expected.get<double>()) << ours;
    }
  }
}

void ExpectTest(const Json& test, const Json& reference) {
  ExpectClose(test["statistic"], reference["chisq"], kTolerance, "statistic");
  EXPECT_EQ(test["df"], reference["df"]);
  ExpectClose(test["p_value"], reference["p"], 1e-6, "p value");
  for (std::size_t g = 0; g < reference["groups"].size(); ++g) {
    EXPECT_EQ(test["groups"][g]["group"], reference["groups"][g]);
    EXPECT_EQ(test["groups"][g]["observed"], reference["observed"][g]);
    ExpectClose(test["groups"][g]["expected"], reference["expected"][g], kTolerance, "expected");
  }
}

Plan LungPlan(const std::string& more = "bin_width = 1\nminimum_events = 1\n") {
  return PlanOf(Boolean("death") + Integer("time", 0, 1100) + Category("sex", {"1", "2"}),
                SurvivalTable("death", "time", "group = \"sex\"\n" + more));
}

TEST_F(SurvivalReferenceTest, LungCancerBySexOverInstitutionsEqualsR) {
  const Plan plan = LungPlan();
  const Json json = RunOn(plan, CohortsBy(plan, Table("lung"), "inst")).json;
  const Json& r = reference_["lung"];
  ExpectSteps(json, r["km_by_sex"], 1);
  ExpectLimits(json, r["km_by_sex"], 1);
  for (std::size_t g = 0; g < 2; ++g) {
    ExpectMedian(json["curves"][g], r["km_by_sex"]["summary"][g], 1);
  }
  ExpectTest(json["log_rank"], r["logrank_sex"]);
}

TEST_F(SurvivalReferenceTest, TheLogRankTestStratifiedByInstitutionEqualsR) {
  const Plan plan = LungPlan("bin_width = 100\n");
  Rows rows;
  for (Row& row : Table("lung")) {
    if (!row["inst"].empty() && !row["ph_ecog"].empty()) rows.push_back(row);
  }
  const Json json = RunOn(plan, CohortsBy(plan, rows, "inst")).json;
  ExpectTest(json["stratified_log_rank"], reference_["lung"]["logrank_sex_strata_inst"]);
}

TEST_F(SurvivalReferenceTest, LungCancerWithoutGroupsEqualsR) {
  const Plan plan = PlanOf(Boolean("death") + Integer("time", 0, 1100),
                           SurvivalTable("death", "time", "bin_width = 1\nminimum_events = 1\n"));
  const Json json = RunOn(plan, CohortsBy(plan, Table("lung"), "inst")).json;
  ExpectSteps(json, reference_["lung"]["km"], 1);
  ExpectLimits(json, reference_["lung"]["km"], 1);
  ExpectMedian(json["curves"][0], reference_["lung"]["km"]["summary"], 1);
  EXPECT_FALSE(json.contains("log_rank"));
}

TEST_F(SurvivalReferenceTest, VeteransInWeeksEqualROnTimesRoundedUp) {
  const Plan plan = PlanOf(Boolean("status") + Number("time", 0, 1000),
                           SurvivalTable("status", "time", "bin_width = 7\nminimum_events = 1\n"));
  const Rows rows = Table("veteran");
  const Json& r = reference_["veteran"]["km_weekly_bins"];
  const Json json = RunOn(plan, CohortsBy(plan, rows, "celltype")).json;
  ExpectSteps(json, r, 7);
  ExpectLimits(json, r, 7);
  ExpectMedian(json["curves"][0], r["summary"], 7);
}

TEST_F(SurvivalReferenceTest, VeteransByCellTypeEqualR) {
  const Plan plan = PlanOf(
      Boolean("status") + Number("time", 0, 1000) +
          Category("celltype", {"squamous", "smallcell", "adeno", "large"}),
      SurvivalTable("status", "time", "group = \"celltype\"\nbin_width = 1\nminimum_events = 1\n"));
  const Json json = RunOn(plan, CohortsBy(plan, Table("veteran"), "trt")).json;
  ExpectTest(json["log_rank"], reference_["veteran"]["logrank_celltype"]);
}

TEST_F(SurvivalReferenceTest, TransplantsByGroupEqualR) {
  const Plan plan = PlanOf(
      Boolean("dfs_event") + Integer("time_dfs", 0, 3000) + Category("group", {"1", "2", "3"}),
      SurvivalTable("dfs_event", "time_dfs",
                    "group = \"group\"\nbin_width = 1\nminimum_events = 1\n"));
  const Json json = RunOn(plan, CohortsBy(plan, Table("bmt"), "hospital")).json;
  const Json& r = reference_["bmt"];
  ExpectSteps(json, r["km_by_group"], 1);
  ExpectLimits(json, r["km_by_group"], 1);
  for (std::size_t g = 0; g < 3; ++g) {
    ExpectMedian(json["curves"][g], r["km_by_group"]["summary"][g], 1);
  }
  ExpectTest(json["log_rank"], r["logrank_group"]);
}

TEST_F(SurvivalReferenceTest, GammaInterferonOverThirteenHospitalsEqualsR) {
  const Plan plan = PlanOf(
      Boolean("infection") + Number("time", 0, 600) + Boolean("rIFNg"),
      SurvivalTable("infection", "time", "group = \"rIFNg\"\nbin_width = 1\nminimum_events = 1\n"));
  const Json json = RunOn(plan, CohortsBy(plan, Table("cgd_first_infection"), "hospital")).json;
  Json reference = reference_["cgd"];
  for (const char* test : {"logrank", "logrank_strata_hospital"}) {
    reference[test]["groups"] = {"false", "true"};
  }
  ExpectTest(json["log_rank"], reference["logrank"]);
  ExpectTest(json["stratified_log_rank"], reference["logrank_strata_hospital"]);
}

}  // namespace
}  // namespace consilium::testing
