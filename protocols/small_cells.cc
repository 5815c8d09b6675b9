#include "protocols/small_cells.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <queue>

namespace consilium {
namespace {

/// A table with a last row and a last column of totals. With the sign of the totals of rows and of
/// columns turned, all rows and all columns add up to zero: what is added to one cell has to be
/// taken from others of its row and its column.
class Extended {
 public:
  Extended(const CountTable& table, const HiddenCells& hidden)
      : rows_(table.rows + 1),
        columns_(table.columns + 1),
        values_(rows_ * columns_, 0),
        hidden_(rows_ * columns_, false),
        most_(columns_, std::numeric_limits<double>::infinity()) {
    for (std::size_t r = 0; r < table.rows; ++r) {
      for (std::size_t c = 0; c < table.columns; ++c) {
        const double value = table.At(r, c);
        values_[Place(r, c)] = value;
        values_[Place(r, table.columns)] += value;
        values_[Place(table.rows, c)] += value;
        values_[Place(table.rows, table.columns)] += value;
        hidden_[Place(r, c)] = hidden.cells[r * table.columns + c];
      }
      hidden_[Place(r, table.columns)] = hidden.rows[r];
    }
    for (std::size_t c = 0; c < table.columns; ++c) {
      hidden_[Place(table.rows, c)] = hidden.columns[c];
    }
    std::copy(table.column_most.begin(), table.column_most.end(), most_.begin());
  }

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  double value(std::size_t r, std::size_t c) const { return values_[Place(r, c)]; }
  bool hidden(std::size_t r, std::size_t c) const { return hidden_[Place(r, c)]; }
  void Hide(std::size_t r, std::size_t c) { hidden_[Place(r, c)] = true; }
  /// The total of all is known to everybody.
  bool IsGrandTotal(std::size_t r, std::size_t c) const {
    return r + 1 == rows_ && c + 1 == columns_;
  }
  bool IsTotal(std::size_t r, std::size_t c) const {
    return (r + 1 == rows_ || c + 1 == columns_) && !IsGrandTotal(r, c);
  }
  double everybody() const { return values_.back(); }
  /// How wide an interval is called for: no wider than from 1 to what its column can hold.
  double Enough(std::size_t c, double minimum) const {
    return most_[c] < everybody() ? std::min(minimum, most_[c] - 1) : minimum;
  }

  /// How far a hidden cell can rise and fall by itself: it is known to hold somebody.
  double Rise(std::size_t r, std::size_t c) const {
    return std::max(0.0, std::min(everybody(), most_[c]) - value(r, c));
  }
  double Fall(std::size_t r, std::size_t c) const { return std::max(0.0, value(r, c) - 1); }
  /// The same of its signed value.
  double Up(std::size_t r, std::size_t c) const { return IsTotal(r, c) ? Fall(r, c) : Rise(r, c); }
  double Down(std::size_t r, std::size_t c) const {
    return IsTotal(r, c) ? Rise(r, c) : Fall(r, c);
  }

 private:
  std::size_t Place(std::size_t r, std::size_t c) const { return r * columns_ + c; }

  std::size_t rows_;
  std::size_t columns_;
  std::vector<double> values_;
  std::vector<bool> hidden_;
  std::vector<double> most_;  ///< Of a column's total, as is known from elsewhere.
};

enum class Direction { kUp, kDown };

/// How far the signed value of one hidden cell can move while the rows and columns of all hidden
/// cells still add up: a flow from its row to its column through the others (Ford and Fulkerson),
/// no further than `enough`.
class Flow {
 public:
  Flow(const Extended& table, Direction direction)
      : table_(table), moved_(table.rows() * table.columns(), 0), direction_(direction) {}

  double From(std::size_t row, std::size_t column, double enough) {
    row_ = row;
    column_ = column;
    double flow = 0;
    while (flow < enough) {
      const double more = Augment(enough - flow);
      if (!(more > 0)) break;
      flow += more;
    }
    return flow;
  }

 private:
  bool Takes(std::size_t r, std::size_t c) const {
    return table_.hidden(r, c) && !(r == row_ && c == column_);
  }
  /// From a row to a column a cell moves against the one that is asked about, and back with it.
  double RoomAgainst(std::size_t r, std::size_t c) const {
    const double room = direction_ == Direction::kUp ? table_.Down(r, c) : table_.Up(r, c);
    return room - moved_[r * table_.columns() + c];
  }
  double RoomWith(std::size_t r, std::size_t c) const {
    const double room = direction_ == Direction::kUp ? table_.Up(r, c) : table_.Down(r, c);
    return room + moved_[r * table_.columns() + c];
  }

  /// One shortest path with room left, and as much along it as it takes, at most `most`.
  double Augment(double most) {
    const std::size_t rows = table_.rows();
    const std::size_t nodes = rows + table_.columns();
    constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> before(nodes, kNone);
    std::queue<std::size_t> next;
    before[row_] = row_;
    next.push(row_);
    while (!next.empty() && before[rows + column_] == kNone) {
      const std::size_t node = next.front();
      next.pop();
      const bool is_row = node < rows;
      const std::size_t others = is_row ? table_.columns() : rows;
      for (std::size_t i = 0; i < others; ++i) {
        const std::size_t r = is_row ? node : i;
        const std::size_t c = is_row ? i : node - rows;
        const std::size_t to = is_row ? rows + i : i;
        if (before[to] != kNone || !Takes(r, c)) continue;
        if (!((is_row ? RoomAgainst(r, c) : RoomWith(r, c)) > 0)) continue;
        before[to] = node;
        next.push(to);
      }
    }
    if (before[rows + column_] == kNone) return 0;
    double amount = most;
    for (std::size_t to = rows + column_; to != row_; to = before[to]) {
      const bool into_column = to >= rows;
      const std::size_t r = into_column ? before[to] : to;
      const std::size_t c = into_column ? to - rows : before[to] - rows;
      amount = std::min(amount, into_column ? RoomAgainst(r, c) : RoomWith(r, c));
    }
    for (std::size_t to = rows + column_; to != row_; to = before[to]) {
      const bool into_column = to >= rows;
      const std::size_t r = into_column ? before[to] : to;
      const std::size_t c = into_column ? to - rows : before[to] - rows;
      moved_[r * table_.columns() + c] += into_column ? amount : -amount;
    }
    return amount;
  }

  const Extended& table_;
  std::vector<double> moved_;  ///< Against the cell that is asked about.
  Direction direction_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

CountInterval Told(const Extended& table, std::size_t row, std::size_t column, double enough) {
  const double value = table.value(row, column);
  if (!table.hidden(row, column)) return {value, value};
  const double up =
      Flow(table, Direction::kUp).From(row, column, std::min(enough, table.Up(row, column)));
  const double down =
      Flow(table, Direction::kDown).From(row, column, std::min(enough, table.Down(row, column)));
  if (table.IsTotal(row, column)) return {value - up, value + down};
  return {value - down, value + up};
}

struct Corner {
  std::size_t row = 0;
  std::size_t column = 0;
};

/// The far corner of the rectangle that protects a cell with the fewest people newly hidden.
std::optional<Corner> CheapestRectangle(const Extended& table, Corner cell, double enough) {
  std::optional<Corner> best;
  double best_cost = std::numeric_limits<double>::infinity();
  const auto [i, j] = cell;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    for (std::size_t c = 0; c < table.columns(); ++c) {
      if (r == i || c == j) continue;
      double cost = 0;
      bool fits = true;
      for (const Corner& corner : {Corner{i, c}, Corner{r, j}, Corner{r, c}}) {
        const double value = table.value(corner.row, corner.column);
        fits = fits && value > 0 && !table.IsGrandTotal(corner.row, corner.column);
        if (!table.hidden(corner.row, corner.column)) cost += value;
      }
      if (!fits || !(cost < best_cost)) continue;
      const double up =
          std::min({table.Up(i, j), table.Down(i, c), table.Down(r, j), table.Up(r, c)});
      const double down =
          std::min({table.Down(i, j), table.Up(i, c), table.Up(r, j), table.Down(r, c)});
      if (up + down < enough) continue;
      best_cost = cost;
      best = Corner{r, c};
    }
  }
  return best;
}

/// The first cell of few people, from `from` on in the table's order, that is told too closely.
/// Those before it were looked at: what is hidden later only makes wider what is told of them.
std::optional<Corner> FirstTold(const Extended& table, Corner from, double minimum) {
  for (std::size_t r = from.row; r < table.rows(); ++r) {
    for (std::size_t c = r == from.row ? from.column : 0; c < table.columns(); ++c) {
      const double value = table.value(r, c);
      if (table.IsGrandTotal(r, c) || !(value > 0) || value >= minimum) continue;
      const double enough = table.Enough(c, minimum);
      const CountInterval told = Told(table, r, c, enough);
      if (told.high - told.low < enough) return Corner{r, c};
    }
  }
  return std::nullopt;
}

void HideCells(Extended& table) {
  for (std::size_t r = 0; r + 1 < table.rows(); ++r) {
    for (std::size_t c = 0; c + 1 < table.columns(); ++c) {
      if (table.value(r, c) > 0) table.Hide(r, c);
    }
  }
}

void HideTotals(Extended& table) {
  for (std::size_t r = 0; r + 1 < table.rows(); ++r) {
    if (table.value(r, table.columns() - 1) > 0) table.Hide(r, table.columns() - 1);
  }
  for (std::size_t c = 0; c + 1 < table.columns(); ++c) {
    if (table.value(table.rows() - 1, c) > 0) table.Hide(table.rows() - 1, c);
  }
}

HiddenCells HiddenOf(const Extended& table, const CountTable& counts) {
  HiddenCells hidden;
  for (std::size_t r = 0; r < counts.rows; ++r) {
    for (std::size_t c = 0; c < counts.columns; ++c) hidden.cells.push_back(table.hidden(r, c));
    hidden.rows.push_back(table.hidden(r, counts.columns));
  }
  for (std::size_t c = 0; c < counts.columns; ++c) {
    hidden.columns.push_back(table.hidden(counts.rows, c));
  }
  return hidden;
}

}  // namespace

bool HiddenCells::Any() const {
  const auto any = [](const std::vector<bool>& flags) {
    return std::find(flags.begin(), flags.end(), true) != flags.end();
  };
  return any(cells) || any(rows) || any(columns);
}

HiddenCells HideSmallCells(const CountTable& table, double minimum) {
  const HiddenCells none{std::vector<bool>(table.rows * table.columns, false),
                         std::vector<bool>(table.rows, false),
                         std::vector<bool>(table.columns, false)};
  Extended extended(table, none);
  for (std::size_t r = 0; r < extended.rows(); ++r) {
    for (std::size_t c = 0; c < extended.columns(); ++c) {
      const double value = extended.value(r, c);
      if (value > 0 && value < minimum && !extended.IsGrandTotal(r, c)) extended.Hide(r, c);
    }
  }
  int fallbacks = 0;
  std::optional<Corner> cell = Corner{0, 0};
  while ((cell = FirstTold(extended, *cell, minimum))) {
    const double enough = extended.Enough(cell->column, minimum);
    if (const auto far = CheapestRectangle(extended, *cell, enough); far && fallbacks == 0) {
      extended.Hide(cell->row, far->column);
      extended.Hide(far->row, cell->column);
      extended.Hide(far->row, far->column);
      continue;
    }
    if (fallbacks == 0) {
      HideCells(extended);
    } else if (fallbacks == 1) {
      HideTotals(extended);
    } else {
      break;  // All but the total of all is hidden: nothing more can be done.
    }
    ++fallbacks;
  }
  return HiddenOf(extended, table);
}

CountInterval WhatIsTold(const CountTable& table,
                         const HiddenCells& hidden,
                         std::size_t row,
                         std::size_t column) {
  return Told(Extended(table, hidden), row, column, std::numeric_limits<double>::infinity());
}

}  // namespace consilium
