#pragma once

// How a command reaches a party's state: through the running service or, when nobody serves, by
// doing in this process what the service would do.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/result.h"
#include "common/storage.h"

namespace consilium {

/// The reply to one request. `execute_here` takes its text, opens the home folder and returns the
/// same reply; while it says kBusy (a service that is starting, a command that is ending) both are
/// tried again for a few seconds. An error that the service sent comes back as an error.
Result<nlohmann::ordered_json> AskService(
    const std::filesystem::path& folder,
    const nlohmann::ordered_json& request,
    const std::function<Result<std::string>(std::string_view text)>& execute_here);

/// Opens a party's state for its service. A command that looks at the state while nobody serves
/// holds it for a few milliseconds, so kBusy is believed only after most of a second.
Result<std::unique_ptr<RecordStore>> OpenServiceStore(const std::filesystem::path& file);

}  // namespace consilium
