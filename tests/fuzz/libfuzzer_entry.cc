#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::FuzzOne(std::as_bytes(std::span(data, size)));
  return 0;
}
