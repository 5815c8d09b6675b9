// Every hash and key derivation, pinned; and that each depends on all it should depend on.

#include "protocols/secure_sum/transcript.h"

#include <array>
#include <cmath>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "tests/common/hex.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

ByteArray<32> Filled(unsigned value) {
  ByteArray<32> bytes;
  bytes.fill(static_cast<std::byte>(value));
  return bytes;
}
Digest TestDigest(unsigned value) { return Digest{Filled(value)}; }
SecretKey32 TestKey(unsigned value) { return SecretKey32(Filled(value)); }
std::string Shown(const SecretKey32& key) { return ToHex(key.Expose()); }

const Digest kContext = TestDigest(0x11);

RoundStart TestStart() {
  RoundStart start;
  start.query_hash = HashBytes(AsBytes("query"));
  start.roster_epoch = RosterEpoch(9);
  start.thresholds = Thresholds{3, 2, 3, 3, 1, 3};
  for (std::uint32_t i = 1; i <= 3; ++i) {
    Participant participant;
    participant.site = SiteId(i);
    participant.prekey.id.fill(static_cast<std::byte>(i));
    participant.prekey.encryption.bytes = Filled(0x20 + i);
    participant.prekey.masking.bytes = Filled(0x30 + i);
    participant.prekey.known_sums = i;
    start.participants.push_back(participant);
  }
  return start;
}

Route TestRoute() {
  Route route;
  route.federation.bytes = Filled(0x41);
  route.study.bytes = Filled(0x42);
  route.round = RoundNumber(3);
  route.attempt = AttemptNumber(2);
  return route;
}

Survivors TestSurvivors() {
  Survivors survivors;
  for (std::uint32_t i = 1; i <= 2; ++i) {
    survivors.headers.push_back(SurvivorHeader{
        SiteId(i), UploadHeader{kContext, TestDigest(0x51), TestDigest(0x60 + i), 4}, Signature{}});
  }
  return survivors;
}

Delivery TestDelivery() {
  Delivery delivery;
  delivery.shares.push_back(DeliveredShare{SiteId(1), TestDigest(0x71), {}, {}, {}});
  delivery.shares.push_back(DeliveredShare{SiteId(2), TestDigest(0x72), {}, {}, {}});
  return delivery;
}

// Computed apart from this program, with Python's hashlib.blake2b, from docs/spec/secure-sum.md.
TEST(TranscriptTest, DerivesThePublishedValues) {
  const std::vector<Slot> slots{{Encoding::kCount, 3, 1000.0}, {Encoding::kReal, 2, 0.5}};
  const Scalar five = Scalar::FromNumber(5);
  const RingVector words{1, 2, 0xffffffffffffffff};
  const Shares shares{kContext,
                      TestDigest(0x12),
                      {SealedShare{SiteId(2), Hex("a1a2"), TestDigest(0x13), TestDigest(0x14)}}};
  EXPECT_EQ(CodecDigest(slots, 3).ToHex(),
            "de6fa34896790e639b4b0ccb5ff1efcbe9d15533577ea5328b938cf7f3c49f3e");
  EXPECT_EQ(ContextOf(TestRoute(), TestStart(), TestDigest(0x43)).ToHex(),
            "aaf8debbaba0350950bfc5fafffd5ac30531485eaca3969466da0f6e8764ede4");
  EXPECT_EQ(Shown(ShareKey(TestKey(0x44), kContext, SiteId(9), SiteId(2))),
            "3e69c257da8761ab87924b150bc0d0af04a9a44e0119450fd802049eb7c1b879");
  EXPECT_EQ(Shown(PairwiseMaskKey(TestKey(0x44), kContext, SiteId(9), SiteId(2))),
            "9817349c97b71e6b6caca6b2b6feb31a8a2a754c8fec0767fe1dcbd1b6fa55ff");
  EXPECT_EQ(Shown(SelfMaskKey(five, kContext)),
            "2d9d118af78b265983096da3cf7fd6a2c155fd4f23cf0ef299ce4d7cc13bfcb9");
  EXPECT_EQ(ToHex(ShareAssociatedData(kContext, SiteId(9), SiteId(2))),
            "ba3b301e90b70405d215094efd991eaa539dd7b3cbbe4dc687d02c1461fded20");
  EXPECT_EQ(SelfSeedCommitment(kContext, SiteId(9), five).ToHex(),
            "e7ccc91b8320a88a2f30bf39a609067082462e320a14165f25679c9d2d5c114b");
  EXPECT_EQ(ShareHash(kContext, ShareKind::kMasking, SiteId(9), SiteId(2), five.Expose()).ToHex(),
            "f296b29da49ff760d5bd3916870b2b6fe40c9d8e2d674b5ca053d71df70f9126");
  EXPECT_EQ(DigestOfShares(shares).ToHex(),
            "1e9fe2d1807e6735af113721b7e5c47e59990138866aee780c327505248a4cba");
  EXPECT_EQ(DeliveryRoot(kContext, TestDelivery()).ToHex(),
            "c1f4a2d36295718f2188340e394dbca9bb0f52b49ea70e6123490494510e8311");
  EXPECT_EQ(VectorHash(kContext, SiteId(9), words).ToHex(),
            "bc38a0de766aaa284139e380485b4852195600d01adb3b2bf109f6033e940b25");
  EXPECT_EQ(TranscriptOf(kContext, TestDigest(0x51), TestSurvivors()).ToHex(),
            "9e96187d86dff0bc3d766aa4c69254ea65c024d2898fffa4d2d3a75d12ea44ef");
  EXPECT_EQ(Shown(MaskingKeyOf(five).secret),
            "11a9b47ef2e67ef97af0047bf262dee8ccab1cef136b63a0640908eccf8ad070");
}

TEST(TranscriptTest, BothSidesOfAPairDeriveOneKeyAndTheTwoUsesDiffer) {
  const SecretKey32 shared = TestKey(1);
  EXPECT_EQ(Shown(ShareKey(shared, kContext, SiteId(1), SiteId(2))),
            Shown(ShareKey(shared, kContext, SiteId(2), SiteId(1))));
  EXPECT_EQ(Shown(PairwiseMaskKey(shared, kContext, SiteId(1), SiteId(2))),
            Shown(PairwiseMaskKey(shared, kContext, SiteId(2), SiteId(1))));
  std::set<std::string> keys;
  for (const unsigned context : {1u, 2u}) {
    for (std::uint32_t a = 1; a <= 4; ++a) {
      for (std::uint32_t b = a + 1; b <= 4; ++b) {
        keys.insert(Shown(ShareKey(shared, TestDigest(context), SiteId(a), SiteId(b))));
        keys.insert(Shown(PairwiseMaskKey(shared, TestDigest(context), SiteId(a), SiteId(b))));
      }
    }
  }
  EXPECT_EQ(keys.size(), 24u);
}

TEST(TranscriptTest, EveryFieldThatASiteIsToldIsInTheContext) {
  using Change = std::function<void(Route&, RoundStart&, Digest&)>;
  const std::vector<Change> changes{
      [](Route& route, RoundStart&, Digest&) { route.federation.bytes[31] ^= std::byte{1}; },
      [](Route& route, RoundStart&, Digest&) { route.study.bytes[31] ^= std::byte{1}; },
      [](Route& route, RoundStart&, Digest&) { route.round = RoundNumber(4); },
      [](Route& route, RoundStart&, Digest&) { route.attempt = AttemptNumber(3); },
      [](Route& route, RoundStart&, Digest&) {
        route.round = RoundNumber(2);
        route.attempt = AttemptNumber(3);
      },
      [](Route&, RoundStart& start, Digest&) { start.query_hash.bytes[0] ^= std::byte{1}; },
      [](Route&, RoundStart& start, Digest&) { start.query_hash.bytes[31] ^= std::byte{0x80}; },
      [](Route&, RoundStart& start, Digest&) { start.roster_epoch = RosterEpoch(10); },
      [](Route&, RoundStart& start, Digest&) { start.thresholds.sites += 1; },
      [](Route&, RoundStart& start, Digest&) { start.thresholds.neighbours += 1; },
      [](Route&, RoundStart& start, Digest&) { start.thresholds.shares += 1; },
      [](Route&, RoundStart& start, Digest&) { start.thresholds.quorum += 1; },
      [](Route&, RoundStart& start, Digest&) { start.thresholds.colluding += 1; },
      [](Route&, RoundStart& start, Digest&) { start.thresholds.minimum += 1; },
      [](Route&, RoundStart& start, Digest&) { start.participants.pop_back(); },
      [](Route&, RoundStart& start, Digest&) {
        std::swap(start.participants[0], start.participants[1]);
      },
      [](Route&, RoundStart& start, Digest&) { start.participants[1].site = SiteId(20); },
      [](Route&, RoundStart& start, Digest&) {
        start.participants[1].prekey.id[15] ^= std::byte{1};
      },
      [](Route&, RoundStart& start, Digest&) {
        start.participants[1].prekey.encryption.bytes[31] ^= std::byte{1};
      },
      [](Route&, RoundStart& start, Digest&) {
        start.participants[1].prekey.masking.bytes[31] ^= std::byte{1};
      },
      [](Route&, RoundStart& start, Digest&) { start.participants[1].prekey.known_sums += 1; },
      [](Route&, RoundStart&, Digest& codec) { codec.bytes[31] ^= std::byte{1}; },
  };
  std::set<Digest> contexts{ContextOf(TestRoute(), TestStart(), kContext)};
  for (const Change& change : changes) {
    Route route = TestRoute();
    RoundStart start = TestStart();
    Digest codec = kContext;
    change(route, start, codec);
    EXPECT_TRUE(contexts.insert(ContextOf(route, start, codec)).second) << contexts.size();
  }
  EXPECT_EQ(contexts.size(), changes.size() + 1);
}

TEST(TranscriptTest, EveryPropertyOfTheEncodingIsInTheCodec) {
  using Slots = std::vector<Slot>;
  const Slots slots{{Encoding::kCount, 3, 1000.0}, {Encoding::kReal, 2, 0.5}};
  std::set<Digest> digests{CodecDigest(slots, 3), CodecDigest(slots, 4), CodecDigest({}, 3)};
  for (std::size_t i = 0; i < 2; ++i) {
    Slots changed = slots;
    changed[i].encoding = i == 0 ? Encoding::kReal : Encoding::kCount;
    digests.insert(CodecDigest(changed, 3));
    changed = slots;
    changed[i].count += 1;
    digests.insert(CodecDigest(changed, 3));
    changed = slots;
    changed[i].bound = std::nextafter(changed[i].bound, 2000.0);
    digests.insert(CodecDigest(changed, 3));
  }
  digests.insert(CodecDigest(Slots{slots[1], slots[0]}, 3));
  digests.insert(CodecDigest(Slots{slots[0]}, 3));
  EXPECT_EQ(digests.size(), 11u);
}

TEST(TranscriptTest, TheTranscriptHoldsTheContextBothSetsAndEveryHeader) {
  std::set<Digest> digests{TranscriptOf(kContext, TestDigest(0x51), TestSurvivors()),
                           TranscriptOf(TestDigest(1), TestDigest(0x51), TestSurvivors()),
                           TranscriptOf(kContext, TestDigest(1), TestSurvivors())};
  const auto change = [&](auto edit) {
    Survivors survivors = TestSurvivors();
    edit(survivors.headers);
    digests.insert(TranscriptOf(kContext, TestDigest(0x51), survivors));
  };
  using Headers = std::vector<SurvivorHeader>;
  change([](Headers& headers) { headers.pop_back(); });
  change([](Headers& headers) { headers[1].site = SiteId(7); });
  change([](Headers& headers) { headers[1].header.context.bytes[0] ^= std::byte{1}; });
  change([](Headers& headers) { headers[1].header.delivery_root.bytes[0] ^= std::byte{1}; });
  change([](Headers& headers) { headers[1].header.vector_hash.bytes[0] ^= std::byte{1}; });
  change([](Headers& headers) { headers[1].header.words += 1; });
  EXPECT_EQ(digests.size(), 9u);
}

TEST(TranscriptTest, TheDeliverysRootHoldsTheContextItsDealersAndTheirShares) {
  std::set<Digest> digests{DeliveryRoot(kContext, TestDelivery()),
                           DeliveryRoot(TestDigest(1), TestDelivery())};
  Delivery changed = TestDelivery();
  changed.shares.pop_back();
  digests.insert(DeliveryRoot(kContext, changed));
  changed = TestDelivery();
  changed.shares[1].dealer = SiteId(3);
  digests.insert(DeliveryRoot(kContext, changed));
  changed = TestDelivery();
  changed.shares[1].shares_digest.bytes[9] ^= std::byte{1};
  digests.insert(DeliveryRoot(kContext, changed));
  EXPECT_EQ(digests.size(), 5u);
}

TEST(TranscriptTest, MasksOfAPairCancelAndAnotherRoundsOrAttemptsDoNot) {
  const SecretKey32 shared = TestKey(1);
  Route later = TestRoute();
  later.round = RoundNumber(4);
  Route again = TestRoute();
  again.attempt = AttemptNumber(3);
  const Digest codec = TestDigest(2);
  std::set<RingVector> masks;
  for (const Route& route : {TestRoute(), later, again}) {
    const Digest context = ContextOf(route, TestStart(), codec);
    for (const std::uint32_t peer : {2u, 3u}) {
      const SecretKey32 key = PairwiseMaskKey(shared, context, SiteId(1), SiteId(peer));
      RingVector vector(16, 0);
      ApplyMasks(std::array{PairwiseMask(key.Clone(), SiteId(1), SiteId(peer))}, vector);
      masks.insert(vector);
      ApplyMasks(std::array{PairwiseMask(key.Clone(), SiteId(peer), SiteId(1))}, vector);
      EXPECT_EQ(vector, RingVector(16, 0));
    }
    RingVector self(16, 0);
    ApplyMasks(std::array{MaskTerm{SelfMaskKey(Scalar::FromNumber(5), context)}}, self);
    masks.insert(self);
  }
  EXPECT_EQ(masks.size(), 9u);
}

TEST(TranscriptTest, APrekeysPartsBelongTogetherAndNeverRepeat) {
  SeededRandom random(1);
  std::set<Bytes> seen;
  for (int i = 0; i < 20; ++i) {
    const PrekeySecrets secrets = GeneratePrekey(random);
    EXPECT_EQ(ExchangeKeyFromSecret(secrets.encryption.Clone()).public_key,
              secrets.prekey.encryption);
    EXPECT_EQ(MaskingKeyOf(secrets.masking_seed).public_key, secrets.prekey.masking);
    EXPECT_EQ(Shown(MaskingKeyOf(secrets.masking_seed).secret), Shown(secrets.masking));
    seen.insert(Encode(secrets.prekey));
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST(VectorHasherTest, PartsGiveTheHashOfTheWhole) {
  SeededRandom random(3);
  const Digest context{random.Draw<32>()};
  RingVector words(1'000);
  random.Fill(std::as_writable_bytes(std::span(words)));
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{333}, words.size()}) {
    VectorHasher hasher(context, SiteId(7), words.size());
    hasher.Add(std::span(words).first(cut));
    hasher.Add(std::span(words).subspan(cut));
    EXPECT_EQ(hasher.Finish(), VectorHash(context, SiteId(7), words)) << cut;
  }
}

}  // namespace
}  // namespace consilium
