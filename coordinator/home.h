#pragma once

// The coordinator's home folder: settings.toml, identity.key, transport.key, state.db, logs/ and,
// while the service runs, control.sock. Everything in it belongs to one user alone.

#include <filesystem>
#include <string>

#include "common/home.h"
#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "common/secret.h"
#include "common/storage.h"
#include "common/time.h"

namespace consilium {

struct CoordinatorSettings {
  std::string name;       ///< Of the federation.
  std::string listen;     ///< tcp://ADDRESS:PORT
  std::string advertise;  ///< tcp://HOST:PORT, what sites are told to connect to.
};

/// What `init` was told; empty endpoints take the defaults.
struct NewCoordinator {
  std::string name;
  std::string listen;
  std::string advertise;
};

/// The home after it was read, with its keys.
struct CoordinatorHome {
  std::filesystem::path folder;
  CoordinatorSettings settings;
  SigningKey identity;
  TransportKey transport_public;
  SecretKey32 transport_secret;

  std::filesystem::path state_file() const { return folder / "state.db"; }
  std::filesystem::path log_folder() const { return folder / "logs"; }
  std::string fingerprint() const;
};

/// Makes the folder with fresh keys and an empty federation, all of it or nothing. kConflict when
/// the folder holds anything already.
Status CreateCoordinatorHome(const std::filesystem::path& folder,
                             const NewCoordinator& wishes,
                             const KeyProtection& protection,
                             RandomSource& random,
                             const Moment& now);

Result<CoordinatorSettings> ReadCoordinatorSettings(const std::filesystem::path& folder);
Result<CoordinatorHome> OpenCoordinatorHome(const std::filesystem::path& folder,
                                            const PassphraseProvider& ask_passphrase);

}  // namespace consilium
