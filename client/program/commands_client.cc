#include "client/program/commands_client.h"

#include <optional>

#include <nlohmann/json.hpp>

#include "client/program/commands.h"
#include "client/program/home.h"
#include "common/runtime_clock.h"
#include "common/storage.h"
#include "common/transport/ask_service.h"

namespace consilium {
namespace {

/// Does in this process what the service would do. The coordinator hears of it with the next hello.
Result<std::string> ExecuteHere(const SiteHome& home, std::string_view request) {
  TRY(const std::unique_ptr<RecordStore> store, OpenSqliteStore(home.state_file()));
  SystemRandom random;
  SiteCore core({home.settings.name, home.settings.federation, home.settings.coordinator_identity,
                 "consilium-site " CONSILIUM_VERSION},
                home.keys.identity, LoadPolicy(home.policy_file()), random);
  TRY_STATUS(core.Restore(*store));
  SiteEffects effects;
  TRY(std::string reply, ExecuteAtSite(request,
                                       {core, *store, home.keys.identity.public_key(),
                                        home.settings.name, std::nullopt, ReadClocks()},
                                       effects));
  for (const SiteEffect& effect : effects) {
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      TRY_STATUS(store->Apply(persist->changes));
    }
  }
  return reply;
}

}  // namespace

Result<nlohmann::ordered_json> AskSite(const std::filesystem::path& folder,
                                       const nlohmann::ordered_json& request,
                                       const PassphraseProvider& ask_passphrase) {
  std::optional<SiteHome> home;
  return AskService(folder, request, [&](std::string_view text) -> Result<std::string> {
    if (!home) {
      TRY(SiteHome opened, OpenSiteHome(folder, ask_passphrase));
      home.emplace(std::move(opened));
    }
    return ExecuteHere(*home, text);
  });
}

}  // namespace consilium
