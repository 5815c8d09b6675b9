#pragma once

// The scalar field of ristretto255 (integers modulo the prime
// l = 2^252 + 27742317777372353535851937790883648493): one element holds one 32-byte secret, and
// libsodium's arithmetic on it is constant-time and without tables.

#include <cstdint>

#include "common/bytes.h"
#include "common/random.h"
#include "common/result.h"
#include "common/secret.h"

namespace consilium {

/// Move-only and wiped, since most scalars here are secrets or shares of them.
class Scalar {
 public:
  Scalar() = default;  ///< Zero.
  static Scalar FromNumber(std::uint64_t number);
  static Scalar Random(RandomSource& random);  ///< Uniform on [0, l), from 64 random bytes.
  /// kCorrupt unless the bytes are canonical: 32 of them, little-endian, below l.
  static Result<Scalar> FromCanonical(ByteSpan bytes);

  Scalar Clone() const;
  ByteSpan Expose() const { return bytes_.Expose(); }

  friend Scalar Add(const Scalar& a, const Scalar& b);
  friend Scalar Subtract(const Scalar& a, const Scalar& b);
  friend Scalar Multiply(const Scalar& a, const Scalar& b);
  /// kInvalidArgument for zero.
  friend Result<Scalar> Invert(const Scalar& a);

 private:
  SecretKey32 bytes_;
};

Scalar Add(const Scalar& a, const Scalar& b);
Scalar Subtract(const Scalar& a, const Scalar& b);
Scalar Multiply(const Scalar& a, const Scalar& b);
Result<Scalar> Invert(const Scalar& a);

}  // namespace consilium
