#include "common/crypto/passphrase.h"

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

std::string KeyHex(std::string_view passphrase, std::byte salt, PassphraseCost cost) {
  ByteArray<16> salts;
  salts.fill(salt);
  return ToHex(KeyFromPassphrase(passphrase, salts, cost).value().Expose());
}

TEST(KeyFromPassphraseTest, IsAFunctionOfPassphraseSaltAndCost) {
  constexpr auto kCost = PassphraseCost::kInteractive;
  const std::string key = KeyHex("correct horse", std::byte{1}, kCost);
  EXPECT_EQ(key, KeyHex("correct horse", std::byte{1}, kCost));
  EXPECT_NE(key, KeyHex("correct horsf", std::byte{1}, kCost));
  EXPECT_NE(key, KeyHex("correct horse", std::byte{2}, kCost));
  EXPECT_NE(key, KeyHex("correct horse", std::byte{1}, PassphraseCost::kModerate));
}

TEST(KeyFromPassphraseTest, RefusesAnEmptyPassphrase) {
  const Result<SecretKey32> key =
      KeyFromPassphrase("", ByteArray<16>{}, PassphraseCost::kInteractive);
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace consilium
