#pragma once

// CHECK(condition): a broken invariant of our own code stops the process, in release builds too.
// Never for input: what a peer, a file or a person got wrong is a Result or a DropReason.

namespace consilium {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace consilium

#define CHECK(condition)                                        \
  do {                                                          \
    if (!(condition)) [[unlikely]] {                            \
      ::consilium::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                           \
  } while (false)
