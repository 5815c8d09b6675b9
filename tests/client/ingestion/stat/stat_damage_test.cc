// Files of SAS, SPSS and Stata that are not what they should be:
// client/ingestion/stat/stat_whole.cc and what is left of the library's faults.

#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/stat/stat_file.h"
#include "common/random.h"
#include "tests/client/ingestion/stat/stat_fixture.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using StatDamageTest = StatFileTest;

TEST_F(StatDamageTest, ASecondDataSetIsNotRowsOfTheFirst) {
  constexpr std::size_t kLibraryHead = 240;
  for (const int version : {5, 8}) {
    StatTable table = PlainTable();
    table.version = version;
    const std::string one = Written(StatFormat::kXpt, table);
    EXPECT_THAT(ErrorOf(one + one.substr(kLibraryHead), {.format = StatFormat::kXpt}),
                HasSubstr("several data sets"))
        << version;
  }
}

TEST_F(StatDamageTest, ObservationsDeletedInSasAreNotReadAsIfTheyWereThere) {
  std::string bytes = Written(StatFormat::kSas7bdat, PlainTable());
  // The subheader "row size" of the 64-bit form: signature, then the rows at 48, the deleted at 56.
  const std::size_t subheader = bytes.find(std::string("\xF7\xF7\xF7\xF7\0\0\0\0", 8));
  ASSERT_NE(subheader, std::string::npos);
  ASSERT_EQ(bytes[subheader + 48], 3);
  ASSERT_EQ(bytes[subheader + 56], 0);
  bytes[subheader + 56] = 1;
  EXPECT_THAT(ErrorOf(bytes, {.format = StatFormat::kSas7bdat}),
              AllOf(HasSubstr("were deleted in SAS"), HasSubstr("data COPY")));
}

TEST_F(StatDamageTest, AFileThatWasCutOffIsNeverAShorterTable) {
  StatTable table = LabelledTable();
  for (const StatFormat format : kFormats) {
    SCOPED_TRACE(NameOf(format));
    if (format == StatFormat::kPor) {
      for (WrittenVariable& variable : table.variables) variable.name[0] = 'V';
      table.variables[0].name = "VID";
      table.variables[1].name = "VSEX";
      table.variables[2].name = "VNYHA";
    }
    const std::string whole = Written(format, table);
    const auto rows = Try(whole, {.format = format});
    ASSERT_TRUE(rows.has_value()) << Describe(rows.error());
    // Early on nothing is a table; the last bytes matter most.
    const std::size_t step = whole.size() / 25;
    for (std::size_t cut = 1; cut < whole.size(); cut += cut < 30 ? 1 : step) {
      // XPORT files have no count of rows, and all their parts a length of 80.
      if (format == StatFormat::kXpt && cut % 80 == 0) continue;
      const auto shorter = Try(whole.substr(0, whole.size() - cut), {.format = format});
      if (shorter) {
        EXPECT_EQ(*shorter, *rows) << "without the last " << cut << " bytes";
      }
    }
  }
}

/// A byte changed, a part removed or doubled.
std::string Mutated(std::string bytes, RandomSource& random) {
  const auto below = [&](std::size_t bound) {
    return static_cast<std::size_t>(random.Below(std::max<std::size_t>(bound, 1)));
  };
  switch (below(4)) {
    case 0:
      bytes.resize(below(bytes.size()));
      break;
    case 1:
      bytes.insert(below(bytes.size()), bytes.substr(below(bytes.size()), below(200)));
      break;
    default:
      for (std::size_t changes = 1 + below(8); changes > 0; --changes) {
        constexpr std::array<unsigned char, 5> kOdd = {0, 1, 0x7F, 0x80, 0xFF};
        const std::size_t odd = below(10);
        bytes[below(bytes.size())] = static_cast<char>(
            odd < kOdd.size() ? kOdd[odd] : static_cast<unsigned char>(below(256)));
      }
  }
  return bytes;
}

TEST_F(StatDamageTest, AFileMadeToDoHarmIsAnErrorOrATable) {
  SeededRandom random(20'261'129);
  StatTable table = PlainTable();
  table.rows[0][0] = "SECRETNAME";
  for (const StatFormat format : kFormats) {
    SCOPED_TRACE(NameOf(format));
    const std::string whole = Written(format, table);
    for (int i = 0; i < 60; ++i) {
      const auto rows = Try(Mutated(whole, random), {.format = format});
      if (rows) continue;
      EXPECT_EQ(rows.error().code, ErrorCode::kDataQuality) << Describe(rows.error());
      EXPECT_THAT(Describe(rows.error()), AllOf(HasSubstr("data: "), Not(HasSubstr("SECRET"))));
    }
  }
}

}  // namespace
}  // namespace consilium
