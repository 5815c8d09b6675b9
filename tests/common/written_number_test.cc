#include "common/written_number.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(WrittenNumberTest, WholeNumbersAreWrittenOut) {
  EXPECT_EQ(WrittenNumber(100000), "100000");
  EXPECT_EQ(WrittenNumber(-2e10), "-20000000000");
  EXPECT_EQ(WrittenNumber(9007199254740991), "9007199254740991");
  EXPECT_EQ(WrittenNumber(0), "0");
  NumberDigits digits{};
  EXPECT_EQ(WriteNumber(1e6F, digits), "1000000");
  EXPECT_EQ(WriteNumber(0.1F, digits), "0.1");
}

TEST(WrittenNumberTest, OthersAreReadBackAsTheSame) {
  for (const double number : {0.1, 1.0 / 3, 1e-7, 1.5e300, 1e22, -123.456}) {
    EXPECT_EQ(std::strtod(WrittenNumber(number).c_str(), nullptr), number);
  }
  EXPECT_EQ(WrittenNumber(-2.5, ','), "-2,5");
}

}  // namespace
}  // namespace consilium
