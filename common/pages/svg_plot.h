#pragma once

// Small plots as inline SVG: no script, no font, no file beside the page. Colours and line widths
// are the page's style sheet's, by class, so that a plot follows a dark screen and a printer; what
// a series is can also be told from the form of its marks. Same input, same bytes.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace consilium {

/// Text for HTML and SVG, attributes included. Control characters become '?'.
std::string Escaped(std::string_view text);

/// Round numbers within [low, high], about `wanted` of them, evenly spaced; low < high.
std::vector<double> TicksOf(double low, double high, std::size_t wanted);

enum class Series { kFederated, kPooled, kAlone };

/// One line of a forest plot. Without an estimate the note is shown instead.
struct ForestRow {
  std::string label;
  Series series = Series::kAlone;
  std::optional<double> estimate;
  double low = 0;
  double high = 0;
  std::string note;
};

/// Estimates with intervals, one below the other. The scale is that of the first row's interval and
/// at most a dozen times as wide: what lies beyond ends in an arrow.
std::string ForestPlot(const std::string& title,
                       const std::vector<ForestRow>& rows,
                       std::optional<double> truth);

struct PlotPoint {
  double x = 0;
  double y = 0;
};

/// Points joined by a line; x are whole numbers.
std::string LinePlot(const std::string& title,
                     const std::string& x_label,
                     const std::string& y_label,
                     const std::vector<PlotPoint>& points);

/// A line with a band about it, from `low` to `high` of each point; ticks of x are whole numbers.
struct BandPoint {
  double x = 0;
  double y = 0;
  double low = 0;
  double high = 0;
};
struct BandCurve {
  std::string label;
  std::vector<BandPoint> points;
};

/// Curves differ in their dashes, too; a label stands beside the end of its own, or as near to it
/// as the others let it. Empty when no curve has a point.
std::string BandPlot(const std::string& title,
                     const std::string& x_label,
                     const std::string& y_label,
                     const std::vector<BandCurve>& curves);

/// A curve that starts at (0, 1) and has a new height from each point on; limits may end earlier.
struct StepCurve {
  std::string label;
  std::vector<PlotPoint> steps;
  std::vector<PlotPoint> low;
  std::vector<PlotPoint> high;
};

/// Shares between 0 and 1 from x = 0 to `last`; curves differ in their dashes, too.
std::string StepPlot(const std::string& title,
                     const std::string& x_label,
                     const std::vector<StepCurve>& curves,
                     double last);

/// A group of rows: predicted probability, share of events with its limits.
struct CalibrationPoint {
  Series series = Series::kFederated;
  double predicted = 0;
  double observed = 0;
  double low = 0;  ///< No interval is drawn when it equals `high`.
  double high = 0;
};

/// Predicted against observed, both from 0 to 1, with the line on which they agree. Points of other
/// series than the federated one are drawn larger: they may lie below one of it.
std::string CalibrationPlot(const std::string& title, const std::vector<CalibrationPoint>& points);

struct Bar {
  std::string label;
  double value = 0;
  std::string text;  ///< At the bar's end.
  Series series = Series::kAlone;
  bool hollow = false;
};

/// Horizontal bars from 0; `mark`, if given, is a vertical line with this value.
std::string BarPlot(const std::string& title,
                    const std::vector<Bar>& bars,
                    std::optional<double> mark);

/// One line of a strip plot: a mark for each value, and their mean.
struct StripRow {
  std::string label;
  Series series = Series::kFederated;
  std::vector<double> values;
};

std::string StripPlot(const std::string& title,
                      const std::vector<StripRow>& rows,
                      std::optional<double> truth);

}  // namespace consilium
