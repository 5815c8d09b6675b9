// From TOML text to Settings::Node: the only place that knows the TOML library.

#include "common/settings.h"

#include <cmath>
#include <string>
#include <utility>

#include <toml++/toml.h>

#include "common/files.h"
#include "common/settings_node.h"

namespace consilium {
namespace {

constexpr std::size_t kLargestFile = 4U << 20;
constexpr int kDeepest = 16;
constexpr std::size_t kMostValues = 200'000;

tl::unexpected<Error> FailInFile(std::string_view file, SettingsPlace place, std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::string(file) + ":" + std::to_string(place.line) +
                                               ":" + std::to_string(place.column) + ": " +
                                               std::move(message));
}

/// Finds dotted keys with too many parts. The parser makes a table of each part and takes any
/// number of them, and its tables are freed recursively: a long enough key would exhaust the stack.
/// Text, literals and comments are skipped; a dot that is in neither belongs to a key or a number.
class KeyDepthScan {
 public:
  explicit KeyDepthScan(std::string_view text) : rest_(text) {}

  /// The place of the first key that is too deep; line 0 when there is none.
  SettingsPlace FirstTooDeep() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"' || c == '\'') {
        SkipText(c);
        continue;
      }
      if (c == '#') {
        while (!rest_.empty() && rest_.front() != '\n') Advance();
        continue;
      }
      if (c == '.') {
        if (++dots_ >= kDeepest) return place_;
      } else if (c == '\n' || c == ',' || c == '=' || c == '{' || c == '}') {
        dots_ = 0;
      }
      Advance();
    }
    return {};
  }

 private:
  void Advance() {
    if (rest_.front() == '\n') {
      ++place_.line;
      place_.column = 0;
    }
    ++place_.column;
    rest_.remove_prefix(1);
  }

  void SkipText(char quote) {
    const std::string triple(3, quote);
    const bool multiple_lines = rest_.starts_with(triple);
    const std::string_view close =
        multiple_lines ? std::string_view(triple) : std::string_view(triple).substr(0, 1);
    for (std::size_t i = 0; i < close.size(); ++i) Advance();
    while (!rest_.empty() && !rest_.starts_with(close)) {
      if (rest_.front() == '\n' && !multiple_lines) return;
      if (rest_.front() == '\\' && quote == '"' && rest_.size() > 1) Advance();
      Advance();
    }
    for (std::size_t i = 0; i < close.size() && !rest_.empty(); ++i) Advance();
  }

  std::string_view rest_;
  SettingsPlace place_{1, 1};
  int dots_ = 0;
};

/// The library says of text that goes on past the end of its line only that a line break is none of
/// its characters.
std::string InPlainWords(std::string_view description) {
  const bool of_text = description.find("string:") != std::string_view::npos;
  const bool runs_on = description.find("control characters") != std::string_view::npos ||
                       description.find("end-of-file") != std::string_view::npos;
  return std::string(description) + (of_text && runs_on ? ". Is a closing quote missing?" : "");
}

SettingsPlace PlaceOf(const toml::source_region& region) {
  return SettingsPlace{region.begin.line, region.begin.column};
}

}  // namespace

/// Converts the library's tree, within the limits of depth and size.
class Settings::Node::Builder {
 public:
  explicit Builder(std::string_view file) : file_(file) {}

  Status AddTable(const toml::table& from, int depth, Node& to) {
    to.file_name = file_;
    to.place = PlaceOf(from.source());
    for (const auto& [key, node] : from) {
      Value& value = to.values[std::string(key.str())];
      key_ = key.str();
      TRY_STATUS(AddValue(node, depth, value));
      value.key_place = PlaceOf(key.source());
      // A table that exists only through its children's headers has no place of its own.
      if (to.place.line == 0) to.place = value.key_place;
    }
    return {};
  }

 private:
  Status AddValue(const toml::node& from, int depth, Value& to) {
    to.place = PlaceOf(from.source());
    if (depth >= kDeepest) return FailInFile(file_, to.place, "values are nested too deeply");
    if (++count_ > kMostValues)
      return FailInFile(file_, to.place, "the document has too many values");
    if (const auto* table = from.as_table()) {
      auto node = std::make_unique<Node>();
      TRY_STATUS(AddTable(*table, depth + 1, *node));
      to.place = node->place;
      to.content = std::move(node);
    } else if (const auto* array = from.as_array()) {
      Value::Array elements(array->size());
      for (std::size_t i = 0; i < elements.size(); ++i) {
        TRY_STATUS(AddValue(*array->get(i), depth + 1, elements[i]));
      }
      to.content = std::move(elements);
    } else {
      return AddScalar(from, to);
    }
    return {};
  }

  Status AddScalar(const toml::node& from, Value& to) {
    if (const auto* text = from.as_string()) {
      to.content = text->get();
    } else if (const auto* integer = from.as_integer()) {
      to.content = integer->get();
    } else if (const auto* boolean = from.as_boolean()) {
      to.content = boolean->get();
    } else if (const auto* number = from.as_floating_point()) {
      if (!std::isfinite(number->get())) {
        return FailInFile(file_, to.place, "'" + key_ + "' cannot be nan or inf");
      }
      to.content = number->get();
    } else if (const auto* date = from.as_date()) {
      to.content = Date{date->get().year, date->get().month, date->get().day};
    } else {
      return FailInFile(file_, to.place,
                        "'" + key_ + "' cannot be a time of day; write a date as YYYY-MM-DD");
    }
    return {};
  }

  std::string file_;
  std::string key_;  ///< Whose value is read.
  std::size_t count_ = 0;
};

Result<Settings> Settings::Parse(std::string_view text, std::string_view file_name) {
  if (text.size() > kLargestFile) {
    return Fail(ErrorCode::kInvalidArgument, std::string(file_name) + " is longer than 4 MiB");
  }
  if (const SettingsPlace place = KeyDepthScan(text).FirstTooDeep(); place.line != 0) {
    return FailInFile(file_name, place, "a key has too many parts");
  }
  try {
    const toml::table document = toml::parse(text, file_name);
    auto node = std::make_shared<Node>();
    TRY_STATUS(Node::Builder(file_name).AddTable(document, 0, *node));
    return Settings(std::move(node));
  } catch (const toml::parse_error& error) {
    return FailInFile(file_name,
                      SettingsPlace{error.source().begin.line, error.source().begin.column},
                      InPlainWords(error.description()));
  }
}

Result<Settings> Settings::Load(const std::filesystem::path& file) {
  TRY(const Bytes bytes, ReadFile(file, kLargestFile));
  return Parse(AsText(bytes), file.string());
}

}  // namespace consilium
