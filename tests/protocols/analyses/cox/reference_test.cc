// Cox regressions over real hospitals' data against R's coxph(... + strata(hospital)).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/cox/cox_testing.h"

namespace consilium::testing {
namespace {

class CoxReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    folder_ = *DataFolder() / "multisite";
    reference_ = ReadJson(folder_ / "reference/multisite_reference.json");
  }
  Rows Table(const std::string& name) const { return ReadCsv(folder_ / "csv" / (name + ".csv")); }

  /// Both ways to treat ties.
  static void Compare(const std::string& columns,
                      const std::string& table,
                      const Rows& rows,
                      const std::string& site_column,
                      const Json& reference) {
    for (const char* ties : {"efron", "breslow"}) {
      SCOPED_TRACE(ties);
      const Plan plan = PlanOf(columns, table + "ties = \"" + ties + "\"\n");
      const std::vector<Cohort> cohorts = site_column.empty()
                                              ? std::vector<Cohort>{CohortOf(plan, rows)}
                                              : CohortsBy(plan, rows, site_column);
      const Outcome outcome = RunOn(plan, cohorts);
      ExpectEqualsCoxph(outcome.json, reference[ties]);
      EXPECT_LE(outcome.queries.size(), 9u);
    }
  }

  std::filesystem::path folder_;
  Json reference_;
};

class LungTest : public CoxReferenceTest {
 protected:
  void SetUp() override {
    CoxReferenceTest::SetUp();
    if (IsSkipped()) return;
    for (Row& row : Table("lung")) {
      if (!row["inst"].empty()) rows_.push_back(row);
    }
  }
  const std::string columns_ = Boolean("death") + Integer("time", 0, 3000) +
                               Number("age", 18, 110) + Number("sex", 1, 2) +
                               Number("ph_ecog", 0, 5);
  const std::string table_ = CoxTable("death", "time", "\"age\", \"sex\", \"ph_ecog\"");
  Rows rows_;
};

TEST_F(LungTest, StratifiedByInstitutionEqualsR) {
  Compare(columns_, table_, rows_, "inst", reference_["lung"]["cox_age_sex_ecog_strata_inst"]);
}

TEST_F(LungTest, AllPatientsInOnePlaceEqualR) {
  Compare(columns_, table_, rows_, "", reference_["lung"]["cox_age_sex_ecog"]);
}

TEST_F(CoxReferenceTest, ChronicGranulomatousDiseaseOverThirteenHospitalsEqualsR) {
  const std::string columns = Boolean("infection") + Number("time", 0, 600) + Boolean("rIFNg") +
                              Number("age", 0, 60) + Boolean("female") + Boolean("autosomal");
  const std::string table =
      CoxTable("infection", "time", "\"rIFNg\", \"age\", \"female\", \"autosomal\"");
  const Rows rows = Table("cgd_first_infection");
  Compare(columns, table, rows, "hospital", reference_["cgd"]["cox_strata_hospital"]);
  Compare(columns, table, rows, "", reference_["cgd"]["cox"]);
}

TEST_F(CoxReferenceTest, BoneMarrowTransplantsOverFourHospitalsEqualR) {
  const std::string columns = Boolean("dfs_event") + Integer("time_dfs", 0, 5000) +
                              Category("group", {"1", "2", "3"}) + Number("age", 0, 80) +
                              Number("donor_age", 0, 80) + Boolean("fab45");
  const std::string features = "\"age\", \"donor_age\", \"fab45\"";
  const Rows rows = Table("bmt");
  Compare(columns, CoxTable("dfs_event", "time_dfs", "\"group\", " + features), rows, "hospital",
          reference_["bmt"]["cox_dfs_strata_hospital"]);
  Compare(columns, CoxTable("dfs_event", "time_dfs", "\"group\", " + features), rows, "",
          reference_["bmt"]["cox_dfs"]);
  for (const char* hospital : {"ohio_state", "hahnemann_philadelphia"}) {
    Rows own;
    for (const Row& row : rows) {
      if (row.at("hospital") == hospital) own.push_back(row);
    }
    Compare(columns, CoxTable("dfs_event", "time_dfs", features), own, "",
            reference_["bmt"]["cox_dfs_by_hospital"][hospital]);
  }
}

TEST_F(CoxReferenceTest, VeteransEqualR) {
  Rows rows = Table("veteran");
  for (Row& row : rows) row["prior10"] = row["prior"] == "10" ? "1" : "0";
  Compare(Boolean("status") + Number("time", 0, 2000) + Number("trt", 1, 2) +
              Category("celltype", {"squamous", "smallcell", "adeno", "large"}) +
              Number("karno", 0, 100) + Number("diagtime", 0, 200) + Number("age", 18, 110) +
              Boolean("prior10"),
          CoxTable("status", "time",
                   "\"trt\", \"celltype\", \"karno\", \"diagtime\", \"age\", \"prior10\""),
          rows, "", reference_["veteran"]["cox"]);
}

TEST_F(LungTest, AHugeRangeCostsNoDigits) {
  const std::string wide = Boolean("death") + Number("time", 0, 1e9) + Number("age", -1e8, 1e8) +
                           Number("sex", -1e6, 1e6) + Number("ph_ecog", -1e6, 1e6);
  for (const char* ties : {"efron", "breslow"}) {
    const Plan plan = PlanOf(wide, table_ + "ties = \"" + ties + "\"\n");
    ExpectEqualsCoxph(RunOn(plan, CohortsBy(plan, rows_, "inst")).json,
                      reference_["lung"]["cox_age_sex_ecog_strata_inst"][ties]);
  }
}

}  // namespace
}  // namespace consilium::testing
