#include "protocols/privacy/noise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "protocols/privacy/noise_shares.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {
namespace {

constexpr std::uint32_t kFewestSites = 3;

bool IsNoisy(const Slot& slot) { return slot.encoding == Encoding::kNoisy; }

Result<RationalVariance> ShareOf(const Slot& slot, std::uint32_t sites) {
  TRY(const std::uint32_t shares, HonestSharesOf(sites));
  return ShareVariance(RationalVariance{slot.noise, 1}, shares);
}

}  // namespace

Result<std::uint32_t> HonestSharesOf(std::uint32_t sites) {
  if (sites < kFewestSites) return std::max(sites, 1U);
  TRY(const Thresholds thresholds, ThresholdsFor(sites, kFewestSites));
  return FewestHonestShares(thresholds);
}

bool HasNoise(std::span<const Slot> slots) {
  return std::any_of(slots.begin(), slots.end(), IsNoisy);
}

Status AddNoise(std::span<const Slot> slots,
                std::uint32_t sites,
                RandomSource& random,
                std::span<std::uint64_t> words) {
  CHECK(words.size() == WordsOf(slots));
  UniformBits bits(random);
  for (const Slot& slot : slots) {
    const std::size_t size = WordsOf({&slot, 1});
    if (IsNoisy(slot)) {
      TRY(const RationalVariance variance, ShareOf(slot, sites));
      TRY(const DiscreteGaussian gaussian, DiscreteGaussian::Create(variance));
      for (std::uint64_t& word : words.first(size)) {
        word += static_cast<std::uint64_t>(gaussian.Draw(bits));
      }
    }
    words = words.subspan(size);
  }
  return {};
}

bool IsSumOf(std::span<const std::uint64_t> sum,
             std::span<const std::uint64_t> answers,
             std::span<const Slot> slots,
             std::uint32_t capacity,
             std::uint32_t sites) {
  constexpr double kDeviations = 12;
  CHECK(sum.size() == WordsOf(slots) && answers.size() == sum.size());
  std::size_t word = 0;
  for (const Slot& slot : slots) {
    double reach = 0;
    if (IsNoisy(slot)) {
      const Result<RationalVariance> share = ShareOf(slot, capacity);
      if (!share) return false;
      reach = kDeviations * std::sqrt(share->value() * sites);
    }
    for (const std::size_t end = word + WordsOf({&slot, 1}); word < end; ++word) {
      const auto off = static_cast<double>(static_cast<std::int64_t>(sum[word] - answers[word]));
      if (std::abs(off) > reach) return false;
    }
  }
  return true;
}

Result<Aggregate> OpenAggregate(std::span<const std::uint64_t> sum,
                                std::span<const Slot> slots,
                                std::uint32_t capacity,
                                std::uint32_t sites) {
  Aggregate aggregate;
  aggregate.sites = sites;
  TRY(aggregate.values, DecodeFixedPoint(sum, slots, capacity));
  if (!HasNoise(slots)) return aggregate;
  for (const Slot& slot : slots) {
    double deviation = 0;
    if (IsNoisy(slot)) {
      TRY(const RationalVariance share, ShareOf(slot, capacity));
      deviation = slot.step * std::sqrt(share.value() * sites);
    }
    aggregate.noise.insert(aggregate.noise.end(), slot.count, deviation);
  }
  return aggregate;
}

}  // namespace consilium
