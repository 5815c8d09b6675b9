#pragma once

// Commands with which a site's people decide on a study, and those that say who may sign.

#include "common/command_line.h"

namespace consilium {

/// approve, renew, decline, revoke and approver.
void AddApprovalCommands(CommandLine& line);

}  // namespace consilium
