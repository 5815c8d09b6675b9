#pragma once

// What an experiment shows of survival curves: the steps with their limits, medians beside those of
// all rows in one place and of each hospital alone, and the tests.

#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// Whether the federated result has survival curves instead of coefficients.
bool HasSurvivalCurves(const Comparison& comparison);

/// A table for the terminal.
std::string SurvivalText(const Comparison& comparison);

/// Sections of the page.
std::string SurvivalSections(const Comparison& comparison);

}  // namespace consilium
