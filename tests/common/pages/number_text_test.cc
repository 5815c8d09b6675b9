#include "common/pages/number_text.h"

#include <cmath>

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(NumberTextTest, HasTheFormThatIsAskedFor) {
  EXPECT_EQ(NumberText(1234.5678), "1235");
  EXPECT_EQ(NumberText(0.25, "%.3f"), "0.250");
  EXPECT_EQ(NumberText(std::nan("")), "-");
  EXPECT_EQ(NumberText(-1e300, "%.1e"), "-1.0e+300");
}

TEST(NumberTextTest, SharesAreWrittenInPercent) {
  EXPECT_EQ(PercentText(0.341), "34 %");
  EXPECT_EQ(PercentText(0.341, "%.1f"), "34.1 %");
  EXPECT_EQ(PercentText(std::nan("")), "- %");
}

TEST(NumberTextTest, BytesHaveTheUnitThatMakesThemShort) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(812), "812 B");
  EXPECT_EQ(BytesText(3'492), "3.41 KiB");
  EXPECT_EQ(BytesText(13'526'630), "12.9 MiB");
  EXPECT_EQ(BytesText(1'127'428'915), "1.05 GiB");
}

TEST(NumberTextTest, SecondsAreThoseOfADuration) { EXPECT_EQ(SecondsOf(Duration(1'500)), 1.5); }

}  // namespace
}  // namespace consilium
