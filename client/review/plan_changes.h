#pragma once

// What is different in a plan from an earlier one, key by key and in plain words.

#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/plan.h"

namespace consilium {

enum class ChangeKind { kAdded, kRemoved, kChanged };

struct PlanChange {
  ChangeKind kind = ChangeKind::kChanged;
  std::string what;    ///< "Fewest hospitals in a total", "Column crp: unit", "analysis.ridge"
  std::string before;  ///< Empty if it was added.
  std::string after;   ///< Empty if it was removed.
};

/// "Fewest hospitals in a total: 3 instead of 5"
std::string InWords(const PlanChange& change);

/// By sections of the plan, in a fixed order. Keys count, not their order, spelling or comments;
/// columns go by their names, lists by their elements.
Result<std::vector<PlanChange>> ChangesOf(const Plan& earlier, const Plan& plan);

/// Whether the two ask sites for the same data: equal but for the order of keys.
bool SameContract(const Plan& a, const Plan& b);

}  // namespace consilium
