#include "common/crypto/library.h"

#include <sodium.h>

namespace consilium {

Status InitialiseCrypto() {
  if (sodium_init() < 0) {
    return Fail(ErrorCode::kUnavailable,
                "libsodium cannot start: the system gives no random numbers",
                "Check that /dev/urandom is readable.");
  }
  return {};
}

}  // namespace consilium
