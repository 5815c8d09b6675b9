#include "common/secret.h"

#include <memory>
#include <new>
#include <type_traits>

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

constexpr const char* kText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const Bytes kZero(32, std::byte{0});

static_assert(!std::is_copy_constructible_v<SecretKey32>);
static_assert(!std::is_copy_assignable_v<SecretKey32>);

TEST(SecretBytesTest, StartsAtZero) { EXPECT_EQ(ToBytes(SecretKey32().Expose()), kZero); }

TEST(SecretBytesTest, IsWipedWhenMovedFrom) {
  SecretKey32 first(Hex(kText));
  const SecretKey32 second(std::move(first));
  EXPECT_EQ(ToBytes(first.Expose()), kZero);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(ToHex(second.Expose()), kText);
}

TEST(SecretBytesTest, IsWipedWhenMoveAssignedFrom) {
  SecretKey32 first(Hex(kText));
  SecretKey32 second;
  second = std::move(first);
  EXPECT_EQ(ToBytes(first.Expose()), kZero);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(ToHex(second.Expose()), kText);
}

TEST(SecretBytesTest, SurvivesMovingToItself) {
  SecretKey32 secret(Hex(kText));
  SecretKey32& same = secret;
  secret = std::move(same);
  EXPECT_EQ(ToHex(secret.Expose()), kText);
}

TEST(SecretBytesTest, IsWipedWhenDestroyed) {
  alignas(SecretKey32) ByteArray<sizeof(SecretKey32)> memory{};
  SecretKey32* secret = new (memory.data()) SecretKey32(Hex(kText));
  EXPECT_EQ(ToHex(memory), kText);
  std::destroy_at(secret);
  EXPECT_EQ(ToBytes(memory), kZero);
}

TEST(SecretBytesTest, ClonesOnlyByName) {
  const SecretKey32 secret(Hex(kText));
  const SecretKey32 copy = secret.Clone();
  EXPECT_TRUE(EqualInConstantTime(secret.Expose(), copy.Expose()));
}

TEST(SecretBytesDeathTest, TakesNoOtherNumberOfBytes) {
  EXPECT_DEATH(SecretKey32(Bytes(31)), "broken invariant");
  EXPECT_DEATH(SecretKey32(Bytes(33)), "broken invariant");
}

TEST(EqualInConstantTimeTest, ComparesLengthAndBytes) {
  EXPECT_TRUE(EqualInConstantTime({}, {}));
  EXPECT_TRUE(EqualInConstantTime(AsBytes("ab"), AsBytes("ab")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("ab"), AsBytes("ac")));
  EXPECT_FALSE(EqualInConstantTime(AsBytes("ab"), AsBytes("abc")));
}

TEST(WipeTest, ZeroesEveryByte) {
  Bytes bytes(100, std::byte{7});
  Wipe(MutableByteSpan(bytes).subspan(10, 80));
  EXPECT_EQ(bytes[9], std::byte{7});
  EXPECT_EQ(bytes[10], std::byte{0});
  EXPECT_EQ(bytes[89], std::byte{0});
  EXPECT_EQ(bytes[90], std::byte{7});
}

}  // namespace
}  // namespace consilium
