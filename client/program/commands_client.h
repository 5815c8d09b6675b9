#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include "common/home.h"
#include "common/result.h"

namespace consilium {

/// The reply to one request, from the running service or from the home folder itself when nobody
/// serves. kBusy when another command holds the folder for long.
Result<nlohmann::ordered_json> AskSite(const std::filesystem::path& folder,
                                       const nlohmann::ordered_json& request,
                                       const PassphraseProvider& ask_passphrase);

}  // namespace consilium
