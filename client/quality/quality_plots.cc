#include "client/quality/quality_plots.h"

#include <algorithm>
#include <utility>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_columns.h"
#include "common/pages/svg_plot.h"

namespace consilium {
namespace {

constexpr std::size_t kMostColumns = 60;  ///< More plots are read by nobody.
constexpr std::size_t kMostLevels = 20;

std::string ShareText(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return PercentText(static_cast<double>(part) / static_cast<double>(whole), "%.1f");
}

std::string Caption(const std::string& text) {
  return "<figcaption>" + Escaped(text) + "</figcaption>\n";
}

std::string RangeOf(const ValueParts& parts, std::size_t first, std::size_t last) {
  return NumberText(parts.from + parts.width * static_cast<double>(first), "%.6g") + " to " +
         NumberText(parts.end(last), "%.6g");
}

std::string NumberFigure(const ColumnProfile& column, const ColumnQuality& quality) {
  const ValueParts& parts = *column.parts;
  HistogramData data{parts.from, parts.width, parts.counts, parts.below, parts.above, {}};
  if (parts.box)
    data.quartiles = QuartileParts{parts.box->lower, parts.box->median, parts.box->upper};
  std::string words = std::to_string(column.values) + " values";
  if (parts.below > 0) words += ", " + std::to_string(parts.below) + " of them below";
  if (parts.above > 0) words += ", " + std::to_string(parts.above) + " of them above";
  words += ".";
  if (parts.box) {
    words += " Middle half within " + RangeOf(parts, parts.box->lower, parts.box->upper) +
             ", median within " + RangeOf(parts, parts.box->median, parts.box->median) + ".";
  }
  words += " Contract: " + quality.contract + ".";
  const std::string unit = column.unit.empty() ? "" : " (" + column.unit + ")";
  return Figure(column.name + unit,
                Histogram("Histogram of " + column.name + ", rows in parts from " +
                              PartsInWords(parts, column.unit),
                          data) +
                    Caption(words));
}

std::string LevelFigure(const ColumnProfile& column) {
  BarTable bars("Rows by level, of " + std::to_string(column.values) + " with a value", "Level",
                column.values);
  std::uint64_t others = 0;
  for (std::size_t i = 0; i < column.levels.size(); ++i) {
    if (i < kMostLevels) {
      bars.Add(column.levels[i].level, {}, column.levels[i].rows);
    } else {
      others += column.levels[i].rows;
    }
  }
  if (column.levels.size() > kMostLevels) bars.Add("other levels", {}, others);
  return Figure(column.name, bars.Html());
}

std::string BesideFederation(const ComparedColumn& column, const ColumnQuality& quality) {
  PeriodData data;
  data.y_label = "% of rows with a value";
  std::vector<std::optional<double>> there;
  for (std::size_t i = 0; i < column.here.size(); ++i) {
    data.names.push_back(column.levels.empty() ? NumberText(column.edges[i], "%.6g")
                                               : column.levels[i]);
    data.values.emplace_back(100 * column.here[i]);
    there.emplace_back(100 * column.there[i]);
  }
  data.beside = there;
  std::string words = "Missing here " + PercentText(column.missing_here) + ", in the federation " +
                      PercentText(column.missing_there) + ".";
  if (column.difference) {
    words += " Means " + NumberText(*column.difference, "%+.2f") + " standard deviations apart.";
  }
  // A summary without a histogram has means alone.
  const std::string plot =
      data.values.empty()
          ? std::string()
          : PeriodColumns("Shares of " + quality.name + " here and in the federation", data);
  return Figure(quality.name, plot + Caption(words));
}

/// The plots of one column over time.
std::string ColumnOverTime(const QualityReport& report,
                           const CalendarColumn& column,
                           const std::vector<std::string>& names) {
  const CalendarView& calendar = *report.calendar;
  const std::string& name = report.columns[column.column].name;
  std::string figures;
  if (std::any_of(column.missing.begin(), column.missing.end(),
                  [](std::uint64_t rows) { return rows > 0; })) {
    PeriodData data{names, {}, column.missing_step, 100, "% of rows without a value"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::uint64_t rows = calendar.periods[i].rows;
      data.values.push_back(rows == 0 ? std::nullopt
                                      : std::optional(100 * static_cast<double>(column.missing[i]) /
                                                      static_cast<double>(rows)));
    }
    figures += Figure(name + ": missing",
                      PeriodColumns("Share of rows without " + name + " by period", data));
  }
  const bool is_share = report.columns[column.column].type == ColumnType::kBoolean;
  const PeriodData means{
      names, column.means, column.value_step, {}, is_share ? "share of yes" : "mean"};
  const std::string curve =
      PeriodCurve((is_share ? "Share of yes of " : "Mean of ") + name + " by period", means);
  if (!curve.empty()) figures += Figure(name + (is_share ? ": share of yes" : ": mean"), curve);
  return figures;
}

}  // namespace

std::string BarTable::Html() const {
  std::string html = "<table class=\"bars\"><caption>" + Escaped(caption_) +
                     "</caption><thead><tr><th scope=\"col\">" + Escaped(heading_) +
                     "</th><th scope=\"col\">Share</th><th scope=\"col\" class=\"n\">" +
                     Escaped(counted_) +
                     "</th>"
                     "<th scope=\"col\" class=\"n\">%</th></tr></thead><tbody>\n";
  for (const Bar& bar : bars_) {
    const double share =
        whole_ == 0 ? 0 : 100 * static_cast<double>(bar.count) / static_cast<double>(whole_);
    html += "<tr><th scope=\"row\">" + Escaped(bar.label);
    if (!bar.detail.empty()) html += "<small>" + Escaped(bar.detail) + "</small>";
    html += "</th><td class=\"track\">";
    if (bar.count > 0) {
      html += "<span class=\"fill\" style=\"width:" + NumberText(std::min(share, 100.0), "%.2f") +
              "%\"></span>";
    }
    html += "</td><td class=\"n\">" + std::to_string(bar.count) + "</td><td class=\"n\">" +
            ShareText(bar.count, whole_) + "</td></tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string DistributionSection(const QualityReport& report) {
  const DataProfile& profile = *report.profile;
  std::string figures;
  std::size_t drawn = 0;
  std::size_t left_out = 0;
  std::string few;
  for (std::size_t i = 0; i < profile.columns.size(); ++i) {
    const ColumnProfile& column = profile.columns[i];
    const bool has_levels = !column.levels.empty() && column.values > 0;
    if (!column.parts && !has_levels) {
      if (report.columns[i].type != ColumnType::kDate) {
        few += (few.empty() ? "" : ", ") + column.name;
      }
      continue;
    }
    if (drawn == kMostColumns) {
      ++left_out;
      continue;
    }
    ++drawn;
    figures += column.parts ? NumberFigure(column, report.columns[i]) : LevelFigure(column);
  }
  std::string body = "<div class=\"grid tight\">\n" + figures + "</div>\n";
  if (left_out > 0) body += Paragraph(std::to_string(left_out) + " more columns are not drawn.");
  if (!few.empty()) body += Paragraph("Too few values to draw: " + few + ".", "muted");
  return Section("Distributions", body);
}

std::string FederationSection(const QualityReport& report) {
  if (!report.federation) {
    return Section(
        "Beside the federation",
        Paragraph("Not shown: this site knows no finished study of kind \"summary\" that "
                  "has columns of this contract. Once one is finished, the check puts "
                  "its sums beside these data.",
                  "muted"));
  }
  const FederationView& federation = *report.federation;
  std::string figures;
  for (std::size_t i = 0; i < std::min(federation.columns.size(), kMostColumns); ++i) {
    figures +=
        BesideFederation(federation.columns[i], report.columns[federation.columns[i].column]);
  }
  return Section(
      "Beside the federation",
      Paragraph("Study " + FederationInWords(federation) +
                    ", yours among them. Columns: this site; dots: the federation. Shares of the "
                    "rows with a value, in percent.",
                "muted") +
          "<div class=\"grid tight\">\n" + figures + "</div>\n");
}

std::string CalendarSection(const QualityReport& report) {
  const CalendarView& calendar = *report.calendar;
  PeriodData rows{{}, {}, {}, {}, "rows"};
  for (const CalendarPeriod& period : calendar.periods) {
    rows.names.push_back(period.name);
    rows.values.emplace_back(static_cast<double>(period.rows));
  }
  std::string figures = Figure("Rows", PeriodColumns("Rows by period", rows));
  std::vector<const CalendarColumn*> columns;
  for (const CalendarColumn& column : calendar.columns) columns.push_back(&column);
  // Steps first: they are what one looks for.
  std::stable_partition(columns.begin(), columns.end(), [](const CalendarColumn* column) {
    return column->missing_step || column->value_step;
  });
  for (std::size_t i = 0; i < std::min(columns.size(), kMostColumns); ++i) {
    figures += ColumnOverTime(report, *columns[i], rows.names);
  }
  std::string words = "By " + calendar.date_column +
                      ". A dashed line stands where a test finds a step; the findings say more.";
  if (calendar.without_date > 0) {
    words += " " + std::to_string(calendar.without_date) + " rows have no date.";
  }
  if (calendar.outside > 0) {
    words += " " + std::to_string(calendar.outside) +
             " rows with a date far from nearly all others' are not drawn.";
  }
  return Section("Over calendar time",
                 Paragraph(words, "muted") + "<div class=\"grid tight\">\n" + figures + "</div>\n");
}

}  // namespace consilium
