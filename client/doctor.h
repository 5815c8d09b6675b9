#pragma once

// Looks at everything a site needs to work, and says what is wrong and what to do about it.

#include <filesystem>
#include <string>
#include <vector>

#include "client/home.h"
#include "common/time.h"

namespace consilium {

struct Finding {
  std::string check;  ///< "identity key"
  bool ok = false;
  std::string words;   ///< What was found, or the problem.
  std::string remedy;  ///< Empty when ok.
};

/// Findings that need no key: they are made even when the home folder cannot be opened.
std::vector<Finding> ExamineFolder(const std::filesystem::path& folder, const Moment& now);
/// Connects to the coordinator with the site's keys for a few seconds; says nothing to it. Only
/// while no service runs: a second connection would take the first one's place.
Finding ExamineConnection(const SiteHome& home);
/// What the running service says of its connection.
Finding ConnectionOfService(const SiteHome& home, bool connected, const std::string& words);

}  // namespace consilium
