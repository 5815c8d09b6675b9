#include "common/secret.h"

#include <sodium.h>

namespace consilium {

void Wipe(MutableByteSpan bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool EqualInConstantTime(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace consilium
