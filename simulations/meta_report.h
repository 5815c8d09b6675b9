#pragma once

// What an experiment shows of a meta-analysis beside its coefficients: how hospitals differ.

#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// Whether the federated result is of hospitals' own estimates.
bool IsMetaAnalysis(const Comparison& comparison);

/// A section of the page; empty without estimates.
std::string BetweenHospitalsSection(const Comparison& comparison);

}  // namespace consilium
