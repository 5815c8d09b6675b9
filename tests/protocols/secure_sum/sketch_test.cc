// Projections, and what their lengths show. Covers protocols/secure_sum/sketch.cc.

#include "protocols/secure_sum/sketch.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "common/crypto/hash.h"
#include "common/crypto/mask_stream.h"
#include "common/fixed_point_integers.h"
#include "common/random.h"

namespace consilium {
namespace {

constexpr std::uint32_t kSites = 10;

NormCheck CheckOf(Encoding encoding, std::size_t numbers, double bound = 1000) {
  return NormCheck{3, Slot{encoding, numbers, bound, /*dither=*/7}, bound, kSites};
}

/// Three other words, and then the numbers.
RingVector VectorOf(const std::vector<double>& numbers, const NormCheck& check) {
  RingVector words = EncodeFixedPoint(numbers, std::span(&check.slot, 1), kSites).value();
  words.insert(words.begin(), {1, 2, 3});
  return words;
}

std::vector<double> Drawn(RandomSource& random, std::size_t count, double length) {
  std::vector<double> numbers(count);
  double squares = 0;
  for (double& number : numbers) {
    number = random.Unit() - 0.5;
    squares += number * number;
  }
  for (double& number : numbers) number *= length / std::sqrt(squares);
  return numbers;
}

Digest SeedOf(std::uint64_t number) { return Hasher("test seed").Add(number).Finish(); }

class SketchTest : public ::testing::TestWithParam<Encoding> {};

/// By the definition, one sign at a time.
SketchNumbers ByDefinition(const RingVector& vector, const NormCheck& check, const Digest& seed) {
  std::vector<std::int64_t> integers(check.slot.count);
  IntegersOf(std::span(vector).subspan(check.first_word), check.slot, 0, integers);
  SketchNumbers numbers{};
  RingVector signs(4096);
  for (std::size_t j = 0; j < integers.size(); ++j) {
    if (j % 4096 == 0) {
      std::fill(signs.begin(), signs.end(), 0);
      const MaskTerm term[] = {{Hasher("consilium/secure-sum/sketch-signs/v1")
                                    .Add(seed)
                                    .Add(std::uint64_t{j / 4096})
                                    .FinishSecret()}};
      ApplyMasks(term, signs);
    }
    for (std::size_t k = 0; k < kSketchRows; ++k) {
      numbers[k] +=
          (signs[j % 4096] >> k & 1) != 0 ? SketchNumber{integers[j]} : -SketchNumber{integers[j]};
    }
  }
  return numbers;
}

TEST_P(SketchTest, IsTheProductWithRandomSigns) {
  SeededRandom random(1);
  for (const std::size_t count : {std::size_t{1}, std::size_t{1025}, std::size_t{9001}}) {
    const NormCheck check = CheckOf(GetParam(), count);
    const RingVector vector = VectorOf(Drawn(random, count, 900), check);

    EXPECT_EQ(Project(vector, check, SeedOf(count)), ByDefinition(vector, check, SeedOf(count)));
  }
}

TEST_P(SketchTest, OfASumIsTheSumOfSketches) {
  SeededRandom random(2);
  const NormCheck check = CheckOf(GetParam(), 1501);
  RingVector sum(VectorOf(std::vector<double>(1501), check).size(), 0);
  SketchNumbers added{};
  for (std::uint32_t site = 0; site < kSites; ++site) {
    std::vector<double> numbers = Drawn(random, 1501, 1000);
    // The largest there may be, all in one place, where sums come nearest to the ring's end.
    if (site % 3 != 2) {
      std::fill(numbers.begin(), numbers.end(), 0.0);
      numbers[40] = site % 3 == 0 ? 1000 : -1000;
      numbers[41] = -1000;
    }
    const RingVector vector = VectorOf(numbers, check);
    AddTo(sum, vector);
    const SketchNumbers own = Project(vector, check, SeedOf(5));
    for (std::size_t k = 0; k < kSketchRows; ++k) added[k] += own[k];
  }

  EXPECT_EQ(Project(sum, check, SeedOf(5)), added);
}

TEST_P(SketchTest, OfAnyWordsStaysExact) {
  SeededRandom random(3);
  const NormCheck check = CheckOf(GetParam(), 1024);
  RingVector vector = VectorOf(std::vector<double>(1024), check);
  random.Fill(std::as_writable_bytes(std::span(vector)));
  EXPECT_EQ(Project(vector, check, SeedOf(6)), ByDefinition(vector, check, SeedOf(6)));
  // As far from zero as words get.
  std::fill(vector.begin(), vector.end(), std::uint64_t{1} << 63);
  EXPECT_EQ(Project(vector, check, SeedOf(6)), ByDefinition(vector, check, SeedOf(6)));
}

TEST_P(SketchTest, IsOfTheCheckedPartAlone) {
  SeededRandom random(4);
  const NormCheck check = CheckOf(GetParam(), 1024);
  RingVector vector = VectorOf(Drawn(random, 1024, 10), check);
  const SketchNumbers before = Project(vector, check, SeedOf(7));
  vector[2] += 5;
  EXPECT_EQ(Project(vector, check, SeedOf(7)), before);
  vector[3] += 5;
  EXPECT_NE(Project(vector, check, SeedOf(7)), before);
}

/// 6,000 sketches of vectors as long as the bound: at most 6,000 x 10^-6 that one is too long by
/// chance, were the seeds not fixed.
TEST_P(SketchTest, LetsVectorsOfTheBoundPass) {
  SeededRandom random(8);
  const NormCheck check = CheckOf(GetParam(), 1024);
  std::vector<double> spike(1024, 0.0);
  spike[77] = -1000;
  std::vector<double> two(1024, 0.0);
  two[0] = two[1] = 1000 / std::sqrt(2.0) * (1 - 1e-12);
  const RingVector vectors[] = {VectorOf(Drawn(random, 1024, 1000), check), VectorOf(spike, check),
                                VectorOf(two, check)};
  for (const RingVector& vector : vectors) {
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      ASSERT_TRUE(MayBeWithinBound(Project(vector, check, SeedOf(i)), check)) << i;
    }
  }
}

/// The same for vectors of 2.7 times the bound, 2^-20 each.
TEST_P(SketchTest, NoticesVectorsOf2Point7TimesTheBound) {
  SeededRandom random(9);
  // The slot is for longer vectors than the check allows: what a liar would have.
  NormCheck check = CheckOf(GetParam(), 1024, 4000);
  check.bound = 1000;
  std::vector<double> spike(1024, 0.0);
  spike[77] = -2'700;
  std::vector<double> two(1024, 0.0);
  two[0] = two[1] = 2'700 / std::sqrt(2.0);
  const RingVector vectors[] = {VectorOf(Drawn(random, 1024, 2'700), check), VectorOf(spike, check),
                                VectorOf(two, check)};
  for (const RingVector& vector : vectors) {
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      ASSERT_FALSE(MayBeWithinBound(Project(vector, check, SeedOf(i)), check)) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Encodings,
                         SketchTest,
                         ::testing::Values(Encoding::kReal, Encoding::kShort),
                         [](const auto& one) {
                           return one.param == Encoding::kReal ? std::string("Real")
                                                               : std::string("Short");
                         });

/// The mean of f over a standard normal number, by the trapezoidal rule.
template <class Function>
double GaussianMean(Function f) {
  constexpr int kSteps = 4'000;
  constexpr double kReach = 12;
  double sum = 0;
  for (int i = -kSteps; i <= kSteps; ++i) {
    const double g = kReach * i / kSteps;
    sum += f(g) * std::exp(-g * g / 2);
  }
  return sum * (kReach / kSteps) / std::sqrt(2 * M_PI);
}

TEST(SketchBoundTest, AFalseAlarmIsRarerThanOneInAMillion) {
  const double rows = kSketchRows;
  const double log_probability = rows / 2 * (std::log(kSketchSlack) + 1 - kSketchSlack);
  EXPECT_LT(log_probability, std::log(1e-6));
  EXPECT_GT(log_probability, std::log(0.98e-6));  // And no looser than that takes.
}

/// docs/spec/secure-sum.md, "What a sketch shows": E e^(-h Q^2) for Q = sum of +-a_j, |a| = 1.
double LargestMoment(double h) {
  const auto factor = [h](double s) {
    return GaussianMean(
        [&](double g) { return std::pow(std::abs(std::cos(std::sqrt(2 * h / s) * g)), s); });
  };
  double spread = 1 / std::sqrt(1 + 2 * h);  // Its limit for many equal a_j.
  for (double s = 2; s < 200; s *= 1.02) spread = std::max(spread, factor(s));
  double largest = spread;
  for (double square = 0.5; square <= 1; square += 0.005) {
    const double by_hoelder = std::pow(factor(1 / square), square) * std::pow(spread, 1 - square);
    const double c = std::max(0.0, 2 * h * h * square - h);
    const double room = 1 - 2 * c * (1 - square);
    const double by_one = room > 0 ? std::exp(-h * square) / std::sqrt(room) : 1;
    largest = std::max(largest, std::min(by_hoelder, by_one));
  }
  return largest;
}

TEST(SketchBoundTest, AVectorOf2Point7TimesTheBoundIsMissedOnceIn2To20) {
  constexpr double kTimes = 2.7;
  constexpr double h = 1;
  const double beta = kSketchSlack / (kTimes * kTimes);
  const double rows = kSketchRows;
  EXPECT_LT(rows * (std::log(LargestMoment(h)) + h * beta), -20 * std::log(2.0));
}

TEST(SketchWordsTest, ComeBack) {
  SketchNumbers numbers{};
  numbers[0] = -1;
  numbers[1] = (SketchNumber{1} << 99) + 17;
  numbers[2] = -(SketchNumber{1} << 99);
  numbers[63] = 5;
  EXPECT_EQ(SketchNumbersOf(SketchWords(numbers)), numbers);
}

TEST(SketchWordsTest, OfAnotherNumberOrTooLargeAreNone) {
  std::vector<std::uint64_t> words(2 * kSketchRows, 0);
  EXPECT_TRUE(SketchNumbersOf(words).has_value());
  words[7] = std::uint64_t{1} << 36;
  EXPECT_FALSE(SketchNumbersOf(words).has_value());
  words[7] = ~(std::uint64_t{1} << 36);
  EXPECT_FALSE(SketchNumbersOf(words).has_value());
  words[7] = 0;
  words.pop_back();
  EXPECT_FALSE(SketchNumbersOf(words).has_value());
  EXPECT_FALSE(SketchNumbersOf({}).has_value());
}

}  // namespace
}  // namespace consilium
