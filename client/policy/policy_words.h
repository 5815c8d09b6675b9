#pragma once

// How the policy's refusals are worded. For the files that hold its rules alone.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/policy/policy.h"

namespace consilium {

inline constexpr std::string_view kStewardCanChange =
    "Whoever is responsible for this site's policy.toml can change that.";
inline constexpr std::string_view kLeadCanChange =
    "Only the study's lead can change that, with a new plan.";

tl::unexpected<PolicyRefusal> RefuseByPolicy(PolicyRule rule,
                                             std::string message,
                                             std::string_view remedy = kStewardCanChange);

std::string Counted(std::uint64_t count, const std::string& noun);  ///< "3 patients"
std::string Listed(const std::vector<std::string>& names);          ///< "a, b", or "none"

}  // namespace consilium
