#include "client/program/home.h"

#include <algorithm>
#include <utility>

#include "client/policy/policy.h"
#include "common/files.h"
#include "common/settings.h"
#include "common/storage.h"

namespace consilium {
namespace {

constexpr std::size_t kMostPathBytes = 8'192;

std::string SettingsText(const SiteSettings& settings) {
  return "# Settings of this site. Read when the service starts.\n"
         "\n"
         "# Our name in the federation, and the federation. They cannot be changed.\n"
         "name = \"" +
         settings.name + "\"\nfederation = \"" + settings.federation.ToHex() +
         "\"\nfederation_name = \"" + settings.federation_name +
         "\"\n\n"
         "# Where the coordinator is. The connection is outbound only.\n"
         "endpoint = \"" +
         settings.endpoint +
         "\"\n# socks_proxy = \"proxy.example:1080\"\n"
         "# Where the proxy asks who we are; the password is the first line of a file of mode "
         "600.\n"
         "# socks_user = \"consilium\"\n"
         "# socks_password_file = \"proxy.password\"\n" +
         (settings.carried ? "" : "# ") +
         "carried = true  # No network: people carry files (`inbox` and `outbox`).\n"
         "# How long to wait before a lost connection is tried again; varied by half, and doubled\n"
         "# while nobody answers.\n"
         "# reconnect_after = \"1s\"\n"
         "\n"
         "# The coordinator's keys, pinned at joining: nobody else is believed.\n"
         "coordinator_identity = \"" +
         settings.coordinator_identity.ToHex() + "\"\ncoordinator_transport = \"" +
         settings.coordinator_transport.ToHex() + "\"\n";
}

template <class Id>
Status ReadId(const Settings& document, std::string_view key, Id& id) {
  TRY(const std::string text, document.Text(key));
  const Result<Bytes> bytes = FromHex(text);
  if (!bytes || bytes->size() != id.bytes.size()) {
    return document.FailAt(key, std::string(key) + " is not 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
  return {};
}

/// HOST:PORT, a user and a password's file; a user without a password, or one without a proxy,
/// would be a mistake that nobody notices.
Status ReadProxy(const Settings& document,
                 const std::filesystem::path& folder,
                 SiteSettings& settings) {
  TRY(settings.socks_proxy, document.TextOr("socks_proxy", ""));
  TRY(settings.socks_user, document.TextOr("socks_user", ""));
  TRY(const std::string password_file, document.TextOr("socks_password_file", ""));
  if (!settings.socks_proxy.empty() && !ParseEndpoint("tcp://" + settings.socks_proxy)) {
    return document.FailAt("socks_proxy", "socks_proxy is not of the form HOST:PORT",
                           "Write it like \"proxy.example.org:1080\".");
  }
  if (settings.socks_user.empty() != password_file.empty() || settings.socks_user.size() > 255) {
    return document.FailAt(settings.socks_user.empty() ? "socks_password_file" : "socks_user",
                           "socks_user, of at most 255 bytes, and socks_password_file belong "
                           "together",
                           "Give both, or neither.");
  }
  if (!settings.socks_user.empty() && settings.socks_proxy.empty()) {
    return document.FailAt("socks_user", "there is a user but no socks_proxy",
                           "Name the proxy, or leave the user out.");
  }
  if (!password_file.empty()) settings.socks_password_file = folder / password_file;
  return {};
}

Result<SiteSettings> ReadSettings(const std::filesystem::path& file) {
  TRY_STATUS(CheckPrivate(file));
  TRY(const Settings document, Settings::Load(file));
  SiteSettings settings;
  TRY(settings.name, document.Text("name"));
  TRY_STATUS(ReadId(document, "federation", settings.federation));
  TRY(settings.federation_name, document.Text("federation_name"));
  TRY(settings.endpoint, document.Text("endpoint"));
  TRY(settings.carried, document.BooleanOr("carried", false));
  TRY_STATUS(ReadProxy(document, file.parent_path(), settings));
  TRY(settings.reconnect_after, document.SpanOr("reconnect_after", settings.reconnect_after));
  if (settings.reconnect_after < Duration(1) || settings.reconnect_after > Duration(60'000)) {
    return document.FailAt("reconnect_after", "reconnect_after is not between 1ms and 60s");
  }
  TRY_STATUS(ReadId(document, "coordinator_identity", settings.coordinator_identity));
  TRY_STATUS(ReadId(document, "coordinator_transport", settings.coordinator_transport));
  TRY_STATUS(document.RequireNoOtherKeys());
  TRY_STATUS(ParseEndpoint(settings.endpoint));
  if (FederationOf(settings.coordinator_identity) != settings.federation) {
    return document.FailAt("federation", "the federation's number is not that of the pinned key",
                           "Restore settings.toml as `init` wrote it.");
  }
  return settings;
}

}  // namespace

std::string SiteHome::fingerprint() const {
  return Fingerprint(keys.identity.public_key(), keys.transport);
}

std::string SiteHome::coordinator_fingerprint() const {
  return Fingerprint(settings.coordinator_identity, settings.coordinator_transport);
}

Result<std::string> CreateSiteHome(const std::filesystem::path& folder,
                                   const Invitation& invitation,
                                   const KeyProtection& protection,
                                   RandomSource& random,
                                   bool carried) {
  TRY_STATUS(ParseEndpoint(invitation.endpoint));
  TRY(NewHome home, NewHome::Begin(folder));
  const PartyKeys keys = GeneratePartyKeys(random);
  const SiteSettings settings{invitation.site_name,
                              invitation.federation,
                              invitation.federation_name,
                              invitation.endpoint,
                              "",
                              "",
                              {},
                              carried,
                              Duration(1'000),
                              invitation.coordinator_identity,
                              invitation.coordinator_transport};
  TRY_STATUS(SavePartyKeys(home.folder(), keys, protection, random));
  TRY_STATUS(CreatePrivateFolder(home.folder() / "logs"));
  TRY_STATUS(
      WriteFileAtomically(home.folder() / "settings.toml", AsBytes(SettingsText(settings)), 0600));
  TRY_STATUS(
      WriteFileAtomically(home.folder() / "policy.toml", AsBytes(DefaultPolicyText()), 0600));
  TRY_STATUS(OpenSqliteStore(home.folder() / "state.db"));
  const JoinRequest request{invitation.federation, invitation.site_name, keys.identity.public_key(),
                            keys.transport, invitation.token};
  std::string text = WriteJoinRequest(request, keys.identity);
  TRY_STATUS(home.Finish());
  return text;
}

Result<SiteHome> OpenSiteHome(const std::filesystem::path& folder,
                              const PassphraseProvider& ask_passphrase) {
  if (!std::filesystem::exists(folder / "settings.toml")) {
    return Fail(ErrorCode::kNotFound, "'" + folder.string() + "' is not a site's home folder",
                "Make one with `consilium-site init DIR --invite FILE`.");
  }
  TRY_STATUS(CheckPrivate(folder));
  TRY(SiteSettings settings, ReadSettings(folder / "settings.toml"));
  TRY(PartyKeys keys, LoadPartyKeys(folder, ask_passphrase));
  return SiteHome{folder, std::move(settings), std::move(keys)};
}

Result<std::filesystem::path> SourceOf(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "source.path";
  if (!std::filesystem::exists(file)) {
    return Fail(ErrorCode::kNotFound, "this site has no data source yet",
                "Name one with `consilium-site source " + folder.string() + " SOURCE.toml`.");
  }
  TRY(const Bytes bytes, ReadFile(file, kMostPathBytes));
  std::string path(AsText(bytes));
  while (!path.empty() && path.back() == '\n') path.pop_back();
  return std::filesystem::path(path);
}

Status SetSource(const std::filesystem::path& folder, const std::filesystem::path& source) {
  const std::string text = std::filesystem::absolute(source).lexically_normal().string() + "\n";
  return WriteFileAtomically(folder / "source.path", AsBytes(text), 0600);
}

}  // namespace consilium
