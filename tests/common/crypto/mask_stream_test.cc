#include "common/crypto/mask_stream.h"

#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "common/random.h"
#include "tests/common/hex.h"

namespace consilium {
namespace {

using Words = std::vector<std::uint64_t>;

std::string StreamHex(const SecretKey32& key, std::uint64_t first_word, std::size_t count) {
  Words words(count, 0);
  AddMaskStream(key, first_word, words);
  Bytes bytes(8 * count);
  for (std::size_t i = 0; i < count; ++i) {
    StoreU64(MutableByteSpan(bytes).subspan(8 * i, 8), words[i]);
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

TEST(MaskStreamTest, StartsWithinACipherBlock) {
  EXPECT_EQ(StreamHex(SecretKey32(), 1, 3), "ad48a21492842087530f8afbc74536b9a963b4f1c4cb738b");
}

TEST(MaskStreamTest, ReachesTheEndOfTheWordNumbers) {
  const std::uint64_t last = ~std::uint64_t{0} - 1;
  EXPECT_EQ(StreamHex(NistKey(), last + 1, 1), StreamHex(NistKey(), last, 2).substr(16));
  EXPECT_NE(StreamHex(NistKey(), last, 2), StreamHex(NistKey(), 0, 2));
}

TEST(MaskStreamTest, LeavesNothingToDoForNoWords) {
  Words none;
  AddMaskStream(NistKey(), 5, none);
  EXPECT_TRUE(none.empty());
}

RC_GTEST_PROP(MaskStreamTest, IsTheSameInPiecesOfAnySize, (std::uint32_t start)) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 9000);
  const auto cut = *rc::gen::inRange<std::size_t>(0, size + 1);
  Words whole(size, 3);
  AddMaskStream(NistKey(), start, whole);
  Words pieces(size, 3);
  const std::span<std::uint64_t> view(pieces);
  AddMaskStream(NistKey(), start + cut, view.subspan(cut));
  AddMaskStream(NistKey(), start, view.first(cut));
  RC_ASSERT(whole == pieces);
}

/// On both sides of every boundary: of a block, of a piece, of what is worth a second thread.
TEST(MaskStreamTest, ManyKeysAtOnceGiveTheStreamsOfEach) {
  SeededRandom random(8);
  for (const std::size_t size : {0U, 1U, 2U, 2047U, 2048U, 2049U, 4096U, 9001U, 700'001U}) {
    std::vector<MaskTerm> terms;
    Words expected(size, 3);
    for (int i = 0; i < 4; ++i) {
      SecretKey32 key;
      random.Fill(key.ExposeMutable());
      const bool subtract = i % 2 == 1;
      subtract ? SubtractMaskStream(key, 0, expected) : AddMaskStream(key, 0, expected);
      terms.push_back({std::move(key), subtract});
    }
    Words words(size, 3);
    ApplyMasks(terms, words);
    EXPECT_EQ(words, expected) << size;
  }
}

RC_GTEST_PROP(MaskStreamTest,
              IsTakenAwayBySubtracting,
              (std::vector<std::uint64_t> words, std::uint32_t start)) {
  Words masked = words;
  AddMaskStream(NistKey(), start, masked);
  SubtractMaskStream(NistKey(), start, masked);
  RC_ASSERT(masked == words);
}

}  // namespace
}  // namespace consilium
