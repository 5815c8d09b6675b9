#include "common/terminal.h"

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

}  // namespace
}  // namespace consilium
