#include "protocols/analyses/train/model_file.h"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/safetensors.h"

namespace consilium::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

tl::unexpected<Error> NoModel(const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, "this is no result of training: " + what,
              "Give the result.json of a study with kind = \"train\".");
}

/// A tensor's numbers, from either form that a result has.
Result<Bytes> NumbersOf(const Json& tensor) {
  if (tensor.contains("base64") && tensor["base64"].is_string()) {
    return FromBase64(tensor["base64"].get<std::string>());
  }
  if (!tensor.contains("values") || !tensor["values"].is_array()) {
    return NoModel("a parameter has no numbers");
  }
  std::vector<float> numbers;
  for (const Json& value : tensor["values"]) {
    if (!value.is_number()) return NoModel("a parameter is no number");
    numbers.push_back(static_cast<float>(value.get<double>()));
  }
  return BytesOf(numbers);
}

Result<NamedNumbers> TensorIn(const Json& parameter) {
  if (!parameter.contains("name") || !parameter["name"].is_string() ||
      !parameter.contains("shape") || !parameter["shape"].is_array()) {
    return NoModel("a parameter has no name or shape");
  }
  NamedNumbers tensor;
  tensor.name = parameter["name"].get<std::string>();
  std::size_t size = 1;
  for (const Json& length : parameter["shape"]) {
    if (!length.is_number_unsigned()) return NoModel("a parameter's shape is no list of lengths");
    tensor.shape.push_back(length.get<std::size_t>());
    size *= tensor.shape.back();
  }
  TRY(tensor.numbers, NumbersOf(parameter));
  if (tensor.numbers.size() != 4 * size) return NoModel("a parameter is not of its shape");
  return tensor;
}

}  // namespace

std::string ToBase64(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const std::uint32_t byte =
          i + k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0;
      three = three << 8 | byte;
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > bytes.size();
      text += padding ? '=' : kDigits[three >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

Result<Bytes> FromBase64(std::string_view text) {
  const auto wrong = [] { return Fail(ErrorCode::kCorrupt, "the text is no base64"); };
  if (text.size() % 4 != 0) return wrong();
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t three = 0;
    std::size_t padding = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t digit = kDigits.find(text[i + k]);
      const bool is_padding = text[i + k] == '=' && k >= 2 && i + 4 == text.size();
      if (is_padding) ++padding;
      if (!is_padding && (digit == std::string_view::npos || padding > 0)) return wrong();
      three = three << 6 | (is_padding ? 0 : static_cast<std::uint32_t>(digit));
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) {
      bytes.push_back(static_cast<std::byte>(three >> (16 - 8 * k) & 255));
    }
  }
  if (ToBase64(bytes) != text) return wrong();
  return bytes;
}

Result<Json> ParseResult(std::string_view result_json) {
  Json result = Json::parse(result_json, nullptr, /*allow_exceptions=*/false);
  if (!result.is_discarded()) return result;
  return Fail(ErrorCode::kCorrupt,
              "this is no JSON: it was cut short or changed, or is another file",
              "Give the result.json as the study's program wrote it.");
}

Result<std::vector<NamedNumbers>> ReleasedTensors(const Json& result) {
  if (!result.is_object() || !result.contains("parameters") || !result.contains("model") ||
      !result["parameters"].is_array()) {
    return NoModel("it holds no model with parameters");
  }
  std::vector<NamedNumbers> tensors;
  for (const Json& parameter : result["parameters"]) {
    TRY(NamedNumbers tensor, TensorIn(parameter));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Result<Bytes> SafetensorsOf(std::string_view result_json) {
  TRY(const Json result, ParseResult(result_json));
  TensorFile file;
  TRY(file.tensors, ReleasedTensors(result));
  file.metadata = {{"model", result["model"].dump()}, {"format", "consilium"}};
  if (result.contains("study") && result["study"].is_string()) {
    file.metadata.emplace_back("study", result["study"].get<std::string>());
  }
  return EncodeTensors(file);
}

}  // namespace consilium::train
