#pragma once

// A released model as files that other programs read.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/bytes.h"
#include "common/result.h"
#include "protocols/analyses/train/safetensors.h"

namespace consilium::train {

/// RFC 4648, with padding.
std::string ToBase64(ByteSpan bytes);
/// kCorrupt for anything that ToBase64 does not write.
Result<Bytes> FromBase64(std::string_view text);

/// A result.json as a document. kCorrupt when it is no JSON.
Result<nlohmann::ordered_json> ParseResult(std::string_view result_json);

/// The parameters of a parsed result.json. kInvalidArgument when it is no result of training.
Result<std::vector<NamedNumbers>> ReleasedTensors(const nlohmann::ordered_json& result);

/// The parameters of a result.json as a safetensors file. What the model is (layers, inputs with
/// their scale, output, study) stands in the head's "__metadata__". kCorrupt when the text is no
/// JSON, kInvalidArgument when it is no result of training.
Result<Bytes> SafetensorsOf(std::string_view result_json);

}  // namespace consilium::train
