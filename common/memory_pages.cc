#include "common/memory_pages.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/mman.h>
#include <unistd.h>

namespace consilium {
namespace {

/// The whole pages within a piece.
std::span<std::byte> PagesWithin(void* begin, std::size_t bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t from = (first + page - 1) / page * page;
  const std::uintptr_t to = (first + bytes) / page * page;
  if (to <= from) return {};
  return {static_cast<std::byte*>(begin) + (from - first), to - from};
}

}  // namespace

void PreferLargePages(void* begin, std::size_t bytes) {
  constexpr std::size_t kWorthwhile = 4U << 20U;
  if (bytes < kWorthwhile) return;
  const std::span<std::byte> pages = PagesWithin(begin, bytes);
  // A system that has no large pages refuses, and small ones do.
  static_cast<void>(::madvise(pages.data(), pages.size(), MADV_HUGEPAGE));
}

void GiveBackPages(void* begin, std::size_t bytes) {
  const std::span<std::byte> pages = PagesWithin(begin, bytes);
  // Where it is refused (locked memory), the memory is held a little longer.
  if (!pages.empty()) static_cast<void>(::madvise(pages.data(), pages.size(), MADV_DONTNEED));
}

}  // namespace consilium
