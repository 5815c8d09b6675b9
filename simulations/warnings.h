#pragma once

// What a simulation does not refuse and a person should know all the same.

#include <string>
#include <vector>

#include "common/time.h"
#include "simulations/experiment.h"

namespace consilium {

/// Sentences about the names of hospitals in the experiment's site_column: rows that have none, and
/// names that differ in capitals or blanks alone. Empty for a table that names no hospitals.
std::vector<std::string> SiteNameWarnings(const Experiment& experiment, const LoadedTable& table);

/// That no site would answer the plan any more after this day; nothing before it.
std::vector<std::string> ExpiryWarnings(const Plan& plan,
                                        const std::string& plan_file,
                                        const Date& today);

}  // namespace consilium
