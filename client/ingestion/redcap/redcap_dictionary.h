#pragma once

// A REDCap project's data dictionary: what each field of an export is.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

namespace consilium {

struct RedcapField {
  std::string name;
  std::string form;
  std::string type;        ///< "text", "radio", "checkbox", "calc", ... as REDCap says it.
  std::string validation;  ///< "integer", "date_dmy", ...; empty for most.
  std::string minimum;     ///< As they stand there.
  std::string maximum;
  /// Code and label of radio buttons, drop-down lists, checkboxes, yes/no and true/false.
  std::vector<std::pair<std::string, std::string>> choices;
  bool identifier = false;

  bool IsCheckbox() const { return type == "checkbox"; }
  /// One of its choices is a value; a checkbox has a column for each instead.
  bool IsChoice() const { return !choices.empty() && !IsCheckbox(); }
  bool HasDecimalComma() const;
  bool IsDate() const { return validation.starts_with("date_"); }
  bool IsDatetime() const { return validation.starts_with("datetime_"); }
  const std::string* LabelOf(std::string_view code) const;
};

/// What a column of an export is.
struct RedcapColumn {
  const RedcapField* field = nullptr;  ///< None for what REDCap adds itself.
  std::string form;                    ///< Empty for what belongs to all.
  /// Of a checkbox: whether the column is one of its choices. If not it is a missing-data code.
  bool choice = true;
  bool completion = false;  ///< A form's status, "labs_complete".
};

class RedcapDictionary {
 public:
  /// The CSV file that REDCap gives for download, with its headings in English, or that of its API.
  /// Errors name file, line and field.
  static Result<RedcapDictionary> Read(const std::filesystem::path& file);

  /// In the dictionary's order; the first is the record's identifier. At least one.
  const std::vector<RedcapField>& fields() const { return fields_; }
  const std::string& record() const { return fields_.front().name; }
  /// Nothing for a header that neither it nor REDCap itself describes.
  std::optional<RedcapColumn> Describe(std::string_view header) const;

 private:
  Status Add(RedcapField field, std::string_view choices, const std::string& place);
  const RedcapField* Find(std::string_view name) const;

  std::vector<RedcapField> fields_;
  std::map<std::string, std::size_t, std::less<>> places_;
  std::map<std::string, bool, std::less<>> forms_;
};

/// "1, Male | 2, Female". Nothing where a code is missing or there twice.
std::optional<std::vector<std::pair<std::string, std::string>>> ParseRedcapChoices(
    std::string_view text);

}  // namespace consilium
