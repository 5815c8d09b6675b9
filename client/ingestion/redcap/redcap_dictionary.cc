#include "client/ingestion/redcap/redcap_dictionary.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "client/ingestion/csv.h"
#include "common/names.h"

namespace consilium {
namespace {

enum Heading : std::size_t {
  kName,
  kForm,
  kType,
  kChoices,
  kValidation,
  kMinimum,
  kMaximum,
  kIdentifier,
  kHeadings
};

/// Of the file for download, in older versions, and of the API's.
constexpr std::array<std::array<std::string_view, 3>, kHeadings> kNames = {
    {{"variable / field name", "field_name", "field_name"},
     {"form name", "form_name", "form_name"},
     {"field type", "field_type", "field_type"},
     {"choices, calculations, or slider labels", "choices or calculations",
      "select_choices_or_calculations"},
     {"text validation type or show slider number", "text validation type",
      "text_validation_type_or_show_slider_number"},
     {"text validation min", "text_validation_min", "text_validation_min"},
     {"text validation max", "text_validation_max", "text_validation_max"},
     {"identifier?", "identifier", "identifier"}}};

Result<std::array<std::size_t, kHeadings>> FindHeadings(const TableReader& reader) {
  std::array<std::size_t, kHeadings> found{};
  const std::vector<std::string>& header = reader.header();
  for (std::size_t heading = 0; heading < kHeadings; ++heading) {
    const auto& names = kNames[heading];
    const auto at = std::find_if(header.begin(), header.end(), [&](const std::string& name) {
      return std::find(names.begin(), names.end(), LowerCase(name)) != names.end();
    });
    if (at == header.end()) {
      return Fail(ErrorCode::kDataQuality,
                  reader.name() + " is no REDCap data dictionary: it has no column \"" +
                      std::string(names[2]) + "\"",
                  "Download it in REDCap: Project Setup, Data Dictionary, Download the current "
                  "Data Dictionary.");
    }
    found[heading] = static_cast<std::size_t>(at - header.begin());
  }
  return found;
}

/// The code as it stands in the header of a checkbox's column: "-1" in "race____1".
std::string InHeader(std::string_view code) {
  std::string text = LowerCase(code);
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

bool IsAddedByRedcap(std::string_view header) {
  constexpr std::array<std::string_view, 6> kAdded = {
      "redcap_event_name",        "redcap_repeat_instrument", "redcap_repeat_instance",
      "redcap_data_access_group", "redcap_survey_identifier", "redcap_survey_timestamp"};
  return std::find(kAdded.begin(), kAdded.end(), header) != kAdded.end();
}

constexpr std::string_view kCompletion = "_complete";
constexpr std::string_view kTimestamp = "_timestamp";

}  // namespace

bool RedcapField::HasDecimalComma() const {
  return validation.starts_with("number") && validation.ends_with("comma_decimal");
}

const std::string* RedcapField::LabelOf(std::string_view code) const {
  for (const auto& [its_code, label] : choices) {
    if (its_code == code) return &label;
  }
  return nullptr;
}

std::optional<std::vector<std::pair<std::string, std::string>>> ParseRedcapChoices(
    std::string_view text) {
  std::vector<std::pair<std::string, std::string>> choices;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('|'), text.size());
    const std::string_view choice = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (choice.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    const std::size_t comma = choice.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto trimmed = [&](std::string_view part) {
      const std::size_t first = std::min(part.find_first_not_of(kBlanks), part.size());
      return std::string(part.substr(first, part.find_last_not_of(kBlanks) + 1 - first));
    };
    std::string code = trimmed(choice.substr(0, comma));
    const bool known = std::any_of(choices.begin(), choices.end(),
                                   [&](const auto& other) { return other.first == code; });
    if (code.empty() || known) return std::nullopt;
    choices.emplace_back(std::move(code), trimmed(choice.substr(comma + 1)));
  }
  return choices;
}

Result<RedcapDictionary> RedcapDictionary::Read(const std::filesystem::path& file) {
  CsvOptions options;
  options.delimiter = ',';
  TRY(const std::unique_ptr<CsvReader> reader, CsvReader::Open(file, options));
  TRY(const auto headings, FindHeadings(*reader));
  RedcapDictionary dictionary;
  TableRow row;
  for (;;) {
    TRY(const bool any, reader->Next(row));
    if (!any) break;
    if (row.blank) continue;
    const auto text = [&](Heading heading) {
      return std::string(Trimmed(row.fields[headings[heading]]));
    };
    RedcapField field;
    field.name = text(kName);
    field.form = text(kForm);
    field.type = LowerCase(text(kType));
    field.validation = LowerCase(text(kValidation));
    field.minimum = text(kMinimum);
    field.maximum = text(kMaximum);
    field.identifier = LowerCase(text(kIdentifier)) == "y";
    TRY_STATUS(dictionary.Add(std::move(field), text(kChoices),
                              reader->name() + ":" + std::to_string(row.place)));
  }
  if (dictionary.fields_.empty()) {
    return Fail(ErrorCode::kDataQuality, reader->name() + " has no field",
                "Download the data dictionary again.");
  }
  return dictionary;
}

Status RedcapDictionary::Add(RedcapField field,
                             std::string_view choices,
                             const std::string& place) {
  if (field.name.empty()) return Fail(ErrorCode::kDataQuality, place + ": a field has no name");
  if (field.type == "yesno") field.choices = {{"1", "Yes"}, {"0", "No"}};
  if (field.type == "truefalse") field.choices = {{"1", "True"}, {"0", "False"}};
  if (field.type == "radio" || field.type == "dropdown" || field.type == "checkbox") {
    auto parsed = ParseRedcapChoices(choices);
    if (!parsed || parsed->empty()) {
      return Fail(ErrorCode::kDataQuality,
                  place + ": the choices of field \"" + field.name + "\" cannot be read",
                  "They are written \"1, Male | 2, Female\", each code once.");
    }
    field.choices = *std::move(parsed);
  }
  if (!places_.emplace(field.name, fields_.size()).second) {
    return Fail(ErrorCode::kDataQuality,
                place + ": the field \"" + field.name + "\" is there twice");
  }
  forms_.emplace(field.form, true);
  fields_.push_back(std::move(field));
  return {};
}

const RedcapField* RedcapDictionary::Find(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &fields_[found->second];
}

std::optional<RedcapColumn> RedcapDictionary::Describe(std::string_view header) const {
  if (const RedcapField* field = Find(header)) {
    if (field->IsCheckbox()) return std::nullopt;  // It has a column for each choice.
    return RedcapColumn{field, field->form};
  }
  if (IsAddedByRedcap(header)) return RedcapColumn{};
  if (header.ends_with(kCompletion)) {
    const std::string_view form = header.substr(0, header.size() - kCompletion.size());
    if (forms_.contains(form)) return RedcapColumn{nullptr, std::string(form), true, true};
  }
  if (header.ends_with(kTimestamp)) {
    const std::string_view form = header.substr(0, header.size() - kTimestamp.size());
    if (forms_.contains(form)) return RedcapColumn{nullptr, std::string(form)};
  }
  for (std::size_t at = header.find("___"); at != std::string_view::npos;
       at = header.find("___", at + 1)) {
    const RedcapField* field = Find(header.substr(0, at));
    if (field == nullptr || !field->IsCheckbox()) continue;
    const std::string_view code = header.substr(at + 3);
    const bool choice = std::any_of(field->choices.begin(), field->choices.end(),
                                    [&](const auto& each) { return InHeader(each.first) == code; });
    return RedcapColumn{field, field->form, choice};
  }
  return std::nullopt;
}

}  // namespace consilium
