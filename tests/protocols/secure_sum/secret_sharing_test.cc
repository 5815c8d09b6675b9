#include "protocols/secure_sum/secret_sharing.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/combine_shares.h"

namespace consilium {
namespace {

bool Same(const Scalar& a, const Scalar& b) { return EqualInConstantTime(a.Expose(), b.Expose()); }

std::vector<ShamirShare> Pick(const std::vector<ShamirShare>& shares, std::uint32_t mask) {
  std::vector<ShamirShare> picked;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (mask >> i & 1) picked.push_back(ShamirShare{shares[i].point, shares[i].value.Clone()});
  }
  return picked;
}

/// 1 .. count
std::vector<std::uint32_t> PointsTo(std::uint32_t count) {
  std::vector<std::uint32_t> points(count);
  std::iota(points.begin(), points.end(), 1U);
  return points;
}

TEST(SecretSharingTest, EverySubsetOfAtLeastTheThresholdOpensTheSecretAndNoSmallerOneDoes) {
  SeededRandom random(1);
  for (std::uint32_t count = 1; count <= 8; ++count) {
    for (std::uint32_t threshold = 1; threshold <= count; ++threshold) {
      const Scalar secret = Scalar::Random(random);
      const std::vector<ShamirShare> shares = Split(secret, threshold, PointsTo(count), random);
      ASSERT_EQ(shares.size(), count);
      for (std::uint32_t mask = 1; mask < 1u << count; ++mask) {
        const Result<Scalar> combined = CombineShares(Pick(shares, mask));
        ASSERT_TRUE(combined.has_value());
        const bool enough = static_cast<std::uint32_t>(__builtin_popcount(mask)) >= threshold;
        ASSERT_EQ(Same(*combined, secret), enough) << count << " " << threshold << " " << mask;
      }
    }
  }
}

TEST(SecretSharingTest, OpensAtTheLargestNumberOfSites) {
  SeededRandom random(2);
  const Scalar secret = Scalar::Random(random);
  std::vector<ShamirShare> shares = Split(secret, 86, PointsTo(128), random);
  std::reverse(shares.begin(), shares.end());
  shares.resize(86);
  EXPECT_TRUE(Same(*CombineShares(shares), secret));
  shares.resize(85);
  EXPECT_FALSE(Same(*CombineShares(shares), secret));
}

// t-1 shares and a candidate for the secret are t points of exactly one polynomial of degree t-1.
// It is of the dealer's form whatever the candidate, so the shares rule none out.
TEST(SecretSharingTest, OneShareTooFewIsConsistentWithAnySecret) {
  SeededRandom random(3);
  constexpr std::uint32_t kThreshold = 4;
  const Scalar secret = Scalar::Random(random);
  const std::vector<ShamirShare> shares = Split(secret, kThreshold, PointsTo(7), random);
  for (std::uint64_t candidate = 0; candidate < 50; ++candidate) {
    // f'(x) = f(x) + (candidate - secret) * prod over held points p of (p - x) / p.
    const Scalar shift = Subtract(Scalar::FromNumber(candidate), secret);
    std::vector<ShamirShare> alternative;
    for (const ShamirShare& share : shares) {
      Scalar factor = shift.Clone();
      for (std::uint32_t held = 1; held < kThreshold; ++held) {
        const Scalar p = Scalar::FromNumber(held);
        const Scalar distance = Subtract(p, Scalar::FromNumber(share.point));
        factor = Multiply(factor, Multiply(distance, *Invert(p)));
      }
      alternative.push_back(ShamirShare{share.point, Add(share.value, factor)});
    }
    for (std::uint32_t i = 0; i + 1 < kThreshold; ++i) {
      ASSERT_TRUE(Same(alternative[i].value, shares[i].value)) << "a held share has changed";
    }
    for (std::uint32_t mask = 1; mask < 1u << 7; ++mask) {
      if (__builtin_popcount(mask) < static_cast<int>(kThreshold)) continue;
      ASSERT_TRUE(Same(*CombineShares(Pick(alternative, mask)), Scalar::FromNumber(candidate)));
    }
  }
}

// The low byte of one share over many dealings of one secret, chi-square with 255 degrees of
// freedom: 377 and 162 are its quantiles at 1 - 1e-6 and 1e-6. The seed is fixed.
TEST(SecretSharingTest, AShareOfAFixedSecretIsUniform) {
  SeededRandom random(4);
  const Scalar secret = Scalar::FromNumber(7);
  constexpr int kDealings = 51'200;
  std::array<int, 256> counts{};
  for (int i = 0; i < kDealings; ++i) {
    const std::vector<ShamirShare> shares = Split(secret, 2, PointsTo(2), random);
    ++counts[std::to_integer<std::size_t>(shares[1].value.Expose()[0])];
  }
  constexpr double kExpected = kDealings / 256.0;
  double chi_square = 0;
  for (const int count : counts)
    chi_square += (count - kExpected) * (count - kExpected) / kExpected;
  EXPECT_LT(chi_square, 377);
  EXPECT_GT(chi_square, 162);
}

TEST(SecretSharingTest, RefusesRepeatedZeroAndAbsentPoints) {
  SeededRandom random(5);
  const std::vector<ShamirShare> shares = Split(Scalar::Random(random), 2, PointsTo(3), random);
  EXPECT_FALSE(CombineShares({}).has_value());
  std::vector<ShamirShare> repeated = Pick(shares, 0b011);
  repeated[1].point = repeated[0].point;
  EXPECT_FALSE(CombineShares(repeated).has_value());
  std::vector<ShamirShare> zero = Pick(shares, 0b011);
  zero[0].point = 0;
  EXPECT_FALSE(CombineShares(zero).has_value());
}

TEST(SecretSharingTest, ThePointsAreOneToCountAndADealingIsNeverRepeated) {
  SeededRandom random(6);
  const Scalar secret = Scalar::Random(random);
  const std::vector<ShamirShare> first = Split(secret, 3, PointsTo(5), random);
  const std::vector<ShamirShare> second = Split(secret, 3, PointsTo(5), random);
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(first[i].point, i + 1);
    EXPECT_FALSE(Same(first[i].value, second[i].value));
    EXPECT_FALSE(Same(first[i].value, secret));
  }
}

}  // namespace
}  // namespace consilium
