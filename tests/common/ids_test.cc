#include "common/ids.h"

#include <type_traits>

#include <gmock/gmock.h>

#include "common/wire.h"

namespace consilium {
namespace {

static_assert(!std::is_convertible_v<std::uint32_t, SiteId>);
static_assert(!std::is_convertible_v<SiteId, RoundNumber>);
static_assert(!std::is_constructible_v<Digest, StudyId>);

TEST(StrongNumberTest, OrdersAsItsNumber) {
  EXPECT_LT(SiteId(2), SiteId(10));
  EXPECT_EQ(SiteId(), SiteId(0));
  EXPECT_EQ(SiteId(7).value(), 7u);
}

TEST(StrongNumberTest, IsEncodedAsItsNumber) {
  EXPECT_EQ(ToHex(Encode(SiteId(258))), "02010000");
  EXPECT_EQ(ToHex(Encode(RosterEpoch(1))), "0100000000000000");
}

TEST(Id32Test, IsShownInHexadecimal) {
  Digest digest;
  digest.bytes[0] = std::byte{0xab};
  EXPECT_EQ(digest.ToHex(), "ab" + std::string(62, '0'));
  EXPECT_EQ(digest.Short(), "ab0000000000");
}

TEST(Id32Test, IsEncodedAsItsBytes) {
  Digest digest;
  digest.bytes[31] = std::byte{9};
  EXPECT_EQ(Encode(digest), ToBytes(digest.span()));
  EXPECT_EQ(Decode<Digest>(Encode(digest)).value(), digest);
}

}  // namespace
}  // namespace consilium
