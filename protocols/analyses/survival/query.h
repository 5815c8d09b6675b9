#pragma once

// What the coordinator of survival curves asks, its bytes, and what leaves a site in answer.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/survival/settings.h"
#include "protocols/analysis.h"

namespace consilium::survival {

enum class Step : std::uint8_t {
  kGrid = 1,  ///< Events in each bin, of all groups together.
  kTable = 2  ///< Events and censored patients of each group in each merged bin, and log-rank sums.
};

struct SurvivalQuery {
  Step step = Step::kGrid;
  std::vector<std::uint32_t> ends;  ///< For the table: the last bin of each merged one.
};

Query EncodeQuery(const SurvivalQuery& query);
/// kInvalidArgument if these bytes are no query for this plan.
Result<SurvivalQuery> DecodeQuery(const Query& query, const SurvivalPlan& plan);

/// What leaves a site.
std::vector<Slice> DescribeQuery(const SurvivalQuery& query, const SurvivalPlan& plan);

/// Numbers that every answer begins with: rows, patients, events.
inline constexpr std::size_t kCommonSums = 3;

}  // namespace consilium::survival
