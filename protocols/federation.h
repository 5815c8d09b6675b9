#pragma once

// The one instruction of a federation: the sum of what all sites answer to one query.

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"

namespace consilium {

/// What the coordinator asks all sites in one round: an encoded message of the study's analysis.
struct Query {
  Bytes body;
};

/// The decoded sum of the sites' contributions, in the order of the query's slices.
struct Aggregate {
  std::vector<double> values;
  std::uint32_t sites = 0;  ///< How many sites are in the sum.
  /// Standard deviation of the noise in each value; none where no noise was added.
  std::vector<double> noise = {};
};

/// Thrown by Sum when the study is stopped or the process ends, so that an analysis, a plain loop,
/// unwinds. Whoever called Run catches it; analyses never do.
struct StudyInterrupted {};

class Federation {
 public:
  virtual ~Federation() = default;
  /// Blocks for one round.
  virtual Aggregate Sum(const Query& query) = 0;
};

}  // namespace consilium
