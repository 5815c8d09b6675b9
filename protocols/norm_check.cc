#include "protocols/norm_check.h"

#include <algorithm>

#include "common/check.h"

namespace consilium {

std::optional<NormCheck> NormCheckOf(const std::vector<Slice>& slices, std::uint32_t sites) {
  std::optional<NormCheck> check;
  std::size_t first_word = 0;
  for (const Slice& slice : slices) {
    if (slice.checked_l2 > 0) {
      CHECK(!check && slice.slot.count >= kFewestSketchedNumbers);
      check = NormCheck{first_word, slice.slot, slice.checked_l2, sites};
    }
    first_word += WordsOf(std::span(&slice.slot, 1));
  }
  return check;
}

bool ChecksNorms(const Analysis& analysis) {
  const std::vector<Slice> slices = analysis.DescribeForReview();
  return std::any_of(slices.begin(), slices.end(),
                     [](const Slice& slice) { return slice.checked_l2 > 0; });
}

}  // namespace consilium
