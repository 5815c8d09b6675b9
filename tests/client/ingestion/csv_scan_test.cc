#include "client/ingestion/csv_scan.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::ElementsAre;

TEST(CsvScanTest, FindsTheSameMarksInBothWays) {
  std::uint64_t state = 7;
  for (int round = 0; round < 2'000; ++round) {
    std::string block(kCsvBlock, 'x');
    for (char& c : block) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      const auto drawn = static_cast<unsigned char>(state >> 33U);
      c = drawn < 64 ? ",;\n\r\"\0|\t"[drawn % 8] : static_cast<char>(drawn);
      if (round % 2 == 0) c = static_cast<char>(c & 0x7F);
    }
    for (const char delimiter : {',', ';', '\t', '|'}) {
      ASSERT_EQ(CsvMarks(block.data(), delimiter), CsvMarksPortable(block.data(), delimiter));
    }
  }
}

TEST(CsvScanTest, GoesFromMarkToMarkOverBlocks) {
  std::string text(200, 'x');
  text[0] = ',';
  text[63] = '"';
  text[64] = '\n';
  text[190] = '\r';
  const std::size_t end = text.size();
  text.append(1 + kCsvBlock, '\0');
  CsvMarkCursor cursor(text.data(), ',', 0);
  std::vector<std::size_t> marks;
  for (int i = 0; i < 5; ++i) marks.push_back(cursor.Next());
  EXPECT_THAT(marks, ElementsAre(0U, 63U, 64U, 190U, end));
}

TEST(CsvScanTest, TellsWhetherAllIsAsciiUpToTheMark) {
  std::string text(300, 'x');
  text[70] = ',';
  text[200] = static_cast<char>(0xE9);
  text[250] = ',';
  text.append(1 + kCsvBlock, '\0');
  CsvMarkCursor cursor(text.data(), ',', 0);
  ASSERT_EQ(cursor.Next(), 70U);
  EXPECT_TRUE(cursor.is_ascii());
  ASSERT_EQ(cursor.Next(), 250U);
  EXPECT_FALSE(cursor.is_ascii());
}

}  // namespace
}  // namespace consilium
