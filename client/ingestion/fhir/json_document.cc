#include "client/ingestion/fhir/json_document.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <simdjson.h>

namespace consilium {
namespace {

namespace ondemand = simdjson::ondemand;
using simdjson::error_code;

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t kSmallestCapacity = 1U << 16U;

std::string_view TrimEnd(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' ||
                            token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}

std::size_t DigitsAt(std::string_view text, std::size_t position) {
  std::size_t count = 0;
  while (position + count < text.size() && text[position + count] >= '0' &&
         text[position + count] <= '9') {
    ++count;
  }
  return count;
}

// The grammar of RFC 8259: simdjson leaves a number alone until its value is asked for.
bool IsJsonNumber(std::string_view text) {
  std::size_t position = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = DigitsAt(text, position);
  if (whole == 0 || (whole > 1 && text[position] == '0')) return false;
  position += whole;
  if (position < text.size() && text[position] == '.') {
    const std::size_t fraction = DigitsAt(text, position + 1);
    if (fraction == 0) return false;
    position += 1 + fraction;
  }
  if (position < text.size() && (text[position] == 'e' || text[position] == 'E')) {
    ++position;
    if (position < text.size() && (text[position] == '+' || text[position] == '-')) ++position;
    const std::size_t exponent = DigitsAt(text, position);
    if (exponent == 0) return false;
    position += exponent;
  }
  return position == text.size();
}

std::string InWords(error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "a character is not UTF-8";
    case simdjson::EMPTY:
      return "there is nothing in it";
    case simdjson::UNCLOSED_STRING:
      return "a text in quotes has no end; it may be cut off";
    case simdjson::UNESCAPED_CHARS:
      return "a control character stands in a text in quotes";
    case simdjson::STRING_ERROR:
      return "a text in quotes has a wrong escape";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "a brace or bracket has no end; it may be cut off";
    case simdjson::TRAILING_CONTENT:
      return "something stands behind the value";
    case simdjson::INCORRECT_TYPE:
      return "it is no object in braces";
    case simdjson::DEPTH_ERROR:
      return "more than " + std::to_string(kMostJsonDepth) + " levels of braces and brackets";
    case simdjson::CAPACITY:
      return "more than " + std::to_string(kMostJsonNodes) + " values";
    case simdjson::MEMALLOC:
      return "there is not enough memory for it";
    default:
      return "a character stands where none can; it may be cut off or damaged";
  }
}

tl::unexpected<Error> FailJson(std::string words) {
  return Fail(ErrorCode::kDataQuality, "not valid JSON: " + std::move(words));
}

}  // namespace

const JsonNode* FindMember(const JsonNode& object, std::string_view key) {
  if (object.kind != JsonKind::kObject) return nullptr;
  for (const JsonNode* member = object.begin(); member != object.end(); member = member->Next()) {
    if (member->key == key) return member;
  }
  return nullptr;
}

struct JsonDocument::Parser {
  ondemand::parser simdjson;
};

// Walks simdjson's values once, in order, and so checks all of the text.
class JsonDocument::Builder {
 public:
  explicit Builder(std::vector<JsonNode>& nodes) : nodes_(nodes) {}

  error_code AddRoot(ondemand::document& document) {
    ondemand::object object;
    SIMDJSON_TRY(document.get_object().get(object));
    nodes_.emplace_back();
    SIMDJSON_TRY(AddMembers(object, 0, 1));
    // Nothing may stand behind the object.
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS
               ? simdjson::SUCCESS
               : simdjson::TRAILING_CONTENT;
  }

 private:
  error_code Add(ondemand::value& value, std::string_view key, std::size_t depth) {
    if (depth > kMostJsonDepth) return simdjson::DEPTH_ERROR;
    if (nodes_.size() == kMostJsonNodes) return simdjson::CAPACITY;
    const std::size_t self = nodes_.size();
    nodes_.emplace_back().key = key;
    ondemand::json_type type{};
    SIMDJSON_TRY(value.type().get(type));
    if (type == ondemand::json_type::object) {
      ondemand::object object;
      SIMDJSON_TRY(value.get_object().get(object));
      return AddMembers(object, self, depth);
    }
    if (type == ondemand::json_type::array) {
      ondemand::array array;
      SIMDJSON_TRY(value.get_array().get(array));
      return AddElements(array, self, depth);
    }
    return SetScalar(value, type, nodes_[self]);
  }

  error_code AddMembers(ondemand::object& object, std::size_t self, std::size_t depth) {
    for (auto result : object) {
      ondemand::field field;
      SIMDJSON_TRY(std::move(result).get(field));
      std::string_view key;
      SIMDJSON_TRY(KeyOf(field, key));
      ondemand::value member = field.value();
      SIMDJSON_TRY(Add(member, key, depth + 1));
    }
    Close(self, JsonKind::kObject);
    return simdjson::SUCCESS;
  }

  error_code AddElements(ondemand::array& array, std::size_t self, std::size_t depth) {
    for (auto result : array) {
      ondemand::value element;
      SIMDJSON_TRY(std::move(result).get(element));
      SIMDJSON_TRY(Add(element, {}, depth + 1));
    }
    Close(self, JsonKind::kArray);
    return simdjson::SUCCESS;
  }

  void Close(std::size_t self, JsonKind kind) {
    nodes_[self].kind = kind;
    nodes_[self].extent = static_cast<std::uint32_t>(nodes_.size() - self);
  }

  // A key or text without an escape, as nearly all are, is used where it stands.
  static error_code KeyOf(ondemand::field& field, std::string_view& key) {
    const char* start = field.key().raw();
    const char* end = start;
    while (*end != '"' && *end != '\\') ++end;
    key = std::string_view(start, static_cast<std::size_t>(end - start));
    if (*end == '"') return simdjson::SUCCESS;
    return field.unescaped_key().get(key);
  }

  // What is not asked for here, simdjson steps over by itself.
  static error_code SetScalar(ondemand::value& value, ondemand::json_type type, JsonNode& node) {
    const std::string_view token = TrimEnd(value.raw_json_token());
    switch (type) {
      case ondemand::json_type::string: {
        node.kind = JsonKind::kString;
        const bool closed = token.size() >= 2 && token.back() == '"';
        if (!closed || std::memchr(token.data(), '\\', token.size()) != nullptr) {
          return value.get_string().get(node.text);
        }
        node.text = token.substr(1, token.size() - 2);
        return simdjson::SUCCESS;
      }
      case ondemand::json_type::number:
        if (!IsJsonNumber(token)) return simdjson::NUMBER_ERROR;
        node.kind = JsonKind::kNumber;
        break;
      case ondemand::json_type::boolean:
        if (token != "true" && token != "false") return simdjson::T_ATOM_ERROR;
        node.kind = JsonKind::kBoolean;
        break;
      default:
        if (token != "null") return simdjson::N_ATOM_ERROR;
        node.kind = JsonKind::kNull;
    }
    node.text = token;
    return simdjson::SUCCESS;
  }

  std::vector<JsonNode>& nodes_;
};

JsonDocument::JsonDocument() : parser_(std::make_unique<Parser>()) { nodes_.emplace_back(); }
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Status JsonDocument::Parse(std::string_view text) {
  ondemand::parser& parser = parser_->simdjson;
  if (parser.capacity() < text.size()) {
    std::size_t capacity = std::max(kSmallestCapacity, parser.capacity());
    while (capacity < text.size()) capacity *= 2;
    if (parser.allocate(capacity, kMostJsonDepth + 2) != simdjson::SUCCESS) {
      return FailJson(InWords(simdjson::MEMALLOC));
    }
  }
  nodes_.clear();
  error_offset_.reset();
  ondemand::document document;
  error_code error = parser.iterate(text, text.size() + kJsonPadding).get(document);
  if (error == simdjson::SUCCESS) {
    error = Builder(nodes_).AddRoot(document);
    if (error == simdjson::SUCCESS) return {};
    const char* place = nullptr;
    if (document.current_location().get(place) == simdjson::SUCCESS) {
      error_offset_ = std::min(static_cast<std::size_t>(place - text.data()), text.size());
    }
  }
  nodes_.assign(1, JsonNode{});
  return FailJson(InWords(error));
}

Status JsonDocument::ParseCopy(std::string_view text) {
  copy_.assign(text.size() + kJsonPadding, ' ');
  std::copy(text.begin(), text.end(), copy_.begin());
  return Parse(std::string_view(copy_.data(), text.size()));
}

}  // namespace consilium
