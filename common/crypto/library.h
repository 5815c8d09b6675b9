#pragma once

#include "common/result.h"

namespace consilium {

/// Initialises libsodium; call once in main before any thread. Fails if the library cannot start.
Status InitialiseCrypto();

}  // namespace consilium
