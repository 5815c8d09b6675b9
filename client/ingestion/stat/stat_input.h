#pragma once

// A file's bytes for the library that reads it: many small pieces, mostly one after the other.

#include <span>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace consilium {

class StatInput {
 public:
  /// `file` stays open as long as this lives, and is not closed by it.
  explicit StatInput(int file);

  /// How many bytes were read, fewer only at the end; -1 for a fault of the disk.
  ::ssize_t Read(std::span<char> into);
  bool SeekTo(off_t place);
  /// Whether this text lies there; reading goes on behind it.
  bool Has(off_t place, std::string_view text);
  off_t place() const { return place_; }
  off_t size() const { return size_; }
  double share() const;  ///< That has been read, from 0 to 1.

 private:
  bool Fill();

  int file_;
  off_t size_ = 0;
  off_t place_ = 0;
  off_t start_ = 0;  // Of what the buffer holds.
  std::size_t held_ = 0;
  std::vector<char> buffer_;
};

}  // namespace consilium
