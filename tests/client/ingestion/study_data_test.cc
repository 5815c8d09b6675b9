#include "client/ingestion/study_data.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/csv_source.h"
#include "tests/client/study_builder.h"
#include "tests/support/clinical_data.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kContract = R"(
patient = "id"
maximum_patients = 3
[[column]]
name = "age"
type = "integer"
range = [0, 110]
[[column]]
name = "sick"
type = "boolean"
[[eligible]]
column = "age"
minimum = 18
)";

constexpr const char* kLargerContract = R"(
patient = "id"
[[column]]
name = "age"
type = "integer"
range = [0, 110]
[[column]]
name = "sick"
type = "boolean"
)";

class StudyDataTest : public ::testing::Test {
 protected:
  Source SourceOf(const std::string& csv) { return site_.Of(csv); }
  static Plan StudyOf(const char* contract) {
    ShapeOnlyAnalysis analysis;
    analysis.names = {"sick", "age"};
    return MakePlan(MakeContract(contract), analysis);
  }

  CsvSource site_;
};

TEST_F(StudyDataTest, BuildsTheCohortOfTheAnalysis) {
  const Source source = SourceOf("id,age,sick\nA,50,1\nB,17,0\nC,60,\nD,70,0\n");
  const auto cohort = LoadCohort(source, StudyOf(kContract));
  ASSERT_TRUE(cohort.has_value()) << Describe(cohort.error());
  EXPECT_THAT(cohort->cohort.columns, ElementsAre("sick", "age"));
  ASSERT_EQ(cohort->cohort.values.rows(), 2);
  EXPECT_EQ(cohort->cohort.values(1, 1), 70);
  EXPECT_EQ(cohort->cohort.patients, 2U);

  const auto report = CheckData(source, StudyOf(kContract));
  ASSERT_TRUE(report.has_value());
  ASSERT_TRUE(report->flow.has_value());
  EXPECT_EQ(report->flow->rows_left, 2U);
  EXPECT_THAT(RenderText(*report), AllOf(HasSubstr("4 patients in the data"),
                                         HasSubstr("1 removed, 3 left: not eligible"),
                                         HasSubstr("2 patients in the cohort")));
}

TEST_F(StudyDataTest, PatientsOnTheSitesListTakeNoPart) {
  const Source source = SourceOf("id,age,sick\nA,50,1\nB,40,1\nC,70,0\nC,71,0\n");
  SeededRandom random(1);
  PatientRegister patients{PatientKeyOf(SigningKey::Generate(random)), {}};
  const auto all = LoadCohort(source, StudyOf(kLargerContract), patients);
  ASSERT_TRUE(all.has_value()) << Describe(all.error());
  ASSERT_EQ(all->patients.size(), 3U);

  const auto code = [&](const char* patient) { return PatientCodeOf(patient, patients.key); };
  patients.excluded = Sorted({code("C"), code("nobody here")});
  const auto cohort = LoadCohort(source, StudyOf(kLargerContract), patients);
  ASSERT_TRUE(cohort.has_value()) << Describe(cohort.error());
  EXPECT_EQ(cohort->cohort.patients, 2U);
  EXPECT_EQ(cohort->patients, Merged({{code("A"), 1}, {code("B"), 1}}));

  const auto report = CheckData(source, StudyOf(kLargerContract), patients);
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(RenderText(*report),
              AllOf(HasSubstr("1 removed (2 rows), 2 left: excluded by this site"),
                    HasSubstr("names 2; 1 of them have rows here")));
}

TEST_F(StudyDataTest, RefusesDataThatBreakTheContract) {
  const Source source = SourceOf("id,age,sick\nA,500,1\nB,17,perhaps\n");
  const auto cohort = LoadCohort(source, StudyOf(kContract));
  ASSERT_FALSE(cohort.has_value());
  EXPECT_EQ(cohort.error().code, ErrorCode::kDataQuality);
  EXPECT_THAT(
      Describe(cohort.error()),
      AllOf(HasSubstr("p.csv does not meet the study's contract"),
            HasSubstr("age: 1 row out of range"), HasSubstr("sick: 1 row neither yes nor no"),
            HasSubstr("consilium-site check"), Not(HasSubstr("perhaps")), Not(HasSubstr("500"))));
  const auto report = CheckData(source, StudyOf(kContract));
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->HasProblems());
  EXPECT_FALSE(report->flow.has_value());
}

TEST_F(StudyDataTest, TooManyRowsForTheContractAreAProblem) {
  const Source source = SourceOf("id,age,sick\nA,50,1\nB,51,1\nC,52,0\nD,53,0\n");
  EXPECT_EQ(LoadCohort(source, StudyOf(kContract)).error().code, ErrorCode::kDataQuality);
  const auto report = CheckData(source, StudyOf(kContract));
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->HasProblems());
  EXPECT_THAT(RenderText(*report), HasSubstr("maximum_patients"));
}

// The UCI heart-disease files of four hospitals, where they are at hand.
TEST_F(StudyDataTest, ReadsRealHospitalsFiles) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  Source source;
  source.file = ClinicalData("heart_disease") / "csv/switzerland.csv";
  ColumnMapping disease;
  disease.name = "disease";
  disease.from = "num";
  disease.map = {{"0", "no"}, {"1", "yes"}, {"2", "yes"}, {"3", "yes"}, {"4", "yes"}};
  source.columns = {disease};
  ShapeOnlyAnalysis analysis;
  analysis.names = {"disease", "age", "sex", "thalach", "exang", "oldpeak"};
  const Plan plan = MakePlan(MakeContract(R"(
patient = "patient_id"
column = [
  { name = "age", type = "number", range = [18, 110] },
  { name = "sex", type = "boolean" },
  { name = "thalach", type = "number", range = [40, 230] },
  { name = "exang", type = "boolean" },
  { name = "oldpeak", type = "number", range = [-5, 10] },
  { name = "disease", type = "boolean" },
]
)"),
                             analysis);
  const auto cohort = LoadCohort(source, plan);
  ASSERT_TRUE(cohort.has_value()) << Describe(cohort.error());
  EXPECT_EQ(cohort->cohort.patients, 117U);
  EXPECT_EQ(cohort->cohort.values.col(0).sum(), 109);
}

}  // namespace
}  // namespace consilium
