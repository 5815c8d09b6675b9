#pragma once

// The parsed form of a settings document; only settings*.cc include this.

#include <map>
#include <set>
#include <span>
#include <variant>

#include "common/settings.h"

namespace consilium {

struct SettingsPlace {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct Settings::Value {
  using Array = std::vector<Value>;
  using Table = std::unique_ptr<Node>;

  SettingsPlace place;
  SettingsPlace key_place;
  std::variant<std::int64_t, double, bool, std::string, Date, Array, Table> content;
};

/// The shortest digits that are read as the same number: 2.5 -> "2.5", 3 -> "3".
std::string ShortestDigits(double number);

struct Settings::Node {
  class Builder;

  std::string file_name;
  SettingsPlace place;
  std::map<std::string, Value, std::less<>> values;  ///< Sorted bytewise.
  /// Keys that a reader asked for, present or not.
  mutable std::set<std::string, std::less<>> asked;

  /// "FILE:LINE:COLUMN: message".
  std::string Located(SettingsPlace at, std::string_view message) const;
  /// "key = value" of each key, with `replacement` for the value that a path that is not empty
  /// leads to.
  std::vector<std::string> EntriesToml(std::span<const std::string> path,
                                       std::string_view replacement) const;
  std::string InlineToml(std::span<const std::string> path, std::string_view replacement) const;
  static std::string EntryToml(std::string_view key,
                               const Value* value,
                               std::span<const std::string> path,
                               std::string_view replacement);
  static std::string ValueToml(const Value& value);
  static void AppendCanonical(const Node& node, Bytes& to);
  static void AppendCanonical(const Value& value, Bytes& to);
};

}  // namespace consilium
