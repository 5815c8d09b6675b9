#include "simulations/meta_report.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

std::string Number(const Json& number, const char* form) {
  return number.is_number() ? NumberText(number.get<double>(), form) : std::string("-");
}

/// "0.0301 (0.0102)"
std::string Line(const Json& line) {
  if (!line.is_object()) return "-";
  return Number(line["estimate"], "%.4g") + " (" + Number(line["std_error"], "%.3g") + ")";
}

}  // namespace

bool IsMetaAnalysis(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).value("kind", "") == "meta";
}

std::string BetweenHospitalsSection(const Comparison& comparison) {
  using enum CellKind;
  const Json result = Json::parse(comparison.federated.result.json);
  if (!result["converged"].get<bool>()) return {};
  HtmlTable table("Common effects (standard errors) and how hospitals' own estimates differ",
                  {{"term", kText},
                   {"fixed", kNumber},
                   {"random", kNumber},
                   {"Hartung-Knapp", kNumber},
                   {"Q", kNumber},
                   {"df", kNumber},
                   {"p", kNumber},
                   {"I²", kNumber},
                   {"tau", kNumber},
                   {"another hospital", kNumber}});
  for (const Json& line : result["coefficients"]) {
    const Json& spread = line["heterogeneity"];
    table.Add({line["name"].get<std::string>(), Line(line["fixed"]), Line(line["random"]),
               Line(line["hartung_knapp"]), Number(spread["q"], "%.4g"),
               Number(spread["df"], "%.0f"), Number(spread["p_value"], "%.4f"),
               NumberText(100 * spread["i_squared"].get<double>(), "%.0f %%"),
               NumberText(std::sqrt(spread["tau_squared"].get<double>()), "%.4g"),
               Number(line["prediction_low"], "%.4g") + " to " +
                   Number(line["prediction_high"], "%.4g")});
  }
  const std::string counts =
      Number(result["fits"], "%.0f") + " of " + Number(result["sites"], "%.0f") +
      " hospitals have an estimate of their own; the others count for nothing here. Another "
      "hospital's own effect is to be expected within the last column.";
  return Section("Between hospitals", Paragraph(counts) + table.Html());
}

}  // namespace consilium
