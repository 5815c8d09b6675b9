#include "client/quality/data_profile.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/study_builder.h"
#include "tests/client/table_builder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Contract ThreeColumns() {
  return MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"age\"\ntype = \"integer\"\nrange = [18, 110]\n"
      "[[column]]\nname = \"dose\"\ntype = \"number\"\nrange = [0, 1000]\n"
      "[[column]]\nname = \"sex\"\ntype = \"category\"\nlevels = [\"female\", \"male\"]\n");
}

/// Ages 30 to 69, doses 1 to 4, both sexes; nothing missing.
DataTable FortyRows() {
  std::vector<double> age;
  std::vector<double> dose;
  std::vector<double> sex;
  for (int i = 0; i < 40; ++i) {
    age.push_back(30 + i);
    dose.push_back(1 + i % 4);
    sex.push_back(i % 4 == 0 ? 1 : 0);
  }
  return MakeTable({age, dose, sex});
}

TEST(DataProfileTest, PartsHoldTheContractsRangeWithRoundEnds) {
  const DataProfile profile = ProfileOf(ThreeColumns(), FortyRows());
  const ValueParts age = *profile.columns[0].parts;
  EXPECT_EQ(age.from, 15);
  EXPECT_EQ(age.width, 5);
  EXPECT_EQ(age.end(age.counts.size() - 1), 110);
  EXPECT_EQ(age.values(), 40U);
  EXPECT_EQ(age.below + age.above, 0U);
  EXPECT_EQ(age.from + age.width * static_cast<double>(age.box->lower), 35);
  EXPECT_EQ(age.from + age.width * static_cast<double>(age.box->median), 45);
  EXPECT_EQ(age.from + age.width * static_cast<double>(age.box->upper), 55);
}

TEST(DataProfileTest, ASmallPartOfAWideRangeIsDrawnInItsPlace) {
  DataTable table = FortyRows();
  table.columns[1][0] = 900;
  for (int i = 0; i < 200; ++i) {
    table.patients.push_back("Q" + std::to_string(i));
    for (auto& column : table.columns) column.push_back(column[static_cast<std::size_t>(i % 40)]);
    table.columns[1].back() = 1 + i % 4;
  }
  const ValueParts dose = *ProfileOf(ThreeColumns(), table).columns[1].parts;
  EXPECT_LE(dose.from, 1);
  EXPECT_LT(dose.end(dose.counts.size() - 1), 10);
  EXPECT_EQ(dose.above, 1U);
  EXPECT_EQ(dose.values(), 240U);
}

TEST(DataProfileTest, ValuesBeyondTheRangeAreCountedOutside) {
  DataTable table = FortyRows();
  table.columns[0][3] = 7;
  table.columns[0][4] = 700;
  table.columns[0][5] = 701;
  const ValueParts age = *ProfileOf(ThreeColumns(), table).columns[0].parts;
  EXPECT_EQ(age.below, 1U);
  EXPECT_EQ(age.above, 2U);
  EXPECT_EQ(age.values(), 40U);
}

/// 0.3 is the end of a part of 0.1, whatever a division makes of it.
TEST(DataProfileTest, AValueAtALowerEndBelongsToThePartThatBeginsThere) {
  const Contract contract = MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"number\"\nrange = [0.3, 2.7]\n");
  std::vector<double> values;
  for (int i = 3; i <= 27; ++i) values.push_back(i / 10.0);
  const ValueParts parts = *ProfileOf(contract, MakeTable({values})).columns[0].parts;
  EXPECT_EQ(parts.width, 0.1);
  EXPECT_EQ(parts.below + parts.above, 0U);
  ASSERT_EQ(parts.counts.size(), 24U);
  for (std::size_t i = 0; i + 1 < parts.counts.size(); ++i) EXPECT_EQ(parts.counts[i], 1U) << i;
  EXPECT_EQ(parts.counts.back(), 2U);  // It has both its ends.
}

TEST(DataProfileTest, ThereIsNoBoxWhereAQuartileIsNotDrawn) {
  DataTable table = FortyRows();
  for (std::size_t row = 0; row < 9; ++row) table.columns[0][row] = 5;
  EXPECT_TRUE(ProfileOf(ThreeColumns(), table).columns[0].parts->box.has_value());
  for (std::size_t row = 9; row < 12; ++row) table.columns[0][row] = 5;
  EXPECT_FALSE(ProfileOf(ThreeColumns(), table).columns[0].parts->box.has_value());
  for (std::size_t row = 0; row < 12; ++row) table.columns[0][row] = 500;
  EXPECT_FALSE(ProfileOf(ThreeColumns(), table).columns[0].parts->box.has_value());
}

TEST(DataProfileTest, FewValuesHaveNoParts) {
  DataTable table = FortyRows();
  for (std::size_t row = 9; row < 40; ++row) table.columns[0][row] = kGone;
  const DataProfile profile = ProfileOf(ThreeColumns(), table);
  EXPECT_FALSE(profile.columns[0].parts.has_value());
  EXPECT_EQ(profile.columns[0].values, 9U);
  EXPECT_TRUE(ProfileOf(ThreeColumns(), MakeTable({{}, {}, {}})).patterns.empty());
}

TEST(DataProfileTest, LevelsAreCounted) {
  const DataProfile profile = ProfileOf(ThreeColumns(), FortyRows());
  ASSERT_EQ(profile.columns[2].levels.size(), 2U);
  EXPECT_EQ(profile.columns[2].levels[0].rows, 30U);
  EXPECT_EQ(profile.columns[2].levels[1].rows, 10U);
}

TEST(DataProfileTest, RowsThatLackTheSameColumnsAreTogether) {
  DataTable table = FortyRows();
  for (std::size_t row = 0; row < 15; ++row) table.columns[0][row] = kGone;
  for (std::size_t row = 0; row < 12; ++row) table.columns[2][row] = kGone;
  const DataProfile profile = ProfileOf(ThreeColumns(), table);
  ASSERT_EQ(profile.patterns.size(), 3U);
  EXPECT_THAT(profile.patterns[0].columns, IsEmpty());
  EXPECT_EQ(profile.patterns[0].rows, 25U);
  EXPECT_THAT(profile.patterns[1].columns, ElementsAre(0U, 2U));
  EXPECT_EQ(profile.patterns[1].rows, 12U);
  EXPECT_EQ(profile.patterns[1].patients, 12U);
  EXPECT_THAT(profile.patterns[2].columns, ElementsAre(0U));
  EXPECT_EQ(profile.other_patterns, 0U);
}

TEST(DataProfileTest, PatternsBeyondTheKeptOnesAreCounted) {
  std::string contract = "patient = \"id\"\n";
  std::vector<std::vector<double>> columns(20, std::vector<double>(20, 1));
  for (std::size_t i = 0; i < 20; ++i) {
    contract +=
        "[[column]]\nname = \"c" + std::to_string(i) + "\"\ntype = \"number\"\nrange = [0, 2]\n";
    columns[i][i] = kGone;
  }
  const DataProfile profile = ProfileOf(MakeContract(contract), MakeTable(columns));
  EXPECT_EQ(profile.patterns.size(), DataProfile::kPatternsKept);
  EXPECT_EQ(profile.other_patterns, 20 - DataProfile::kPatternsKept);
  EXPECT_EQ(profile.other_pattern_rows, 20 - DataProfile::kPatternsKept);
}

TEST(FindGapsTest, NamesColumnsThatAreMostlyMissingOrMissingTogether) {
  DataTable table = FortyRows();
  EXPECT_THAT(FindGaps(ThreeColumns(), table), IsEmpty());
  for (std::size_t row = 0; row < 25; ++row) {
    table.columns[0][row] = kGone;
    table.columns[2][row] = kGone;
  }
  const auto found = FindGaps(ThreeColumns(), table);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].kind, "mostly-missing");
  EXPECT_EQ(found[0].column, "age");
  EXPECT_EQ(found[0].rows, 25U);
  EXPECT_EQ(found[0].patients, 25U);
  EXPECT_EQ(found[2].kind, "missing-together");
  EXPECT_EQ(found[2].rows, 25U);
  EXPECT_THAT(found[2].words, HasSubstr("age and sex are missing together"));
}

}  // namespace
}  // namespace consilium
