#include "common/random.h"

#include <array>
#include <vector>

#include <gmock/gmock.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

// The first ChaCha20 block of the zero key and nonce (draft-agl-tls-chacha20poly1305, section 7).
TEST(SeededRandomTest, IsTheChaCha20StreamOfItsSeed) {
  SeededRandom random(0);
  EXPECT_EQ(ToHex(random.Draw<32>()),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
}

TEST(SeededRandomTest, GivesTheSameAgainForTheSameSeed) {
  SeededRandom first(5);
  SeededRandom second(5);
  SeededRandom other(6);
  const ByteArray<32> drawn = first.Draw<32>();
  EXPECT_EQ(drawn, second.Draw<32>());
  EXPECT_NE(drawn, other.Draw<32>());
  EXPECT_NE(drawn, first.Draw<32>());
}

TEST(SeededRandomTest, TakesANumberAsTheFirstBytesOfTheSeed) {
  ByteArray<32> seed{};
  seed[0] = std::byte{0x39};
  seed[1] = std::byte{0x30};
  SeededRandom from_bytes(seed);
  SeededRandom from_number(12345);
  EXPECT_EQ(from_bytes.Draw<16>(), from_number.Draw<16>());
}

TEST(RandomSourceTest, BelowStaysBelowAndReachesEveryValueEquallyOften) {
  SeededRandom random(1);
  constexpr std::uint64_t kBound = 6;
  constexpr int kDraws = 60'000;
  std::array<int, kBound> counts{};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t drawn = random.Below(kBound);
    ASSERT_LT(drawn, kBound);
    ++counts[drawn];
  }
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 10'000.0) * (count - 10'000.0) / 10'000.0;
  EXPECT_LT(chi_squared, 25.0);  // 5 degrees of freedom: exceeded once in 7,000 seeds.
}

/// Gives the 64-bit words it was made with.
class ScriptedRandom final : public RandomSource {
 public:
  explicit ScriptedRandom(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void Fill(MutableByteSpan bytes) override { StoreU64(bytes, words_.at(next_++)); }
  std::size_t used() const { return next_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t next_ = 0;
};

TEST(RandomSourceTest, BelowDrawsAgainWhereARemainderWouldBeTooFrequent) {
  // 2^64 mod 3 is 1, so exactly the draw 0 is refused.
  ScriptedRandom random({0, 1});
  EXPECT_EQ(random.Below(3), 1u);
  EXPECT_EQ(random.used(), 2u);
}

TEST(RandomSourceTest, BelowRefusesNothingForPowersOfTwo) {
  ScriptedRandom random({0, ~std::uint64_t{0}});
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_EQ(random.Below(std::uint64_t{1} << 63), (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(random.used(), 2u);
}

TEST(RandomSourceTest, UnitSpansZeroToJustBelowOne) {
  ScriptedRandom random({0, ~std::uint64_t{0}, std::uint64_t{1} << 63});
  EXPECT_EQ(random.Unit(), 0.0);
  EXPECT_EQ(random.Unit(), 1.0 - 0x1p-53);
  EXPECT_EQ(random.Unit(), 0.5);
}

TEST(SystemRandomTest, DoesNotRepeat) {
  SystemRandom random;
  EXPECT_NE(random.Draw<32>(), random.Draw<32>());
}

}  // namespace
}  // namespace consilium
