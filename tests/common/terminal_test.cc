#include "common/terminal.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace consilium {
namespace {

/// What is read when a program writes this into a pipe and closes it.
Result<Passphrase> ReadOver(const std::string& text) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  Result<Passphrase> passphrase = ReadPassphraseFrom(ends[0]);
  ::close(ends[0]);
  return passphrase;
}

TEST(TerminalTest, ReadsAPassphraseOverADescriptor) {
  EXPECT_EQ(ReadOver("correct horse\nmore")->Expose(), "correct horse");
  EXPECT_EQ(ReadOver("correct horse")->Expose(), "correct horse");
  EXPECT_EQ(ReadOver("").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadOver("\n").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadOver(std::string(5'000, 'x')).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadPassphraseFrom(987'654).error().code, ErrorCode::kIo);
}

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
  EXPECT_EQ(Printable("C1 \xc2\x80 \xc2\x9b \xc2\x9f"), "C1 ? ? ?");
  EXPECT_EQ(Printable("M\xc3\xbcller \xc2\xa0\xe2\x82\xac"), "M\xc3\xbcller \xc2\xa0\xe2\x82\xac");
}

TEST(TerminalTest, ShowsNoOverrideOfDirection) {
  for (const char* mark :
       {"\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
        "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xef\xbb\xbf"}) {
    EXPECT_EQ(Printable("a" + std::string(mark) + "b"), "a?b");
  }
  EXPECT_EQ(Printable("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"), "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d");
}

TEST(TerminalTest, ShowsNoByteThatIsNoText) {
  // 0x9b alone begins a command on terminals of eight bits.
  EXPECT_EQ(Printable("\x9b"
                      "31m \xff \xc0\xaf \xed\xa0\x80 \xe2\x82"),
            "?31m ? ?? ??? ??");
}

TEST(TerminalTest, APeersTextBreaksNoLine) {
  EXPECT_EQ(OneLine("a\nb\r\nc\xe2\x80\xa8"
                    "d"),
            "a b? c?d");
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
