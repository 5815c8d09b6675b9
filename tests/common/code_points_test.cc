#include "common/code_points.h"

#include <string>

#include <gtest/gtest.h>

namespace consilium {
namespace {

/// UTF-8 by its definition (RFC 3629, section 3).
std::string Utf8(std::uint32_t c) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) {
    return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
  }
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)),
          byte(0x80 | (c & 0x3f))};
}

TEST(CodePointsTest, EachIsReadAsItIsWritten) {
  for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
    const std::string text = Utf8(c) + "behind";
    const CodePoint first = FirstCodePoint(text);
    if (c >= 0xd800 && c <= 0xdfff) {
      ASSERT_EQ(first.bytes, 0U) << c;
    } else {
      ASSERT_EQ(first.bytes, Utf8(c).size()) << c;
      ASSERT_EQ(first.number, c);
    }
  }
}

TEST(CodePointsTest, WhatIsNoUtf8HasNone) {
  for (const char* text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80",
                           "\xe2\x82", "\xe2(\xa1", "\xf0\x80\x80\x80", "\xf0\x9f\x98",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(FirstCodePoint(text).bytes, 0U) << text;
    EXPECT_FALSE(IsPlain(std::string("a") + text));
  }
}

TEST(CodePointsTest, ControlsAndMarksOfDirectionAreNotPlain) {
  for (const std::uint32_t c :
       {0x0U, 0x7U, 0xaU, 0x1bU, 0x1fU, 0x7fU, 0x80U, 0x9bU, 0x9fU, 0x61cU, 0x200eU, 0x200fU,
        0x2028U, 0x202aU, 0x202eU, 0x2066U, 0x2069U, 0xfeffU}) {
    EXPECT_TRUE(IsControl(c)) << c;
    EXPECT_FALSE(IsPlain("a" + Utf8(c) + "b")) << c;
  }
  for (const std::uint32_t c : {0x20U, 0x7eU, 0xa0U, 0xe4U, 0x61bU, 0x200dU, 0x2027U, 0x202fU,
                                0x2065U, 0x206aU, 0x20acU, 0x1f600U}) {
    EXPECT_FALSE(IsControl(c)) << c;
    EXPECT_TRUE(IsPlain("a" + Utf8(c) + "b")) << c;
  }
  EXPECT_TRUE(IsPlain(""));
}

}  // namespace
}  // namespace consilium
