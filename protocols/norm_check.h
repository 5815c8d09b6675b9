#pragma once

// Which of an analysis's numbers are held to a length by sketches.

#include <cstdint>
#include <optional>
#include <vector>

#include "protocols/analysis.h"
#include "protocols/secure_sum/sketch.h"

namespace consilium {

/// Of a query with these slices, summed over at most `sites` sites: at most one slice has
/// checked_l2.
std::optional<NormCheck> NormCheckOf(const std::vector<Slice>& slices, std::uint32_t sites);

/// Whether the analysis has lengths checked in any of its rounds.
bool ChecksNorms(const Analysis& analysis);

}  // namespace consilium
