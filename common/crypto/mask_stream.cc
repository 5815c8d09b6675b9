#include "common/crypto/mask_stream.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include <openssl/evp.h>

#include "common/check.h"

namespace consilium {
namespace {

constexpr std::size_t kWordsPerBlock = 2;  ///< Of the cipher: 16 bytes.
constexpr std::size_t kPieceBytes =
    16384;  ///< With the words it is added to, stays in the L1 cache.
constexpr std::size_t kPieceWords = kPieceBytes / sizeof(std::uint64_t);
constexpr ByteArray<kPieceBytes> kZeros{};

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
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
  ~KeyStream() { Wipe(std::as_writable_bytes(std::span(piece_))); }
  KeyStream(const KeyStream&) = delete;
  KeyStream& operator=(const KeyStream&) = delete;

  /// The next `count` words (at most a piece; even, but for the last), valid until the next call.
  std::span<const std::uint64_t> Next(std::size_t count) {
    const MutableByteSpan bytes = std::as_writable_bytes(std::span(piece_).first(count));
    int written = 0;
    CHECK(EVP_EncryptUpdate(context_.get(), UnsignedChars(bytes), &written,
                            UnsignedChars(ByteSpan(kZeros)), static_cast<int>(bytes.size())) == 1);
    CHECK(static_cast<std::size_t>(written) == bytes.size());
    if constexpr (std::endian::native == std::endian::big) {
      for (std::size_t i = 0; i < count; ++i) piece_[i] = LoadU64(bytes.subspan(8 * i, 8));
    }
    return std::span<const std::uint64_t>(piece_).first(count);
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_;
  std::array<std::uint64_t, kPieceWords> piece_;
};

template <class Combine>
void Apply(const SecretKey32& key,
           std::uint64_t first_word,
           std::span<std::uint64_t> words,
           Combine combine) {
  if (words.empty()) return;
  KeyStream stream(key, first_word / kWordsPerBlock);
  // A start within a cipher block drops the words before it.
  std::size_t skip = first_word % kWordsPerBlock;
  while (!words.empty()) {
    const std::size_t count = std::min(words.size(), kPieceWords - skip);
    const std::span<const std::uint64_t> masks = stream.Next(count + skip).subspan(skip);
    for (std::size_t i = 0; i < count; ++i) words[i] = combine(words[i], masks[i]);
    words = words.subspan(count);
    skip = 0;
  }
}

}  // namespace

void AddMaskStream(const SecretKey32& key,
                   std::uint64_t first_word,
                   std::span<std::uint64_t> words) {
  Apply(key, first_word, words, [](std::uint64_t a, std::uint64_t b) { return a + b; });
}

void SubtractMaskStream(const SecretKey32& key,
                        std::uint64_t first_word,
                        std::span<std::uint64_t> words) {
  Apply(key, first_word, words, [](std::uint64_t a, std::uint64_t b) { return a - b; });
}

}  // namespace consilium
