#pragma once

// The merging of a grid's bins until no small number of events is left.

#include <cstdint>
#include <vector>

namespace consilium::survival {

/// The last of the bins that are laid together in each merged one, rising; the last of all is the
/// last bin. Each merged bin has no event or at least `minimum`; runs without events stay apart, so
/// that nobody censored before an event counts as at risk at it. They are laid together from the
/// latest back. Empty when even all events together do not suffice.
std::vector<std::uint32_t> MergeBins(const std::vector<double>& events, double minimum);

/// The counts of the merged bins.
std::vector<double> Merged(const std::vector<double>& counts,
                           const std::vector<std::uint32_t>& ends);

}  // namespace consilium::survival
