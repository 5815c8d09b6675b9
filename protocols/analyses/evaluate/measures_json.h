#pragma once

// Measures and curves as JSON objects: null for what there is not.

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "protocols/analyses/evaluate/curves.h"
#include "protocols/analyses/evaluate/measures.h"
#include "protocols/analyses/evaluate/settings.h"

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

/// By the terms' names.
nlohmann::ordered_json CoefficientsJson(const std::vector<glm::Term>& terms,
                                        const std::vector<double>& coefficients);
/// A list of subgroups, each with its column and levels; `level` is given their numbers.
nlohmann::ordered_json SubgroupsJson(
    const std::vector<Subgroup>& subgroups,
    const std::function<nlohmann::ordered_json(std::size_t subgroup, std::size_t level)>& level);

}  // namespace consilium::evaluate
