// Nothing of few people is shown, and no total gives it back: held against every table that a
// reader could imagine.

#include "protocols/small_cells.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"

namespace consilium {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr double kMinimum = 5;

double TotalOf(const CountTable& table, std::size_t row, std::size_t column) {
  double sum = 0;
  for (std::size_t r = 0; r < table.rows; ++r) {
    for (std::size_t c = 0; c < table.columns; ++c) {
      const bool counts =
          (row == table.rows || r == row) && (column == table.columns || c == column);
      if (counts) sum += table.At(r, c);
    }
  }
  return sum;
}

bool IsHidden(const CountTable& table, const HiddenCells& hidden, std::size_t r, std::size_t c) {
  if (r == table.rows && c == table.columns) return false;
  if (r == table.rows) return hidden.columns[c];
  if (c == table.columns) return hidden.rows[r];
  return hidden.cells[r * table.columns + c];
}

/// Calls `visit` for each table of whole numbers that has the shown cells and totals, and somebody
/// in each hidden one.
void ForEachImaginable(const CountTable& table,
                       const HiddenCells& hidden,
                       const std::function<void(const CountTable&)>& visit) {
  CountTable imagined = table;
  const double all = TotalOf(table, table.rows, table.columns);
  const auto fits = [&] {
    for (std::size_t c = 0; c < table.column_most.size(); ++c) {
      if (TotalOf(imagined, table.rows, c) > table.column_most[c]) return false;
    }
    for (std::size_t r = 0; r <= table.rows; ++r) {
      for (std::size_t c = 0; c <= table.columns; ++c) {
        const double total = TotalOf(imagined, r, c);
        const bool right =
            IsHidden(table, hidden, r, c) ? total >= 1 : total == TotalOf(table, r, c);
        if (!right) return false;
      }
    }
    return true;
  };
  const std::function<void(std::size_t, double)> fill = [&](std::size_t place, double left) {
    if (place == table.cells.size()) {
      if (left == 0 && fits()) visit(imagined);
      return;
    }
    if (!hidden.cells[place]) {
      if (table.cells[place] <= left) fill(place + 1, left - table.cells[place]);
      return;
    }
    for (double value = 1; value <= left; ++value) {
      imagined.cells[place] = value;
      fill(place + 1, left - value);
    }
    imagined.cells[place] = table.cells[place];
  };
  fill(0, all);
}

/// What a reader can tell of every cell and total, row by row.
std::vector<CountInterval> Imaginable(const CountTable& table, const HiddenCells& hidden) {
  std::vector<CountInterval> told;
  ForEachImaginable(table, hidden, [&](const CountTable& imagined) {
    std::size_t place = 0;
    const bool first = told.empty();
    for (std::size_t r = 0; r <= table.rows; ++r) {
      for (std::size_t c = 0; c <= table.columns; ++c, ++place) {
        const double value = TotalOf(imagined, r, c);
        if (first) {
          told.push_back({value, value});
        } else {
          told[place].low = std::min(told[place].low, value);
          told[place].high = std::max(told[place].high, value);
        }
      }
    }
  });
  return told;
}

CountTable Drawn(SeededRandom& random, std::size_t rows, std::size_t columns, double most) {
  CountTable table{rows, columns, {}};
  for (std::size_t i = 0; i < rows * columns; ++i) {
    table.cells.push_back(std::floor(random.Unit() * (most + 1)));
  }
  return table;
}

bool HidesAll(const CountTable& table, const HiddenCells& hidden) {
  for (std::size_t r = 0; r <= table.rows; ++r) {
    for (std::size_t c = 0; c <= table.columns; ++c) {
      const bool total = r == table.rows && c == table.columns;
      if (!total && TotalOf(table, r, c) > 0 && !IsHidden(table, hidden, r, c)) return false;
    }
  }
  return true;
}

/// The audit: over all tables that a reader could imagine.
void ExpectNothingGivenBack(const CountTable& table, double minimum) {
  const HiddenCells hidden = HideSmallCells(table, minimum);
  const std::vector<CountInterval> told = Imaginable(table, hidden);
  ASSERT_FALSE(told.empty());
  const bool hides_all = HidesAll(table, hidden);
  std::size_t place = 0;
  for (std::size_t r = 0; r <= table.rows; ++r) {
    for (std::size_t c = 0; c <= table.columns; ++c, ++place) {
      const double value = TotalOf(table, r, c);
      const CountInterval flow = WhatIsTold(table, hidden, r, c);
      EXPECT_EQ(flow.low, told[place].low) << r << ", " << c;
      EXPECT_EQ(flow.high, told[place].high) << r << ", " << c;
      const bool grand = r == table.rows && c == table.columns;
      if (grand || value == 0) {
        EXPECT_FALSE(IsHidden(table, hidden, r, c)) << "nobody, or all";
        continue;
      }
      if (value >= minimum) continue;
      EXPECT_TRUE(IsHidden(table, hidden, r, c)) << r << ", " << c;
      if (hides_all) continue;
      const bool bounded = c < table.column_most.size();
      const double most = bounded ? table.column_most[c] - 1 : minimum;
      EXPECT_GE(told[place].high - told[place].low, std::min(minimum, most)) << r << ", " << c;
    }
  }
}

TEST(SmallCellsTest, NoTotalGivesASuppressedCellBack) {
  SeededRandom random(3);
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(i);
    ExpectNothingGivenBack(Drawn(random, 2, 2, 12), kMinimum);
    if (HasFailure()) return;
  }
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    ExpectNothingGivenBack(Drawn(random, 2, 3, 6), 3);
    ExpectNothingGivenBack(Drawn(random, 1, 4, 9), 3);
    ExpectNothingGivenBack(Drawn(random, 4, 1, 9), 3);
    if (HasFailure()) return;
  }
}

/// Larger ones by the flow alone, which the test above has held against all tables.
TEST(SmallCellsTest, TablesOfAnySizeAreProtected) {
  SeededRandom random(4);
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const std::size_t rows = 2 + static_cast<std::size_t>(random.Unit() * 7);
    const std::size_t columns = 2 + static_cast<std::size_t>(random.Unit() * 5);
    const CountTable table = Drawn(random, rows, columns, 40);
    const HiddenCells hidden = HideSmallCells(table, kMinimum);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        if (table.At(r, c) == 0 || table.At(r, c) >= kMinimum) continue;
        const CountInterval told = WhatIsTold(table, hidden, r, c);
        EXPECT_GE(told.high - told.low, kMinimum);
        EXPECT_LE(told.low, table.At(r, c));
        EXPECT_GE(told.high, table.At(r, c));
      }
    }
  }
}

TEST(SmallCellsTest, NothingIsHiddenWhereNobodyIsFew) {
  EXPECT_FALSE(HideSmallCells({2, 2, {5, 6, 0, 40}}, kMinimum).Any());
  EXPECT_FALSE(HideSmallCells({2, 2, {1, 2, 3, 4}}, 1).Any());
  EXPECT_FALSE(HideSmallCells({0, 0, {}}, kMinimum).Any());
  EXPECT_FALSE(HideSmallCells({2, 2, {0, 0, 0, 0}}, kMinimum).Any());
}

/// Of the rectangles through the cell of 2, that with 9, 8 and 30 is too narrow by nothing and has
/// the fewest people.
TEST(SmallCellsTest, TheRectangleWithTheFewestPeopleIsTaken) {
  const CountTable table{3, 3, {2, 9, 50, 8, 30, 60, 70, 80, 90}};
  const HiddenCells hidden = HideSmallCells(table, kMinimum);
  EXPECT_THAT(hidden.cells, ElementsAre(true, true, false, true, true, false, false, false, false));
  EXPECT_THAT(hidden.rows, Each(false));
  EXPECT_THAT(hidden.columns, Each(false));
}

/// 1 beside 2 and 2 would be told to within 3: the next larger are taken.
TEST(SmallCellsTest, ASecondCellThatIsTooSmallDoesNotSuffice) {
  const CountTable table{2, 3, {1, 6, 20, 30, 40, 50}};
  const HiddenCells hidden = HideSmallCells(table, 8);
  EXPECT_FALSE(hidden.cells[1] && !hidden.cells[2]) << "6 alone leaves 1 to 6";
  const CountInterval told = WhatIsTold(table, hidden, 0, 0);
  EXPECT_GE(told.high - told.low, 8);
}

TEST(SmallCellsTest, AListHidesASecondEntry) {
  EXPECT_THAT(HideSmallCells({1, 4, {3, 30, 12, 0}}, kMinimum).cells,
              ElementsAre(true, false, true, false));
  EXPECT_THAT(HideSmallCells({1, 2, {3, 30}}, kMinimum).cells, ElementsAre(true, true));
}

TEST(SmallCellsTest, ASmallTotalIsHiddenWithItsCells) {
  const CountTable table{3, 2, {1, 2, 30, 40, 20, 25}};
  const HiddenCells hidden = HideSmallCells(table, kMinimum);
  EXPECT_TRUE(hidden.rows[0]);
  EXPECT_EQ(std::count(hidden.rows.begin(), hidden.rows.end(), true), 2) << "and another's";
}

TEST(SmallCellsTest, WhereNothingSufficesAllIsHidden) {
  const CountTable table{2, 2, {1, 0, 0, 2}};
  const HiddenCells hidden = HideSmallCells(table, kMinimum);
  EXPECT_THAT(hidden.cells, ElementsAre(true, false, false, true));
  EXPECT_THAT(hidden.rows, ElementsAre(true, true));
  EXPECT_THAT(hidden.columns, ElementsAre(true, true));
}

/// Values of groups whose rows are shown: few more rows than values tell much.
TEST(SmallCellsTest, NothingIsGivenBackByTheMostThatAColumnHolds) {
  SeededRandom random(8);
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(i);
    CountTable table = i % 2 == 0 ? Drawn(random, 1, 3, 14) : Drawn(random, 2, 2, 9);
    for (std::size_t c = 0; c < table.columns; ++c) {
      const double more = static_cast<double>(random.Below(5));
      table.column_most.push_back(std::max(kMinimum, TotalOf(table, table.rows, c) + more));
    }
    ExpectNothingGivenBack(table, kMinimum);
  }
}

/// 3 of 6 and 12 of 12: together with these the first would be at least 3 and at most 6.
TEST(SmallCellsTest, AColumnThatIsFullProtectsNone) {
  const CountTable alone{1, 3, {3, 12, 30}};
  EXPECT_THAT(HideSmallCells(alone, kMinimum).cells, ElementsAre(true, true, false));
  const CountTable full{1, 3, {3, 12, 30}, {6, 12, 40}};
  EXPECT_THAT(HideSmallCells(full, kMinimum).cells, ElementsAre(true, false, true));
}

/// Some hundred milliseconds; with every cell looked at again after each step it took the square of
/// that, minutes.
TEST(SmallCellsTest, ALargeTableIsLookedThroughOnce) {
  SeededRandom random(11);
  CountTable table{4, 2'000, {}};
  while (table.cells.size() < table.rows * table.columns) {
    table.cells.push_back(static_cast<double>(random.Below(45)));
  }
  const auto begin = std::chrono::steady_clock::now();

  const HiddenCells hidden = HideSmallCells(table, kMinimum);

  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  for (std::size_t c = 0; c < table.columns; c += 100) {
    for (std::size_t r = 0; r < table.rows; ++r) {
      if (table.At(r, c) == 0 || table.At(r, c) >= kMinimum) continue;
      const CountInterval told = WhatIsTold(table, hidden, r, c);
      EXPECT_GE(told.high - told.low, kMinimum);
    }
  }
}

}  // namespace
}  // namespace consilium
