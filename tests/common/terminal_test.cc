#include "common/terminal.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(TerminalTest, DrawsABarWithinItsWidth) {
  EXPECT_EQ(ProgressBar(0.5, 12), "[#####-----]");
  EXPECT_EQ(ProgressBar(-1, 12), "[----------]");
  EXPECT_EQ(ProgressBar(7, 12), "[##########]");
}

TEST(TerminalTest, AlignsColumnsByCodePoints) {
  const std::string table = AlignedTable({{"site", "n"}, {"Zürich", "1"}, {"a", "22"}});

  EXPECT_EQ(table, "site    n\nZürich  1\na       22\n");
}

TEST(TerminalTest, ShowsNoControlCharacters) {
  EXPECT_EQ(Printable("a\x1b[31mb\nc"), "a?[31mb\nc");
}

TEST(TerminalTest, BreaksAtBlanks) {
  EXPECT_EQ(Wrapped("one two three", 8, 2), "one two\n  three");
}

TEST(TerminalTest, PaintsOnlyWhereColoursAreShown) {
  EXPECT_EQ(Paint("x", Colour::kRed, false), "x");
  EXPECT_NE(Paint("x", Colour::kRed, true), "x");
}

TEST(TerminalTest, ProgressSaysHowFarWhereThatIsKnown) {
  EXPECT_EQ(ProgressText("Reading a.csv", 0.5, "12 rows", 80),
            "Reading a.csv [#########---------] 50 % 12 rows");
  EXPECT_EQ(ProgressText("Reading a.csv", std::nullopt, "12 rows", 80), "Reading a.csv 12 rows");
  EXPECT_EQ(ColumnsOf(ProgressText(std::string(100, 'x'), 0.5, "", 20).substr(0, 20)), 20U);
  EXPECT_THAT(ProgressText("Reading", 2.0, "", 80), ::testing::HasSubstr("100 %"));
}

TEST(TerminalTest, ProgressShowsNothingWhereNoTerminalIs) {
  ::testing::internal::CaptureStderr();
  {
    ProgressLine line("Reading");
    line.Show(0.5, "1 row");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace consilium
