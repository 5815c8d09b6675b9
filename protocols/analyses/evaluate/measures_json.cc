#include "protocols/analyses/evaluate/measures_json.h"

#include <cstdint>

#include <nlohmann/json.hpp>

namespace consilium::evaluate {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json OrNull(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Json MeasureJson(const Measure& measure) {
  return {{"estimate", measure.estimate},
          {"std_error", OrNull(measure.std_error)},
          {"conf_low", OrNull(measure.low)},
          {"conf_high", OrNull(measure.high)}};
}

Json MeasureJson(const std::optional<Measure>& measure) {
  return measure ? MeasureJson(*measure) : Json();
}

Json AucJson(const std::optional<Discrimination>& discrimination) {
  if (!discrimination) return {};
  Json json = MeasureJson(discrimination->auc);
  json["bin_error"] = discrimination->bin_error;
  return json;
}

Json CalibrationJson(const std::vector<CalibrationGroup>& curve) {
  Json json = Json::array();
  for (const CalibrationGroup& group : curve) {
    json.push_back({{"from", group.from},
                    {"to", group.to},
                    {"rows", static_cast<std::uint64_t>(group.rows)},
                    {"events", static_cast<std::uint64_t>(group.events)},
                    {"predicted", group.predicted},
                    {"observed", group.observed},
                    {"conf_low", group.limits.low},
                    {"conf_high", group.limits.high}});
  }
  return json;
}

Json DecisionJson(const std::vector<DecisionPoint>& curve) {
  Json json = Json::array();
  for (const DecisionPoint& point : curve) {
    json.push_back({{"threshold", point.threshold},
                    {"sensitivity", point.sensitivity},
                    {"specificity", point.specificity},
                    {"net_benefit", point.net_benefit},
                    {"treat_all", point.treat_all}});
  }
  return json;
}

nlohmann::ordered_json CoefficientsJson(const std::vector<glm::Term>& terms,
                                        const std::vector<double>& coefficients) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (std::size_t j = 0; j < coefficients.size(); ++j) json[terms[j].name] = coefficients[j];
  return json;
}

nlohmann::ordered_json SubgroupsJson(
    const std::vector<Subgroup>& subgroups,
    const std::function<nlohmann::ordered_json(std::size_t subgroup, std::size_t level)>& level) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < subgroups.size(); ++i) {
    nlohmann::ordered_json levels = nlohmann::ordered_json::array();
    for (std::size_t k = 0; k < subgroups[i].levels.size(); ++k) levels.push_back(level(i, k));
    json.push_back({{"column", subgroups[i].column}, {"levels", std::move(levels)}});
  }
  return json;
}

}  // namespace consilium::evaluate
