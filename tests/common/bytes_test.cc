#include "common/bytes.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace consilium {
namespace {

TEST(HexTest, WritesTwoLowerCaseDigitsAByte) {
  EXPECT_EQ(ToHex(Bytes{std::byte{0}, std::byte{0xab}, std::byte{0xff}}), "00abff");
}

TEST(HexTest, ReadsBothCases) {
  EXPECT_EQ(FromHex("aBFf").value(), (Bytes{std::byte{0xab}, std::byte{0xff}}));
}

TEST(HexTest, RefusesOddLengthsAndOtherCharacters) {
  for (const char* text : {"a", "abc", "0g", "0x", " 0", "a\xff"}) {
    const Result<Bytes> bytes = FromHex(text);
    ASSERT_FALSE(bytes.has_value()) << text;
    EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument);
  }
}

RC_GTEST_PROP(HexTest, GivesBackTheBytes, (std::vector<std::uint8_t> numbers)) {
  const Bytes bytes = ToBytes(std::as_bytes(std::span(numbers)));
  RC_ASSERT(FromHex(ToHex(bytes)).value() == bytes);
}

TEST(StoreTest, IsLittleEndian) {
  ByteArray<8> eight;
  StoreU64(eight, 0x0102030405060708u);
  EXPECT_EQ(ToHex(eight), "0807060504030201");
  EXPECT_EQ(LoadU64(eight), 0x0102030405060708u);
  ByteArray<4> four;
  StoreU32(four, 0xa1b2c3d4u);
  EXPECT_EQ(ToHex(four), "d4c3b2a1");
  EXPECT_EQ(LoadU32(four), 0xa1b2c3d4u);
}

TEST(StoreDeathTest, TakesOnlyItsOwnSize) {
  Bytes bytes(7);
  EXPECT_DEATH(StoreU64(bytes, 1), "broken invariant");
}

RC_GTEST_PROP(SortableKeyTest, SortsAsTheNumbers, (std::uint64_t a, std::uint64_t b)) {
  RC_ASSERT((SortableKey(a) < SortableKey(b)) == (a < b));
}

TEST(AsTextTest, IsTheInverseOfAsBytes) {
  EXPECT_EQ(AsText(AsBytes("caf\xc3\xa9")), "caf\xc3\xa9");
}

}  // namespace
}  // namespace consilium
