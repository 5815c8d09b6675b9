#include "common/crypto/mask_stream.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <thread>
#include <vector>

#include <openssl/evp.h>

#include "common/check.h"
#include "common/words.h"

namespace consilium {
namespace {

constexpr std::size_t kWordsPerBlock = 2;  ///< Of the cipher: 16 bytes.
constexpr std::size_t kPieceBytes =
    16384;  ///< With the words it is added to, stays in the L1 cache.
constexpr std::size_t kPieceWords = kPieceBytes / sizeof(std::uint64_t);
constexpr ByteArray<kPieceBytes> kZeros{};
/// Below a few milliseconds of work a second thread costs more than it saves.
constexpr std::size_t kWordsWorthAThread = 2 * 1024 * 1024;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

/// Where a piece of a stream is made; wiped in the end.
class Piece {
 public:
  Piece() = default;
  ~Piece() { Wipe(std::as_writable_bytes(std::span(words_))); }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  std::span<std::uint64_t> First(std::size_t count) { return std::span(words_).first(count); }

 private:
  std::array<std::uint64_t, kPieceWords> words_;
};

/// The key's stream from a cipher block on, in pieces.
class KeyStream {
 public:
  KeyStream(const SecretKey32& key, std::uint64_t first_block) : context_(EVP_CIPHER_CTX_new()) {
    ByteArray<16> counter{};
    const ByteArray<8> low = SortableKey(first_block);
    std::copy(low.begin(), low.end(), counter.begin() + 8);
    CHECK(context_ != nullptr);
    CHECK(EVP_EncryptInit_ex(context_.get(), EVP_aes_256_ctr(), nullptr,
                             UnsignedChars(key.Expose()), UnsignedChars(ByteSpan(counter))) == 1);
  }

  /// The next words: at most a piece; an even number, but for the last ones.
  void Fill(std::span<std::uint64_t> words) {
    const MutableByteSpan bytes = std::as_writable_bytes(words);
    int written = 0;
    CHECK(EVP_EncryptUpdate(context_.get(), UnsignedChars(bytes), &written,
                            UnsignedChars(ByteSpan(kZeros)), static_cast<int>(bytes.size())) == 1);
    CHECK(static_cast<std::size_t>(written) == bytes.size());
    if constexpr (std::endian::native == std::endian::big) {
      for (std::size_t i = 0; i < words.size(); ++i) words[i] = LoadU64(bytes.subspan(8 * i, 8));
    }
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_;
};

/// All streams from `first_word` on, which is even.
void ApplyFrom(std::span<const MaskTerm> terms,
               std::uint64_t first_word,
               std::span<std::uint64_t> words) {
  std::vector<KeyStream> streams;
  streams.reserve(terms.size());
  for (const MaskTerm& term : terms) streams.emplace_back(term.key, first_word / kWordsPerBlock);
  Piece piece;
  while (!words.empty()) {
    const std::size_t count = std::min(words.size(), kPieceWords);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const std::span<std::uint64_t> masks = piece.First(count);
      streams[i].Fill(masks);
      const auto apply = terms[i].subtract ? SubtractFrom : AddTo;
      apply(words.first(count), masks);
    }
    words = words.subspan(count);
  }
}

}  // namespace

void ApplyMasks(std::span<const MaskTerm> terms, std::span<std::uint64_t> words) {
  if (terms.empty() || words.empty()) return;
  if (words.size() < 2 * kPieceWords || words.size() * terms.size() < kWordsWorthAThread) {
    return ApplyFrom(terms, 0, words);
  }
  const std::size_t half = words.size() / 2 / kPieceWords * kPieceWords;
  std::thread other([&] { ApplyFrom(terms, half, words.subspan(half)); });
  ApplyFrom(terms, 0, words.first(half));
  other.join();
}

}  // namespace consilium
