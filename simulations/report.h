#pragma once

// An experiment's outcome as result.json and as text for a terminal.

#include <cstdint>
#include <string>

#include "simulations/comparison.h"

namespace consilium {

/// Holds nothing that depends on the machine, the time or the number of threads.
std::string ResultJson(const Experiment& experiment,
                       const VirtualFederation& federation,
                       const Comparison& comparison,
                       std::uint64_t seed);

std::string ResultText(const Experiment& experiment,
                       const VirtualFederation& federation,
                       const Comparison& comparison);

}  // namespace consilium
