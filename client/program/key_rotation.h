#pragma once

// Another transport key for this site, without leaving a round. The new key is made here and waits
// in next/; a request, signed by the site's identity, goes to the coordinator's administrator. When
// the coordinator's roster has the key, the service takes it up.

#include <string>

#include "client/program/home.h"

namespace consilium {

/// Makes the key, or takes the one that waits already, and returns the text of the request.
Result<std::string> BeginRotation(const SiteHome& home,
                                  const KeyProtection& protection,
                                  const PassphraseProvider& ask_passphrase,
                                  RandomSource& random);

/// Whether a key waits.
bool HasNextKey(const std::filesystem::path& folder);
Result<NextKey> LoadNextKey(const std::filesystem::path& folder,
                            const PassphraseProvider& ask_passphrase);

/// The key that waits takes the place of the one in use, in one step; the old one is gone.
Status FinishRotation(const std::filesystem::path& folder);

}  // namespace consilium
