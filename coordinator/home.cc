#include "coordinator/home.h"

#include <array>
#include <utility>

#include <unistd.h>

#include "common/files.h"
#include "common/settings.h"
#include "common/storage.h"
#include "coordinator/coordinator_core.h"
#include "protocols/roster.h"

namespace consilium {
namespace {

constexpr std::string_view kDefaultListen = "tcp://0.0.0.0:7700";

bool IsAnyAddress(const std::string& host) {
  return host == "0.0.0.0" || host == "*" || host == "[::]";
}

/// ZeroMQ listens on addresses and interfaces, not on names.
bool IsAddress(const std::string& host) {
  return host == "*" || host.front() == '[' ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

Status FillDefaults(CoordinatorSettings& settings) {
  TRY_STATUS(CheckName("federation", settings.name));
  if (settings.listen.empty()) settings.listen = std::string(kDefaultListen);
  TRY(Endpoint listen, ParseEndpoint(settings.listen));
  if (listen.host == "localhost") listen.host = "127.0.0.1";
  if (!IsAddress(listen.host)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the coordinator cannot listen on the name '" + listen.host + "'",
                "Give an address of this machine, or 0.0.0.0 for all of them; the name belongs in "
                "--advertise.");
  }
  settings.listen = listen.ToText();
  if (settings.advertise.empty()) {
    settings.advertise =
        Endpoint{IsAnyAddress(listen.host) ? HostName() : listen.host, listen.port}.ToText();
  }
  TRY(const Endpoint advertise, ParseEndpoint(settings.advertise));
  if (IsAnyAddress(advertise.host)) {
    return Fail(ErrorCode::kInvalidArgument, "sites cannot connect to '" + advertise.host + "'",
                "Give --advertise tcp://HOST:PORT as the sites reach this machine.");
  }
  return {};
}

std::string SettingsText(const CoordinatorSettings& settings) {
  return "# Settings of this coordinator. Read when the service starts.\n"
         "\n"
         "# The federation's name. Members know it; it cannot be changed.\n"
         "name = \"" +
         settings.name +
         "\"\n\n"
         "# The address and port to listen on.\n"
         "listen = \"" +
         settings.listen +
         "\"\n\n"
         "# What new invitations tell sites to connect to.\n"
         "advertise = \"" +
         settings.advertise + "\"\n";
}

Result<CoordinatorSettings> ReadSettings(const std::filesystem::path& file) {
  TRY_STATUS(CheckPrivate(file));
  TRY(const Settings document, Settings::Load(file));
  CoordinatorSettings settings;
  TRY(settings.name, document.Text("name"));
  TRY(settings.listen, document.Text("listen"));
  TRY(settings.advertise, document.Text("advertise"));
  TRY_STATUS(document.RequireNoOtherKeys());
  if (Status filled = FillDefaults(settings); !filled) {
    return FailIn(file.string(), std::move(filled).error());
  }
  return settings;
}

/// The first roster and the first record of the audit log.
Status FoundFederation(const std::filesystem::path& folder,
                       const CoordinatorSettings& settings,
                       const PartyKeys& keys,
                       RandomSource& random,
                       const Moment& now) {
  TRY(const std::unique_ptr<RecordStore> store, OpenSqliteStore(folder / "state.db"));
  CoordinatorCore core({settings.name, settings.advertise, keys.transport}, keys.identity, random);
  TRY_STATUS(core.Restore(*store));
  for (const CoordinatorEffect& effect : core.Begin(now)) {
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      TRY_STATUS(store->Apply(persist->changes));
    }
  }
  return {};
}

}  // namespace

std::string CoordinatorHome::fingerprint() const {
  return Fingerprint(keys.identity.public_key(), keys.transport);
}

Result<CoordinatorHome> CreateCoordinatorHome(const std::filesystem::path& folder,
                                              CoordinatorSettings wishes,
                                              const KeyProtection& protection,
                                              RandomSource& random,
                                              const Moment& now) {
  TRY_STATUS(FillDefaults(wishes));
  TRY(NewHome home, NewHome::Begin(folder));
  PartyKeys keys = GeneratePartyKeys(random);
  TRY_STATUS(SavePartyKeys(home.folder(), keys, protection, random));
  TRY_STATUS(CreatePrivateFolder(home.folder() / "logs"));
  TRY_STATUS(
      WriteFileAtomically(home.folder() / "settings.toml", AsBytes(SettingsText(wishes)), 0600));
  TRY_STATUS(FoundFederation(home.folder(), wishes, keys, random, now));
  TRY_STATUS(home.Finish());
  return CoordinatorHome{folder, std::move(wishes), std::move(keys)};
}

Result<CoordinatorHome> OpenCoordinatorHome(const std::filesystem::path& folder,
                                            const PassphraseProvider& ask_passphrase) {
  if (!std::filesystem::exists(folder / "settings.toml")) {
    return Fail(ErrorCode::kNotFound,
                "'" + folder.string() + "' is not a coordinator's home folder",
                "Make one with `consilium-coordinator init DIR --name NAME`.");
  }
  TRY_STATUS(CheckPrivate(folder));
  TRY(CoordinatorSettings settings, ReadSettings(folder / "settings.toml"));
  TRY(PartyKeys keys, LoadPartyKeys(folder, ask_passphrase));
  return CoordinatorHome{folder, std::move(settings), std::move(keys)};
}

}  // namespace consilium
