#pragma once

// How this site's settings become its connection: for the service, and for the doctor, who tries
// the same way.

#include "client/program/home.h"
#include "common/transport/site_socket.h"

namespace consilium {

/// Reads the proxy's password, if settings.toml names a file with one.
Result<SiteSocketOptions> ConnectionOptionsOf(const SiteSettings& settings);

/// With the site's keys, to the coordinator whose key is pinned.
Result<std::unique_ptr<SiteSocket>> ConnectToCoordinator(const SiteHome& home,
                                                         SiteSocketOptions options,
                                                         TransportContext& context,
                                                         RandomSource& random);

}  // namespace consilium
