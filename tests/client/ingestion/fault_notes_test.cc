#include "client/ingestion/fault_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"

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
    Source source;
    source.file = folder_.Write("p.csv", "id,chol,ward,age\n" + rows);
    auto loaded = LoadSource(source, MakeContract(kContract));
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    return std::move(loaded->report);
  }

  TemporaryFolder folder_;
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

TEST(UsualCodeTest, IsOneOfOurWordsOrNothing) {
  EXPECT_EQ(UsualCode("N/A"), "N/A");
  EXPECT_EQ(UsualCode("Unbekannt"), "Unbekannt");
  EXPECT_EQ(UsualCode("-999"), "-999");
  EXPECT_EQ(UsualCode("Maria"), "");
  EXPECT_EQ(UsualCode(""), "");
}

}  // namespace
}  // namespace consilium
