#include "simulations/svg_plot.h"

#include <algorithm>
#include <cmath>

#include "common/terminal.h"
#include "simulations/number_text.h"

namespace consilium {
namespace {

constexpr double kWidth = 600;
constexpr double kLeft = 140;       ///< Where labels end and the plot begins.
constexpr double kTextWidth = 185;  ///< For numbers at the right.
constexpr double kRowHeight = 24;
constexpr double kAxisHeight = 30;
constexpr std::size_t kLongestLabel = 20;

std::string Place(double value) { return NumberText(value, "%.1f"); }

/// The first characters of a label, not splitting one of UTF-8.
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

/// A circle, a diamond or a square: to be told apart without colours.
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

/// A horizontal scale with its axis below the rows.
class Scale {
 public:
  Scale(double low, double high, double right) : low_(low), high_(high), right_(right) {
    if (!(high_ > low_)) {
      const double half = std::max(std::abs(low_) * 0.05, 1e-6);
      low_ = low - half;
      high_ = low + half;
    }
  }
  double At(double value) const {
    return kLeft + (value - low_) / (high_ - low_) * (right_ - kLeft);
  }
  bool Holds(double value) const { return value >= low_ && value <= high_; }
  double low() const { return low_; }
  double high() const { return high_; }

  std::string Axis(double top, double bottom) const {
    std::string svg = Line(kLeft, bottom, right_, bottom, "axis");
    for (const double tick : TicksOf(low_, high_, 5)) {
      svg += Line(At(tick), top, At(tick), bottom + 4, tick == 0 ? "zero" : "gridline") +
             Text(At(tick), bottom + 18, "tick", "middle", NumberText(tick, "%.6g")) + "\n";
    }
    return svg;
  }
  std::string Vertical(std::optional<double> value, double top, double bottom) const {
    if (!value || !Holds(*value)) return {};
    return Line(At(*value), top, At(*value), bottom, "truth") + "\n";
  }

 private:
  double low_;
  double high_;
  double right_;
};

Scale ForestScale(const std::vector<ForestRow>& rows, std::optional<double> truth, double right) {
  constexpr double kWidest = 12;
  double low = 0;
  double high = 0;
  double lowest = 0;
  double highest = 0;
  bool any = false;
  for (const ForestRow& row : rows) {
    if (!row.estimate) continue;
    if (!any) {
      const double half = std::max(row.high - row.low, 1e-300) / 2;
      lowest = *row.estimate - kWidest * half;
      highest = *row.estimate + kWidest * half;
      low = row.low;
      high = row.high;
      any = true;
    }
    low = std::min(low, std::max(row.low, lowest));
    high = std::max(high, std::min(row.high, highest));
  }
  if (truth && *truth >= lowest && *truth <= highest) {
    low = std::min(low, *truth);
    high = std::max(high, *truth);
  }
  const double margin = (high - low) * 0.03;
  return Scale(low - margin, high + margin, right);
}

std::string Arrow(double x, double y, double direction, const std::string& classes) {
  return "<path d=\"M" + Place(x) + " " + Place(y) + "l" + Place(-6 * direction) + " -4v8z\"" +
         " class=\"mark " + classes + "\"/>";
}

std::string ForestLine(const ForestRow& row, const Scale& scale, double y) {
  const std::string classes = Class(row.series);
  if (!row.estimate) return Text(kLeft + 8, y + 4, "note", "start", row.note);
  const double low = std::clamp(row.low, scale.low(), scale.high());
  const double high = std::clamp(row.high, scale.low(), scale.high());
  std::string svg = Line(scale.At(low), y, scale.At(high), y, "bar " + classes);
  if (row.low < scale.low()) svg += Arrow(scale.At(low), y, -1, classes);
  if (row.high > scale.high()) svg += Arrow(scale.At(high), y, 1, classes);
  if (scale.Holds(*row.estimate)) svg += Mark(scale.At(*row.estimate), y, row.series);
  return svg + Text(kWidth, y + 4, "number", "end",
                    NumberText(*row.estimate, "%.3g") + " [" + NumberText(row.low, "%.3g") + ", " +
                        NumberText(row.high, "%.3g") + "]");
}

}  // namespace

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

std::string ForestPlot(const std::string& title,
                       const std::vector<ForestRow>& rows,
                       std::optional<double> truth) {
  const double bottom = kRowHeight * static_cast<double>(rows.size()) + 6;
  const Scale scale = ForestScale(rows, truth, kWidth - kTextWidth - 10);
  std::string svg =
      Open(title, bottom + kAxisHeight) + scale.Axis(0, bottom) + scale.Vertical(truth, 0, bottom);
  double y = kRowHeight / 2 + 2;
  for (const ForestRow& row : rows) {
    svg += Label(y, row.label) + ForestLine(row, scale, y) + "\n";
    y += kRowHeight;
  }
  return svg + "</svg>\n";
}

std::string LinePlot(const std::string& title,
                     const std::string& x_label,
                     const std::string& y_label,
                     const std::vector<PlotPoint>& points) {
  if (points.empty()) return {};
  constexpr double kHeight = 200;
  constexpr double kTop = 26;
  double low = points.front().y;
  double high = low;
  double first = points.front().x;
  double last = first;
  for (const PlotPoint& point : points) {
    low = std::min(low, point.y);
    high = std::max(high, point.y);
    first = std::min(first, point.x);
    last = std::max(last, point.x);
  }
  const double margin = high > low ? (high - low) * 0.08 : std::max(std::abs(low) * 0.05, 1e-6);
  low -= margin;
  high += margin;
  constexpr double kBegin = 80;
  const auto x = [&](double value) {
    return kBegin + 14 + (value - first) / std::max(last - first, 1.0) * (kWidth - kBegin - 34);
  };
  const auto y = [&](double value) {
    return kHeight - (value - low) / (high - low) * (kHeight - kTop);
  };
  std::string svg = Open(title, kHeight + 44) + Text(0, 12, "tick", "start", y_label) +
                    Text(kWidth, kHeight + 38, "tick", "end", x_label);
  for (const double tick : TicksOf(low, high, 6)) {
    svg += Line(kBegin, y(tick), kWidth, y(tick), "gridline") +
           Text(kBegin - 8, y(tick) + 4, "tick", "end", NumberText(tick, "%.6g")) + "\n";
  }
  svg += Line(kBegin, kHeight, kWidth, kHeight, "axis");
  std::string path;
  std::string marks;
  for (const PlotPoint& point : points) {
    path += (path.empty() ? "M" : "L") + Place(x(point.x)) + " " + Place(y(point.y));
    marks += Mark(x(point.x), y(point.y), Series::kFederated);
  }
  for (const double tick : TicksOf(first, std::max(last, first + 1), 8)) {
    if (tick != std::floor(tick) || tick > last) continue;
    svg += Text(x(tick), kHeight + 20, "tick", "middle", NumberText(tick, "%.0f"));
  }
  return svg + "<path d=\"" + path + "\" class=\"curve fed\"/>" + marks + "\n</svg>\n";
}

std::string StepPlot(const std::string& title,
                     const std::string& x_label,
                     const std::vector<StepCurve>& curves,
                     double last) {
  constexpr double kHeight = 240;
  constexpr double kBegin = 50;
  constexpr double kTop = 12;
  constexpr const char* kDashes[] = {"", "8 4", "2 3", "10 3 2 3"};
  constexpr Series kColours[] = {Series::kFederated, Series::kPooled, Series::kAlone};
  const double end = kWidth - 110;
  const auto x = [&](double value) { return kBegin + value / last * (end - kBegin); };
  const auto y = [&](double share) { return kHeight - share * (kHeight - kTop); };
  std::string svg = Open(title, kHeight + 44) + Text(end, kHeight + 38, "tick", "end", x_label);
  for (const double tick : TicksOf(0, 1, 5)) {
    svg += Line(kBegin, y(tick), end, y(tick), "gridline") +
           Text(kBegin - 8, y(tick) + 4, "tick", "end", NumberText(tick, "%.1f")) + "\n";
  }
  for (const double tick : TicksOf(0, last, 8)) {
    svg += Text(x(tick), kHeight + 20, "tick", "middle", NumberText(tick, "%.6g"));
  }
  svg += Line(kBegin, kHeight, end, kHeight, "axis");
  const auto path = [&](const std::vector<PlotPoint>& steps) {
    std::string text = "M" + Place(x(0)) + " " + Place(y(1));
    for (const PlotPoint& step : steps) text += "H" + Place(x(step.x)) + "V" + Place(y(step.y));
    return text;
  };
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const StepCurve& curve = curves[i];
    const std::string style = "class=\"curve " + Class(kColours[i % std::size(kColours)]) +
                              "\" stroke-dasharray=\"" + kDashes[i % std::size(kDashes)] + "\"";
    const std::string to_end = "H" + Place(x(last));
    for (const std::vector<PlotPoint>* limit : {&curve.low, &curve.high}) {
      if (limit->empty()) continue;
      // Limits that end earlier are those of a curve that came to 0.
      const std::string tail = limit->size() == curve.steps.size() ? to_end : "";
      svg += "<path d=\"" + path(*limit) + tail + "\" " + style + " opacity=\"0.3\"/>";
    }
    svg += "<path d=\"" + path(curve.steps) + to_end + "\" " + style + "/>";
    const double share = curve.steps.empty() ? 1 : curve.steps.back().y;
    svg += Text(end + 6, y(share) + 4, "label", "start", Cut(curve.label, kLongestLabel)) + "\n";
  }
  return svg + "</svg>\n";
}

std::string CalibrationPlot(const std::string& title, const std::vector<CalibrationPoint>& points) {
  if (points.empty()) return {};
  constexpr double kBegin = 60;
  constexpr double kTop = 26;
  constexpr double kSide = 380;
  const auto x = [](double share) { return kBegin + 10 + share * (kWidth - kBegin - 30); };
  const auto y = [](double share) { return kTop + 10 + (1 - share) * kSide; };
  std::string svg = Open(title, y(0) + 56) + Text(0, 12, "tick", "start", "share of events") +
                    Text(kWidth, y(0) + 48, "tick", "end", "predicted probability");
  for (const double tick : TicksOf(0, 1, 5)) {
    svg += Line(x(0), y(tick), x(1), y(tick), tick == 0 ? "axis" : "gridline") +
           Text(kBegin, y(tick) + 4, "tick", "end", NumberText(tick, "%.1f")) +
           Text(x(tick), y(0) + 22, "tick", "middle", NumberText(tick, "%.1f")) + "\n";
  }
  svg += Line(x(0), y(0), x(1), y(1), "truth") + "\n";
  for (const CalibrationPoint& point : points) {
    if (point.high > point.low) {
      svg += Line(x(point.predicted), y(point.low), x(point.predicted), y(point.high),
                  "bar " + Class(point.series));
    }
    svg += (point.series == Series::kPooled
                ? Diamond(x(point.predicted), y(point.observed), 10, point.series)
                : Mark(x(point.predicted), y(point.observed), point.series)) +
           "\n";
  }
  return svg + "</svg>\n";
}

std::string BarPlot(const std::string& title,
                    const std::vector<Bar>& bars,
                    std::optional<double> mark) {
  double highest = mark.value_or(0);
  for (const Bar& bar : bars) highest = std::max(highest, bar.value);
  const Scale scale(0, highest > 0 ? highest : 1, kWidth - 90);
  const double bottom = kRowHeight * static_cast<double>(bars.size()) + 6;
  std::string svg = Open(title, bottom + kAxisHeight) + scale.Axis(0, bottom);
  double y = kRowHeight / 2 + 2;
  for (const Bar& bar : bars) {
    const double end = scale.At(std::max(bar.value, 0.0));
    svg += Label(y, bar.label) + "<rect x=\"" + Place(kLeft) + "\" y=\"" + Place(y - 7) +
           "\" width=\"" + Place(end - kLeft) + "\" height=\"14\" class=\"area " +
           (bar.hollow ? std::string("hollow") : Class(bar.series)) + "\"/>" +
           Text(end + 6, y + 4, "number", "start", bar.text) + "\n";
    y += kRowHeight;
  }
  return svg + scale.Vertical(mark, 0, bottom) + "</svg>\n";
}

std::string StripPlot(const std::string& title,
                      const std::vector<StripRow>& rows,
                      std::optional<double> truth) {
  constexpr std::size_t kMostMarks = 300;
  constexpr double kStripHeight = 34;
  double low = truth.value_or(0);
  double high = low;
  bool any = truth.has_value();
  for (const StripRow& row : rows) {
    for (const double value : row.values) {
      low = any ? std::min(low, value) : value;
      high = any ? std::max(high, value) : value;
      any = true;
    }
  }
  const double margin = (high - low) * 0.03;
  const Scale scale(low - margin, high + margin, kWidth - 90);
  const double bottom = kStripHeight * static_cast<double>(rows.size()) + 4;
  std::string svg =
      Open(title, bottom + kAxisHeight) + scale.Axis(0, bottom) + scale.Vertical(truth, 0, bottom);
  double y = kStripHeight / 2;
  for (const StripRow& row : rows) {
    svg += Label(y, row.label);
    double sum = 0;
    for (const double value : row.values) sum += value;
    const std::size_t every = row.values.size() / kMostMarks + 1;
    for (std::size_t i = 0; i < row.values.size(); i += every) {
      // Three lines of marks, so that equal values do not hide one another.
      const double offset = 6.0 * (static_cast<double>((i / every) % 3) - 1);
      svg += "<circle cx=\"" + Place(scale.At(row.values[i])) + "\" cy=\"" + Place(y + offset) +
             "\" r=\"2.5\" class=\"dot " + Class(row.series) + "\"/>";
    }
    if (!row.values.empty()) {
      const double mean = sum / static_cast<double>(row.values.size());
      svg += Line(scale.At(mean), y - 13, scale.At(mean), y + 13, "mean") +
             Text(kWidth, y + 4, "number", "end", NumberText(mean, "%.3g"));
    }
    svg += "\n";
    y += kStripHeight;
  }
  return svg + "</svg>\n";
}

}  // namespace consilium
