#pragma once

// Measures and curves as JSON objects: null for what there is not.

#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "protocols/analyses/evaluate/curves.h"
#include "protocols/analyses/evaluate/measures.h"

namespace consilium::evaluate {

nlohmann::ordered_json OrNull(const std::optional<double>& number);
/// "estimate", "std_error", "conf_low", "conf_high".
nlohmann::ordered_json MeasureJson(const Measure& measure);
nlohmann::ordered_json MeasureJson(const std::optional<Measure>& measure);
/// The same of the AUC, with "bin_error".
nlohmann::ordered_json AucJson(const std::optional<Discrimination>& discrimination);
/// A list of groups.
nlohmann::ordered_json CalibrationJson(const std::vector<CalibrationGroup>& curve);
/// A list of thresholds.
nlohmann::ordered_json DecisionJson(const std::vector<DecisionPoint>& curve);

}  // namespace consilium::evaluate
