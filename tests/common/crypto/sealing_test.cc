#include "common/crypto/sealing.h"

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

/// Gives the bytes it was made with: a published vector fixes the nonce.
class FixedRandom final : public RandomSource {
 public:
  explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void Fill(MutableByteSpan bytes) override {
    CHECK(bytes.size() == bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), bytes.begin());
  }

 private:
  Bytes bytes_;
};

// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
TEST(SealTest, GivesThePublishedCiphertext) {
  const SecretKey32 key(Hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
  const std::string nonce = "404142434445464748494a4b4c4d4e4f5051525354555657";
  const Bytes associated = Hex("50515253c0c1c2c3c4c5c6c7");
  const Bytes plain = ToBytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.");
  FixedRandom random(Hex(nonce));
  const Bytes sealed = Seal(key, plain, associated, random);
  EXPECT_EQ(ToHex(sealed), nonce +
                               "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                               "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                               "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                               "21f9664c97637da9768812f615c68b13b52e"
                               "c0875924c1c7987947deafd8780acf49");
  EXPECT_EQ(Unseal(key, sealed, associated).value(), plain);
}

class UnsealTest : public testing::Test {
 protected:
  SeededRandom random_{7};
  SecretKey32 key_{random_.Draw<32>()};
  Bytes plain_ = ToBytes("a share");
  Bytes associated_ = ToBytes("study, round, attempt");
};

TEST_F(UnsealTest, GivesBackWhatWasSealed) {
  for (const Bytes& plain : {Bytes{}, plain_, Bytes(5000, std::byte{9})}) {
    const Bytes sealed = Seal(key_, plain, associated_, random_);
    EXPECT_EQ(sealed.size(), plain.size() + kSealOverhead);
    EXPECT_EQ(Unseal(key_, sealed, associated_).value(), plain);
  }
}

TEST_F(UnsealTest, RefusesAnyFlippedBit) {
  const Bytes sealed = Seal(key_, plain_, associated_, random_);
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const Result<Bytes> opened = Unseal(key_, changed, associated_);
    ASSERT_FALSE(opened.has_value()) << "bit " << bit;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(UnsealTest, RefusesAnotherKeyOrContext) {
  const Bytes sealed = Seal(key_, plain_, associated_, random_);
  EXPECT_FALSE(Unseal(SecretKey32(), sealed, associated_).has_value());
  EXPECT_FALSE(Unseal(key_, sealed, ToBytes("study, round, other attempt")).has_value());
  EXPECT_FALSE(Unseal(key_, sealed, {}).has_value());
}

TEST_F(UnsealTest, RefusesEveryTruncation) {
  const Bytes sealed = Seal(key_, plain_, associated_, random_);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(Unseal(key_, ByteSpan(sealed).first(size), associated_).has_value()) << size;
  }
}

TEST_F(UnsealTest, SeesAFreshNonceEachTime) {
  EXPECT_NE(Seal(key_, plain_, associated_, random_), Seal(key_, plain_, associated_, random_));
}

}  // namespace
}  // namespace consilium
