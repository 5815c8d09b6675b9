#pragma once

// What a plan with kind = "evaluate" and a time to an event says, checked: the risk score that is
// judged, or the Cox model that makes it, and the subgroups.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/cox/settings.h"
#include "protocols/analyses/evaluate/settings.h"

namespace consilium::evaluate {

struct SurvivalPlan {
  /// The event and its time, then the column of scores if one is judged, then subgroups that are no
  /// features. Features are those of the model.
  glm::Design design;
  std::vector<double> coefficients;  ///< One a term of the design; none where a column is judged.
  std::vector<Subgroup> subgroups;
  cox::Ties ties = cox::Ties::kEfron;  ///< Of the slope's likelihood.
  std::uint64_t minimum_count = 5;     ///< Rows, events and others of a level that is released.
  double confidence = 0.95;

  const std::string& event() const { return design.columns[0]; }
  const std::string& time() const { return design.columns[1]; }
  bool has_model() const { return !coefficients.empty(); }
  /// Only without a model.
  const std::string& prediction() const { return design.columns[kScore]; }
  /// All rows, then each level of each subgroup.
  std::size_t groups() const;

  /// No row that the contract allows has a score beyond.
  struct Range {
    double minimum = 0;
    double maximum = 0;
  };
  Range Scores() const;
  /// Of a row of the cohort: the higher, the earlier the event is expected.
  double ScoreOf(const double* row) const;

  /// Of the cohort's columns.
  static constexpr std::size_t kEvent = 0;
  static constexpr std::size_t kTime = 1;
  static constexpr std::size_t kScore = 2;
};

/// Whether an [analysis] table speaks of a time to an event.
bool NamesSurvival(const Settings& settings);

/// The [analysis] table. Errors carry line and column.
Result<SurvivalPlan> ParseSurvivalPlan(const Settings& settings, const Contract& contract);

}  // namespace consilium::evaluate
