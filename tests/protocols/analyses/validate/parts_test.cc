#include "protocols/analyses/validate/parts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using validate::Fold;
using validate::FoldOf;
using validate::PartedRows;
using validate::ValidatePlan;

const std::string kColumns = Boolean("ill") + Number("dose", 0, 10);
const std::string kTable =
    "kind = \"validate\"\nmodel = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"dose\"]\n";

/// As MakeAnalysis leaves it.
Settings WithKindRead(Settings analysis) {
  EXPECT_EQ(analysis.Text("kind").value(), "validate");
  return analysis;
}

ValidatePlan PlanWith(const std::string& more) {
  const Settings settings = Settings::Parse("[analysis]\n" + kTable + more, "plan.toml").value();
  return validate::ParseValidatePlan(WithKindRead(settings.Table("analysis").value()),
                                     PlanOf(kColumns, kTable + more).contract, 3)
      .value();
}

/// `rows_each` rows of each of so many patients: the dose is the row's number.
Cohort PatientsOf(const std::string& more, int patients, int rows_each) {
  Rows rows;
  for (int i = 0; i < patients * rows_each; ++i) {
    rows.push_back({{"patient_id", "p" + std::to_string(i % patients + 1)},
                    {"ill", i % 3 == 0 ? "1" : "0"},
                    {"dose", std::to_string(i % 10)}});
  }
  return CohortOf(PlanOf(kColumns, kTable + more), rows);
}

/// As the documentation's formula gives them, by another program.
TEST(FoldTest, IsThatOfAHashOfSeedAndPatient) {
  std::vector<Fold> five;
  std::vector<Fold> three;
  for (int i = 1; i <= 12; ++i) {
    const double patient = PatientNumber("p" + std::to_string(i));
    five.push_back(FoldOf(1, patient, 5));
    three.push_back(FoldOf(2, patient, 3));
  }
  EXPECT_THAT(five, ElementsAre(5, 3, 4, 1, 2, 4, 4, 5, 2, 1, 5, 2));
  EXPECT_THAT(three, ElementsAre(3, 3, 3, 2, 3, 2, 3, 2, 2, 2, 2, 2));
}

/// 5 bins of 20000: chi-squared on 4 degrees of freedom is above 23.5 with probability 1e-4.
TEST(FoldTest, AreAboutEquallyLarge) {
  std::vector<double> counts(5, 0.0);
  for (int i = 0; i < 20'000; ++i) counts[FoldOf(7, PatientNumber(std::to_string(i)), 5) - 1] += 1;
  double statistic = 0;
  for (const double count : counts) statistic += (count - 4'000) * (count - 4'000) / 4'000;
  EXPECT_LT(statistic, 23.5);
}

TEST(PartedRowsTest, AllRowsOfAPatientAreInOneFold) {
  const ValidatePlan plan = PlanWith("folds = 4\n");
  const Cohort cohort = PatientsOf("folds = 4\n", 40, 3);
  const PartedRows rows = PartedRows::Of(plan, cohort).value();
  EXPECT_THAT(rows.all().columns, ElementsAre("ill", "dose"));
  double sum = 0;
  double patients = 0;
  for (Fold fold = 1; fold <= 4; ++fold) {
    const Cohort held_out = rows.HeldOut(fold);
    const Cohort training = rows.Training(fold);
    EXPECT_EQ(held_out.values.rows(), 3 * static_cast<Eigen::Index>(held_out.patients));
    EXPECT_EQ(training.values.rows() + held_out.values.rows(), 120);
    EXPECT_EQ(training.patients + held_out.patients, 40u);
    const validate::Sizes sizes = validate::SizesOf(plan, held_out);
    EXPECT_EQ(sizes.rows, static_cast<double>(held_out.values.rows()));
    EXPECT_EQ(sizes.patients, static_cast<double>(held_out.patients));
    EXPECT_EQ(sizes.events, held_out.values.col(0).sum());
    sum += sizes.rows;
    patients += sizes.patients;
  }
  EXPECT_EQ(sum, 120);
  EXPECT_EQ(patients, 40);
}

TEST(PartedRowsTest, DoNotDependOnTheOrderOfRows) {
  const ValidatePlan plan = PlanWith("seed = 9\n");
  Cohort cohort = PatientsOf("seed = 9\n", 60, 1);
  const auto doses = [&](Fold fold) {
    const Cohort part = PartedRows::Of(plan, cohort)->HeldOut(fold);
    std::vector<double> values;
    for (Eigen::Index row = 0; row < part.values.rows(); ++row) {
      values.push_back(part.values(row, 1) + 100 * part.values(row, 0));
    }
    std::sort(values.begin(), values.end());
    return values;
  };
  const std::vector<double> before = doses(2);
  cohort.values.colwise().reverseInPlace();
  EXPECT_EQ(doses(2), before);
  EXPECT_FALSE(before.empty());
}

const std::string kSites = "method = \"leave-one-site-out\"\nsites = [\"north\", \"south\"]\n";

TEST(PartedRowsTest, ASiteIsHeldOutWholeAndNothingElseIs) {
  const ValidatePlan plan = PlanWith(kSites);
  Cohort cohort = PatientsOf(kSites, 10, 2);
  for (const auto& [site, own] : std::map<std::string, Fold>{{"south", 2}, {"east", 0}}) {
    cohort.site = site;
    const PartedRows rows = PartedRows::Of(plan, cohort).value();
    for (Fold fold = 1; fold <= 2; ++fold) {
      const bool held_out = fold == own;
      EXPECT_EQ(rows.HeldOut(fold).values.rows(), held_out ? 20 : 0);
      EXPECT_EQ(rows.HeldOut(fold).patients, held_out ? 10u : 0u);
      EXPECT_EQ(rows.Training(fold).values.rows(), held_out ? 0 : 20);
      EXPECT_EQ(rows.Training(fold).patients, held_out ? 0u : 10u);
      EXPECT_EQ(validate::SizesOf(plan, rows.HeldOut(fold)).rows, held_out ? 20 : 0);
    }
  }
}

TEST(PartedRowsTest, ASiteThatDoesNotKnowItsNameIsRefused) {
  const auto rows = PartedRows::Of(PlanWith(kSites), PatientsOf(kSites, 10, 1));
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code, ErrorCode::kDataQuality);
  EXPECT_THAT(rows.error().message, HasSubstr("which site's rows"));
}

TEST(PartedRowsTest, RefusesWhatIsNoPatientsNumberOrBreaksTheContract) {
  const ValidatePlan plan = PlanWith("");
  const double bad[] = {-1, 0.5, 0x1p53, std::numeric_limits<double>::quiet_NaN(),
                        std::numeric_limits<double>::infinity()};
  for (const double number : bad) {
    Cohort cohort = PatientsOf("", 10, 1);
    cohort.values(3, 2) = number;
    const auto rows = PartedRows::Of(plan, cohort);
    ASSERT_FALSE(rows.has_value());
    EXPECT_THAT(rows.error().message, HasSubstr("row 4"));
  }
  Cohort cohort = PatientsOf("", 10, 1);
  cohort.values(6, 1) = 11;
  EXPECT_THAT(PartedRows::Of(plan, cohort).error().message, HasSubstr("row 7"));
  Cohort more = PatientsOf("", 10, 1);
  more.patients = 9;
  EXPECT_THAT(PartedRows::Of(plan, more).error().message, HasSubstr("more patients"));
  Cohort without = PatientsOf("", 10, 1);
  without.columns.pop_back();
  EXPECT_EQ(PartedRows::Of(plan, without).error().code, ErrorCode::kInvalidArgument);
  without.columns.push_back("other");
  EXPECT_EQ(PartedRows::Of(plan, without).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace consilium::testing
