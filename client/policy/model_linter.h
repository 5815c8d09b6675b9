#pragma once

// What a study that trains a model could make sums hold of single rows, and whether the site's
// policy bears it. docs/policy-file.md, "Models that learn by heart".

#include <cstdint>
#include <string>
#include <vector>

#include "client/policy/policy.h"
#include "protocols/cohort.h"
#include "protocols/plan.h"

namespace consilium {

struct ModelFinding {
  std::string words;
  bool is_grave = false;  ///< A reason not to answer, unless the policy says otherwise.
};

/// For a cohort here; none for studies that train no model of ours, or whose sums have noise.
/// kInvalidArgument where the plan's text is not that of its analysis.
Result<std::vector<ModelFinding>> LintModel(const Policy& policy,
                                            const Plan& plan,
                                            const Cohort& cohort);

/// Refuses what LintModel finds grave, unless policy.memorising_models.
PolicyStatus CheckModel(const Policy& policy, const Plan& plan, const Cohort& cohort);

}  // namespace consilium
