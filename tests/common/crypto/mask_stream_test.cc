#include "common/crypto/mask_stream.h"

#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "common/random.h"
#include "tests/common/hex.h"

namespace consilium {
namespace {

using Words = std::vector<std::uint64_t>;

/// What this key alone adds to so many words.
Words StreamOf(const SecretKey32& key, std::size_t count) {
  Words words(count, 0);
  ApplyMasks(std::array{MaskTerm{key.Clone()}}, words);
  return words;
}

std::string StreamHex(const SecretKey32& key, std::size_t first_word, std::size_t count) {
  const Words words = StreamOf(key, first_word + count);
  Bytes bytes(8 * count);
  for (std::size_t i = 0; i < count; ++i) {
    StoreU64(MutableByteSpan(bytes).subspan(8 * i, 8), words[first_word + i]);
  }
  return ToHex(bytes);
}

// The key of NIST SP 800-38A, section F.5.5.
SecretKey32 NistKey() {
  return SecretKey32(Hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"));
}

// The Galois/Counter Mode of Operation (McGrew, Viega), test cases 13 and 14, have the zero key,
// and publish its encryptions of the counter blocks 0 (H), 1 (the tag of case 13) and 2 (C of case
// 14).
TEST(MaskStreamTest, GivesThePublishedBlocksOfTheZeroKey) {
  EXPECT_EQ(StreamHex(SecretKey32(), 0, 6),
            "dc95c078a2408989ad48a21492842087"
            "530f8afbc74536b9a963b4f1c4cb738b"
            "cea7403d4d606b6e074ec5d3baf39d18");
}

// As `openssl enc -aes-256-ctr` prints them for a zero initial counter.
TEST(MaskStreamTest, GivesTheStreamOfAnotherImplementation) {
  EXPECT_EQ(StreamHex(NistKey(), 0, 4),
            "e568f68194cf76d6174d4cc04310a85491151e5d0b7a1f1bc0d7acd0ae3e51e4");
  EXPECT_EQ(StreamHex(NistKey(), 2500, 2), "585ca225e41b569ca024b8c981832986");
}

TEST(MaskStreamTest, LeavesNothingToDoWithoutWordsOrKeys) {
  EXPECT_TRUE(StreamOf(NistKey(), 0).empty());
  Words words(5, 3);
  ApplyMasks({}, words);
  EXPECT_EQ(words, Words(5, 3));
}

TEST(MaskStreamTest, AShorterVectorGetsTheBeginningOfTheStream) {
  const Words longest = StreamOf(NistKey(), 9'001);
  for (const std::size_t size : {1U, 2U, 3U, 2'047U, 2'048U, 2'049U, 4'096U, 9'000U}) {
    const auto end = longest.begin() + static_cast<std::ptrdiff_t>(size);
    EXPECT_EQ(StreamOf(NistKey(), size), Words(longest.begin(), end)) << size;
  }
}

/// On both sides of every boundary: of a block, of a piece, of what is worth a second thread. One
/// key alone never is here.
TEST(MaskStreamTest, ManyKeysAtOnceGiveTheStreamsOfEach) {
  SeededRandom random(8);
  for (const std::size_t size : {1U, 2U, 2'047U, 2'048U, 2'049U, 9'001U, 524'287U, 700'001U}) {
    std::vector<MaskTerm> terms;
    Words expected(size, 3);
    for (int i = 0; i < 4; ++i) {
      MaskTerm term;
      random.Fill(term.key.ExposeMutable());
      term.subtract = i % 2 == 1;
      const Words stream = StreamOf(term.key, size);
      for (std::size_t j = 0; j < size; ++j) {
        expected[j] = term.subtract ? expected[j] - stream[j] : expected[j] + stream[j];
      }
      terms.push_back(std::move(term));
    }
    Words words(size, 3);
    ApplyMasks(terms, words);
    EXPECT_EQ(words, expected) << size;
  }
}

/// Streams are added a few at a time, as wide as the processor can.
TEST(MaskStreamTest, AnyNumberOfKeysAndAnyWidthGiveTheSameWords) {
  SeededRandom random(9);
  for (const std::size_t size : {7U, 2'061U, 6'000U}) {
    std::vector<MaskTerm> terms;
    Words expected(size, 3);
    for (unsigned count = 1; count <= 9; ++count) {
      MaskTerm term;
      random.Fill(term.key.ExposeMutable());
      term.subtract = count % 3 != 0;
      const Words stream = StreamOf(term.key, size);
      for (std::size_t j = 0; j < size; ++j) {
        expected[j] = term.subtract ? expected[j] - stream[j] : expected[j] + stream[j];
      }
      terms.push_back(std::move(term));
      for (const MaskWidth width : UsableMaskWidths()) {
        Words words(size, 3);
        ApplyMasks(terms, words, width);
        EXPECT_EQ(words, expected) << size << " words, " << count << " keys";
      }
    }
  }
}

RC_GTEST_PROP(MaskStreamTest, IsTakenAwayBySubtracting, (std::vector<std::uint64_t> words)) {
  Words masked = words;
  ApplyMasks(std::array{MaskTerm{NistKey(), false}, MaskTerm{SecretKey32(), false}}, masked);
  ApplyMasks(std::array{MaskTerm{NistKey(), true}, MaskTerm{SecretKey32(), true}}, masked);
  RC_ASSERT(masked == words);
}

}  // namespace
}  // namespace consilium
