// The canonical bytes of a settings document; docs/spec/plan.md, "Canonical bytes".

#include <bit>
#include <cmath>

#include "common/check.h"
#include "common/settings_node.h"

namespace consilium {
namespace {

enum class Tag : std::uint8_t {
  kTable = 1,
  kArray = 2,
  kText = 3,
  kInteger = 4,
  kNumber = 5,
  kBoolean = 6,
  kDate = 7
};

void Append(Tag tag, Bytes& to) { to.push_back(static_cast<std::byte>(tag)); }

void Append(std::uint64_t number, Bytes& to) {
  ByteArray<8> bytes;
  StoreU64(bytes, number);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void AppendCount(std::size_t count, Bytes& to) {
  CHECK(count <= UINT32_MAX);
  ByteArray<4> bytes;
  StoreU32(bytes, static_cast<std::uint32_t>(count));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void AppendText(std::string_view text, Bytes& to) {
  AppendCount(text.size(), to);
  const ByteSpan bytes = AsBytes(text);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void AppendInteger(std::int64_t number, Bytes& to) {
  Append(Tag::kInteger, to);
  Append(static_cast<std::uint64_t>(number), to);
}

/// 2 and 2.0 are one number, so a whole value within 64 bits is an integer, and -0.0 is 0.
void AppendNumber(double number, Bytes& to) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (number == std::trunc(number) && number >= -kTwoTo63 && number < kTwoTo63) {
    AppendInteger(static_cast<std::int64_t>(number), to);
    return;
  }
  Append(Tag::kNumber, to);
  Append(std::bit_cast<std::uint64_t>(number), to);
}

}  // namespace

void Settings::Node::AppendCanonical(const Value& value, Bytes& to) {
  if (const auto* integer = std::get_if<std::int64_t>(&value.content)) {
    AppendInteger(*integer, to);
  } else if (const auto* number = std::get_if<double>(&value.content)) {
    AppendNumber(*number, to);
  } else if (const auto* boolean = std::get_if<bool>(&value.content)) {
    Append(Tag::kBoolean, to);
    to.push_back(std::byte{*boolean});
  } else if (const auto* text = std::get_if<std::string>(&value.content)) {
    Append(Tag::kText, to);
    AppendText(*text, to);
  } else if (const auto* date = std::get_if<Date>(&value.content)) {
    Append(Tag::kDate, to);
    Append(static_cast<std::uint64_t>(DaysSinceEpoch(*date)), to);
  } else if (const auto* array = std::get_if<Value::Array>(&value.content)) {
    Append(Tag::kArray, to);
    AppendCount(array->size(), to);
    for (const Value& element : *array) AppendCanonical(element, to);
  } else {
    AppendCanonical(*std::get<Value::Table>(value.content), to);
  }
}

void Settings::Node::AppendCanonical(const Node& node, Bytes& to) {
  Append(Tag::kTable, to);
  AppendCount(node.values.size(), to);
  for (const auto& [key, value] : node.values) {
    AppendText(key, to);
    AppendCanonical(value, to);
  }
}

Bytes Settings::CanonicalBytes() const {
  Bytes bytes;
  Node::AppendCanonical(*node_, bytes);
  return bytes;
}

}  // namespace consilium
