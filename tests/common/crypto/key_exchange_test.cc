#include "common/crypto/key_exchange.h"

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

ExchangeKeyPair PairOf(const char* secret) {
  return ExchangeKeyFromSecret(SecretKey32(Hex(secret)));
}

std::string SharedHex(const SecretKey32& own, const ExchangeKey& peer) {
  return ToHex(ExchangeSecret(own, peer).value().Expose());
}

// RFC 7748, section 6.1.
TEST(ExchangeSecretTest, GivesThePublishedExchange) {
  const ExchangeKeyPair alice =
      PairOf("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const ExchangeKeyPair bob =
      PairOf("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(alice.public_key.ToHex(),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(bob.public_key.ToHex(),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  constexpr const char* kShared =
      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(SharedHex(alice.secret, bob.public_key), kShared);
  EXPECT_EQ(SharedHex(bob.secret, alice.public_key), kShared);
}

// RFC 7748, section 5.2, first vector.
TEST(ExchangeSecretTest, GivesThePublishedProduct) {
  const SecretKey32 scalar(Hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"));
  const ExchangeKey point{
      HexArray<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")};
  EXPECT_EQ(SharedHex(scalar, point),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST(ExchangeSecretTest, RefusesEveryPointOfLowOrder) {
  // The u-coordinates of low order modulo 2^255 - 19, with those written as p, p + 1 and p - 1.
  constexpr const char* kLowOrder[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  SeededRandom random(3);
  const ExchangeKeyPair own = GenerateExchangeKey(random);
  for (const char* text : kLowOrder) {
    const Result<SecretKey32> shared = ExchangeSecret(own.secret, ExchangeKey{HexArray<32>(text)});
    ASSERT_FALSE(shared.has_value()) << text;
    EXPECT_EQ(shared.error().code, ErrorCode::kRefused);
    EXPECT_TRUE(IsLowOrder(ExchangeKey{HexArray<32>(text)})) << text;
  }
}

TEST(ExchangeKeyPairTest, AgreesBetweenGeneratedPairs) {
  SeededRandom random(4);
  const ExchangeKeyPair a = GenerateExchangeKey(random);
  const ExchangeKeyPair b = GenerateExchangeKey(random);
  EXPECT_NE(a.public_key, b.public_key);
  EXPECT_FALSE(IsLowOrder(a.public_key));
  EXPECT_EQ(SharedHex(a.secret, b.public_key), SharedHex(b.secret, a.public_key));
}

}  // namespace
}  // namespace consilium
