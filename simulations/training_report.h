#pragma once

// What an experiment shows of training: the course of losses, and how the federated model fares
// beside one trained on all data and each hospital's own.

#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// Whether the federated result is a trained model instead of coefficients.
bool IsTraining(const Comparison& comparison);

/// A table for the terminal.
std::string TrainingText(const Comparison& comparison);

/// Sections of the page.
std::string TrainingSections(const Comparison& comparison);

}  // namespace consilium
