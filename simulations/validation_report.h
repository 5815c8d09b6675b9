#pragma once

// What an experiment shows of a model's validation beside its coefficients: how it does on the rows
// that it was fitted to and on those held out, fold by fold, and where it fails.

#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// Whether the federated result is a validation.
bool IsValidation(const Comparison& comparison);

/// A section of the page.
std::string ValidationSection(const Comparison& comparison);

}  // namespace consilium
