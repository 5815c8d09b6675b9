#pragma once

// Tensors as a safetensors file: eight bytes with the head's length, the head as JSON, the tensors'
// little-endian numbers (https://huggingface.co/docs/safetensors).

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium::train {

struct NamedNumbers {
  std::string name;
  std::vector<std::size_t> shape;
  Bytes numbers;  ///< Of type F32.
};

/// Both lists in their order.
struct TensorFile {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<NamedNumbers> tensors;
};

/// Each tensor has the numbers of its shape.
Bytes EncodeTensors(const TensorFile& file);

/// Of bytes that nobody vouches for. kCorrupt for anything but a file whose tensors are of type
/// F32, have the numbers of their shapes and lie one behind the other, or with a head of more than
/// 64 KiB. Metadata are left out.
Result<std::vector<NamedNumbers>> DecodeTensors(ByteSpan bytes);

}  // namespace consilium::train
