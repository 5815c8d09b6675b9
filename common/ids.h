#pragma once

// Strong identifiers: numbers and digests that cannot be mistaken for one another.

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "common/bytes.h"

namespace consilium {

/// A number with a meaning. Ordered, so that it can key ordered containers.
template <class Tag, class Rep>
class StrongNumber {
 public:
  using Representation = Rep;
  constexpr StrongNumber() = default;
  constexpr explicit StrongNumber(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongNumber&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value_);
  }

 private:
  Rep value_{};
};

/// 32 bytes with a meaning: digests and public keys.
template <class Tag>
struct Id32 {
  ByteArray<32> bytes{};

  constexpr auto operator<=>(const Id32&) const = default;
  ByteSpan span() const { return bytes; }
  std::string ToHex() const { return consilium::ToHex(bytes); }
  /// The first 12 hexadecimal digits: for people, never for decisions.
  std::string Short() const { return ToHex().substr(0, 12); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(bytes);
  }
};

/// A member's number in the roster: given at admission, never reused, starts at 1.
using SiteId = StrongNumber<struct SiteIdTag, std::uint32_t>;
/// Rounds of one study, from 1.
using RoundNumber = StrongNumber<struct RoundNumberTag, std::uint32_t>;
/// Tries at one round, from 1. A try has fresh keys.
using AttemptNumber = StrongNumber<struct AttemptNumberTag, std::uint32_t>;
/// Versions of the roster, from 1.
using RosterEpoch = StrongNumber<struct RosterEpochTag, std::uint64_t>;

using Digest = Id32<struct DigestTag>;              ///< BLAKE2b-256.
using FederationId = Id32<struct FederationIdTag>;  ///< Hash of the coordinator's identity.
using StudyId = Id32<struct StudyIdTag>;            ///< Hash of the plan's canonical bytes.
using IdentityKey = Id32<struct IdentityKeyTag>;    ///< Ed25519 public key.
using TransportKey = Id32<struct TransportKeyTag>;  ///< CURVE (Curve25519) public key.
using ExchangeKey = Id32<struct ExchangeKeyTag>;    ///< X25519 public key, one session.

struct Signature {
  ByteArray<64> bytes{};
  constexpr auto operator<=>(const Signature&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(bytes);
  }
};

}  // namespace consilium
