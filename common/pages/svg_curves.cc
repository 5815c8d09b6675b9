// Plots of curves and points; those of rows stand in svg_plot.cc.

#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/pages/number_text.h"
#include "common/pages/svg_parts.h"
#include "common/pages/svg_plot.h"

namespace consilium {
namespace {

using namespace svg;

/// Three colours and four dashes: twelve curves that no two have alike.
std::string ColourOf(std::size_t curve) {
  constexpr Series kColours[] = {Series::kFederated, Series::kPooled, Series::kAlone};
  return Class(kColours[curve % std::size(kColours)]);
}

std::string CurveStyle(std::size_t curve) {
  constexpr const char* kDashes[] = {"", "8 4", "2 3", "10 3 2 3"};
  return "class=\"curve " + ColourOf(curve) + "\" stroke-dasharray=\"" +
         kDashes[curve % std::size(kDashes)] + "\"";
}

constexpr double kLineTop = 26;
constexpr double kLineHeight = 200;
constexpr double kNamesWidth = 145;  ///< Right of curves, for their names.
constexpr std::size_t kLongestName = 20;

/// What a plot of points has to hold.
struct Extent {
  double first = 0;
  double last = 0;
  double low = 0;
  double high = 0;
  bool any = false;

  void Take(double x, double lowest, double highest) {
    first = any ? std::min(first, x) : x;
    last = any ? std::max(last, x) : x;
    low = any ? std::min(low, lowest) : lowest;
    high = any ? std::max(high, highest) : highest;
    any = true;
  }
};

/// Axes for points whose x are whole numbers.
class Frame {
 public:
  Frame(Extent extent, double right) : extent_(extent), right_(right) {
    const double range = extent.high - extent.low;
    const double about = extent.low == 0 ? 1 : std::abs(extent.low) * 0.05;
    const double margin = range > 0 ? range * 0.08 : about;
    extent_.low -= margin;
    extent_.high += margin;
  }

  double X(double value) const {
    const double range = std::max(extent_.last - extent_.first, 1.0);
    return kBegin + 14 + (value - extent_.first) / range * (right_ - kBegin - 34);
  }
  double Y(double value) const {
    return kLineHeight -
           (value - extent_.low) / (extent_.high - extent_.low) * (kLineHeight - kLineTop);
  }
  std::string At(double x, double y) const { return Place(X(x)) + " " + Place(Y(y)); }

  std::string Draw(const std::string& title,
                   const std::string& x_label,
                   const std::string& y_label) const {
    std::string svg = Open(title, kLineHeight + 44) + Text(0, 12, "tick", "start", y_label) +
                      Text(right_, kLineHeight + 38, "tick", "end", x_label);
    for (const double tick : TicksOf(extent_.low, extent_.high, 6)) {
      svg += Line(kBegin, Y(tick), right_, Y(tick), "gridline") +
             Text(kBegin - 8, Y(tick) + 4, "tick", "end", NumberText(tick, "%.6g")) + "\n";
    }
    svg += Line(kBegin, kLineHeight, right_, kLineHeight, "axis");
    for (const double tick : TicksOf(extent_.first, std::max(extent_.last, extent_.first + 1), 8)) {
      if (tick != std::floor(tick) || tick > extent_.last) continue;
      svg += Text(X(tick), kLineHeight + 20, "tick", "middle", NumberText(tick, "%.0f"));
    }
    return svg;
  }

 private:
  static constexpr double kBegin = 80;

  Extent extent_;
  double right_;
};

struct PlacedLabel {
  double y = 0;
  std::string text;
};

/// Moves labels up or down until each has a line of its own between `top` and `bottom`.
void MoveApart(std::vector<PlacedLabel>& labels, double top, double bottom) {
  std::sort(labels.begin(), labels.end(),
            [](const PlacedLabel& a, const PlacedLabel& b) { return a.y < b.y; });
  const double step = std::min(15.0, (bottom - top) / static_cast<double>(labels.size()));
  double free = top;
  for (PlacedLabel& label : labels) {
    label.y = std::max(label.y, free);
    free = label.y + step;
  }
  double below = bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->y = std::min(label->y, below);
    below = label->y - step;
  }
}

}  // namespace

std::string LinePlot(const std::string& title,
                     const std::string& x_label,
                     const std::string& y_label,
                     const std::vector<PlotPoint>& points) {
  if (points.empty()) return {};
  Extent extent;
  for (const PlotPoint& point : points) extent.Take(point.x, point.y, point.y);
  const Frame frame(extent, kWidth);
  std::string svg = frame.Draw(title, x_label, y_label);
  std::string path;
  std::string marks;
  for (const PlotPoint& point : points) {
    path += (path.empty() ? "M" : "L") + frame.At(point.x, point.y);
    marks += Mark(frame.X(point.x), frame.Y(point.y), Series::kFederated);
  }
  return svg + "<path d=\"" + path + "\" class=\"curve fed\"/>" + marks + "\n</svg>\n";
}

std::string BandPlot(const std::string& title,
                     const std::string& x_label,
                     const std::string& y_label,
                     const std::vector<BandCurve>& curves) {
  Extent extent;
  std::size_t drawn = 0;
  for (const BandCurve& curve : curves) {
    for (const BandPoint& point : curve.points) extent.Take(point.x, point.low, point.high);
    drawn += curve.points.empty() ? 0U : 1U;
  }
  if (drawn == 0) return {};
  const double right = drawn > 1 ? kWidth - kNamesWidth : kWidth;
  const Frame frame(extent, right);
  std::string svg = frame.Draw(title, x_label, y_label);
  std::vector<PlacedLabel> labels;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const std::vector<BandPoint>& points = curves[i].points;
    if (points.empty()) continue;
    std::string line;
    std::string band;
    for (const BandPoint& point : points) {
      line += (line.empty() ? "M" : "L") + frame.At(point.x, point.y);
      band += (band.empty() ? "M" : "L") + frame.At(point.x, point.high);
    }
    for (auto point = points.rbegin(); point != points.rend(); ++point) {
      band += "L" + frame.At(point->x, point->low);
    }
    svg += "<path d=\"" + band + "z\" class=\"band " + ColourOf(i) + "\"/><path d=\"" + line +
           "\" " + CurveStyle(i) + "/>\n";
    labels.push_back({frame.Y(points.back().y), curves[i].label});
  }
  if (drawn > 1) {
    MoveApart(labels, kLineTop, kLineHeight);
    for (const PlacedLabel& label : labels) {
      svg += Text(right + 6, label.y + 4, "label", "start", Cut(label.text, kLongestName)) + "\n";
    }
  }
  return svg + "</svg>\n";
}

std::string StepPlot(const std::string& title,
                     const std::string& x_label,
                     const std::vector<StepCurve>& curves,
                     double last) {
  constexpr double kHeight = 240;
  constexpr double kBegin = 50;
  constexpr double kTop = 12;
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
    const std::string style = CurveStyle(i);
    const std::string to_end = "H" + Place(x(last));
    for (const std::vector<PlotPoint>* limit : {&curve.low, &curve.high}) {
      if (limit->empty()) continue;
      // Limits that end earlier are those of a curve that came to 0.
      const std::string tail = limit->size() == curve.steps.size() ? to_end : "";
      svg += "<path d=\"" + path(*limit) + tail + "\" " + style + " opacity=\"0.3\"/>";
    }
    svg += "<path d=\"" + path(curve.steps) + to_end + "\" " + style + "/>";
    const double share = curve.steps.empty() ? 1 : curve.steps.back().y;
    svg += Text(end + 6, y(share) + 4, "label", "start", Cut(curve.label, 16)) + "\n";
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

}  // namespace consilium
