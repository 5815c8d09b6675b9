#include "protocols/secure_sum/sketch_collection.h"

#include <utility>

#include "protocols/secure_sum/transcript.h"

namespace consilium {

SketchCollection::SketchCollection(NormCheck check,
                                   SketchRequest request,
                                   const Digest& context,
                                   const Digest& delivery_root)
    : check_(std::move(check)),
      request_(std::move(request)),
      seed_(SketchSeed(context, delivery_root, request_)) {}

std::optional<DropReason> SketchCollection::Take(SiteId site, const Sketch& sketch) {
  if (sketch.seed != seed_) return DropReason::kWrongContext;
  const std::optional<SketchNumbers> numbers = SketchNumbersOf(sketch.numbers);
  if (!numbers) return DropReason::kWrongLength;
  const auto known = sketches_.find(site);
  if (known != sketches_.end()) {
    return known->second == *numbers ? DropReason::kWrongPhase : DropReason::kConflictingRepeat;
  }
  if (!MayBeWithinBound(*numbers, check_)) return DropReason::kTooLong;
  sketches_.emplace(site, *numbers);
  return std::nullopt;
}

bool SketchCollection::AddUpTo(std::span<const std::uint64_t> sum,
                               const std::vector<SiteId>& sites) const {
  SketchNumbers added{};
  for (const SiteId site : sites) {
    const SketchNumbers& numbers = sketches_.at(site);
    for (std::size_t k = 0; k < kSketchRows; ++k) added[k] += numbers[k];
  }
  return added == Project(sum, check_, seed_);
}

}  // namespace consilium
