#pragma once

// Which of an analysis's numbers are held to a length by sketches.

#include <cstdint>
#include <optional>

#include "protocols/analysis.h"
#include "protocols/secure_sum/sketch.h"

namespace consilium {

/// One of the slices that are asked for, of kFewestSketchedNumbers numbers or more.
struct CheckedSlice {
  std::size_t index = 0;
  double longest = 0;  ///< That one site's numbers may be together (L2 norm).
};

/// Also an Analysis: one whose plan may have the length of each site's own numbers checked.
class NormChecked {
 public:
  virtual ~NormChecked() = default;
  /// Of the query's slices; none where the plan does not ask for it, or this round has none.
  virtual std::optional<CheckedSlice> CheckedIn(const Query& query) const = 0;
  /// Of the slices for the reviewer; none where no round has one.
  virtual std::optional<CheckedSlice> CheckedInReview() const = 0;
};

/// What is sketched of a vector that answers the query, one that the analysis describes, for at
/// most `sites` sites.
std::optional<NormCheck> NormCheckOf(const Analysis& analysis,
                                     const Query& query,
                                     std::uint32_t sites);

/// The slice for the reviewer that is checked in some rounds; none where norms are not checked.
std::optional<CheckedSlice> CheckedInReview(const Analysis& analysis);

}  // namespace consilium
