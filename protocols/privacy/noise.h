#pragma once

// Noise in the words of a contribution, before they are masked: each site draws its share for the
// numbers whose slots ask for it.

#include <cstdint>
#include <span>
#include <vector>

#include "common/fixed_point.h"
#include "common/random.h"
#include "common/result.h"
#include "protocols/federation.h"

namespace consilium {

/// Shares of noise that are counted on when this many sites start a round: FewestHonestShares of
/// the published thresholds; of fewer than three sites, as a simulation may have, all.
/// kInvalidArgument for more sites than a sum can have.
Result<std::uint32_t> HonestSharesOf(std::uint32_t sites);

bool HasNoise(std::span<const Slot> slots);

/// Adds a fresh share of discrete Gaussian noise to each word of the noisy slots: of variance
/// slot.noise over HonestSharesOf(sites), in steps squared. `words` are EncodeFixedPoint's.
Status AddNoise(std::span<const Slot> slots,
                std::uint32_t sites,
                RandomSource& random,
                std::span<std::uint64_t> words);

/// What Federation::Sum returns for a sum's words: `capacity` sites started the round and
/// `sites` of them are in the sum. Errors as DecodeFixedPoint.
Result<Aggregate> OpenAggregate(std::span<const std::uint64_t> sum,
                                std::span<const Slot> slots,
                                std::uint32_t capacity,
                                std::uint32_t sites);

/// Whether `sum` is `answers`, the sum of what `sites` sites encoded, plus their noise: equal in
/// every word without noise, within twelve deviations (an event of 4e-33) where there is.
bool IsSumOf(std::span<const std::uint64_t> sum,
             std::span<const std::uint64_t> answers,
             std::span<const Slot> slots,
             std::uint32_t capacity,
             std::uint32_t sites);

}  // namespace consilium
