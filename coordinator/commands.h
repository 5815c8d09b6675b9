#pragma once

// What an administrator can ask of a coordinator, as JSON requests and replies. The same function
// answers in the running service (over the control socket) and in a command that opens the state
// itself because nobody serves.

#include <string>
#include <string_view>

#include "common/storage.h"
#include "common/time.h"
#include "coordinator/coordinator_core.h"

namespace consilium {

struct CoordinatorCommandContext {
  CoordinatorCore& core;
  const RecordStore& store;
  IdentityKey identity;
  std::string endpoint;  ///< Where the service listens; empty when none runs.
  Moment now;
};

/// `request` is {"command": NAME, ...}; the reply is a JSON object. On an error nothing changed and
/// `effects` is empty; otherwise the reply may be given once the effects have been carried out.
Result<std::string> Execute(std::string_view request,
                            const CoordinatorCommandContext& context,
                            CoordinatorEffects& effects);

}  // namespace consilium
