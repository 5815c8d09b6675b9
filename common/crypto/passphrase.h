#pragma once

// Argon2id (RFC 9106): a key from a passphrase, for key files at rest.

#include <string_view>

#include "common/bytes.h"
#include "common/result.h"
#include "common/secret.h"

namespace consilium {

enum class PassphraseCost { kInteractive, kModerate };  ///< 64 MiB x2 (tests), 256 MiB x3.

Result<SecretKey32> KeyFromPassphrase(std::string_view passphrase,
                                      const ByteArray<16>& salt,
                                      PassphraseCost cost);

}  // namespace consilium
