#pragma once

// The one rule for tables of counts that are released with their totals: a cell of few people is
// not shown, nor as many others as it takes so that no total gives it back.
//
// Hundepool, Domingo-Ferrer, Franconi, Giessing, Schulte Nordholt, Spicer and de Wolf 2012,
// "Statistical Disclosure Control": primary and secondary suppression (4.3), the intervals that
// totals leave (4.2.2), the choice of secondary cells by hypercubes, here rectangles, as in GHMITER
// (4.4.4).

#include <cstddef>
#include <vector>

namespace consilium {

/// Counts of people by two classifications, row by row. A list is a table of one row.
struct CountTable {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> cells;  ///< Whole numbers.
  /// The most that a column's total can be, as every reader knows from elsewhere; empty: all that
  /// is known is the total of all cells.
  std::vector<double> column_most = {};

  double At(std::size_t row, std::size_t column) const { return cells[row * columns + column]; }
};

/// What of a table is not shown. The total of all cells always is.
struct HiddenCells {
  std::vector<bool> cells;    ///< In the table's order.
  std::vector<bool> rows;     ///< Their totals,
  std::vector<bool> columns;  ///< and those of columns.

  bool Any() const;
};

/// Hides every cell and total from 1 to `minimum` - 1, then others until a reader who knows the
/// rest, and that no empty cell is hidden, cannot tell any of these closer than to an interval as
/// wide as `minimum`, or as their column's most allows. For each of them the rectangle with the
/// fewest people in newly hidden cells is taken; where none suffices, all cells are hidden, then
/// totals. Nothing is hidden with a minimum of 1.
HiddenCells HideSmallCells(const CountTable& table, double minimum);

/// How much a cell can be at least and at most, as far as shown cells and totals tell.
struct CountInterval {
  double low = 0;
  double high = 0;
};
/// Of cell (row, column), where `row` may be table.rows and `column` table.columns for a total.
/// Exact: it is a flow through the table's rows and columns, so whole numbers attain its ends.
CountInterval WhatIsTold(const CountTable& table,
                         const HiddenCells& hidden,
                         std::size_t row,
                         std::size_t column);

}  // namespace consilium
