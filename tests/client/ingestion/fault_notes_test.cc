#include "client/ingestion/fault_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/csv_source.h"
#include "tests/client/study_builder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kContract = R"(
patient = "id"
[[column]]
name = "chol"
type = "number"
range = [50, 700]
[[column]]
name = "ward"
type = "category"
levels = ["a", "b"]
[[column]]
name = "age"
type = "integer"
range = [0, 110]
required = true
)";

class FaultNotesTest : public ::testing::Test {
 protected:
  QualityReport ReportOf(const std::string& rows) {
    return site_.Load("id,chol,ward,age\n" + rows, MakeContract(kContract)).report;
  }

  CsvSource site_;
};

TEST_F(FaultNotesTest, PatientsWithAFaultAreCountedOnce) {
  const QualityReport report =
      ReportOf("A,20,a,50\nA,30,a,50\nB,10,c,50\nC,200,c,\n,7,a,50\nD,x,a,50\nD,300,a,50\n");
  const auto& chol = report.columns[0].problems;
  EXPECT_EQ(chol.at(DataFault::kOutOfRange).count, 4U);
  EXPECT_EQ(chol.at(DataFault::kOutOfRange).patients, 2U);  // The row of nobody is no patient's.
  EXPECT_EQ(chol.at(DataFault::kNotANumber).patients, 1U);
  EXPECT_EQ(report.columns[1].problems.at(DataFault::kUnknownLevel).patients, 2U);
  EXPECT_EQ(report.columns[2].problems.at(DataFault::kRequiredMissing).patients, 1U);
}

TEST_F(FaultNotesTest, WordsForNotKnownAreNamedAndOtherTextsAreNot) {
  const QualityReport report =
      ReportOf("A,NA,unknown,50\nB,NA,9,50\nC,SECRET-NAME,a,50\nD,-9,b,50\nE,n/a,b,50\n");
  EXPECT_EQ(report.columns[0].usual_codes,
            (std::map<std::string, std::uint64_t>{{"NA", 2}, {"n/a", 1}}));
  EXPECT_EQ(report.columns[1].usual_codes,
            (std::map<std::string, std::uint64_t>{{"9", 1}, {"unknown", 1}}));
  EXPECT_THAT(UsualCodesInWords(report.columns[0]),
              AllOf(HasSubstr("2 hold \"NA\""), HasSubstr("missing = [\"NA\", \"n/a\"]")));
  EXPECT_THAT(RenderText(report), AllOf(HasSubstr("2 hold \"NA\""), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(RenderJson(report), Not(HasSubstr("SECRET")));
}

TEST_F(FaultNotesTest, ReportsWithoutAFaultHaveNoNotes) {
  const QualityReport report = ReportOf("A,,a,50\nB,100,,50\n");
  EXPECT_FALSE(report.HasProblems());
  for (const ColumnQuality& column : report.columns) EXPECT_THAT(column.usual_codes, IsEmpty());
}

/// Its unit is what is wrong with it: 9 and 99 mg may well have been measured.
TEST_F(FaultNotesTest, ANumberInAnUnknownUnitIsNoUsualCode) {
  const auto source = site_.Of("id,x,u\nA,9,furlong\nB,99,\nC,NA,furlong\nD,1,mol\nE,2,mol\n",
                               "[[column]]\nname = \"x\"\nunit_from = \"u\"\n");
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  const auto loaded = LoadSource(
      *source, MakeContract("patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"number\"\n"
                            "unit = \"g\"\nrange = [0, 9]\n"));
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const ColumnQuality& x = loaded->report.columns[0];
  EXPECT_EQ(x.problems.at(DataFault::kUnknownUnit).count, 4U);
  EXPECT_EQ(x.problems.at(DataFault::kUnknownUnit).patients, 4U);
  EXPECT_EQ(x.usual_codes, (std::map<std::string, std::uint64_t>{{"NA", 1}}));
  // What has the form of a unit is named; another text may be about a patient.
  EXPECT_EQ(x.unknown_units, (std::map<std::string, std::uint64_t>{{"", 1}, {"mol", 2}}));
  EXPECT_EQ(UnknownUnitsInWords(x),
            "Of these rows 1 name no unit, 2 name \"mol\" and 1 name something else.");
  for (const std::string& form : {RenderText(loaded->report), RenderJson(loaded->report)}) {
    EXPECT_THAT(form, AllOf(HasSubstr("mol"), Not(HasSubstr("furlong"))));
  }
}

TEST(UsualCodeTest, IsOneOfOurWordsOrNothing) {
  EXPECT_EQ(UsualCode("N/A"), "N/A");
  EXPECT_EQ(UsualCode("Unbekannt"), "Unbekannt");
  EXPECT_EQ(UsualCode("-999"), "-999");
  EXPECT_EQ(UsualCode("Maria"), "");
  EXPECT_EQ(UsualCode(""), "");
}

}  // namespace
}  // namespace consilium
