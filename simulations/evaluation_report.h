#pragma once

// What an experiment shows of given predictions that were evaluated: over all hospitals, over all
// rows in one place and at each hospital alone, and where they fail although they rank well.

#include <string>
#include <vector>

#include "simulations/comparison.h"

namespace consilium {

/// Whether the federated result is an evaluation.
bool IsEvaluation(const Comparison& comparison);

/// A sentence for each hospital whose own interval of calibration in the large does not hold 0 or
/// of the slope not 1; first those whose AUC is no lower than that of all hospitals, which an AUC
/// alone would hide.
std::vector<std::string> EvaluationWarnings(const Comparison& comparison);

/// A table for the terminal, and the warnings.
std::string EvaluationText(const Comparison& comparison);

/// Sections of the page.
std::string EvaluationSections(const Comparison& comparison);

}  // namespace consilium
