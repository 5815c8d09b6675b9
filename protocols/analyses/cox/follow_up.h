#pragma once

// A site's rows in the order of their times, which is all that survival analyses know of times.

#include <cstddef>
#include <span>
#include <vector>

namespace consilium::cox {

/// Rows whose times count as one: order[begin] to order[end - 1].
struct TiedRows {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct TimeOrder {
  std::vector<std::size_t>
      order;                     ///< Row numbers, the longest time first; equal ones as they came.
  std::vector<TiedRows> groups;  ///< In that order.
};

/// Times that differ by at most 1.5e-8, or by that part of the mean of the different times, count
/// as one, as in R (aeqSurv, the option timefix): a division may have taken equal ones apart.
TimeOrder OrderByTime(std::span<const double> times);

}  // namespace consilium::cox
