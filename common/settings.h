#pragma once

// Typed reading of TOML files: plans, sources, policies, experiments. Each error names the file,
// line and column. A key nobody asked for is an error: a misspelt rule must not be a rule that is
// missing.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "common/time.h"

namespace consilium {

/// A table of a parsed TOML document. Cheap to copy: a view into the document, which it keeps
/// alive. Readers note which keys were asked for; RequireNoOtherKeys() names any that was not, with
/// the nearest known key as a suggestion. That note is why a document and its views belong to one
/// thread.
class Settings {
 public:
  static Result<Settings> Parse(std::string_view text, std::string_view file_name);
  static Result<Settings> Load(const std::filesystem::path& file);  ///< At most 4 MiB.

  bool Has(std::string_view key) const;
  std::vector<std::string> Keys() const;

  // Required: absent or of another type is an error with line and column.
  Result<std::string> Text(std::string_view key) const;
  Result<double> Number(std::string_view key) const;  ///< Also takes an integer; finite.
  Result<std::int64_t> Integer(std::string_view key) const;
  Result<bool> Boolean(std::string_view key) const;
  Result<Date> Day(std::string_view key) const;
  Result<Duration> Span(std::string_view key) const;  ///< "60s", see ParseDuration.
  Result<std::vector<std::string>> Texts(std::string_view key) const;
  Result<std::vector<double>> Numbers(std::string_view key) const;
  Result<Settings> Table(std::string_view key) const;
  Result<std::vector<Settings>> Tables(std::string_view key) const;  ///< [[key]]

  // Optional: the default when absent; an error when present and of another type.
  Result<std::string> TextOr(std::string_view key, std::string otherwise) const;
  Result<double> NumberOr(std::string_view key, double otherwise) const;
  Result<std::int64_t> IntegerOr(std::string_view key, std::int64_t otherwise) const;
  /// The error for a number beyond the limits, which are allowed, says number and limits.
  Result<std::int64_t> IntegerBetween(std::string_view key,
                                      std::int64_t lowest,
                                      std::int64_t highest,
                                      std::int64_t otherwise) const;
  Result<bool> BooleanOr(std::string_view key, bool otherwise) const;
  Result<Duration> SpanOr(std::string_view key, Duration otherwise) const;
  Result<std::vector<std::string>> TextsOr(std::string_view key,
                                           std::vector<std::string> otherwise) const;
  Result<std::optional<Settings>> TableIfAny(std::string_view key) const;
  Result<std::vector<Settings>> TablesIfAny(std::string_view key) const;
  /// Required text that is one of these; the error suggests the nearest.
  Result<std::string> Choice(std::string_view key, const std::vector<std::string>& choices) const;
  Result<std::string> ChoiceOr(std::string_view key,
                               const std::vector<std::string>& choices,
                               std::string otherwise) const;
  /// A value of any scalar type as text: 3 -> "3", 2.5 -> "2.5", true -> "true". For value maps.
  Result<std::string> ScalarAsText(std::string_view key) const;

  /// An error at this key's place, for rules that the caller checks ("plan.toml:12:3: ...").
  tl::unexpected<Error> FailAt(std::string_view key,
                               std::string message,
                               std::string remedy = {}) const;
  /// The same for a rule that the key's value breaks: "'ridge' is -1: it must be 0 or more".
  tl::unexpected<Error> FailValueAt(std::string_view key,
                                    std::string_view rule,
                                    std::string remedy = {}) const;
  /// The same as FailAt with a code of its own.
  tl::unexpected<Error> FailAt(std::string_view key, Error error) const;
  /// An error at this table's place.
  tl::unexpected<Error> FailHere(std::string message, std::string remedy = {}) const;
  /// kInvalidArgument naming the first key of this table (not of sub-tables) that no reader asked
  /// for.
  Status RequireNoOtherKeys() const;

  /// The elements of a list, each as TOML: 0.5, "wait", ["age", "sex"].
  Result<std::vector<std::string>> ElementsAsToml(std::string_view key) const;
  /// This document as TOML, with this value (TOML as well) for the key that the path leads to,
  /// whether it is there or not. Everything stands on lines of its own making: places in it are not
  /// the places of the file.
  std::string TomlWith(const std::vector<std::string>& path, std::string_view value) const;

  /// The document's meaning as bytes: independent of comments, spacing, order of keys and spelling
  /// of numbers. docs/spec/plan.md has the grammar.
  Bytes CanonicalBytes() const;

 private:
  struct Node;
  struct Value;
  explicit Settings(std::shared_ptr<const Node> node);
  tl::unexpected<Error> FailAtValue(const Value* value,
                                    std::string message,
                                    std::string remedy) const;
  const Value* Find(std::string_view key) const;
  /// A key of this table that nobody asked for and that is near the one that is missing.
  std::map<std::string, Value, std::less<>>::const_iterator FindMeant(std::string_view key) const;
  Result<const Value*> Require(std::string_view key) const;
  std::shared_ptr<const Node> node_;
};

}  // namespace consilium
