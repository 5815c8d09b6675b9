#pragma once

// AES-256-CTR key streams (NIST SP 800-38A) by OpenSSL: seekable, so a vector's masks can be made
// in pieces and in any order. A key is used for one stream only, so the counter block starts at
// zero.

#include <cstdint>
#include <span>
#include <vector>

#include "common/secret.h"

namespace consilium {

/// One key's stream, to be added or taken away. Its word j, a number modulo 2^64, is bytes 8j to
/// 8j+7, little-endian, of AES-256-CTR(key, counter block = 0).
struct MaskTerm {
  SecretKey32 key;
  bool subtract = false;
};

/// words[i] += or -= word i of each term's stream. The words are passed over once, a piece at a
/// time for all keys, and long vectors by two threads; the result does not depend on that.
void ApplyMasks(std::span<const MaskTerm> terms, std::span<std::uint64_t> words);

/// How many bits are added at a time. The words are the same whatever it is.
enum class MaskWidth { kAnywhere, kAvx2, kAvx512 };
/// Those that this processor has, the widest last: what ApplyMasks takes of itself.
std::vector<MaskWidth> UsableMaskWidths();
void ApplyMasks(std::span<const MaskTerm> terms, std::span<std::uint64_t> words, MaskWidth width);

}  // namespace consilium
