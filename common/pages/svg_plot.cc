#include "common/pages/svg_plot.h"

#include <algorithm>
#include <cmath>

#include "common/pages/number_text.h"
#include "common/pages/svg_parts.h"

namespace consilium {
namespace {

using namespace svg;

constexpr double kTextWidth = 185;  ///< For numbers at the right.
constexpr double kRowHeight = 24;
constexpr double kAxisHeight = 30;

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
