#include "common/crypto/hash.h"

#include <sodium.h>

#include "common/check.h"

namespace consilium {

struct Hasher::State {
  static crypto_generichash_state* Of(Hasher& hasher) {
    static_assert(sizeof(crypto_generichash_state) == sizeof(hasher.state_));
    static_assert(alignof(crypto_generichash_state) <= 64);
    return reinterpret_cast<crypto_generichash_state*>(hasher.state_.data());
  }
  static void Update(Hasher& hasher, ByteSpan bytes) {
    CHECK(crypto_generichash_update(Of(hasher), UnsignedChars(bytes), bytes.size()) == 0);
  }
  static void Start(Hasher& hasher, ByteSpan key, std::string_view domain) {
    CHECK(crypto_generichash_init(Of(hasher), UnsignedChars(key), key.size(), 32) == 0);
    hasher.Add(domain);
  }
  static void Finish(Hasher& hasher, MutableByteSpan digest) {
    CHECK(crypto_generichash_final(Of(hasher), UnsignedChars(digest), digest.size()) == 0);
  }
};

Hasher::Hasher(std::string_view domain) { State::Start(*this, {}, domain); }

Hasher::Hasher(std::string_view domain, const SecretKey32& key) {
  State::Start(*this, key.Expose(), domain);
}

Hasher::~Hasher() { Wipe(state_); }

Hasher& Hasher::Add(ByteSpan field) { return Add(std::uint64_t{field.size()}).AddPart(field); }

Hasher& Hasher::AddPart(ByteSpan part) {
  State::Update(*this, part);
  return *this;
}

Hasher& Hasher::Add(std::string_view field) { return Add(AsBytes(field)); }

Hasher& Hasher::Add(std::uint64_t number) {
  ByteArray<8> bytes;
  StoreU64(bytes, number);
  State::Update(*this, bytes);
  return *this;
}

Digest Hasher::Finish() {
  Digest digest;
  State::Finish(*this, digest.bytes);
  return digest;
}

SecretKey32 Hasher::FinishSecret() {
  SecretKey32 secret;
  State::Finish(*this, secret.ExposeMutable());
  return secret;
}

Digest HashBytes(ByteSpan bytes) {
  Digest digest;
  CHECK(crypto_generichash(UnsignedChars(MutableByteSpan(digest.bytes)), digest.bytes.size(),
                           UnsignedChars(bytes), bytes.size(), nullptr, 0) == 0);
  return digest;
}

}  // namespace consilium
