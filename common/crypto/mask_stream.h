#pragma once

// AES-256-CTR key streams (NIST SP 800-38A) by OpenSSL: seekable, so a vector's masks can be made
// in pieces and in any order. A key is used for one stream only, so the counter block starts at
// zero.

#include <cstdint>
#include <span>

#include "common/secret.h"

namespace consilium {

/// words[i] += (or -=) the little-endian 64-bit word number (first_word + i) of the key's stream,
/// modulo 2^64. Word j is bytes 8j .. 8j+7 of AES-256-CTR(key, counter block = 0).
void AddMaskStream(const SecretKey32& key,
                   std::uint64_t first_word,
                   std::span<std::uint64_t> words);
void SubtractMaskStream(const SecretKey32& key,
                        std::uint64_t first_word,
                        std::span<std::uint64_t> words);

/// One key's whole stream, to be added or taken away.
struct MaskTerm {
  SecretKey32 key;
  bool subtract = false;
};

/// All of them from word 0 on. The words are passed over once, a piece at a time for all keys, and
/// long vectors on two threads; the result does not depend on that.
void ApplyMasks(std::span<const MaskTerm> terms, std::span<std::uint64_t> words);

}  // namespace consilium
