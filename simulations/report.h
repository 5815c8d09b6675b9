#pragma once

// An experiment's outcome as documents and as text for a terminal.

#include <cstdint>
#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// result.json: byte for byte what a coordinator releases for the same plan over the same rows.
std::string ResultJson(const Experiment& experiment, const Comparison& comparison);

/// comparison.json. Holds nothing that depends on the machine, the time or the number of threads.
std::string ComparisonJson(const Experiment& experiment,
                           const VirtualFederation& federation,
                           const Comparison& comparison,
                           std::uint64_t seed);

std::string ResultText(const Experiment& experiment,
                       const VirtualFederation& federation,
                       const Comparison& comparison);

}  // namespace consilium
