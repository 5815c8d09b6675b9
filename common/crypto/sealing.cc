#include "common/crypto/sealing.h"

#include <sodium.h>

#include "common/check.h"

namespace consilium {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kSealOverhead == kNonceBytes + kTagBytes);

}  // namespace

Bytes Seal(const SecretKey32& key, ByteSpan plain, ByteSpan associated, RandomSource& random) {
  Bytes sealed(plain.size() + kSealOverhead);
  const MutableByteSpan nonce = MutableByteSpan(sealed).first(kNonceBytes);
  random.Fill(nonce);
  CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
            UnsignedChars(MutableByteSpan(sealed).subspan(kNonceBytes)), nullptr,
            UnsignedChars(plain), plain.size(), UnsignedChars(associated), associated.size(),
            nullptr, UnsignedChars(ByteSpan(nonce)), UnsignedChars(key.Expose())) == 0);
  return sealed;
}

Result<Bytes> Unseal(const SecretKey32& key, ByteSpan sealed, ByteSpan associated) {
  if (sealed.size() < kSealOverhead) {
    return Fail(ErrorCode::kCorrupt, "sealed bytes are shorter than a nonce and a tag");
  }
  const ByteSpan body = sealed.subspan(kNonceBytes);
  Bytes plain(body.size() - kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          UnsignedChars(MutableByteSpan(plain)), nullptr, nullptr, UnsignedChars(body), body.size(),
          UnsignedChars(associated), associated.size(), UnsignedChars(sealed.first(kNonceBytes)),
          UnsignedChars(key.Expose())) != 0) {
    return Fail(ErrorCode::kCorrupt,
                "sealed bytes do not open: other key, other context or changed");
  }
  return plain;
}

}  // namespace consilium
