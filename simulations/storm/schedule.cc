#include "simulations/storm/schedule.h"

#include <algorithm>

namespace consilium {

void Schedule::Fill(MutableByteSpan bytes) {
  if (left_.empty()) return afterwards_.Fill(bytes);
  const bool is_number = bytes.size() == 8;
  const std::size_t taken = std::min<std::size_t>(is_number ? 2 : bytes.size(), left_.size());
  const ByteSpan next = left_.first(taken);
  left_ = left_.subspan(taken);
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  if (!is_number) {
    std::copy(next.begin(), next.end(), bytes.begin());
    return;
  }
  // Little-endian: its highest bytes say how large a fraction it is, its lowest what is left of it
  // modulo a small number.
  bytes[7] = next.front();
  bytes[6] = next.back();
  bytes[0] = next.back();
}

}  // namespace consilium
