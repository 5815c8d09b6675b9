#pragma once

// Every hash and key derivation of the secure sum, one function each. Domains and fields are in
// docs/spec/secure-sum.md; the vectors in tests/protocols/secure_sum pin them.

#include <optional>
#include <span>
#include <vector>

#include "common/crypto/hash.h"
#include "common/crypto/key_exchange.h"
#include "common/crypto/mask_stream.h"
#include "common/crypto/scalar.h"
#include "common/fixed_point.h"
#include "common/ids.h"
#include "protocols/messages.h"

namespace consilium {

/// A participant's one-time secrets of one prekey.
struct PrekeySecrets {
  Prekey prekey;
  SecretKey32 encryption;  ///< Of prekey.encryption.
  Scalar masking_seed;     ///< seed_s: what is shared.
  SecretKey32 masking;     ///< Of prekey.masking, derived from the seed.
};

PrekeySecrets GeneratePrekey(RandomSource& random);
/// The masking key pair that belongs to a seed.
ExchangeKeyPair MaskingKeyOf(const Scalar& seed);

/// What the numbers in the vector mean: ring, slots with their bounds, capacity.
Digest CodecDigest(std::span<const Slot> slots, std::uint32_t sites);

/// ctx: everything a site must believe for its masks to cancel.
Digest ContextOf(const Route& route, const RoundStart& start, const Digest& codec);

/// The key that encrypts shares between two participants; the same for both.
SecretKey32 ShareKey(const SecretKey32& shared, const Digest& context, SiteId a, SiteId b);
/// The key of the mask between two participants; the same for both.
SecretKey32 PairwiseMaskKey(const SecretKey32& shared, const Digest& context, SiteId a, SiteId b);
/// The key of a site's self mask.
SecretKey32 SelfMaskKey(const Scalar& self_seed, const Digest& context);

/// What an encrypted share is bound to, beside its key.
Bytes ShareAssociatedData(const Digest& context, SiteId dealer, SiteId recipient);
Digest SelfSeedCommitment(const Digest& context, SiteId dealer, const Scalar& self_seed);
Digest ShareHash(
    const Digest& context, ShareKind kind, SiteId dealer, SiteId recipient, ByteSpan share);

Digest DigestOfShares(const Shares& shares);
/// root(U2): sites and the digests of what they dealt.
Digest DeliveryRoot(const Digest& context, const Delivery& delivery);
Digest VectorHash(const Digest& context, SiteId site, std::span<const std::uint64_t> words);
/// The same of a vector whose words come in parts, one after the other.
class VectorHasher {
 public:
  VectorHasher(const Digest& context, SiteId site, std::uint64_t words);
  void Add(std::span<const std::uint64_t> words);
  Digest Finish() { return hasher_.Finish(); }

 private:
  Hasher hasher_;
};
/// Of a sum after its first chunk: what RoundClosed signs for the chunks that follow.
Digest MoreWordsHash(std::span<const std::uint64_t> words);
/// Of the projection that the sites of a request are sketched by.
Digest SketchSeed(const Digest& context, const Digest& delivery_root, const SketchRequest& request);
/// D: what a quorum signs. With the seed where the sites were sketched.
Digest TranscriptOf(const Digest& context,
                    const Digest& delivery_root,
                    const Survivors& survivors,
                    const std::optional<Digest>& sketch_seed = std::nullopt);

/// What `site` adds for this peer: the pair's mask, taken away by the one with the larger number.
MaskTerm PairwiseMask(SecretKey32 key, SiteId site, SiteId peer);

}  // namespace consilium
