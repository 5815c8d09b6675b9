#include "protocols/secure_sum/transcript.h"

#include <algorithm>
#include <bit>

#include "common/crypto/hash.h"
#include "common/crypto/mask_stream.h"

namespace consilium {
namespace {

SecretKey32 PairKey(
    std::string_view domain, const SecretKey32& shared, const Digest& context, SiteId a, SiteId b) {
  return Hasher(domain, shared).Add(context).Add(std::min(a, b)).Add(std::max(a, b)).FinishSecret();
}

}  // namespace

PrekeySecrets GeneratePrekey(RandomSource& random) {
  PrekeySecrets secrets;
  secrets.prekey.id = random.Draw<16>();
  ExchangeKeyPair encryption = GenerateExchangeKey(random);
  secrets.prekey.encryption = encryption.public_key;
  secrets.encryption = std::move(encryption.secret);
  secrets.masking_seed = Scalar::Random(random);
  ExchangeKeyPair masking = MaskingKeyOf(secrets.masking_seed);
  secrets.prekey.masking = masking.public_key;
  secrets.masking = std::move(masking.secret);
  return secrets;
}

ExchangeKeyPair MaskingKeyOf(const Scalar& seed) {
  return ExchangeKeyFromSecret(
      Hasher("consilium/secure-sum/masking-key/v1").Add(seed.Expose()).FinishSecret());
}

Digest CodecDigest(std::span<const Slot> slots, std::uint32_t sites) {
  Hasher hasher("consilium/secure-sum/codec/v1");
  hasher.Add(std::uint64_t{64}).Add(std::uint64_t{sites}).Add(std::uint64_t{slots.size()});
  for (const Slot& slot : slots) {
    hasher.Add(static_cast<std::uint64_t>(slot.encoding))
        .Add(static_cast<std::uint64_t>(slot.count))
        .Add(std::bit_cast<std::uint64_t>(slot.bound));
  }
  return hasher.Finish();
}

Digest ContextOf(const Route& route, const RoundStart& start, const Digest& codec) {
  Hasher hasher("consilium/secure-sum/context/v1");
  hasher.Add(route.federation)
      .Add(route.study)
      .Add(route.round)
      .Add(route.attempt)
      .Add(start.roster_epoch)
      .Add(start.query_hash)
      .Add(codec)
      .Add(Encode(start.thresholds))
      .Add(std::uint64_t{start.participants.size()});
  for (const Participant& participant : start.participants) {
    hasher.Add(participant.site)
        .Add(participant.prekey.id)
        .Add(participant.prekey.encryption)
        .Add(participant.prekey.masking)
        .Add(std::uint64_t{participant.prekey.known_sums});
  }
  return hasher.Finish();
}

SecretKey32 ShareKey(const SecretKey32& shared, const Digest& context, SiteId a, SiteId b) {
  return PairKey("consilium/secure-sum/share-key/v1", shared, context, a, b);
}

SecretKey32 PairwiseMaskKey(const SecretKey32& shared, const Digest& context, SiteId a, SiteId b) {
  return PairKey("consilium/secure-sum/pairwise-mask/v1", shared, context, a, b);
}

SecretKey32 SelfMaskKey(const Scalar& self_seed, const Digest& context) {
  const SecretKey32 seed(self_seed.Expose());
  return Hasher("consilium/secure-sum/self-mask/v1", seed).Add(context).FinishSecret();
}

Bytes ShareAssociatedData(const Digest& context, SiteId dealer, SiteId recipient) {
  const Digest digest =
      Hasher("consilium/secure-sum/share/v1").Add(context).Add(dealer).Add(recipient).Finish();
  return ToBytes(digest.span());
}

Digest SelfSeedCommitment(const Digest& context, SiteId dealer, const Scalar& self_seed) {
  return Hasher("consilium/secure-sum/commitment/v1")
      .Add(context)
      .Add(dealer)
      .Add(self_seed.Expose())
      .Finish();
}

Digest ShareHash(
    const Digest& context, ShareKind kind, SiteId dealer, SiteId recipient, ByteSpan share) {
  return Hasher("consilium/secure-sum/share-hash/v1")
      .Add(context)
      .Add(static_cast<std::uint64_t>(kind))
      .Add(dealer)
      .Add(recipient)
      .Add(share)
      .Finish();
}

Digest DigestOfShares(const Shares& shares) {
  return Hasher("consilium/secure-sum/shares/v1").Add(Encode(shares)).Finish();
}

Digest DeliveryRoot(const Digest& context, const Delivery& delivery) {
  Hasher hasher("consilium/secure-sum/delivery/v1");
  hasher.Add(context).Add(std::uint64_t{delivery.shares.size()});
  for (const DeliveredShare& share : delivery.shares) {
    hasher.Add(share.dealer).Add(share.shares_digest);
  }
  return hasher.Finish();
}

namespace {

/// A part of a field whose length was added before.
void AddWords(Hasher& hasher, std::span<const std::uint64_t> words) {
  if constexpr (std::endian::native == std::endian::little) {
    hasher.AddPart(std::as_bytes(words));
  } else {
    Bytes bytes(words.size() * 8);
    for (std::size_t i = 0; i < words.size(); ++i) {
      StoreU64(MutableByteSpan(bytes).subspan(8 * i, 8), words[i]);
    }
    hasher.AddPart(bytes);
  }
}

}  // namespace

VectorHasher::VectorHasher(const Digest& context, SiteId site, std::uint64_t words)
    : hasher_("consilium/secure-sum/vector/v1") {
  hasher_.Add(context).Add(site).Add(std::uint64_t{8 * words});
}

void VectorHasher::Add(std::span<const std::uint64_t> words) { AddWords(hasher_, words); }

Digest VectorHash(const Digest& context, SiteId site, std::span<const std::uint64_t> words) {
  VectorHasher hasher(context, site, words.size());
  hasher.Add(words);
  return hasher.Finish();
}

Digest MoreWordsHash(std::span<const std::uint64_t> words) {
  Hasher hasher("consilium/secure-sum/more-words/v1");
  hasher.Add(std::uint64_t{8 * words.size()});
  AddWords(hasher, words);
  return hasher.Finish();
}

namespace {

void AddHeaders(Hasher& hasher, const Survivors& survivors) {
  hasher.Add(std::uint64_t{survivors.headers.size()});
  for (const SurvivorHeader& survivor : survivors.headers) {
    hasher.Add(survivor.site).Add(Encode(survivor.header));
  }
}

}  // namespace

Digest SketchSeed(const Digest& context,
                  const Digest& delivery_root,
                  const SketchRequest& request) {
  Hasher hasher("consilium/secure-sum/sketch-seed/v1");
  hasher.Add(context).Add(delivery_root);
  AddHeaders(hasher, request.committed);
  return hasher.Add(request.nonce).Finish();
}

Digest TranscriptOf(const Digest& context,
                    const Digest& delivery_root,
                    const Survivors& survivors,
                    const std::optional<Digest>& sketch_seed) {
  Hasher hasher("consilium/secure-sum/transcript/v1");
  hasher.Add(context).Add(delivery_root);
  AddHeaders(hasher, survivors);
  if (sketch_seed) hasher.Add(*sketch_seed);
  return hasher.Finish();
}

MaskTerm PairwiseMask(SecretKey32 key, SiteId site, SiteId peer) {
  return {std::move(key), peer < site};
}

}  // namespace consilium
