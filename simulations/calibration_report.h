#pragma once

// What the page shows of a logistic model's calibration.

#include <string>

#include "simulations/comparison.h"
#include "simulations/experiment.h"

namespace consilium {

/// The federated and the pooled model over all rows, and the federated one at each hospital. Empty
/// for other analyses, without a federated solution, and where single sites are not shown.
std::string CalibrationSection(const Plan& plan,
                               const VirtualFederation& federation,
                               const Comparison& comparison);

}  // namespace consilium
