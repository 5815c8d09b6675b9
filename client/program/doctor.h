#pragma once

// Looks at everything a site needs to work, and says what is wrong and what to do about it.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/program/home.h"
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
/// Whether this machine's clock can be right: the coordinator has signed something at that time.
Finding CompareClock(UtcSeconds coordinator_said, const Moment& now);

/// What the running service says of its connection.
struct ServiceConnection {
  bool connected = false;
  std::string words;
};
/// The way to the coordinator, and the handshake with the pinned key: as the running service has
/// it; if there is none, a connection with the site's keys for a few seconds, in which nothing is
/// said. (A second connection would take the first one's place.)
std::vector<Finding> ExamineConnection(const SiteHome& home,
                                       const std::optional<ServiceConnection>& service);

}  // namespace consilium
