#include "protocols/analyses/train/safetensors.h"

#include <algorithm>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "common/check.h"

namespace consilium::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHead = 64 * 1024;
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kLargestTensor = std::size_t{1} << 40;

tl::unexpected<Error> Corrupt(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, "no safetensors file: " + what);
}

bool IsLength(const Json& value) { return value.is_number_unsigned(); }

/// A tensor's shape, and how many numbers it has.
Result<std::size_t> ReadShape(const Json& lengths, std::vector<std::size_t>& shape) {
  if (!lengths.is_array() || lengths.size() > kMostDimensions) {
    return Corrupt("a tensor has no shape");
  }
  std::size_t numbers = 1;
  for (const Json& length : lengths) {
    if (!IsLength(length) || length.get<std::uint64_t>() > kLargestTensor) {
      return Corrupt("a tensor's shape is no list of lengths");
    }
    shape.push_back(length.get<std::size_t>());
    numbers *= shape.back();
    if (numbers > kLargestTensor) return Corrupt("a tensor is too large");
  }
  return numbers;
}

/// The tensor that begins where the last one ended; moves `at` behind it.
Result<NamedNumbers> ReadTensor(const std::string& name,
                                const Json& entry,
                                ByteSpan data,
                                std::size_t& at) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    return Corrupt("a tensor lacks its dtype, shape or data_offsets");
  }
  if (entry["dtype"] != "F32") return Corrupt("a tensor's dtype is not F32");
  NamedNumbers tensor;
  tensor.name = name;
  TRY(const std::size_t numbers, ReadShape(entry["shape"], tensor.shape));
  const Json& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !IsLength(offsets[0]) ||
      !IsLength(offsets[1]) || offsets[0].get<std::uint64_t>() != at ||
      offsets[1].get<std::uint64_t>() != at + 4 * numbers || 4 * numbers > data.size() - at) {
    return Corrupt("a tensor's data_offsets do not fit its shape, or the tensors before it");
  }
  tensor.numbers = ToBytes(data.subspan(at, 4 * numbers));
  at += 4 * numbers;
  return tensor;
}

/// The head's tensors as they lie in the file: a writer may name them in another order.
std::vector<std::string> InPlace(const Json& head) {
  struct Placed {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::string name;
  };
  std::vector<Placed> places;
  for (const auto& [name, entry] : head.items()) {
    if (name == "__metadata__") continue;
    Placed place{0, 0, name};
    if (entry.is_object() && entry.contains("data_offsets")) {
      const Json& offsets = entry["data_offsets"];
      if (offsets.is_array() && offsets.size() == 2 && IsLength(offsets[0]) &&
          IsLength(offsets[1])) {
        place.begin = offsets[0].get<std::uint64_t>();
        place.end = offsets[1].get<std::uint64_t>();
      }
    }
    places.push_back(std::move(place));
  }
  std::stable_sort(places.begin(), places.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::vector<std::string> names;
  for (Placed& place : places) names.push_back(std::move(place.name));
  return names;
}

}  // namespace

Bytes EncodeTensors(const TensorFile& file) {
  Json head = Json::object();
  if (!file.metadata.empty()) {
    Json& metadata = head["__metadata__"];
    for (const auto& [name, text] : file.metadata) metadata[name] = text;
  }
  std::size_t size = 0;
  for (const NamedNumbers& tensor : file.tensors) {
    std::size_t numbers = 1;
    for (const std::size_t length : tensor.shape) numbers *= length;
    CHECK(tensor.numbers.size() == 4 * numbers);
    head[tensor.name] = {{"dtype", "F32"},
                         {"shape", tensor.shape},
                         {"data_offsets", {size, size + tensor.numbers.size()}}};
    size += tensor.numbers.size();
  }
  std::string text = head.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // Numbers then lie at multiples of eight.
  Bytes bytes(kLengthBytes);
  bytes.reserve(kLengthBytes + text.size() + size);
  StoreU64(MutableByteSpan(bytes).first(kLengthBytes), text.size());
  const ByteSpan head_bytes = AsBytes(text);
  bytes.insert(bytes.end(), head_bytes.begin(), head_bytes.end());
  for (const NamedNumbers& tensor : file.tensors) {
    bytes.insert(bytes.end(), tensor.numbers.begin(), tensor.numbers.end());
  }
  return bytes;
}

Result<std::vector<NamedNumbers>> DecodeTensors(ByteSpan bytes) {
  if (bytes.size() < kLengthBytes) return Corrupt("it has less than eight bytes");
  const std::uint64_t length = LoadU64(bytes.first(kLengthBytes));
  bytes = bytes.subspan(kLengthBytes);
  if (length > bytes.size() || length > kLongestHead) return Corrupt("its head is too long");
  const std::string_view text = AsText(bytes.first(static_cast<std::size_t>(length)));
  const ByteSpan data = bytes.subspan(static_cast<std::size_t>(length));
  const Json head = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!head.is_object()) return Corrupt("its head is no JSON object");
  std::vector<NamedNumbers> tensors;
  std::size_t at = 0;
  for (const std::string& name : InPlace(head)) {
    TRY(NamedNumbers tensor, ReadTensor(name, head[name], data, at));
    tensors.push_back(std::move(tensor));
  }
  if (at != data.size()) return Corrupt("bytes follow its last tensor");
  return tensors;
}

}  // namespace consilium::train
