#pragma once

// One JSON object as a flat list of nodes in reading order: cheap to walk again and again, and its
// memory is used again for the next text. Numbers keep their digits, which a double would lose.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMostJsonDepth = 100;
inline constexpr std::size_t kMostJsonNodes = 1'000'000;
/// Bytes that must be readable behind a text. What they are does not matter.
inline constexpr std::size_t kJsonPadding = 64;

enum class JsonKind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

struct JsonNode {
  std::string_view key;      ///< In an object, with escapes resolved; empty elsewhere.
  std::string_view text;     ///< Strings with escapes resolved; numbers and booleans as written.
  std::uint32_t extent = 1;  ///< Nodes of this value with all that is in it, itself included.
  JsonKind kind = JsonKind::kNull;

  const JsonNode* begin() const { return this + 1; }  ///< The first member of an array or object.
  const JsonNode* end() const { return this + extent; }
  const JsonNode* Next() const { return this + extent; }  ///< The member after this one.
};

/// An object's member of this name, the first if there are several; null if there is none or the
/// value is no object.
const JsonNode* FindMember(const JsonNode& object, std::string_view key);

class JsonDocument {
 public:
  JsonDocument();
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  /// Reads a whole text: UTF-8, one object, nothing behind it. kJsonPadding bytes behind `text`
  /// must be readable, and `text` must stay as long as the nodes are used. The error says what is
  /// wrong with the text in words and never holds a part of it.
  Status Parse(std::string_view text);
  /// The same with a copy of the text, which needs no padding.
  Status ParseCopy(std::string_view text);

  /// Where in the text the last Parse() found that it is none, if that is known.
  std::optional<std::size_t> error_offset() const { return error_offset_; }

  /// Good until the next Parse().
  const JsonNode& root() const { return nodes_.front(); }

 private:
  class Builder;
  struct Parser;  // simdjson's
  std::unique_ptr<Parser> parser_;
  std::vector<JsonNode> nodes_;
  std::vector<char> copy_;
  std::optional<std::size_t> error_offset_;
};

}  // namespace consilium
