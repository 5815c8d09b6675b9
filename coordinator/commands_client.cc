#include "coordinator/commands_client.h"

#include <optional>
#include <variant>

#include <nlohmann/json.hpp>

#include "common/check.h"
#include "common/runtime_clock.h"
#include "common/storage.h"
#include "common/transport/ask_service.h"
#include "coordinator/commands.h"
#include "coordinator/home.h"

namespace consilium {
namespace {

/// Does in this process what the service would do. Sites hear of it when they say hello.
Result<std::string> ExecuteHere(const CoordinatorHome& home, std::string_view request) {
  TRY(const std::unique_ptr<RecordStore> store, OpenSqliteStore(home.state_file()));
  SystemRandom random;
  CoordinatorCore core({home.settings.name, home.settings.advertise, home.keys.transport},
                       home.keys.identity, random);
  TRY_STATUS(core.Restore(*store));
  CoordinatorEffects effects;
  TRY(std::string reply,
      Execute(request, {core, *store, home.keys.identity.public_key(), "", ReadClocks()}, effects));
  for (const CoordinatorEffect& effect : effects) {
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      TRY_STATUS(store->Apply(persist->changes));
    }
  }
  return reply;
}

}  // namespace

Result<nlohmann::ordered_json> AskCoordinator(const std::filesystem::path& folder,
                                              const nlohmann::ordered_json& request,
                                              const PassphraseProvider& ask_passphrase) {
  std::optional<CoordinatorHome> home;
  return AskService(folder, request, [&](std::string_view text) -> Result<std::string> {
    if (!home) {
      TRY(CoordinatorHome opened, OpenCoordinatorHome(folder, ask_passphrase));
      home.emplace(std::move(opened));
    }
    return ExecuteHere(*home, text);
  });
}

}  // namespace consilium
