#pragma once

// Commands with which a site's people decide on a study, and those that say who may sign.

#include <string>

#include "common/command_line.h"

namespace consilium {

/// What these commands are given on the command line.
struct ApprovalOptions {
  std::string study;
  std::string reason;
  std::string until;
  bool yes = false;
  // Who signs, and how the key opens.
  std::string person;
  std::string key_file;
  std::string passphrase_file;
  int passphrase_descriptor = -1;
  // Of `approver`.
  std::string action;
};

/// approve, renew, decline, revoke and approver. `options` outlives the line.
void AddApprovalCommands(CommandLine& line, ApprovalOptions& options);

}  // namespace consilium
