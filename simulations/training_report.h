#pragma once

// What an experiment shows of training: the course of losses, and how the federated model fares
// beside one trained on all data and each hospital's own.

#include <string>

#include "simulations/campaign.h"

namespace consilium {

/// Whether the federated result is a trained model instead of coefficients.
bool IsTraining(const Comparison& comparison);

/// A table for the terminal.
std::string TrainingText(const Comparison& comparison);

/// Of several runs: for each combination, means over its seeds of what the last round found.
std::string TrainingRunsText(const Campaign& campaign);
std::string TrainingRunsSection(const Campaign& campaign);

/// Sections of the page.
std::string TrainingSections(const Comparison& comparison);

}  // namespace consilium
