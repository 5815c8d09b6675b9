#include "protocols/norm_check.h"

#include <vector>

#include "common/check.h"

namespace consilium {

std::optional<NormCheck> NormCheckOf(const Analysis& analysis,
                                     const Query& query,
                                     std::uint32_t sites) {
  const auto* checked = dynamic_cast<const NormChecked*>(&analysis);
  const auto found = checked != nullptr ? checked->CheckedIn(query) : std::nullopt;
  if (!found) return std::nullopt;
  const Result<std::vector<Slice>> slices = analysis.Describe(query);
  CHECK(slices.has_value() && found->index < slices->size());
  const std::vector<Slot> slots = SlotsOf(*slices);
  const Slot& slot = slots[found->index];
  CHECK(slot.count >= kFewestSketchedNumbers && found->longest > 0);
  return NormCheck{WordsOf(std::span(slots).first(found->index)), slot, found->longest, sites};
}

std::optional<CheckedSlice> CheckedInReview(const Analysis& analysis) {
  const auto* checked = dynamic_cast<const NormChecked*>(&analysis);
  return checked != nullptr ? checked->CheckedInReview() : std::nullopt;
}

}  // namespace consilium
