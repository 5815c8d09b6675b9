#include "common/crypto/hash.h"

#include <vector>

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

SecretKey32 CountingKey() {
  return SecretKey32(Hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
}

// BLAKE2b with a 32-byte digest of "" and "abc", as Python's hashlib gives them.
TEST(HashBytesTest, GivesTheKnownDigests) {
  EXPECT_EQ(HashBytes({}).ToHex(),
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(HashBytes(AsBytes("abc")).ToHex(),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

// The digests below are hashlib's for the byte strings the header describes.
TEST(HasherTest, PrefixesTheDomainWithItsLength) {
  EXPECT_EQ(Hasher("consilium/test").Finish().ToHex(),
            "647bf7a6939a979e24683df99e6d6b580fe6982dafc29b682f073288338c6990");
}

TEST(HasherTest, PrefixesFieldsAndStoresNumbersLittleEndian) {
  Digest id;
  for (std::size_t i = 0; i < 32; ++i) id.bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(Hasher("consilium/test").Add("abc").Add(7).Add(id).Finish().ToHex(),
            "68451db4bb644890a3f69da497eac0545ee4967ecb6d39de995d92197daf9985");
}

TEST(HasherTest, IsKeyedBlake2) {
  EXPECT_EQ(Hasher("consilium/test", CountingKey()).Add("abc").Finish().ToHex(),
            "1430512aafd4c3eba53f1ff7a3370bd56ed0d56a982fc514fa32568a5e0383a4");
}

TEST(HasherTest, GivesDistinctDigestsForDistinctSplits) {
  std::vector<Digest> digests;
  digests.push_back(Hasher("d").Add("ab").Add("c").Finish());
  digests.push_back(Hasher("d").Add("a").Add("bc").Finish());
  digests.push_back(Hasher("d").Add("abc").Finish());
  digests.push_back(Hasher("d").Add("abc").Add("").Finish());
  digests.push_back(Hasher("d").Add("").Add("abc").Finish());
  digests.push_back(Hasher("da").Add("bc").Finish());
  digests.push_back(Hasher("dabc").Finish());
  digests.push_back(Hasher("d").Add(std::uint64_t{3}).Finish());
  for (std::size_t i = 0; i < digests.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(digests[i], digests[j]) << i << " and " << j;
  }
}

TEST(HasherTest, HashesTypedNumbersAsPlainOnes) {
  EXPECT_EQ(Hasher("d").Add(SiteId(5)).Finish(), Hasher("d").Add(std::uint64_t{5}).Finish());
}

TEST(HasherTest, GivesTheSameBytesAsASecret) {
  const Digest open = Hasher("d", CountingKey()).Add("x").Finish();
  const SecretKey32 secret = Hasher("d", CountingKey()).Add("x").FinishSecret();
  EXPECT_TRUE(EqualInConstantTime(open.span(), secret.Expose()));
}

TEST(HasherTest, DependsOnTheKey) {
  EXPECT_NE(Hasher("d", CountingKey()).Add("x").Finish(),
            Hasher("d", SecretKey32()).Add("x").Finish());
  EXPECT_NE(Hasher("d").Add("x").Finish(), Hasher("d", SecretKey32()).Add("x").Finish());
}

}  // namespace
}  // namespace consilium
