#pragma once

// What a site's people can ask, as JSON requests and replies. The same function answers in the
// running service (over the control socket) and in a command that opens the state itself because
// nobody serves.

#include <optional>
#include <string>
#include <string_view>

#include "client/site_core.h"
#include "common/storage.h"
#include "common/time.h"

namespace consilium {

/// The running service's connection, in words.
struct SiteServiceView {
  bool connected = false;
  std::string connection;  ///< "connected", or why not.
};

struct SiteCommandContext {
  SiteCore& core;
  const RecordStore& store;
  IdentityKey identity;
  std::string site_name;
  std::optional<SiteServiceView> service;  ///< None when no service runs.
  Moment now;
};

/// `request` is {"command": NAME, ...}; the reply is a JSON object. On an error nothing changed and
/// `effects` is empty; otherwise the reply may be given once the effects have been carried out.
Result<std::string> ExecuteAtSite(std::string_view request,
                                  const SiteCommandContext& context,
                                  SiteEffects& effects);

}  // namespace consilium
