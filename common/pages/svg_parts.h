#pragma once

// What plots are made of: marks, lines and texts as SVG elements.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/pages/svg_plot.h"

namespace consilium::svg {

constexpr double kWidth = 600;
constexpr double kLeft = 140;  ///< Where labels of rows end and their plot begins.

/// A coordinate, to a tenth.
std::string Place(double value);
/// The first characters of a label, not splitting one of UTF-8.
std::string Cut(const std::string& text, std::size_t columns);
/// The style sheet's name of a series.
std::string Class(Series series);

std::string Open(const std::string& title, double height);
std::string Text(
    double x, double y, std::string_view classes, std::string_view anchor, const std::string& text);
/// Of a row, left of kLeft; whole in its tooltip when it is cut.
std::string Label(double y, const std::string& label);
std::string Line(double x1, double y1, double x2, double y2, std::string_view classes);
std::string Diamond(double x, double y, double half, Series series);
/// A circle, a diamond or a square: to be told apart without colours.
std::string Mark(double x, double y, Series series);

/// A horizontal scale with its axis below the rows.
class Scale {
 public:
  Scale(double low, double high, double right);

  double At(double value) const;
  bool Holds(double value) const { return value >= low_ && value <= high_; }
  double low() const { return low_; }
  double high() const { return high_; }

  std::string Axis(double top, double bottom) const;
  std::string Vertical(std::optional<double> value, double top, double bottom) const;

 private:
  double low_;
  double high_;
  double right_;
};

}  // namespace consilium::svg
