#pragma once

// BLAKE2b-256 (RFC 7693) with domain separation.

#include <concepts>
#include <cstdint>
#include <string_view>

#include "common/ids.h"
#include "common/secret.h"

namespace consilium {

/// Incremental hash. The domain string and every variable-length field are length-prefixed
/// (64-bit little-endian), so two different sequences of fields never give the same input.
class Hasher {
 public:
  explicit Hasher(std::string_view domain);
  /// Keyed: a pseudo-random function of the fields under `key`.
  Hasher(std::string_view domain, const SecretKey32& key);
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  Hasher& Add(ByteSpan field);          ///< Length-prefixed.
  Hasher& Add(std::string_view field);  ///< Length-prefixed.
  Hasher& Add(std::uint64_t number);    ///< 8 bytes, little-endian.
  /// Without a length: of a field that comes in parts, whose whole length was added before.
  Hasher& AddPart(ByteSpan part);
  template <std::floating_point Number>
  Hasher& Add(Number) = delete;  ///< It would be cut to a whole number.
  template <class Tag>
  Hasher& Add(const Id32<Tag>& id) {
    return Add(id.span());
  }
  template <class Tag, class Rep>
  Hasher& Add(StrongNumber<Tag, Rep> number) {
    return Add(static_cast<std::uint64_t>(number.value()));
  }

  Digest Finish();
  SecretKey32 FinishSecret();

 private:
  struct State;
  alignas(64) ByteArray<384> state_;  ///< crypto_generichash_state; sodium.h stays in the .cc.
};

/// Plain BLAKE2b-256 of the bytes, without key, domain or prefix.
Digest HashBytes(ByteSpan bytes);

}  // namespace consilium
