#include "protocols/privacy/exact_sums.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.h"

namespace consilium {
namespace {

/// In double precision a row in front changes how all others are rounded; here it does not.
TEST(ExactSumsTest, ARowMoreChangesTheSumByExactlyItsOwnPart) {
  constexpr std::size_t kRows = 20'000;
  const ExactSums exact(3, 1'000'000);
  SeededRandom random(std::uint64_t{1});
  std::vector<double> rows(kRows);
  for (double& row : rows) row = 6 * random.Unit() - 3;
  double without = 0;
  double plain_without = 0;
  for (std::size_t i = 1; i < kRows; ++i) without += exact.Part(rows[i]);
  for (std::size_t i = 1; i < kRows; ++i) plain_without += rows[i];
  double with = 0;
  double plain_with = 0;
  for (const double row : rows) with += exact.Part(row);
  for (const double row : rows) plain_with += row;
  EXPECT_EQ(with - without, exact.Part(rows[0]));
  EXPECT_NE(plain_with - plain_without, rows[0]);
}

TEST(ExactSumsTest, NoPartIsLongerThanItsNumberOrFarFromIt) {
  for (const double largest : {1e-6, 1.0, 10.0, 1e9}) {
    for (const std::uint64_t rows : {1ULL, 1'000'000ULL, 100'000'000ULL}) {
      const ExactSums exact(largest, rows);
      SeededRandom random(rows);
      for (int i = 0; i < 1'000; ++i) {
        const double number = largest * (2 * random.Unit() - 1);
        EXPECT_LE(std::abs(exact.Part(number)), std::abs(number));
        EXPECT_LT(std::abs(exact.Part(number) - number), exact.step());
      }
      EXPECT_LT(exact.step(), largest * 0x1p-24);
      // The largest sum, and with it every smaller one, is a whole number of steps below 2^53.
      EXPECT_LE(largest * static_cast<double>(rows), 0x1p53 * exact.step());
    }
  }
  EXPECT_LT(ExactSums(1, 1'000'000).step(), 0x1p-31);
}

}  // namespace
}  // namespace consilium
