#include "common/crypto/mask_stream.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <openssl/evp.h>

#include "common/check.h"

namespace consilium {
namespace {

constexpr std::size_t kWordsPerBlock = 2;  ///< Of the cipher: 16 bytes.
/// Pieces of streams that are added in one pass over the words: fewer passes cost less than what
/// does not fit the first cache any more.
constexpr std::size_t kTogether = 4;
constexpr std::size_t kPieceBytes = 16384;
constexpr std::size_t kPieceWords = kPieceBytes / sizeof(std::uint64_t);
constexpr ByteArray<kPieceBytes> kZeros{};
/// Below a few milliseconds of work a second thread costs more than it saves.
constexpr std::size_t kWordsWorthAThread = 2 * 1024 * 1024;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};

/// A piece of each of a few streams, and which of them are taken away; wiped in the end.
class Pieces {
 public:
  Pieces() = default;
  ~Pieces() { Wipe(std::as_writable_bytes(std::span(words_))); }
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  std::span<std::uint64_t> Piece(std::size_t stream, std::size_t count) {
    return std::span(words_).subspan(stream * kPieceWords, count);
  }
  /// A stream that is taken away counts as its complement and one more: -x = ~x + 1.
  void SetSign(std::size_t stream, bool subtract) { flips_[stream] = subtract ? ~0ULL : 0; }

  /// to[i] += or -= word i of each piece. All are read, so those not in use hold zeros.
  [[gnu::always_inline]] void AddTo(std::span<std::uint64_t> to) const {
    typedef std::uint64_t Eight __attribute__((vector_size(64)));
    constexpr std::size_t kEight = sizeof(Eight) / sizeof(std::uint64_t);
    std::uint64_t ones = 0;  // As many as streams are taken away.
    for (const std::uint64_t flip : flips_) ones -= flip;
    std::size_t i = 0;
    for (; i + kEight <= to.size(); i += kEight) {
      Eight sum;
      std::memcpy(&sum, &to[i], sizeof sum);
      for (std::size_t stream = 0; stream < kTogether; ++stream) {
        Eight words;
        std::memcpy(&words, &words_[stream * kPieceWords + i], sizeof words);
        sum += words ^ flips_[stream];
      }
      sum += ones;
      std::memcpy(&to[i], &sum, sizeof sum);
    }
    for (; i < to.size(); ++i) {
      for (std::size_t stream = 0; stream < kTogether; ++stream) {
        to[i] += words_[stream * kPieceWords + i] ^ flips_[stream];
      }
      to[i] += ones;
    }
  }

 private:
  std::array<std::uint64_t, kTogether * kPieceWords> words_;
  std::array<std::uint64_t, kTogether> flips_{};
};

using AddPieces = void (*)(const Pieces& pieces, std::span<std::uint64_t> to);

void AddPiecesAnywhere(const Pieces& pieces, std::span<std::uint64_t> to) { pieces.AddTo(to); }

#ifdef __x86_64__
[[gnu::target("avx2")]] void AddPiecesAvx2(const Pieces& pieces, std::span<std::uint64_t> to) {
  pieces.AddTo(to);
}
[[gnu::target("avx512f")]] void AddPiecesAvx512(const Pieces& pieces, std::span<std::uint64_t> to) {
  pieces.AddTo(to);
}
#endif

AddPieces AdditionOf(MaskWidth width) {
#ifdef __x86_64__
  if (width == MaskWidth::kAvx512) return AddPiecesAvx512;
  if (width == MaskWidth::kAvx2) return AddPiecesAvx2;
#endif
  CHECK(width == MaskWidth::kAnywhere);
  return AddPiecesAnywhere;
}

/// The key's stream from a cipher block on, in pieces.
class KeyStream {
 public:
  KeyStream(const EVP_CIPHER* cipher, const SecretKey32& key, std::uint64_t first_block)
      : context_(EVP_CIPHER_CTX_new()) {
    ByteArray<16> counter{};
    const ByteArray<8> low = SortableKey(first_block);
    std::copy(low.begin(), low.end(), counter.begin() + 8);
    CHECK(context_ != nullptr);
    CHECK(EVP_EncryptInit_ex(context_.get(), cipher, nullptr, UnsignedChars(key.Expose()),
                             UnsignedChars(ByteSpan(counter))) == 1);
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
void ApplyFrom(MaskWidth width,
               std::span<const MaskTerm> terms,
               std::uint64_t first_word,
               std::span<std::uint64_t> words) {
  // Looked up once: by name, with locks, it takes longer than a short stream.
  const std::unique_ptr<EVP_CIPHER, FreeCipher> cipher(
      EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr));
  CHECK(cipher != nullptr);
  std::vector<KeyStream> streams;
  streams.reserve(terms.size());
  for (const MaskTerm& term : terms) {
    streams.emplace_back(cipher.get(), term.key, first_word / kWordsPerBlock);
  }
  const AddPieces add = AdditionOf(width);
  const auto pieces = std::make_unique<Pieces>();
  while (!words.empty()) {
    const std::size_t count = std::min(words.size(), kPieceWords);
    for (std::size_t first = 0; first < terms.size(); first += kTogether) {
      for (std::size_t i = 0; i < kTogether; ++i) {
        const bool used = first + i < terms.size();
        const std::span<std::uint64_t> piece = pieces->Piece(i, count);
        if (used) {
          streams[first + i].Fill(piece);
        } else {
          std::fill(piece.begin(), piece.end(), 0);
        }
        pieces->SetSign(i, used && terms[first + i].subtract);
      }
      add(*pieces, words.first(count));
    }
    words = words.subspan(count);
  }
}

}  // namespace

std::vector<MaskWidth> UsableMaskWidths() {
  std::vector<MaskWidth> widths{MaskWidth::kAnywhere};
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) widths.push_back(MaskWidth::kAvx2);
  if (__builtin_cpu_supports("avx512f")) widths.push_back(MaskWidth::kAvx512);
#endif
  return widths;
}

void ApplyMasks(std::span<const MaskTerm> terms, std::span<std::uint64_t> words) {
  static const MaskWidth kBest = UsableMaskWidths().back();
  ApplyMasks(terms, words, kBest);
}

void ApplyMasks(std::span<const MaskTerm> terms, std::span<std::uint64_t> words, MaskWidth width) {
  if (terms.empty() || words.empty()) return;
  if (words.size() < 2 * kPieceWords || words.size() * terms.size() < kWordsWorthAThread) {
    return ApplyFrom(width, terms, 0, words);
  }
  const std::size_t half = words.size() / 2 / kPieceWords * kPieceWords;
  std::thread other([&] { ApplyFrom(width, terms, half, words.subspan(half)); });
  ApplyFrom(width, terms, 0, words.first(half));
  other.join();
}

}  // namespace consilium
