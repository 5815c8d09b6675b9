#include "client/ingestion/stat/stat_input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace consilium {

StatInput::StatInput(int file) : file_(file), buffer_(256 * 1024) {
  struct stat status {};
  if (::fstat(file, &status) == 0) size_ = status.st_size;
}

::ssize_t StatInput::Read(std::span<char> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    if (place_ < start_ || place_ >= start_ + static_cast<off_t>(held_)) {
      if (!Fill()) return -1;
      if (held_ == 0) break;
    }
    const auto offset = static_cast<std::size_t>(place_ - start_);
    const std::size_t count = std::min(held_ - offset, into.size() - filled);
    std::memcpy(into.data() + filled, buffer_.data() + offset, count);
    filled += count;
    place_ += static_cast<off_t>(count);
  }
  return static_cast<::ssize_t>(filled);
}

bool StatInput::Fill() {
  ::ssize_t got = 0;
  do {
    got = ::pread(file_, buffer_.data(), buffer_.size(), place_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return false;
  start_ = place_;
  held_ = static_cast<std::size_t>(got);
  return true;
}

bool StatInput::SeekTo(off_t place) {
  if (place < 0) return false;
  place_ = place;
  return true;
}

bool StatInput::Has(off_t place, std::string_view text) {
  std::string there(text.size(), '\0');
  return SeekTo(place) && Read(there) == static_cast<::ssize_t>(there.size()) && there == text;
}

double StatInput::share() const {
  if (size_ <= 0) return 1;
  return std::min(1.0, static_cast<double>(place_) / static_cast<double>(size_));
}

}  // namespace consilium
