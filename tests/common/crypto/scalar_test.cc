#include "common/crypto/scalar.h"

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

// l = 2^252 + 27742317777372353535851937790883648493, little-endian, and its neighbours.
constexpr const char* kOrder = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
constexpr const char* kOrderLess1 =
    "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
constexpr const char* kOrderPlus1 =
    "eed3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
// (l + 1) / 2, the inverse of two.
constexpr const char* kHalf = "f7e97a2e8d31092c6bce7b51ef7c6f0a00000000000000000000000000000008";

std::string HexOf(const Scalar& scalar) { return ToHex(scalar.Expose()); }
Scalar MinusOne() { return Scalar::FromCanonical(Hex(kOrderLess1)).value(); }

TEST(ScalarTest, TakesOnlyCanonicalBytes) {
  EXPECT_TRUE(Scalar::FromCanonical(Hex(kOrderLess1)).has_value());
  for (const char* text : {kOrder, kOrderPlus1}) {
    const Result<Scalar> scalar = Scalar::FromCanonical(Hex(text));
    ASSERT_FALSE(scalar.has_value()) << text;
    EXPECT_EQ(scalar.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(Scalar::FromCanonical(Bytes(32, std::byte{0xff})).has_value());
  EXPECT_FALSE(Scalar::FromCanonical(Bytes(31)).has_value());
  EXPECT_FALSE(Scalar::FromCanonical(Bytes(33)).has_value());
}

TEST(ScalarTest, CountsModuloTheOrder) {
  const Scalar one = Scalar::FromNumber(1);
  EXPECT_EQ(HexOf(Add(MinusOne(), one)), HexOf(Scalar()));
  EXPECT_EQ(HexOf(Subtract(Scalar(), one)), kOrderLess1);
  EXPECT_EQ(HexOf(Multiply(MinusOne(), MinusOne())), HexOf(one));
  EXPECT_EQ(HexOf(Add(MinusOne(), MinusOne())), HexOf(Subtract(MinusOne(), one)));
}

TEST(ScalarTest, MultipliesNumbers) {
  EXPECT_EQ(HexOf(Multiply(Scalar::FromNumber(1u << 30), Scalar::FromNumber(1u << 31))),
            HexOf(Scalar::FromNumber(std::uint64_t{1} << 61)));
}

TEST(ScalarTest, InvertsAllButZero) {
  EXPECT_EQ(HexOf(Invert(Scalar::FromNumber(2)).value()), kHalf);
  const Result<Scalar> none = Invert(Scalar());
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
}

TEST(ScalarTest, ObeysTheLawsOfAField) {
  SeededRandom random(11);
  for (int i = 0; i < 50; ++i) {
    const Scalar a = Scalar::Random(random);
    const Scalar b = Scalar::Random(random);
    const Scalar c = Scalar::Random(random);
    EXPECT_EQ(HexOf(Multiply(a, Add(b, c))), HexOf(Add(Multiply(a, b), Multiply(a, c))));
    EXPECT_EQ(HexOf(Add(Subtract(a, b), b)), HexOf(a));
    EXPECT_EQ(HexOf(Multiply(Multiply(a, b), Invert(b).value())), HexOf(a));
    EXPECT_TRUE(Scalar::FromCanonical(a.Expose()).has_value());
    EXPECT_EQ(HexOf(a.Clone()), HexOf(a));
  }
}

}  // namespace
}  // namespace consilium
