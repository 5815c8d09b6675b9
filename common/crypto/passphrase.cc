#include "common/crypto/passphrase.h"

#include <sodium.h>

namespace consilium {
namespace {

struct Cost {
  unsigned long long passes;
  std::size_t memory_bytes;
};

Cost CostOf(PassphraseCost cost) {
  constexpr std::size_t kMebibyte = 1024 * 1024;
  if (cost == PassphraseCost::kInteractive) return {2, 64 * kMebibyte};
  return {3, 256 * kMebibyte};
}

}  // namespace

Result<SecretKey32> KeyFromPassphrase(std::string_view passphrase,
                                      const ByteArray<16>& salt,
                                      PassphraseCost cost) {
  static_assert(crypto_pwhash_argon2id_SALTBYTES == 16);
  if (passphrase.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the passphrase is empty");
  }
  const Cost parameters = CostOf(cost);
  SecretKey32 key;
  if (crypto_pwhash_argon2id(UnsignedChars(key.ExposeMutable()), SecretKey32::size(),
                             passphrase.data(), passphrase.size(), UnsignedChars(ByteSpan(salt)),
                             parameters.passes, parameters.memory_bytes,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return Fail(
        ErrorCode::kUnavailable, "no memory to derive a key from the passphrase",
        "Free " + std::to_string(parameters.memory_bytes / (1024 * 1024)) + " MiB of memory.");
  }
  return key;
}

}  // namespace consilium
