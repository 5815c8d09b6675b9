#include "protocols/analyses/train/floats.h"

#include <bit>
#include <cstring>

namespace consilium::train {

Bytes BytesOf(const std::vector<float>& numbers) {
  Bytes bytes(4 * numbers.size());
  if constexpr (std::endian::native == std::endian::little) {
    if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  } else {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      StoreU32(MutableByteSpan(bytes).subspan(4 * i, 4), std::bit_cast<std::uint32_t>(numbers[i]));
    }
  }
  return bytes;
}

std::vector<float> FloatsOf(ByteSpan bytes) {
  std::vector<float> numbers(bytes.size() / 4);
  if constexpr (std::endian::native == std::endian::little) {
    if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), 4 * numbers.size());
  } else {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = std::bit_cast<float>(LoadU32(bytes.subspan(4 * i, 4)));
    }
  }
  return numbers;
}

double LengthOf(std::span<const double> numbers) {
  double squares = 0;
  for (const double number : numbers) squares += number * number;
  return std::sqrt(squares);
}

}  // namespace consilium::train
