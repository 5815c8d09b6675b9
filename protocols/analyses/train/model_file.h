#pragma once

// A released model as files that other programs read.

#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium::train {

/// RFC 4648, with padding.
std::string ToBase64(ByteSpan bytes);
/// kCorrupt for anything that ToBase64 does not write.
Result<Bytes> FromBase64(std::string_view text);

/// The parameters of a result.json as a safetensors file. What the model is (layers, inputs with
/// their scale, output, study) stands in the head's "__metadata__". kInvalidArgument when the
/// document is no result of training.
Result<Bytes> SafetensorsOf(std::string_view result_json);

}  // namespace consilium::train
