#include "common/crypto/signing.h"

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

struct Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

// RFC 8032, section 7.1, tests 1 to 3.
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"}};

// The order of the base point, little-endian.
constexpr const char* kOrder = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

class SigningKeyTest : public testing::Test {
 protected:
  SeededRandom random_{1};
  SigningKey key_ = SigningKey::Generate(random_);
  Bytes message_ = ToBytes("a round's contribution");
};

TEST_F(SigningKeyTest, GivesThePublishedSignatures) {
  for (const Vector& vector : kVectors) {
    const SigningKey key = SigningKey::FromSeed(SecretKey32(Hex(vector.seed)));
    EXPECT_EQ(key.public_key().ToHex(), vector.public_key);
    const Signature signature = key.Sign(Hex(vector.message));
    EXPECT_EQ(ToHex(signature.bytes), vector.signature);
    EXPECT_TRUE(Verify(key.public_key(), Hex(vector.message), signature));
  }
}

TEST_F(SigningKeyTest, IsRestoredFromItsSeed) {
  const SigningKey again = SigningKey::FromSeed(key_.Seed());
  EXPECT_EQ(again.public_key(), key_.public_key());
  EXPECT_EQ(again.Sign(message_), key_.Sign(message_));
}

TEST_F(SigningKeyTest, DiffersFromTheNextGenerated) {
  EXPECT_NE(SigningKey::Generate(random_).public_key(), key_.public_key());
}

TEST_F(SigningKeyTest, VerifyRefusesAnyFlippedBit) {
  const Signature signature = key_.Sign(message_);
  for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
    Signature changed = signature;
    changed.bytes[i] ^= std::byte{1};
    EXPECT_FALSE(Verify(key_.public_key(), message_, changed)) << "signature byte " << i;
  }
  for (std::size_t i = 0; i < message_.size(); ++i) {
    Bytes changed = message_;
    changed[i] ^= std::byte{0x80};
    EXPECT_FALSE(Verify(key_.public_key(), changed, signature)) << "message byte " << i;
  }
}

TEST_F(SigningKeyTest, VerifyRefusesAnotherKey) {
  EXPECT_FALSE(Verify(SigningKey::Generate(random_).public_key(), message_, key_.Sign(message_)));
}

TEST_F(SigningKeyTest, VerifyRefusesASignatureWithTheOrderAddedToIt) {
  Signature malleable = key_.Sign(message_);
  const ByteArray<32> order = HexArray<32>(kOrder);
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry +=
        std::to_integer<unsigned>(malleable.bytes[32 + i]) + std::to_integer<unsigned>(order[i]);
    malleable.bytes[32 + i] = static_cast<std::byte>(carry & 0xff);
    carry >>= 8;
  }
  EXPECT_FALSE(Verify(key_.public_key(), message_, malleable));
}

TEST_F(SigningKeyTest, VerifyRefusesKeysOfSmallOrder) {
  // Orders 1, 2, 4, 8 and 8. With R the identity and S zero, the first would sign any message.
  constexpr const char* kSmallOrder[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"};
  for (const char* text : kSmallOrder) {
    const IdentityKey key{HexArray<32>(text)};
    Signature forged;
    forged.bytes[0] = std::byte{1};
    EXPECT_FALSE(Verify(key, message_, forged)) << text;
    // Another R, of full order: the base point, with S = 1, which verifies when h A is the
    // identity.
    const ByteArray<32> base =
        HexArray<32>("5866666666666666666666666666666666666666666666666666666666666666");
    std::copy(base.begin(), base.end(), forged.bytes.begin());
    forged.bytes[32] = std::byte{1};
    EXPECT_FALSE(Verify(key, message_, forged)) << text;
  }
}

}  // namespace
}  // namespace consilium
