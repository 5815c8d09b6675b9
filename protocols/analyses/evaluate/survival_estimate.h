#pragma once

// The coordinator's half of an evaluation of times to an event: counts, pairs, then Newton rounds
// that recalibrate.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/cox/concordance.h"
#include "protocols/analyses/evaluate/measures.h"
#include "protocols/analyses/evaluate/survival_settings.h"
#include "protocols/federation.h"

namespace consilium::evaluate {

/// Of all rows, or of a level of a subgroup. Nothing is where the rows do not tell.
struct SurvivalMeasures {
  double rows = 0;
  double events = 0;
  /// Harrell's, of pairs within sites. Without a standard error where that would be 0: where all
  /// pairs point one way it says nothing.
  std::optional<Measure> concordance;
  /// b of the hazard h_site(t) exp(b score).
  std::optional<Measure> slope;
};

struct SurvivalLevel {
  std::string level;
  bool left_out = false;  ///< Too few rows, events or others to be shown.
  SurvivalMeasures measures;
};

struct SurvivalEvaluation {
  bool converged = true;
  std::string trouble;           ///< Why there is less than was asked for, if there is.
  std::uint32_t iterations = 0;  ///< Newton rounds.
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  double mean = 0;  ///< Of the scores.
  std::optional<double> deviation;
  SurvivalMeasures all;
  std::optional<cox::PairSums> pairs;  ///< Of all rows.
  std::vector<std::vector<SurvivalLevel>> subgroups;
};

/// Most rounds that it takes.
std::uint32_t MostSurvivalRounds();

/// kNotEstimable without a row; kCorrupt for sums that cannot be.
Result<SurvivalEvaluation> RunSurvivalEvaluation(Federation& federation, const SurvivalPlan& plan);

/// Harrell's, from sums over pairs; nothing without a pair, and without a standard error where all
/// pairs point one way, which says nothing of how sure that is. Limits by Wald, cut at 0 and 1.
std::optional<Measure> ConcordanceMeasure(const cox::PairSums& pairs, double confidence);

}  // namespace consilium::evaluate
