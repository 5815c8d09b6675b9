#pragma once

// Advice to the system about large pieces of memory. None of it changes what a program does, but
// how much memory it holds and how long it waits for pages: a fault for each 4 KiB is dear, most of
// all on virtual machines.

#include <cstddef>
#include <vector>

namespace consilium {

/// Asks that the piece be backed by large pages once it is touched (madvise(2), MADV_HUGEPAGE).
/// Nothing is asked for pieces below 4 MiB.
void PreferLargePages(void* begin, std::size_t bytes);

/// Reserves room, in large pages where there is much.
template <class T>
void ReserveLarge(std::vector<T>& vector, std::size_t size) {
  vector.reserve(size);
  PreferLargePages(vector.data() + vector.size(), (vector.capacity() - vector.size()) * sizeof(T));
}

/// Returns the whole pages within to the system (MADV_DONTNEED). What was there is lost.
void GiveBackPages(void* begin, std::size_t bytes);

/// Shortens a vector and returns the memory behind its new end without copying what stays. Its
/// capacity is as before.
template <class T>
void ShortenAndGiveBack(std::vector<T>& vector, std::size_t size) {
  if (size >= vector.size()) return;
  vector.resize(size);
  GiveBackPages(vector.data() + size, (vector.capacity() - size) * sizeof(T));
}

}  // namespace consilium
