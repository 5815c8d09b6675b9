#pragma once

// `inbox` and `outbox`: files to and from sites without a network.

#include <string>
#include <vector>

#include "common/command_line.h"
#include "common/result.h"

namespace consilium {

/// Takes in files that came from sites. Of a folder, files that are not for us are passed over.
Result<int> TakeSitesFiles(const CommonOptions& common, const std::vector<std::string>& places);

/// Writes a file for the site, or for each site that has something to hear where it is empty, into
/// the folder or file `out`.
Result<int> WriteSitesFiles(const CommonOptions& common,
                            const std::string& site,
                            const std::string& out);

}  // namespace consilium
