#include "common/memory_pages.h"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

namespace consilium {
namespace {

/// Of this process, resident, in KiB.
std::size_t ResidentKib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::size_t kib = 0;
  while (status >> word) {
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

TEST(MemoryPagesTest, WhatStaysOfAShortenedVectorIsAsItWas) {
  for (const std::size_t size : {0U, 1U, 511U, 512U, 513U, 5'000U, 999'999U, 1'000'000U}) {
    std::vector<double> numbers(1'000'000);
    std::iota(numbers.begin(), numbers.end(), 0.5);
    ShortenAndGiveBack(numbers, size);
    ASSERT_EQ(numbers.size(), size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(numbers[i], static_cast<double>(i) + 0.5);
    numbers.resize(1'000'000, 7.0);
    EXPECT_EQ(numbers.back(), size < 1'000'000U ? 7.0 : 999'999.5);
  }
}

TEST(MemoryPagesTest, AShortenedVectorHoldsLessMemory) {
  constexpr std::size_t kCount = 8'000'000;
  std::vector<double> numbers(kCount, 1.0);
  const std::size_t before = ResidentKib();
  ShortenAndGiveBack(numbers, kCount / 4);
  const std::size_t given_back = kCount / 4 * 3 * sizeof(double) / 1024;
  EXPECT_LT(ResidentKib() + given_back * 9 / 10, before);
  EXPECT_EQ(numbers.capacity(), kCount);
}

TEST(MemoryPagesTest, RoomInLargePagesIsRoomLikeOther) {
  for (const std::size_t size : {0U, 10U, 4'000'000U}) {
    std::vector<double> numbers = {1, 2, 3};
    ReserveLarge(numbers, size);
    EXPECT_GE(numbers.capacity(), size);
    numbers.resize(std::max<std::size_t>(size, 3), 4.0);
    EXPECT_EQ(numbers[0] + numbers[1] + numbers[2], 6.0);
    EXPECT_EQ(numbers.back(), size > 3 ? 4.0 : 3.0);
  }
}

}  // namespace
}  // namespace consilium
