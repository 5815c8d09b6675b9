#pragma once

// Additions of ring words, several at a time whatever the compiler makes of a loop.

#include <cstdint>
#include <cstring>
#include <span>

#include "common/check.h"

namespace consilium {

/// Calls combine(to's words, from's words) on eight of them at a time, then on single ones.
template <class Combine>
void CombineWords(std::span<std::uint64_t> to,
                  std::span<const std::uint64_t> from,
                  Combine combine) {
  typedef std::uint64_t Eight __attribute__((vector_size(64)));
  constexpr std::size_t kEight = sizeof(Eight) / sizeof(std::uint64_t);
  CHECK(to.size() == from.size());
  std::size_t i = 0;
  for (; i + kEight <= to.size(); i += kEight) {
    Eight left;
    Eight right;
    std::memcpy(&left, &to[i], sizeof left);
    std::memcpy(&right, &from[i], sizeof right);
    combine(left, right);
    std::memcpy(&to[i], &left, sizeof left);
  }
  for (; i < to.size(); ++i) combine(to[i], from[i]);
}

/// to[i] += from[i] modulo 2^64; the spans have one length.
inline void AddTo(std::span<std::uint64_t> to, std::span<const std::uint64_t> from) {
  CombineWords(to, from, [](auto& left, const auto& right) { left += right; });
}

/// to[i] -= from[i] modulo 2^64; the spans have one length.
inline void SubtractFrom(std::span<std::uint64_t> to, std::span<const std::uint64_t> from) {
  CombineWords(to, from, [](auto& left, const auto& right) { left -= right; });
}

}  // namespace consilium
