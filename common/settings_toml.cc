// From Settings back to TOML text: for documents that differ from another in a few values.

#include <cstdio>

#include "common/settings.h"
#include "common/settings_node.h"

namespace consilium {
namespace {

using Path = std::span<const std::string>;

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

/// With the point or exponent that TOML asks of a number that is no integer.
std::string NumberToml(double number) {
  std::string digits = ShortestDigits(number);
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits;
}

}  // namespace

std::string Settings::Node::ValueToml(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.content)) return Quoted(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&value.content)) {
    return std::to_string(*integer);
  }
  if (const auto* number = std::get_if<double>(&value.content)) return NumberToml(*number);
  if (const auto* boolean = std::get_if<bool>(&value.content)) return *boolean ? "true" : "false";
  if (const auto* date = std::get_if<Date>(&value.content)) return ToText(*date);
  if (const auto* table = std::get_if<Value::Table>(&value.content)) {
    return (*table)->InlineToml({}, {});
  }
  std::string list;
  for (const Value& element : std::get<Value::Array>(value.content)) {
    list += (list.empty() ? "" : ", ") + ValueToml(element);
  }
  return "[" + list + "]";
}

std::string Settings::Node::EntryToml(std::string_view key,
                                      const Value* value,
                                      Path path,
                                      std::string_view replacement) {
  const std::string start = Quoted(key) + " = ";
  if (path.empty()) return start + ValueToml(*value);
  if (path.size() == 1) return start + std::string(replacement);
  const auto* table = value == nullptr ? nullptr : std::get_if<Value::Table>(&value->content);
  // A path through what is no table replaces it: the document's reader then says what is wrong.
  static const Node kNone;
  return start + (table == nullptr ? kNone : **table).InlineToml(path.subspan(1), replacement);
}

std::vector<std::string> Settings::Node::EntriesToml(Path path,
                                                     std::string_view replacement) const {
  std::vector<std::string> entries;
  for (const auto& [key, value] : values) {
    const bool changed = !path.empty() && key == path.front();
    entries.push_back(EntryToml(key, &value, changed ? path : Path(), replacement));
  }
  if (!path.empty() && !values.contains(path.front())) {
    entries.push_back(EntryToml(path.front(), nullptr, path, replacement));
  }
  return entries;
}

std::string Settings::Node::InlineToml(Path path, std::string_view replacement) const {
  std::string text;
  for (const std::string& entry : EntriesToml(path, replacement)) {
    text += (text.empty() ? "" : ", ") + entry;
  }
  return "{" + text + "}";
}

Result<std::vector<std::string>> Settings::ElementsAsToml(std::string_view key) const {
  TRY(const Value* value, Require(key));
  const auto* array = std::get_if<Value::Array>(&value->content);
  if (array == nullptr) {
    return FailAtValue(value, "'" + std::string(key) + "' must be a list of values", {});
  }
  std::vector<std::string> elements;
  for (const Value& element : *array) elements.push_back(Node::ValueToml(element));
  return elements;
}

std::string Settings::TomlWith(const std::vector<std::string>& path, std::string_view value) const {
  std::string text;
  for (const std::string& entry : node_->EntriesToml(path, value)) text += entry + "\n";
  return text;
}

}  // namespace consilium
