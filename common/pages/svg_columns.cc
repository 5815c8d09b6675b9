#include "common/pages/svg_columns.h"

#include <algorithm>
#include <cmath>

#include "common/pages/number_text.h"
#include "common/pages/svg_parts.h"

namespace consilium {
namespace {

using namespace svg;

constexpr double kNarrow = 360;
constexpr double kBegin = 46;  ///< Left of it stand the numbers of the upright axis.
constexpr double kEnd = kNarrow - 6;
constexpr double kBottom = 160;
constexpr double kHeight = kBottom + 24;

std::string OpenNarrow(const std::string& title) {
  return "<svg class=\"narrow\" viewBox=\"0 0 " + Place(kNarrow) + " " + Place(kHeight) +
         "\" role=\"img\" aria-label=\"" + Escaped(title) + "\">\n";
}

/// The upright axis, from `low` at kBottom to `high` at `top`.
class Upright {
 public:
  Upright(double low, double high, double top) : low_(low), high_(high), top_(top) {}

  double At(double value) const {
    return kBottom - (value - low_) / (high_ - low_) * (kBottom - top_);
  }
  std::string Draw() const {
    std::string svg;
    for (const double tick : TicksOf(low_, high_, 4)) {
      svg += Line(kBegin, At(tick), kEnd, At(tick), "gridline") +
             Text(kBegin - 6, At(tick) + 4, "tick", "end", NumberText(tick, "%.6g")) + "\n";
    }
    return svg + Line(kBegin, kBottom, kEnd, kBottom, "axis") + "\n";
  }

 private:
  double low_;
  double high_;
  double top_;
};

std::string Column(double left, double width, double top, std::string_view classes) {
  return "<rect x=\"" + Place(left) + "\" y=\"" + Place(top) + "\" width=\"" +
         Place(std::max(width, 0.5)) + "\" height=\"" + Place(kBottom - top) + "\" class=\"area " +
         std::string(classes) + "\"/>";
}

/// Where the parts of a histogram lie, between the columns of what is outside.
class Parts {
 public:
  explicit Parts(const HistogramData& data) : data_(data) {
    const double outside = (data.below > 0 ? 1.5 : 0) + (data.above > 0 ? 1.5 : 0);
    width_ = (kEnd - kBegin) / (static_cast<double>(data.counts.size()) + outside);
    first_ = kBegin + (data.below > 0 ? 1.5 * width_ : 0);
  }

  double width() const { return width_; }
  double Left(std::size_t part) const { return first_ + static_cast<double>(part) * width_; }
  double At(double value) const { return first_ + (value - data_.from) / data_.width * width_; }
  double upper_end() const {
    return data_.from + data_.width * static_cast<double>(data_.counts.size());
  }

 private:
  const HistogramData& data_;
  double width_ = 0;
  double first_ = 0;
};

std::string Box(const Parts& parts, const QuartileParts& quartiles) {
  constexpr double kMiddle = 12;
  const double left = parts.Left(quartiles.lower);
  const double right = parts.Left(quartiles.upper + 1);
  const double median = parts.Left(quartiles.median) + parts.width() / 2;
  return "<rect x=\"" + Place(left) + "\" y=\"" + Place(kMiddle - 6) + "\" width=\"" +
         Place(right - left) + "\" height=\"12\" class=\"box\"/>" +
         Line(median, kMiddle - 6, median, kMiddle + 6, "mean") + "\n";
}

/// The names below some of the periods: as many as have room, the first one and the last.
std::string PeriodNames(const std::vector<std::string>& names, double width) {
  constexpr double kRoom = 62;
  const auto every = static_cast<std::size_t>(std::ceil(kRoom / width));
  std::string svg;
  for (std::size_t i = 0; i < names.size(); i += std::max<std::size_t>(every, 1)) {
    const double x = kBegin + (static_cast<double>(i) + 0.5) * width;
    const bool at_the_end = x > kEnd - kRoom / 2;
    svg += Text(at_the_end ? kEnd : std::max(x, kBegin + kRoom / 3), kBottom + 17, "tick",
                at_the_end ? "end" : "middle", names[i]);
  }
  return svg + "\n";
}

double WidthOfPeriods(const PeriodData& data) {
  return (kEnd - kBegin) / static_cast<double>(data.names.size());
}

std::string StepLine(const PeriodData& data, double top) {
  if (!data.step) return {};
  const double x = kBegin + static_cast<double>(*data.step) * WidthOfPeriods(data);
  return Line(x, top, x, kBottom, "truth") + "\n";
}

}  // namespace

std::string Histogram(const std::string& title, const HistogramData& data) {
  if (data.counts.empty()) return {};
  std::uint64_t most = std::max<std::uint64_t>({data.below, data.above, 1});
  for (const std::uint64_t count : data.counts) most = std::max(most, count);
  const Upright upright(0, static_cast<double>(most), data.quartiles ? 28 : 10);
  const Parts parts(data);
  std::string svg = OpenNarrow(title) + upright.Draw();
  if (data.quartiles) svg += Box(parts, *data.quartiles);
  const double gap = std::min(1.0, parts.width() * 0.1);
  const auto column = [&](double left, std::uint64_t count, std::string_view classes) {
    if (count == 0) return std::string();
    // A single row among thousands is to be seen, too.
    const double top = std::min(upright.At(static_cast<double>(count)), kBottom - 1.5);
    return Column(left, parts.width() - gap, top, classes);
  };
  svg += column(kBegin, data.below, "hollow");
  for (std::size_t i = 0; i < data.counts.size(); ++i) {
    svg += column(parts.Left(i), data.counts[i], "fed");
  }
  svg += column(kEnd - parts.width(), data.above, "hollow") + "\n";
  for (const double tick : TicksOf(data.from, parts.upper_end(), 5)) {
    const double x = std::clamp(parts.At(tick), kBegin + 8, kEnd - 10);
    svg += Text(x, kBottom + 17, "tick", "middle", NumberText(tick, "%.6g"));
  }
  return svg + "\n</svg>\n";
}

std::string PeriodColumns(const std::string& title, const PeriodData& data) {
  if (data.names.empty()) return {};
  double most = data.top.value_or(1);
  for (const auto& value : data.values) most = std::max(most, value.value_or(0));
  for (const auto& value : data.beside) most = std::max(most, value.value_or(0));
  constexpr double kTop = 26;
  const Upright upright(0, most, kTop);
  const double width = WidthOfPeriods(data);
  std::string svg = OpenNarrow(title) + Text(0, 11, "tick", "start", data.y_label) + upright.Draw();
  for (std::size_t i = 0; i < data.values.size(); ++i) {
    if (!(data.values[i].value_or(0) > 0)) continue;
    svg += Column(kBegin + static_cast<double>(i) * width, width - std::min(1.0, width * 0.1),
                  std::min(upright.At(*data.values[i]), kBottom - 1.5), "fed");
  }
  for (std::size_t i = 0; i < data.beside.size(); ++i) {
    if (!data.beside[i]) continue;
    svg += "<circle cx=\"" + Place(kBegin + (static_cast<double>(i) + 0.5) * width) + "\" cy=\"" +
           Place(upright.At(*data.beside[i])) + "\" r=\"3\" class=\"mark pool\"/>";
  }
  return svg + "\n" + StepLine(data, kTop - 6) + PeriodNames(data.names, width) + "</svg>\n";
}

std::string PeriodCurve(const std::string& title, const PeriodData& data) {
  std::optional<double> low;
  std::optional<double> high;
  for (const auto& value : data.values) {
    if (!value) continue;
    low = std::min(low.value_or(*value), *value);
    high = std::max(high.value_or(*value), *value);
  }
  if (!low) return {};
  const double margin = *high > *low ? (*high - *low) * 0.15 : std::max(std::abs(*low) * 0.05, 0.5);
  constexpr double kTop = 26;
  const Upright upright(*low - margin, *high + margin, kTop);
  const double width = WidthOfPeriods(data);
  std::string path;
  std::string marks;
  bool joined = false;
  for (std::size_t i = 0; i < data.values.size(); ++i) {
    if (!data.values[i]) {
      joined = false;
      continue;
    }
    const double x = kBegin + (static_cast<double>(i) + 0.5) * width;
    const double y = upright.At(*data.values[i]);
    path += (joined ? "L" : "M") + Place(x) + " " + Place(y);
    marks += "<circle cx=\"" + Place(x) + "\" cy=\"" + Place(y) + "\" r=\"3\" class=\"mark fed\"/>";
    joined = true;
  }
  return OpenNarrow(title) + Text(0, 11, "tick", "start", data.y_label) + upright.Draw() +
         StepLine(data, kTop - 6) + "<path d=\"" + path + "\" class=\"curve fed\"/>" + marks +
         "\n" + PeriodNames(data.names, width) + "</svg>\n";
}

}  // namespace consilium
