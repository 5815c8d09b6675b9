#include "protocols/analyses/distributions.h"

#include <cmath>

#include <gtest/gtest.h>

namespace consilium {
namespace {

void ExpectRelative(double actual, double expected, double tolerance = 1e-13) {
  EXPECT_LE(std::abs(actual - expected), tolerance * std::abs(expected))
      << actual << " instead of " << expected;
}

// Expected values: R 4.2.2, options(digits = 17).

TEST(DistributionsTest, NormalTailsKeepTheirDigits) {
  ExpectRelative(NormalTwoSided(5), 5.7330314375838782e-07);  // 2*pnorm(-5)
  ExpectRelative(NormalTwoSided(-5), 5.7330314375838782e-07);
  ExpectRelative(NormalTwoSided(30), 9.8134278542963744e-198, 1e-12);  // 2*pnorm(-30)
  EXPECT_EQ(NormalTwoSided(0), 1);
  EXPECT_EQ(NormalTwoSided(1e9), 0);
}

TEST(DistributionsTest, NormalQuantiles) {
  ExpectRelative(NormalQuantile(0.975), 1.9599639845400536);   // qnorm(.975)
  ExpectRelative(NormalQuantile(0.9995), 3.2905267314919255);  // qnorm(.9995)
}

TEST(DistributionsTest, StudentTailsKeepTheirDigits) {
  ExpectRelative(StudentTwoSided(30, 856), 1.0532162965793609e-135, 1e-10);  // 2*pt(-30,856)
  ExpectRelative(StudentTwoSided(2.5, 3), 0.087706647008065505);             // 2*pt(-2.5,3)
  ExpectRelative(StudentTwoSided(-1e3, 5), 1.898013113197973e-14, 1e-12);    // 2*pt(-1e3,5)
}

TEST(DistributionsTest, StudentQuantiles) {
  ExpectRelative(StudentQuantile(0.975, 5), 2.5705818356363137);  // qt(.975,5)
  ExpectRelative(StudentQuantile(0.95, 5), 2.0150483733330224);   // qt(.95,5)
  ExpectRelative(StudentQuantile(0.975, 1), 12.706204736174694);  // qt(.975,1)
}

TEST(DistributionsTest, FisherTailsKeepTheirDigits) {
  ExpectRelative(FisherUpper(64.2658902638358, 4, 856), 1.5401463605627657e-47, 1e-11);
  ExpectRelative(FisherUpper(3, 2, 10), 0.095367431640624972);  // pf(3,2,10,lower=FALSE)
}

TEST(DistributionsTest, ChiSquaredTailsKeepTheirDigits) {
  ExpectRelative(ChiSquaredUpper(32.0264576102714, 3), 5.1667021820459004e-07, 1e-12);
  ExpectRelative(ChiSquaredUpper(700, 5), 4.9119861035732004e-149, 1e-11);
  ExpectRelative(ChiSquaredUpper(0.5, 1), 0.47950012218695337);
  EXPECT_EQ(ChiSquaredUpper(0, 2), 1);
}

TEST(DistributionsTest, LogFactorials) {
  EXPECT_EQ(LogFactorial(0), 0);
  EXPECT_EQ(LogFactorial(1), 0);
  ExpectRelative(LogFactorial(170), 706.57306224578747);  // lgamma(171)
  ExpectRelative(LogFactorial(1e6), 12815518.384658169);  // lgamma(1e6+1)
}

TEST(DistributionsTest, WilsonLimitsAreThoseOfR) {
  const auto expect = [](double events, double rows, double low, double high) {
    const ShareLimits found = WilsonLimits(events, rows, 0.95);
    EXPECT_NEAR(found.low, low, 1e-12) << events << " of " << rows;
    EXPECT_NEAR(found.high, high, 1e-12) << events << " of " << rows;
  };
  expect(0, 5, 0, 0.434482464783175);
  expect(3, 5, 0.230724281276013, 0.882379225767352);
  expect(5, 5, 0.565517535216825, 1);
  expect(27, 180, 0.105182222870753, 0.209444625674376);
}

/// Both ends solve (share - p)^2 = z^2 p (1 - p) / n, which is what Wilson's interval is.
TEST(DistributionsTest, WilsonsLimitsSolveTheirEquation) {
  const double z = 1.959963984540054;
  for (const double events : {1.0, 7.0, 19.0}) {
    const ShareLimits limits = WilsonLimits(events, 20, 0.95);
    for (const double p : {limits.low, limits.high}) {
      EXPECT_NEAR((events / 20 - p) * (events / 20 - p), z * z * p * (1 - p) / 20, 1e-14);
    }
  }
  EXPECT_EQ(WilsonLimits(0, 20, 0.95).low, 0);
  EXPECT_EQ(WilsonLimits(20, 20, 0.95).high, 1);
}

}  // namespace
}  // namespace consilium
