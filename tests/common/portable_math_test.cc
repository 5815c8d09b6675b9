#include "common/portable_math.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(PortableMathTest, ExpAndLogAgreeWithTheLibrary) {
  for (double x = -690; x < 690; x += 0.37) {
    EXPECT_NEAR(PortableExp(x) / std::exp(x), 1, 4e-15) << x;
  }
  for (double x = 1e-300; x < 1e300; x *= 1.7) {
    EXPECT_NEAR(PortableLog(x), std::log(x), 4e-15 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  EXPECT_EQ(PortableExp(-1000), 0);
  EXPECT_EQ(PortableExp(0), 1);
  EXPECT_EQ(PortableLog(1), 0);
  EXPECT_NEAR(PortableLogistic(2) + PortableLogistic(-2), 1, 1e-15);
}

}  // namespace
}  // namespace consilium
