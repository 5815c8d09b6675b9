#include "protocols/analyses/glm/tables.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace consilium::glm {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kNameWidth = 22;

/// "-" for what is no number.
std::string Text(double value, std::size_t width, const char* form) {
  char text[64] = "-";
  if (!std::isnan(value)) std::snprintf(text, sizeof text, form, value);
  return width > 1 ? Right(text, width) : text;
}

std::string Cell(double value, std::size_t width) { return Text(value, width, "%.5g"); }

/// A test statistic so large that its decimals would not fit has none.
std::string StatisticCell(double value) {
  const bool fits = value > -999.9995 && value < 9999.9995;
  return Text(value, 9, fits ? "%.3f" : "%.3g");
}

std::string NameCell(std::string name) {
  if (name.size() > kNameWidth) name = name.substr(0, kNameWidth - 2) + "..";
  name.resize(kNameWidth, ' ');
  return name;
}

std::string Percent(double confidence) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %%", 100 * confidence);
  return text;
}

Json NullIfNone(double value) { return std::isnan(value) ? Json() : Json(value); }

void AddRatio(const Coefficient& line, const Ratio& ratio, Json& json) {
  if (ratio.field.empty() || line.name == kIntercept) return;
  const std::string field(ratio.field);
  json[field] = std::exp(line.estimate);
  json[field + "_low"] = std::exp(line.low);
  json[field + "_high"] = std::exp(line.high);
}

std::string Interval(double low, double high) {
  if (std::isnan(low) || std::isnan(high)) return Right("-", 24);
  return Right(Cell(low, 1) + " to " + Cell(high, 1), 24);
}

std::string Line(const Coefficient& line, const Ratio& ratio) {
  std::string text = NameCell(line.name) + Cell(line.estimate, 12) + Cell(line.std_error, 12) +
                     StatisticCell(line.statistic) + PValue(line.p_value, 10) +
                     Interval(line.low, line.high);
  if (!ratio.name.empty() && line.name != kIntercept) text += Cell(std::exp(line.estimate), 11);
  return text + "\n";
}

}  // namespace

Json CoefficientsJson(const std::vector<Coefficient>& lines, const Ratio& ratio) {
  Json list = Json::array();
  for (const Coefficient& line : lines) {
    Json json = {{"name", line.name},
                 {"estimate", line.estimate},
                 {"std_error", NullIfNone(line.std_error)},
                 {"statistic", NullIfNone(line.statistic)},
                 {"p_value", NullIfNone(line.p_value)},
                 {"conf_low", NullIfNone(line.low)},
                 {"conf_high", NullIfNone(line.high)}};
    AddRatio(line, ratio, json);
    list.push_back(std::move(json));
  }
  return list;
}

Json CovarianceJson(const Symmetric& covariance) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < covariance.order(); ++i) {
    Json row = Json::array();
    for (std::size_t j = 0; j < covariance.order(); ++j) row.push_back(covariance(i, j));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json UnfinishedJson(const std::vector<std::string>& names,
                    const std::vector<double>& estimates,
                    const std::vector<std::size_t>& lost) {
  Json list = Json::array();
  for (std::size_t j = 0; j < names.size(); ++j) {
    const bool is_lost = std::find(lost.begin(), lost.end(), j) != lost.end();
    list.push_back({{"name", names[j]}, {"estimate", is_lost ? Json() : Json(estimates[j])}});
  }
  return list;
}

std::string NotConvergedMessage(std::uint32_t iterations) {
  return "Newton's method did not converge in " + std::to_string(iterations) +
         " rounds. Raise maximum_iterations, or check the features for extreme values.";
}

std::string Right(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 1, ' ') + text;
}

std::string CoefficientTable(const std::vector<Coefficient>& lines,
                             const Ratio& ratio,
                             std::string_view statistic,
                             double confidence) {
  std::string text = NameCell("term") + Right("estimate", 12) + Right("std. error", 12) +
                     Right(std::string(statistic), 9) + Right("p", 10) +
                     Right(Percent(confidence) + " CI", 24);
  if (!ratio.name.empty()) text += Right(std::string(ratio.name), 11);
  text += "\n";
  for (const Coefficient& line : lines) text += Line(line, ratio);
  return text;
}

std::string PValue(double p, int width) {
  const auto columns = static_cast<std::size_t>(width);
  if (p < 1e-300) return Text(0, columns, "%.1g");
  return Text(p, columns, p < 1e-3 ? "%.2e" : "%.4f");
}

/// Breaks a sentence into lines of at most 96 columns.
std::string Wrapped(const std::string& sentence) {
  std::string result;
  std::size_t column = 0;
  std::size_t at = 0;
  while (at < sentence.size()) {
    const std::size_t end = std::min(sentence.find(' ', at), sentence.size());
    if (column > 0 && column + 1 + (end - at) > 96) {
      result += '\n';
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result.append(sentence, at, end - at);
    column += end - at;
    at = end + 1;
  }
  return result + "\n";
}

std::string Counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text;
}

}  // namespace consilium::glm
