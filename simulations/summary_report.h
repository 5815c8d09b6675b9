#pragma once

// What an experiment shows of a summary: the table that a coordinator would release.

#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// Whether the federated result is a summary of variables instead of coefficients.
bool IsSummary(const Comparison& comparison);

/// How the federated table and the pooled one agree, for the terminal.
std::string SummaryText(const Comparison& comparison);

/// A section of the page.
std::string SummarySection(const Comparison& comparison);

}  // namespace consilium
