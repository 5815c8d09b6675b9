#include "client/ingestion/redcap/redcap_contract.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>
#include <utility>

#include "client/ingestion/values.h"
#include "common/names.h"

namespace consilium {
namespace {

class Comparison {
 public:
  Comparison(const RedcapField& field, const RedcapOptions& options, const RedcapUse& use)
      : field_(field), options_(options), use_(use), contract_(*use.column) {}

  std::vector<Suspicion> Run() {
    if (field_.identifier) {
      Add("REDCap's dictionary marks \"" + field_.name + "\" as an identifier",
          "See that the study needs it in this form.");
    }
    switch (contract_.type) {
      case ColumnType::kNumber:
      case ColumnType::kInteger:
      case ColumnType::kDuration:
        CompareNumber();
        break;
      case ColumnType::kCategory:
        CompareCategory();
        break;
      case ColumnType::kBoolean:
        CompareBoolean();
        break;
      case ColumnType::kDate:
        CompareDate();
        break;
    }
    return std::move(found_);
  }

 private:
  void Add(std::string words, std::string remedy) {
    found_.push_back({contract_.name, "dictionary", 0, std::move(words), std::move(remedy)});
  }

  /// "REDCap's field "weight" is free text, the contract says a number".
  void AddType(std::string_view is, std::string_view contract, std::string remedy) {
    Add("REDCap's field \"" + field_.name + "\" is " + std::string(is) + ", the contract says " +
            std::string(contract),
        std::move(remedy));
  }

  std::string TypeInWords() const {
    if (field_.IsCheckbox()) return "a checkbox";
    if (field_.type == "yesno") return "a yes or no";
    if (field_.type == "truefalse") return "a true or false";
    if (field_.IsChoice()) return "a list of choices";
    if (field_.IsDate()) return "a date";
    if (field_.IsDatetime()) return "a date with a time";
    if (IsNumeric()) return "a number";
    if (field_.type == "text" && field_.validation.empty()) return "free text";
    return "of type " + (field_.validation.empty() ? field_.type : field_.validation);
  }

  bool IsNumeric() const {
    return field_.type == "calc" || field_.type == "slider" || field_.validation == "integer" ||
           field_.validation.starts_with("number");
  }

  /// What a row can have, of fields of which that is known: after `map`, without "not known".
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    const auto add = [&](const std::string& text) {
      const auto mapped = use_.map.find(text);
      const std::string& value = mapped == use_.map.end() ? text : mapped->second;
      const auto is_missing = [&](const std::vector<std::string>& codes) {
        return std::find(codes.begin(), codes.end(), value) != codes.end();
      };
      if (!value.empty() && !is_missing(use_.missing) && !is_missing(contract_.missing)) {
        texts.push_back(value);
      }
    };
    if (field_.IsCheckbox()) {
      add("1");
      add("0");
    }
    for (const auto& [code, label] : field_.choices) {
      if (field_.IsChoice()) add(options_.LabelsOf(field_.name) ? label : code);
    }
    return texts;
  }

  void CompareNumber() {
    if (field_.IsChoice()) {
      for (const std::string& text : Texts()) {
        if (ParseNumber(text, NumberFormat{})) continue;
        AddType(TypeInWords(), "a number",
                "List it under `exceptions` to read its codes, or translate its choices by `map`.");
        return;
      }
      return;
    }
    if (!IsNumeric()) {
      AddType(TypeInWords(), "a number", "See that `from` names the right field.");
      return;
    }
    if (contract_.type == ColumnType::kInteger && field_.validation.starts_with("number")) {
      AddType("a number with decimals", "a whole number", "");
    }
    CompareRange();
  }

  static std::optional<double> NumberOf(std::string text) {
    std::replace(text.begin(), text.end(), ',', '.');
    const auto number = ParseNumber(text, NumberFormat{});
    if (!number) return std::nullopt;
    return *number;
  }

  static std::string Short(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.15g", value);
    return text;
  }

  /// Of numbers in the same unit alone.
  void CompareRange() {
    if (use_.converted) return;
    const auto low = NumberOf(field_.minimum);
    const auto high = NumberOf(field_.maximum);
    const bool lower = low && contract_.minimum && *low < *contract_.minimum;
    const bool higher = high && contract_.maximum && *high > *contract_.maximum;
    const bool apart = (low && contract_.maximum && *low > *contract_.maximum) ||
                       (high && contract_.minimum && *high < *contract_.minimum);
    if (!lower && !higher && !apart) return;
    const auto range = [](std::optional<double> from, std::optional<double> to) {
      if (!to) return "from " + Short(*from);
      return from ? Short(*from) + " to " + Short(*to) : "up to " + Short(*to);
    };
    Add("REDCap takes " + range(low, high) + " in \"" + field_.name + "\", the contract " +
            range(contract_.minimum, contract_.maximum) +
            (contract_.unit.empty() ? "" : " " + contract_.unit),
        apart ? "It is probably another unit." : "See that both mean the same unit.");
  }

  void CompareCategory() {
    const std::vector<std::string> texts = Texts();
    if (texts.empty()) {
      AddType(TypeInWords(), "one of " + JoinNames(contract_.levels),
              "Translate what it holds by `map`.");
      return;
    }
    std::vector<std::string> unknown;
    std::vector<std::string> never;
    for (const std::string& text : texts) {
      if (std::find(contract_.levels.begin(), contract_.levels.end(), text) ==
          contract_.levels.end()) {
        unknown.push_back("\"" + text + "\"");
      }
    }
    for (const std::string& level : contract_.levels) {
      if (std::find(texts.begin(), texts.end(), level) == texts.end()) {
        never.push_back("\"" + level + "\"");
      }
    }
    if (!unknown.empty()) {
      Add("of the choices of REDCap's field \"" + field_.name + "\" " + JoinNames(unknown) +
              (unknown.size() == 1 ? " is no level" : " are no levels") + " of the contract",
          "Translate them by `map`, or list them under `missing`.");
    }
    if (!never.empty()) {
      Add("no choice of REDCap's field \"" + field_.name + "\" is the contract's " +
              JoinNames(never, 20, "or"),
          "Translate the choices that mean it by `map`.");
    }
  }

  void CompareBoolean() {
    const std::vector<std::string> texts = Texts();
    const bool all = std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
      return ParseBoolean(text).has_value();
    });
    if (!texts.empty() && all) return;
    AddType(TypeInWords(), "yes or no", "Translate what it holds by `map`.");
  }

  void CompareDate() {
    if (field_.IsDate()) return;
    const auto& days = options_.days;
    const bool listed = std::find(days.begin(), days.end(), field_.name) != days.end();
    if (field_.IsDatetime() && listed) return;
    AddType(TypeInWords(), "a date",
            field_.IsDatetime() ? "List it under `days` to leave out the time."
                                : "See that `from` names the right field.");
  }

  const RedcapField& field_;
  const RedcapOptions& options_;
  const RedcapUse& use_;
  const ContractColumn& contract_;
  std::vector<Suspicion> found_;
};

}  // namespace

std::vector<Suspicion> CompareWithContract(const RedcapDictionary& dictionary,
                                           const RedcapOptions& options,
                                           const std::vector<RedcapUse>& uses) {
  std::vector<Suspicion> all;
  for (const RedcapUse& use : uses) {
    const auto column = dictionary.Describe(use.header);
    if (!column || column->field == nullptr) continue;
    auto found = Comparison(*column->field, options, use).Run();
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace consilium
