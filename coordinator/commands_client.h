#pragma once

// How a command reaches the coordinator's state: through the running service, or by opening the
// home folder itself when nobody serves.

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include "common/home.h"
#include "common/result.h"

namespace consilium {

/// The reply to one request. kBusy when another command holds the folder for long.
Result<nlohmann::ordered_json> AskCoordinator(const std::filesystem::path& folder,
                                              const nlohmann::ordered_json& request,
                                              const PassphraseProvider& ask_passphrase);

}  // namespace consilium
