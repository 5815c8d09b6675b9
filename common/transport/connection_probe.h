#pragma once

#include <functional>
#include <string>

#include "common/ids.h"
#include "common/result.h"
#include "common/transport/context.h"
#include "common/transport/keys.h"

namespace consilium {

enum class ProbeFinding {
  kTurnedAway,  ///< The server said that the key is unknown.
  kLetIn,       ///< The handshake succeeded.
  kNoAnswer     ///< Neither within the time: closed or open, nobody knows.
};

/// Connects as a site with `keys` and tries to deliver a message. `meanwhile` is called every few
/// ms.
Result<ProbeFinding> ProbeWithUnknownKey(TransportContext& context,
                                         std::string endpoint,
                                         const TransportKey& server,
                                         const TransportKeyPair& keys,
                                         const std::function<void()>& meanwhile);

}  // namespace consilium
