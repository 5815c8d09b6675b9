#include "protocols/analyses/summary/render.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/analyses/glm/tables.h"

namespace consilium::summary {
namespace {

using Json = nlohmann::ordered_json;

/// Tables are at most this wide; more groups than fit are in the JSON alone.
constexpr std::size_t kWidth = 100;
constexpr std::size_t kNameWidth = 26;
constexpr std::size_t kCellWidth = 18;
constexpr std::size_t kTestWidth = 9;

/// A count; whole unless it has noise, null where it is not shown.
Json CountJson(double count, bool noisy) {
  if (std::isnan(count)) return nullptr;
  return noisy ? Json(count) : Json(static_cast<std::uint64_t>(count));
}

Json Finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void AddInterval(const Interval& interval, const char* name, Json& json) {
  json[name] = Finite(interval.estimate);
  json["conf_low"] = Finite(interval.low);
  json["conf_high"] = Finite(interval.high);
}

Json QuantileJson(const Quantile& quantile) {
  Json json = {{"estimate", quantile.estimate}};
  if (quantile.low != quantile.high) {
    json["at_least"] = quantile.low;
    json["at_most"] = quantile.high;
  }
  return json;
}

/// With the plan's bins, of equal width, or with the edges of those laid together.
Json HistogramJson(const NumberCell& cell,
                   const NumberVariable& variable,
                   const std::optional<std::vector<std::size_t>>& ends,
                   bool noisy) {
  Json counts = Json::array();
  for (const double count : cell.bins) counts.push_back(CountJson(count, noisy));
  if (!ends) {
    return {{"from", variable.minimum()}, {"width", variable.width}, {"counts", std::move(counts)}};
  }
  Json edges = Json::array({variable.minimum()});
  for (const std::size_t end : *ends) edges.push_back(variable.UpperEdge(end));
  return {{"edges", std::move(edges)}, {"counts", std::move(counts)}};
}

Json NumberCellJson(const NumberCell& cell,
                    const NumberVariable& variable,
                    const std::optional<std::vector<std::size_t>>& ends,
                    bool noisy) {
  Json json = {{"n", CountJson(cell.present, noisy)}, {"missing", CountJson(cell.missing, noisy)}};
  if (cell.mean) AddInterval(*cell.mean, "mean", json);
  if (cell.variance) {
    json["variance"] = *cell.variance;
    json["sd"] = std::sqrt(*cell.variance);
  }
  constexpr const char* kNames[] = {"lower_quartile", "median", "upper_quartile"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (cell.quartiles[i]) json[kNames[i]] = QuantileJson(*cell.quartiles[i]);
  }
  if (!cell.bins.empty()) json["histogram"] = HistogramJson(cell, variable, ends, noisy);
  return json;
}

Json TestJson(const Test& test) {
  return {{"statistic", Finite(test.statistic)},
          {"df", Finite(test.df)},
          {"p_value", Finite(test.p_value)}};
}

Json NumberJson(const NumberSummary& summary,
                const NumberVariable& variable,
                const SummaryPlan& plan,
                bool noisy) {
  Json json = {{"name", variable.column.name}, {"type", "number"}, {"unit", variable.column.unit}};
  if (summary.digits) json["digits"] = *summary.digits;
  json["all"] = NumberCellJson(summary.all, variable, summary.bin_ends, noisy);
  if (!plan.by) return json;
  Json groups = Json::array();
  for (std::size_t g = 0; g < plan.groups(); ++g) {
    Json cell = {{"group", plan.by->levels[g]}};
    cell.update(NumberCellJson(summary.groups[g], variable, summary.bin_ends, noisy));
    groups.push_back(std::move(cell));
  }
  json["groups"] = std::move(groups);
  if (summary.difference) json["standardised_difference"] = *summary.difference;
  if (summary.welch) json["t_test"] = TestJson(*summary.welch);
  if (summary.anova) {
    json["anova"] = {{"f", Finite(summary.anova->statistic)},
                     {"df1", summary.anova->df},
                     {"df2", summary.anova_df},
                     {"p_value", Finite(summary.anova->p_value)}};
  }
  return json;
}

Json LevelCellJson(const LevelCell& cell, const LevelVariable& variable, bool noisy) {
  Json json = {{"n", CountJson(cell.present, noisy)}, {"missing", CountJson(cell.missing, noisy)}};
  Json levels = Json::array();
  for (std::size_t i = 0; i < variable.levels.size(); ++i) {
    Json level = {{"level", variable.levels[i]}, {"count", CountJson(cell.counts[i], noisy)}};
    if (!cell.shares.empty()) AddInterval(cell.shares[i], "share", level);
    levels.push_back(std::move(level));
  }
  json["levels"] = std::move(levels);
  return json;
}

Json LevelJson(const LevelSummary& summary,
               const LevelVariable& variable,
               const SummaryPlan& plan,
               bool noisy) {
  Json json = {{"name", variable.column.name}, {"type", "levels"}};
  json["all"] = LevelCellJson(summary.all, variable, noisy);
  if (!plan.by) return json;
  Json groups = Json::array();
  for (std::size_t g = 0; g < plan.groups(); ++g) {
    Json cell = {{"group", plan.by->levels[g]}};
    cell.update(LevelCellJson(summary.groups[g], variable, noisy));
    groups.push_back(std::move(cell));
  }
  json["groups"] = std::move(groups);
  if (summary.difference) json["standardised_difference"] = *summary.difference;
  if (summary.chi_squared) json["chi_squared"] = TestJson(*summary.chi_squared);
  if (const auto& stratified = summary.mantel_haenszel) {
    json["mantel_haenszel"] = TestJson(stratified->test);
    json["mantel_haenszel"]["corrected"] = TestJson(stratified->corrected);
    if (stratified->odds_ratio) {
      AddInterval(*stratified->odds_ratio, "odds_ratio", json["mantel_haenszel"]);
    }
  }
  return json;
}

std::string Formatted(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

std::string Padded(std::string text, std::size_t width) {
  if (text.size() > width) text = text.substr(0, width - 2) + "..";
  text.resize(width, ' ');
  return text;
}

std::string RightAligned(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 1, ' ') + text;
}

constexpr std::string_view kNotShown = "*";

std::string CountText(double count, bool noisy) {
  if (std::isnan(count)) return std::string(kNotShown);
  return Formatted(noisy ? "%.1f" : "%.0f", count);
}

/// The table for people: a column a group, then all.
class Table {
 public:
  Table(const Summary& summary, const SummaryPlan& plan) : summary_(summary), plan_(plan) {
    const std::size_t room = (kWidth - kNameWidth - 2 * kTestWidth) / kCellWidth;
    shown_ = plan.by && plan.groups() + 1 <= room ? plan.groups() : 0;
  }

  std::string Text() {
    Heading();
    std::size_t number = 0;
    std::size_t levels = 0;
    for (const std::string& name : plan_.variables) {
      if (number < plan_.numbers.size() && plan_.numbers[number].column.name == name) {
        AddNumber(plan_.numbers[number], summary_.numbers[number]);
        ++number;
      } else {
        AddLevels(plan_.levels[levels], summary_.levels[levels]);
        ++levels;
      }
    }
    AddNotes();
    if (hides_) {
      text_ += "* not shown: fewer than " + std::to_string(plan_.minimum_count) +
               " people, or what would tell how many those are.\n";
    }
    if (plan_.by && shown_ == 0) {
      text_ += "The groups of \"" + plan_.by->column.name + "\" are more than fit here; they are " +
               "in result.json.\n";
    }
    if (shown_ > 0 && summary_.without_group.estimate > 0) {
      text_ += Count(summary_.without_group.estimate) + " rows have no \"" + plan_.by->column.name +
               "\" and are left out.\n";
    }
    return text_;
  }

 private:
  template <class Cell>
  void Line(const std::string& name, Cell&& cell, const std::string& end = "") {
    text_ += Padded(name, kNameWidth);
    for (std::size_t g = 0; g < shown_; ++g) text_ += RightAligned(cell(g), kCellWidth);
    text_ += RightAligned(cell(plan_.groups()), kCellWidth) + end + "\n";
  }

  std::string Count(double count) {
    hides_ = hides_ || std::isnan(count);
    return CountText(count, summary_.noisy);
  }

  void Heading() {
    const bool tests = shown_ > 1 && !summary_.noisy;
    const std::string end =
        tests ? RightAligned("p", kTestWidth) + (shown_ == 2 ? RightAligned("SMD", kTestWidth) : "")
              : "";
    Line(
        plan_.by ? plan_.by->column.name : "",
        [&](std::size_t g) { return g < plan_.groups() ? plan_.by->levels[g] : "all"; }, end);
    Line("n", [&](std::size_t g) {
      return Count(g < plan_.groups() ? summary_.rows[g].estimate : summary_.all_rows.estimate);
    });
  }

  std::string Tests(const std::optional<Test>& test, const std::optional<double>& difference) {
    std::string end;
    if (shown_ > 1 && !summary_.noisy) {
      end += RightAligned(test ? glm::PValue(test->p_value, 1) : "-", kTestWidth);
      if (shown_ == 2)
        end += RightAligned(difference ? Formatted("%.3f", *difference) : "-", kTestWidth);
    }
    return end;
  }

  void AddNumber(const NumberVariable& variable, const NumberSummary& summary) {
    const auto cell = [&](std::size_t g) -> const NumberCell& {
      return g < plan_.groups() ? summary.groups[g] : summary.all;
    };
    const std::string unit = variable.column.unit.empty() ? "" : " (" + variable.column.unit + ")";
    Line(
        variable.column.name + unit + ", mean (sd)",
        [&](std::size_t g) {
          if (!cell(g).mean) return std::string("-");
          return Formatted("%.4g", cell(g).mean->estimate) +
                 (cell(g).variance ? Formatted(" (%.3g)", std::sqrt(*cell(g).variance)) : "");
        },
        Tests(plan_.groups() == 2 ? summary.welch : summary.anova, summary.difference));
    // Of one variable either all quartiles are exact or none is.
    const std::optional<Quantile>& any = summary.all.quartiles[1];
    const bool binned = any && any->low != any->high;
    has_bins_ = has_bins_ || binned;
    Line(binned ? "  median (quartiles) ~" : "  median (quartiles)", [&](std::size_t g) {
      const auto& quartiles = cell(g).quartiles;
      if (!quartiles[1]) return std::string("-");
      if (!quartiles[0] || !quartiles[2]) return Formatted("%.3g", quartiles[1]->estimate);
      return Formatted("%.3g", quartiles[1]->estimate) +
             Formatted(" (%.3g,", quartiles[0]->estimate) +
             Formatted(" %.3g)", quartiles[2]->estimate);
    });
    if (summary.digits) wide_.push_back(variable.column.name);
    AddMissing([&](std::size_t g) { return cell(g).missing; }, summary.all.missing);
  }

  void AddNotes() {
    if (has_bins_) {
      text_ +=
          "~ from histograms: result.json has the two edges that each quartile lies between.\n";
    }
    if (wide_.empty()) return;
    text_ += glm::Wrapped(
        "Digits were lost: the range that the contract gives " + glm::Quoted(wide_) +
        " is too wide for what is in it. result.json says how many digits variances have left; "
        "narrow the range to what is medically possible.");
  }

  void AddLevels(const LevelVariable& variable, const LevelSummary& summary) {
    const auto cell = [&](std::size_t g) -> const LevelCell& {
      return g < plan_.groups() ? summary.groups[g] : summary.all;
    };
    std::string end = Tests(summary.chi_squared, summary.difference);
    // Of yes and no one line says both.
    const bool both = variable.column.type == ColumnType::kBoolean;
    if (!both) {
      Line(
          variable.column.name, [](std::size_t) { return std::string(); }, std::exchange(end, ""));
    }
    for (std::size_t level = both ? 1 : 0; level < variable.levels.size(); ++level) {
      Line(
          both ? variable.column.name + ", n (%)" : "  " + variable.levels[level] + ", n (%)",
          [&](std::size_t g) {
            return Count(cell(g).counts[level]) +
                   (cell(g).shares.empty() || std::isnan(cell(g).shares[level].estimate)
                        ? ""
                        : Formatted(" (%.1f)", 100 * cell(g).shares[level].estimate));
          },
          std::exchange(end, ""));
    }
    AddMissing([&](std::size_t g) { return cell(g).missing; }, summary.all.missing);
  }

  template <class Missing>
  void AddMissing(Missing&& missing, double all) {
    if (!summary_.noisy && all == 0) return;
    Line("  missing", [&](std::size_t g) { return Count(g < plan_.groups() ? missing(g) : all); });
  }

  const Summary& summary_;
  const SummaryPlan& plan_;
  std::size_t shown_ = 0;  ///< Groups with a column of their own.
  bool hides_ = false;     ///< Whether a count is not shown.
  bool has_bins_ = false;  ///< Whether a quartile shown is not exact.
  std::vector<std::string> wide_;
  std::string text_;
};

}  // namespace

AnalysisResult Render(const Summary& summary, const SummaryPlan& plan) {
  Json json = {{"by", plan.by ? Json(plan.by->column.name) : Json(nullptr)}};
  json["rows"] = CountJson(summary.all_rows.estimate, summary.noisy);
  json["confidence"] = plan.confidence;
  if (!summary.noisy) json["minimum_count"] = plan.minimum_count;
  if (plan.by) {
    Json groups = Json::array();
    for (std::size_t g = 0; g < plan.groups(); ++g) {
      Json group = {{"group", plan.by->levels[g]},
                    {"rows", CountJson(summary.rows[g].estimate, summary.noisy)}};
      if (summary.noisy) {
        group["conf_low"] = summary.rows[g].low;
        group["conf_high"] = summary.rows[g].high;
      }
      groups.push_back(std::move(group));
    }
    json["groups"] = std::move(groups);
    json["without_group"] = CountJson(summary.without_group.estimate, summary.noisy);
  }
  Json variables = Json::array();
  std::size_t number = 0;
  std::size_t levels = 0;
  for (const std::string& name : plan.variables) {
    if (number < plan.numbers.size() && plan.numbers[number].column.name == name) {
      variables.push_back(
          NumberJson(summary.numbers[number], plan.numbers[number], plan, summary.noisy));
      ++number;
    } else {
      variables.push_back(
          LevelJson(summary.levels[levels], plan.levels[levels], plan, summary.noisy));
      ++levels;
    }
  }
  json["variables"] = std::move(variables);
  AnalysisResult result;
  result.converged = true;
  result.patients = summary.patients;
  result.sites = summary.sites;
  result.json = json.dump(2);
  result.table = Table(summary, plan).Text();
  return result;
}

}  // namespace consilium::summary
