#pragma once

// A site's home folder: settings.toml, identity.key, transport.key, policy.toml, source.path,
// state.db, logs/, next/ with a transport key that is to come and, while the service runs,
// control.sock. All of it belongs to one user alone.

#include <filesystem>
#include <optional>
#include <string>

#include "common/home.h"
#include "common/party_home.h"
#include "common/time.h"
#include "protocols/roster.h"

namespace consilium {

struct SiteSettings {
  std::string name;
  FederationId federation;
  std::string federation_name;
  std::string endpoint;                       ///< tcp://HOST:PORT of the coordinator.
  std::string socks_proxy;                    ///< HOST:PORT; empty for none.
  std::string socks_user;                     ///< Empty: the proxy asks nobody who they are.
  std::filesystem::path socks_password_file;  ///< Absolute; private to this user.
  bool carried = false;              ///< No network: people carry files, see docs/air-gap.md.
  Duration reconnect_after{1'000};   ///< A connection was lost; doubles while nobody answers.
  IdentityKey coordinator_identity;  ///< Pinned at joining.
  TransportKey coordinator_transport;
};

/// A transport key that is to replace the one in use, once the coordinator's roster has it.
struct NextKey {
  TransportKey transport;
  SecretKey32 secret;
};

struct SiteHome {
  std::filesystem::path folder;
  SiteSettings settings;
  PartyKeys keys;
  std::optional<NextKey> next = std::nullopt;  ///< Read by whoever needs it, with LoadNextKey().

  std::filesystem::path state_file() const { return folder / "state.db"; }
  std::filesystem::path log_folder() const { return folder / "logs"; }
  std::filesystem::path policy_file() const { return folder / "policy.toml"; }
  std::string fingerprint() const;
  std::string coordinator_fingerprint() const;
};

/// Makes the folder with fresh keys, the standard policy and the settings of the invitation;
/// returns the text of the join request. `carried`: a site without a network. kConflict when the
/// folder exists and is not empty.
Result<std::string> CreateSiteHome(const std::filesystem::path& folder,
                                   const Invitation& invitation,
                                   const KeyProtection& protection,
                                   RandomSource& random,
                                   bool carried = false);

/// kPermission unless the folder and its files are private; kNotFound with the command that makes
/// one.
Result<SiteHome> OpenSiteHome(const std::filesystem::path& folder,
                              const PassphraseProvider& ask_passphrase);

/// Which source file the site uses, as an absolute path; kNotFound with the command that sets it.
Result<std::filesystem::path> SourceOf(const std::filesystem::path& folder);
Status SetSource(const std::filesystem::path& folder, const std::filesystem::path& source);

}  // namespace consilium
