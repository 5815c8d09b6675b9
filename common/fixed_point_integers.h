#pragma once

// The integers that stand in ring words, for whoever adds them up apart from the ring.

#include <cstdint>
#include <span>

#include "common/fixed_point.h"

namespace consilium {

/// How many units a one is in a slot of this encoding: 2^a of fixed_point.h. kReal and kShort only.
double UnitsPerOne(const Slot& slot, std::uint32_t sites);

/// The slot's numbers first, first + 1, ... as integers, of one encoding or of a sum of them;
/// `words` are all of the slot's. Of a kReal number the upper word alone: the lower is worth less
/// than 2 n units. An integer differs from its number by less than one unit. kReal and kShort only.
void IntegersOf(std::span<const std::uint64_t> words,
                const Slot& slot,
                std::size_t first,
                std::span<std::int64_t> integers);

}  // namespace consilium
