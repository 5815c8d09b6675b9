#pragma once

// Coefficients as JSON and as a table for people, and the words around them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "protocols/analyses/glm/cholesky.h"
#include "protocols/analyses/glm/inference.h"

namespace consilium::glm {

/// What exp(coefficient) is called in a table and in a result; empty where it has no name.
struct Ratio {
  std::string_view name;   ///< "OR"
  std::string_view field;  ///< "odds_ratio"
};

inline constexpr std::string_view kIntercept = "(Intercept)";

/// A list with each line's name, estimate, std_error, statistic, p_value, conf_low, conf_high, and,
/// but for the intercept, the ratio with its limits; null for what is NaN.
nlohmann::ordered_json CoefficientsJson(const std::vector<Coefficient>& lines, const Ratio& ratio);
/// Without a solution: each name with the estimate where the search ended, null for the ones of
/// `lost`, which run off.
nlohmann::ordered_json UnfinishedJson(const std::vector<std::string>& names,
                                      const std::vector<double>& estimates,
                                      const std::vector<std::size_t>& lost);
/// A list of rows.
nlohmann::ordered_json CovarianceJson(const Symmetric& covariance);

/// A heading and a line each, at most 100 columns, "-" for what is NaN; `statistic` is "z" or "t".
std::string CoefficientTable(const std::vector<Coefficient>& lines,
                             const Ratio& ratio,
                             std::string_view statistic,
                             double confidence);

std::string NotConvergedMessage(std::uint32_t iterations);

/// At the right of so many columns, behind at least one blank.
std::string Right(const std::string& text, std::size_t width);
/// A p value in `width` columns; "-" if it is NaN.
std::string PValue(double p, int width);
/// Breaks a sentence into lines of at most 96 columns.
std::string Wrapped(const std::string& sentence);
/// "1 patient", "2 patients"
std::string Counted(std::uint64_t count, const char* one, const char* many);
/// "a", "b" and "c" in quotes, with commas.
std::string Quoted(const std::vector<std::string>& names);

}  // namespace consilium::glm
