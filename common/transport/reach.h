#pragma once

// The way to the coordinator, tried with plain TCP: what ZeroMQ, which tries again for ever, only
// calls unreachable is told apart here, and said in words with a remedy.

#include <string>

#include "common/result.h"
#include "common/transport/site_socket.h"

namespace consilium {

/// Opens a TCP connection to the endpoint, through the proxy if there is one, and closes it again;
/// nothing is sent to the coordinator. In words what was reached, or kUnavailable: the step that
/// failed (name, connection, proxy, its password, its rules) and what to do.
Result<std::string> TryToReach(const SiteSocketOptions& options, Duration patience);

}  // namespace consilium
