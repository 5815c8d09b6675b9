#pragma once

// The coordinator's half of survival curves: two sums, then curves, medians and tests from counts.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/survival/kaplan_meier.h"
#include "protocols/analyses/survival/log_rank.h"
#include "protocols/federation.h"

namespace consilium::survival {

struct Curve {
  std::string group;
  double rows = 0;
  double events = 0;
  std::vector<double> bin_ends;    ///< Its own grid: each time counts as the next of these.
  std::vector<CurvePoint> points;  ///< At each of them that has events.
  Median median;
};

struct SurvivalEstimate {
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint64_t events = 0;
  std::uint32_t sites = 0;
  std::vector<double> bin_ends;  ///< The grid of the log-rank test, of all groups together.
  std::vector<Curve> curves;
  LogRankSums on_grid{0};
  LogRankSums by_site{0};  ///< Stratified by site, of the sites' own times.
};

inline constexpr std::uint32_t kRounds = 2;

/// kNotEstimable when there are fewer events than the plan's minimum, in all or in a group that has
/// any; kCorrupt when the sums are impossible.
Result<SurvivalEstimate> RunSurvival(Federation& federation, const SurvivalPlan& plan);

}  // namespace consilium::survival
