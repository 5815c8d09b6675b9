#pragma once

// The plan of survival curves: its keys and their checks.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/design.h"

namespace consilium::survival {

/// The scale on which limits of a curve are symmetric: R's conf.type of survfit.
enum class LimitScale { kLog, kLogLog, kPlain };

std::string_view NameOf(LimitScale scale);  ///< "log-log"

inline constexpr std::size_t kMostBins = 5'000;
inline constexpr std::size_t kMostGroups = 20;

struct SurvivalPlan {
  glm::Design design;  ///< The outcomes are the event and the time; the group is the only feature.
  std::vector<std::string> groups;  ///< Their names in the order of the group's values; else "all".
  double bin_width = 1;             ///< Bin j > 0 are the times above j - 1 and up to j widths.
  std::size_t bins = 2;             ///< Bin 0 is time 0 itself.
  std::uint64_t minimum_events = 5;
  double confidence = 0.95;
  LimitScale scale = LimitScale::kLog;

  const std::string& event() const { return design.columns[0]; }
  const std::string& time() const { return design.columns[1]; }
  bool has_groups() const { return !design.features.empty(); }

  /// The bin of a time that the contract allows. A time that a division took a little beyond a
  /// bin's end belongs to that bin.
  std::size_t BinOf(double time) const;
};

/// The [analysis] table. Errors carry line and column.
Result<SurvivalPlan> ParseSurvivalPlan(const Settings& settings, const Contract& contract);

}  // namespace consilium::survival
