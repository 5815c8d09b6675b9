#include "simulations/summary_report.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

/// Means of all patients by variable; NaN where there is none.
std::vector<double> MeansOf(const PlainRun& run) {
  std::vector<double> means;
  const Json result = Json::parse(run.result.json);
  for (const Json& variable : result["variables"]) {
    const Json mean = variable["all"].value("mean", Json());
    means.push_back(mean.is_number() ? mean.get<double>() : std::nan(""));
  }
  return means;
}

std::string Agreement(const Comparison& comparison) {
  if (!comparison.pooled.run) return "There is no pooled summary.";
  if (Json::parse(comparison.federated.result.json).contains("privacy")) {
    return "With noise, no two runs of different seeds agree.";
  }
  const std::vector<double> federated = MeansOf(comparison.federated);
  const std::vector<double> pooled = MeansOf(*comparison.pooled.run);
  double largest = 0;
  for (std::size_t i = 0; i < std::min(federated.size(), pooled.size()); ++i) {
    const double scale = std::max(std::abs(federated[i]), std::abs(pooled[i]));
    if (scale > 0) largest = std::max(largest, std::abs(federated[i] - pooled[i]) / scale);
  }
  return "Largest relative difference between federated and pooled means: " +
         NumberText(largest, "%.1e") + ".";
}

/// Lines of a table as they stand, in HTML.
std::string Verbatim(const std::string& text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      default:
        html += c;
    }
  }
  return "<pre>" + html + "</pre>";
}

}  // namespace

bool IsSummary(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).contains("variables");
}

std::string SummaryText(const Comparison& comparison) { return Agreement(comparison) + "\n"; }

std::string SummarySection(const Comparison& comparison) {
  return Section("Summary", Verbatim(comparison.federated.result.table) +
                                Paragraph(Agreement(comparison), "muted"));
}

}  // namespace consilium
