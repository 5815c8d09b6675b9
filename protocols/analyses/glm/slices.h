#pragma once

// The slices that regressions have in common, with their bounds.

#include <cstddef>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analysis.h"

namespace consilium::glm {

/// Covers the rounding of a bound's own arithmetic.
inline constexpr double kSlack = 1.0 + 1e-9;

/// Entries of the upper triangle of a matrix of this order.
constexpr std::size_t TriangleSize(std::size_t order) { return order * (order + 1) / 2; }

Slice RealSlice(
    std::string name, std::string shape, std::string meaning, std::size_t count, double bound);
Slice CountSlice(std::string name, std::string meaning, double bound);
/// "rows" and "patients", with which every round's sums begin.
std::vector<Slice> CohortSlices(double rows);
Slice ScoreSlice(std::size_t order, double bound);
Slice InformationSlice(std::size_t order, double bound);
/// "term sums" and "term squares", none without terms.
std::vector<Slice> MomentSlices(const std::vector<double>& term_bounds, double rows);

/// kInvalidArgument if a bound leaves no room for the number of sites.
Status CheckBounds(const std::vector<Slice>& slices);

/// Appends those whose names are not listed yet.
void AppendNew(std::vector<Slice> added, std::vector<Slice>& slices);

}  // namespace consilium::glm
