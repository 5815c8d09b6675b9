#include "common/crypto/scalar.h"

#include <sodium.h>

namespace consilium {
namespace {

/// 64 little-endian bytes modulo l.
void Reduce(MutableByteSpan reduced, const SecretBytes<64>& wide) {
  crypto_core_ristretto255_scalar_reduce(UnsignedChars(reduced), UnsignedChars(wide.Expose()));
}

}  // namespace

Scalar Scalar::FromNumber(std::uint64_t number) {
  Scalar scalar;
  StoreU64(scalar.bytes_.ExposeMutable().first(8), number);
  return scalar;
}

Scalar Scalar::Random(RandomSource& random) {
  // 512 bits leave a bias of at most 2^-259 over the 253-bit modulus.
  SecretBytes<64> wide;
  random.Fill(wide.ExposeMutable());
  Scalar scalar;
  Reduce(scalar.bytes_.ExposeMutable(), wide);
  return scalar;
}

Result<Scalar> Scalar::FromCanonical(ByteSpan bytes) {
  if (bytes.size() != 32) return Fail(ErrorCode::kCorrupt, "a scalar does not have 32 bytes");
  SecretBytes<64> wide;
  std::copy(bytes.begin(), bytes.end(), wide.ExposeMutable().begin());
  Scalar scalar;
  Reduce(scalar.bytes_.ExposeMutable(), wide);
  if (!EqualInConstantTime(scalar.Expose(), bytes)) {
    return Fail(ErrorCode::kCorrupt, "a scalar is not below the group order");
  }
  return scalar;
}

Scalar Scalar::Clone() const {
  Scalar copy;
  copy.bytes_ = bytes_.Clone();
  return copy;
}

Scalar Add(const Scalar& a, const Scalar& b) {
  Scalar sum;
  crypto_core_ristretto255_scalar_add(UnsignedChars(sum.bytes_.ExposeMutable()),
                                      UnsignedChars(a.Expose()), UnsignedChars(b.Expose()));
  return sum;
}

Scalar Subtract(const Scalar& a, const Scalar& b) {
  Scalar difference;
  crypto_core_ristretto255_scalar_sub(UnsignedChars(difference.bytes_.ExposeMutable()),
                                      UnsignedChars(a.Expose()), UnsignedChars(b.Expose()));
  return difference;
}

Scalar Multiply(const Scalar& a, const Scalar& b) {
  Scalar product;
  crypto_core_ristretto255_scalar_mul(UnsignedChars(product.bytes_.ExposeMutable()),
                                      UnsignedChars(a.Expose()), UnsignedChars(b.Expose()));
  return product;
}

Result<Scalar> Invert(const Scalar& a) {
  Scalar inverse;
  if (crypto_core_ristretto255_scalar_invert(UnsignedChars(inverse.bytes_.ExposeMutable()),
                                             UnsignedChars(a.Expose())) != 0) {
    return Fail(ErrorCode::kInvalidArgument, "zero has no inverse");
  }
  return inverse;
}

}  // namespace consilium
