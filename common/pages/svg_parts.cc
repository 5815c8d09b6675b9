#include "common/pages/svg_parts.h"

#include <algorithm>
#include <cmath>

#include "common/pages/number_text.h"
#include "common/terminal.h"

namespace consilium {

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::vector<double> TicksOf(double low, double high, std::size_t wanted) {
  const double rough = (high - low) / static_cast<double>(std::max<std::size_t>(wanted, 1));
  double power = 1;
  while (power > rough) power /= 10;
  while (power * 10 <= rough) power *= 10;
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step); i * step <= high && ticks.size() < 50; ++i) {
    ticks.push_back(i * step + 0.0);
  }
  return ticks;
}

namespace svg {
namespace {

constexpr std::size_t kLongestLabel = 20;

}  // namespace

std::string Place(double value) { return NumberText(value, "%.1f"); }

std::string Cut(const std::string& text, std::size_t columns) {
  if (ColumnsOf(text) <= columns) return text;
  std::string cut;
  std::size_t seen = 0;
  for (const char c : text) {
    const bool starts = (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    if (starts && ++seen == columns) break;
    cut += c;
  }
  return cut + "…";
}

std::string Class(Series series) {
  return series == Series::kFederated ? "fed" : series == Series::kPooled ? "pool" : "alone";
}

std::string Text(double x,
                 double y,
                 std::string_view classes,
                 std::string_view anchor,
                 const std::string& text) {
  return "<text x=\"" + Place(x) + "\" y=\"" + Place(y) + "\" class=\"" + std::string(classes) +
         "\" text-anchor=\"" + std::string(anchor) + "\">" + Escaped(text) + "</text>";
}

std::string Label(double y, const std::string& label) {
  std::string text = Text(kLeft - 10, y + 4, "label", "end", Cut(label, kLongestLabel));
  if (ColumnsOf(label) > kLongestLabel) {
    text.insert(text.find('>') + 1, "<title>" + Escaped(label) + "</title>");
  }
  return text;
}

std::string Line(double x1, double y1, double x2, double y2, std::string_view classes) {
  return "<line x1=\"" + Place(x1) + "\" y1=\"" + Place(y1) + "\" x2=\"" + Place(x2) + "\" y2=\"" +
         Place(y2) + "\" class=\"" + std::string(classes) + "\"/>";
}

std::string Diamond(double x, double y, double half, Series series) {
  const std::string step = Place(half);
  return "<path d=\"M" + Place(x) + " " + Place(y - half) + "l" + step + " " + step + "l-" + step +
         " " + step + "l-" + step + " -" + step + "z\" class=\"mark " + Class(series) + "\"/>";
}

std::string Mark(double x, double y, Series series) {
  const std::string classes = " class=\"mark " + Class(series) + "\"/>";
  if (series == Series::kFederated) {
    return "<circle cx=\"" + Place(x) + "\" cy=\"" + Place(y) + "\" r=\"5\"" + classes;
  }
  if (series == Series::kPooled) return Diamond(x, y, 6, series);
  return "<rect x=\"" + Place(x - 4) + "\" y=\"" + Place(y - 4) + "\" width=\"8\" height=\"8\"" +
         classes;
}

std::string Open(const std::string& title, double height) {
  return "<svg viewBox=\"0 0 " + Place(kWidth) + " " + Place(height) +
         "\" role=\"img\" aria-label=\"" + Escaped(title) + "\">\n";
}

Scale::Scale(double low, double high, double right) : low_(low), high_(high), right_(right) {
  if (high_ > low_) return;
  const double half = std::max(std::abs(low_) * 0.05, 1e-6);
  low_ = low - half;
  high_ = low + half;
}

double Scale::At(double value) const {
  return kLeft + (value - low_) / (high_ - low_) * (right_ - kLeft);
}

std::string Scale::Axis(double top, double bottom) const {
  std::string svg = Line(kLeft, bottom, right_, bottom, "axis");
  for (const double tick : TicksOf(low_, high_, 5)) {
    svg += Line(At(tick), top, At(tick), bottom + 4, tick == 0 ? "zero" : "gridline") +
           Text(At(tick), bottom + 18, "tick", "middle", NumberText(tick, "%.6g")) + "\n";
  }
  return svg;
}

std::string Scale::Vertical(std::optional<double> value, double top, double bottom) const {
  if (!value || !Holds(*value)) return {};
  return Line(At(*value), top, At(*value), bottom, "truth") + "\n";
}

}  // namespace svg
}  // namespace consilium
