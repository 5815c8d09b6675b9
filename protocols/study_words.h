#pragma once

// What states of a study and decisions about it are called, by people and in JSON.

#include <string_view>

#include "protocols/messages.h"

namespace consilium {

std::string_view Name(StudyState state);   ///< "paused"
std::string_view Name(DecisionKind kind);  ///< "declined"

}  // namespace consilium
