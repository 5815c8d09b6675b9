#pragma once

// The coordinator's home folder: settings.toml, identity.key, transport.key, state.db, logs/ and,
// while the service runs, control.sock. All of it belongs to one user alone.

#include <filesystem>
#include <string>

#include "common/home.h"
#include "common/party_home.h"
#include "common/time.h"

namespace consilium {

struct CoordinatorSettings {
  std::string name;       ///< Of the federation.
  std::string listen;     ///< tcp://ADDRESS:PORT
  std::string advertise;  ///< tcp://HOST:PORT, what invitations tell sites to connect to.
};

struct CoordinatorHome {
  std::filesystem::path folder;
  CoordinatorSettings settings;
  PartyKeys keys;

  std::filesystem::path state_file() const { return folder / "state.db"; }
  std::filesystem::path log_folder() const { return folder / "logs"; }
  std::string fingerprint() const;  ///< Of both public keys.
};

/// Makes the folder with fresh keys and an empty federation. Empty endpoints in `wishes` take the
/// defaults. kConflict when the folder exists and is not empty.
Result<CoordinatorHome> CreateCoordinatorHome(const std::filesystem::path& folder,
                                              CoordinatorSettings wishes,
                                              const KeyProtection& protection,
                                              RandomSource& random,
                                              const Moment& now);

/// kPermission unless the folder and its files are private; kNotFound with the command that makes
/// one.
Result<CoordinatorHome> OpenCoordinatorHome(const std::filesystem::path& folder,
                                            const PassphraseProvider& ask_passphrase);

}  // namespace consilium
