#pragma once

// Plans of survival curves.

#include <string>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {

/// The [analysis] table.
inline std::string SurvivalTable(const std::string& event,
                                 const std::string& time,
                                 const std::string& more) {
  return "kind = \"survival\"\nevent = \"" + event + "\"\ntime = \"" + time + "\"\n" + more;
}

}  // namespace consilium::testing
