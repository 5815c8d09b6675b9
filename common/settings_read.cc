#include <algorithm>
#include <charconv>
#include <utility>

#include "common/names.h"
#include "common/settings.h"
#include "common/settings_node.h"

namespace consilium {
namespace {

std::string InQuotes(std::string_view key) { return "'" + std::string(key) + "'"; }

std::vector<std::string> AllInQuotes(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(InQuotes(word));
  return quoted;
}

/// What a file says may be long: so much of it as people need to find it again.
std::string Shortened(std::string text) {
  constexpr std::size_t kShown = 80;
  if (text.size() <= kShown) return text;
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

std::string ShortestDigits(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return std::string(text, end);
}

std::string Settings::Node::Located(SettingsPlace at, std::string_view message) const {
  return file_name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
         std::string(message);
}

Settings::Settings(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

const Settings::Value* Settings::Find(std::string_view key) const {
  node_->asked.emplace(key);
  const auto found = node_->values.find(key);
  return found == node_->values.end() ? nullptr : &found->second;
}

tl::unexpected<Error> Settings::FailAtValue(const Value* value,
                                            std::string message,
                                            std::string remedy) const {
  return Fail(ErrorCode::kInvalidArgument,
              node_->Located(value == nullptr ? node_->place : value->place, message),
              std::move(remedy));
}

Result<const Settings::Value*> Settings::Require(std::string_view key) const {
  if (const Value* value = Find(key)) return value;
  const auto meant = FindMeant(key);
  if (meant == node_->values.end()) {
    return FailAtValue(nullptr, "the key " + InQuotes(key) + " is missing", {});
  }
  return Fail(ErrorCode::kInvalidArgument,
              node_->Located(meant->second.key_place, "the key " + InQuotes(key) +
                                                          " is missing, and there is a key " +
                                                          InQuotes(meant->first)),
              "Did you mean " + InQuotes(key) + "?");
}

std::map<std::string, Settings::Value, std::less<>>::const_iterator Settings::FindMeant(
    std::string_view key) const {
  std::vector<std::string> candidates;
  for (const auto& [name, value] : node_->values) {
    if (!node_->asked.contains(name)) candidates.push_back(name);
  }
  return node_->values.find(NearestName(key, candidates));
}

bool Settings::Has(std::string_view key) const { return Find(key) != nullptr; }

std::vector<std::string> Settings::Keys() const {
  std::vector<std::string> keys;
  keys.reserve(node_->values.size());
  for (const auto& [key, value] : node_->values) keys.push_back(key);
  return keys;
}

Result<std::string> Settings::Text(std::string_view key) const {
  TRY(const Value* value, Require(key));
  if (const auto* text = std::get_if<std::string>(&value->content)) return *text;
  return FailAtValue(value, InQuotes(key) + " must be text in quotes", {});
}

Result<double> Settings::Number(std::string_view key) const {
  TRY(const Value* value, Require(key));
  if (const auto* number = std::get_if<double>(&value->content)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value->content)) {
    return static_cast<double>(*integer);
  }
  return FailAtValue(value, InQuotes(key) + " must be a number", {});
}

Result<std::int64_t> Settings::Integer(std::string_view key) const {
  TRY(const Value* value, Require(key));
  if (const auto* integer = std::get_if<std::int64_t>(&value->content)) return *integer;
  return FailAtValue(value, InQuotes(key) + " must be a whole number", {});
}

Result<bool> Settings::Boolean(std::string_view key) const {
  TRY(const Value* value, Require(key));
  if (const auto* boolean = std::get_if<bool>(&value->content)) return *boolean;
  return FailAtValue(value, InQuotes(key) + " must be true or false", {});
}

Result<Date> Settings::Day(std::string_view key) const {
  TRY(const Value* value, Require(key));
  if (const auto* date = std::get_if<Date>(&value->content)) return *date;
  return FailAtValue(value, InQuotes(key) + " must be a date, as 2027-06-30 without quotes", {});
}

Result<Duration> Settings::Span(std::string_view key) const {
  TRY(const Value* value, Require(key));
  const auto* text = std::get_if<std::string>(&value->content);
  if (text == nullptr) {
    return FailAtValue(value, InQuotes(key) + " must be a duration in quotes, as \"60s\"", {});
  }
  Result<Duration> duration = ParseDuration(*text);
  if (duration) return duration;
  return FailAtValue(value, InQuotes(key) + ": " + duration.error().message,
                     duration.error().remedy);
}

Result<std::vector<std::string>> Settings::Texts(std::string_view key) const {
  TRY(const Value* value, Require(key));
  const auto* array = std::get_if<Value::Array>(&value->content);
  if (array == nullptr) return FailAtValue(value, InQuotes(key) + " must be a list of texts", {});
  std::vector<std::string> texts;
  for (const Value& element : *array) {
    const auto* text = std::get_if<std::string>(&element.content);
    if (text == nullptr) return FailAtValue(&element, InQuotes(key) + " may only list texts", {});
    texts.push_back(*text);
  }
  return texts;
}

Result<std::vector<double>> Settings::Numbers(std::string_view key) const {
  TRY(const Value* value, Require(key));
  const auto* array = std::get_if<Value::Array>(&value->content);
  if (array == nullptr) return FailAtValue(value, InQuotes(key) + " must be a list of numbers", {});
  std::vector<double> numbers;
  for (const Value& element : *array) {
    if (const auto* number = std::get_if<double>(&element.content)) {
      numbers.push_back(*number);
    } else if (const auto* integer = std::get_if<std::int64_t>(&element.content)) {
      numbers.push_back(static_cast<double>(*integer));
    } else {
      return FailAtValue(&element, InQuotes(key) + " may only list numbers", {});
    }
  }
  return numbers;
}

Result<Settings> Settings::Table(std::string_view key) const {
  TRY(const Value* value, Require(key));
  const auto* table = std::get_if<Value::Table>(&value->content);
  if (table == nullptr) {
    return FailAtValue(value, InQuotes(key) + " must be a table, as [" + std::string(key) + "]",
                       {});
  }
  return Settings(std::shared_ptr<const Node>(node_, table->get()));
}

Result<std::vector<Settings>> Settings::Tables(std::string_view key) const {
  TRY(const Value* value, Require(key));
  const std::string wanted =
      InQuotes(key) + " must be a list of tables, as [[" + std::string(key) + "]]";
  const auto* array = std::get_if<Value::Array>(&value->content);
  if (array == nullptr) return FailAtValue(value, wanted, {});
  std::vector<Settings> tables;
  for (const Value& element : *array) {
    const auto* table = std::get_if<Value::Table>(&element.content);
    if (table == nullptr) return FailAtValue(&element, wanted, {});
    tables.push_back(Settings(std::shared_ptr<const Node>(node_, table->get())));
  }
  return tables;
}

Result<std::string> Settings::TextOr(std::string_view key, std::string otherwise) const {
  if (!Has(key)) return otherwise;
  return Text(key);
}
Result<double> Settings::NumberOr(std::string_view key, double otherwise) const {
  if (!Has(key)) return otherwise;
  return Number(key);
}
Result<std::int64_t> Settings::IntegerOr(std::string_view key, std::int64_t otherwise) const {
  if (!Has(key)) return otherwise;
  return Integer(key);
}
Result<std::int64_t> Settings::IntegerBetween(std::string_view key,
                                              std::int64_t lowest,
                                              std::int64_t highest,
                                              std::int64_t otherwise) const {
  TRY(const std::int64_t number, IntegerOr(key, otherwise));
  if (number >= lowest && number <= highest) return number;
  return FailValueAt(
      key, "it must be between " + std::to_string(lowest) + " and " + std::to_string(highest));
}

Result<bool> Settings::BooleanOr(std::string_view key, bool otherwise) const {
  if (!Has(key)) return otherwise;
  return Boolean(key);
}
Result<Duration> Settings::SpanOr(std::string_view key, Duration otherwise) const {
  if (!Has(key)) return otherwise;
  return Span(key);
}
Result<std::vector<std::string>> Settings::TextsOr(std::string_view key,
                                                   std::vector<std::string> otherwise) const {
  if (!Has(key)) return otherwise;
  return Texts(key);
}
Result<std::optional<Settings>> Settings::TableIfAny(std::string_view key) const {
  if (!Has(key)) return std::optional<Settings>();
  TRY(Settings table, Table(key));
  return std::optional<Settings>(std::move(table));
}
Result<std::vector<Settings>> Settings::TablesIfAny(std::string_view key) const {
  if (!Has(key)) return std::vector<Settings>();
  return Tables(key);
}

Result<std::string> Settings::ScalarAsText(std::string_view key) const {
  TRY(const Value* value, Require(key));
  if (const auto* text = std::get_if<std::string>(&value->content)) return *text;
  if (const auto* integer = std::get_if<std::int64_t>(&value->content)) {
    return std::to_string(*integer);
  }
  if (const auto* number = std::get_if<double>(&value->content)) return ShortestDigits(*number);
  if (const auto* boolean = std::get_if<bool>(&value->content)) {
    return std::string(*boolean ? "true" : "false");
  }
  if (const auto* date = std::get_if<Date>(&value->content)) return ToText(*date);
  return FailAtValue(value, InQuotes(key) + " must be one value, not a list or table", {});
}

tl::unexpected<Error> Settings::FailAt(std::string_view key,
                                       std::string message,
                                       std::string remedy) const {
  return FailAtValue(Find(key), std::move(message), std::move(remedy));
}

tl::unexpected<Error> Settings::FailValueAt(std::string_view key,
                                            std::string_view rule,
                                            std::string remedy) const {
  const Value* value = Find(key);
  std::string message = InQuotes(key);
  if (value != nullptr) message += " is " + Shortened(Node::ValueToml(*value));
  return FailAtValue(value, message + ": " + std::string(rule), std::move(remedy));
}

tl::unexpected<Error> Settings::FailAt(std::string_view key, Error error) const {
  tl::unexpected<Error> failure = FailAt(key, std::move(error.message), std::move(error.remedy));
  failure.value().code = error.code;
  return failure;
}

tl::unexpected<Error> Settings::FailHere(std::string message, std::string remedy) const {
  return FailAtValue(nullptr, std::move(message), std::move(remedy));
}

Status Settings::RequireNoOtherKeys() const {
  for (const auto& [key, value] : node_->values) {
    if (node_->asked.contains(key)) continue;
    std::vector<std::string> known;
    for (const std::string& asked : node_->asked) {
      if (!node_->values.contains(asked)) known.push_back(asked);
    }
    const std::string nearest = NearestName(key, known);
    std::string remedy = "Remove it.";
    if (!nearest.empty()) {
      remedy = "Did you mean " + InQuotes(nearest) + "?";
    } else if (const std::string there =
                   NearestName(key, {node_->asked.begin(), node_->asked.end()});
               !there.empty()) {
      remedy = "Remove it, or did you mean " + InQuotes(there) + ", which is there already?";
    } else if (!node_->asked.empty()) {
      remedy = "Remove it; what may stand here is " +
               JoinNames(AllInQuotes({node_->asked.begin(), node_->asked.end()})) + ".";
    }
    return Fail(ErrorCode::kInvalidArgument,
                node_->Located(value.key_place, "the key " + InQuotes(key) + " is not known here"),
                std::move(remedy));
  }
  return {};
}

Result<std::string> Settings::Choice(std::string_view key,
                                     const std::vector<std::string>& choices) const {
  std::vector<std::string> quoted;
  for (const std::string& choice : choices) quoted.push_back('"' + choice + '"');
  const std::string all = "It can be " + JoinNames(quoted, 20, "or") + ".";
  Result<std::string> found = Text(key);
  if (!found) {
    Error error = std::move(found).error();
    if (error.remedy.empty()) error.remedy = all;
    return tl::unexpected<Error>(std::move(error));
  }
  std::string text = *std::move(found);
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
  const std::string nearest = NearestName(text, choices);
  const std::string meant = nearest.empty() ? "" : "Did you mean \"" + nearest + "\"? ";
  return FailAt(key, InQuotes(key) + " cannot be \"" + text.substr(0, 64) + "\"", meant + all);
}

Result<std::string> Settings::ChoiceOr(std::string_view key,
                                       const std::vector<std::string>& choices,
                                       std::string otherwise) const {
  if (!Has(key)) return otherwise;
  return Choice(key, choices);
}

}  // namespace consilium
