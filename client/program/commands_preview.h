#pragma once

// Commands that look ahead: what would be refused on account of earlier answers, and which numbers
// would leave.

#include <filesystem>
#include <string>
#include <vector>

#include "client/program/review.h"
#include "common/command_line.h"
#include "common/result.h"
#include "protocols/plan.h"

namespace consilium {

/// Several refusals as one text, numbered; one as it is.
std::string InOneText(const std::vector<std::string>& refusals);

/// Asks the site's record (hours, quotas, budget, anchors, answered cohorts) about a check that
/// found no problem so far, and sets its problem to all that would refuse. Nothing is recorded.
Status ForeseeAnswer(const CommonOptions& common, const Plan& plan, DataCheck& check);

/// Prints the numbers of the study's next round on the terminal, or writes all of them to `file`
/// (mode 0600) where one is named. kRefused where stdout is no terminal and there is no file.
Result<int> PreviewStudy(const CommonOptions& common,
                         const std::string& study,
                         const std::filesystem::path& file);

}  // namespace consilium
