#include "client/ingestion/redcap/redcap_table.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kMostColumns = 65'536;
constexpr std::string_view kInstrument = "redcap_repeat_instrument";

const std::string* StatusOf(std::string_view code) {
  static const std::map<std::string, std::string, std::less<>> kStatus = {
      {"0", "Incomplete"}, {"1", "Unverified"}, {"2", "Complete"}};
  const auto found = kStatus.find(code);
  return found == kStatus.end() ? nullptr : &found->second;
}

bool IsLabelOf(const RedcapField& field, std::string_view text) {
  return std::any_of(field.choices.begin(), field.choices.end(),
                     [&](const auto& choice) { return choice.second == text; });
}

}  // namespace

bool RedcapOptions::LabelsOf(std::string_view field) const {
  const bool exception = std::find(exceptions.begin(), exceptions.end(), field) != exceptions.end();
  return labels != exception;
}

Result<RedcapOptions> ParseRedcapOptions(const Settings& settings,
                                         const std::filesystem::path& folder) {
  RedcapOptions options;
  TRY(const std::string dictionary, settings.Text("dictionary"));
  if (dictionary.empty()) return settings.FailAt("dictionary", "no file is named");
  options.dictionary = folder / dictionary;
  options.csv.delimiter = ',';
  if (settings.Has("delimiter")) {
    TRY(const std::string delimiter, settings.Choice("delimiter", {",", ";", "\t", "|"}));
    options.csv.delimiter = delimiter[0];
  }
  TRY(const std::string values, settings.ChoiceOr("values", {"labels", "codes"}, "labels"));
  options.labels = values == "labels";
  TRY(options.exceptions, settings.TextsOr("exceptions", {}));
  TRY(options.days, settings.TextsOr("days", {}));
  TRY(options.events, settings.TextsOr("events", {}));
  for (std::size_t i = 0; i < options.events.size(); ++i) {
    const auto first = options.events.begin();
    const auto here = first + static_cast<std::ptrdiff_t>(i);
    if (here->empty() || std::find(first, here, *here) != here) {
      return settings.FailAt("events", "an event has no name, or is there twice");
    }
  }
  TRY(const std::optional<Settings> repeating, settings.TableIfAny("repeating"));
  if (!repeating) return options;
  for (const std::string& name : repeating->Keys()) {
    TRY(const std::string rule, repeating->Choice(name, {"first", "last"}));
    options.repeating[name] = rule == "first" ? RedcapInstance::kFirst : RedcapInstance::kLast;
  }
  return options;
}

RedcapTable::RedcapTable(std::unique_ptr<CsvReader> csv,
                         RedcapDictionary dictionary,
                         RedcapOptions options)
    : csv_(std::move(csv)), dictionary_(std::move(dictionary)), options_(std::move(options)) {}

Result<std::unique_ptr<RedcapTable>> RedcapTable::Open(const std::filesystem::path& file,
                                                       const RedcapOptions& options) {
  TRY(RedcapDictionary dictionary, RedcapDictionary::Read(options.dictionary));
  TRY(std::unique_ptr<CsvReader> csv, CsvReader::Open(file, options.csv));
  std::unique_ptr<RedcapTable> table(
      new RedcapTable(std::move(csv), std::move(dictionary), options));
  TRY_STATUS(table->Start());
  return table;
}

std::optional<std::size_t> RedcapTable::Find(std::string_view header) const {
  const std::vector<std::string>& headers = csv_->header();
  const auto found = std::find(headers.begin(), headers.end(), header);
  if (found == headers.end()) return std::nullopt;
  return static_cast<std::size_t>(found - headers.begin());
}

Status RedcapTable::Start() {
  event_ = Find("redcap_event_name");
  form_ = Find(kInstrument);
  instance_ = Find("redcap_repeat_instance");
  const std::optional<std::size_t> record = Find(dictionary_.record());
  if (!record) {
    return Fail(ErrorCode::kDataQuality,
                name() + " has no column \"" + dictionary_.record() +
                    "\", the record's identifier by the data dictionary",
                "Export raw data (not labels) as CSV, with the record's identifier, from the "
                "project that the dictionary is of.");
  }
  record_ = *record;
  TRY_STATUS(DescribeColumns());
  TRY_STATUS(CheckEvents());
  header_ = csv_->header();
  for (std::size_t i = 1; i < options_.events.size(); ++i) {
    for (const std::string& column : csv_->header()) {
      header_.push_back(column + "@" + options_.events[i]);
    }
    if (header_.size() > kMostColumns) {
      return Fail(ErrorCode::kDataQuality,
                  name() + ": more than 65,536 columns, counting those of each event",
                  "Name fewer events, or export fewer fields.");
    }
  }
  wanted_.assign(header_.size(), true);
  return CheckHeader(header_, name());
}

Status RedcapTable::DescribeColumns() {
  const auto listed = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const std::string& header : csv_->header()) {
    Column column;
    if (auto described = dictionary_.Describe(header)) {
      column.described = true;
      column.what = *std::move(described);
    }
    const RedcapField* field = column.what.field;
    column.day_only = field != nullptr && listed(options_.days, field->name);
    const bool choice = field != nullptr ? field->IsChoice() : column.what.completion;
    column.labelled = choice && options_.LabelsOf(header);
    columns_.push_back(std::move(column));
  }
  for (Column& column : columns_) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const RedcapColumn& other = columns_[i].what;
      if (column.what.field != nullptr && column.what.field == other.field && !other.choice) {
        column.missing_codes.push_back(i);
      }
    }
  }
  TRY_STATUS(FindMarked(
      options_.exceptions, "exceptions", [](const RedcapField& field) { return field.IsChoice(); },
      "has no choices of which one is its value"));
  return FindMarked(
      options_.days, "days", [](const RedcapField& field) { return field.IsDatetime(); },
      "is no date with a time by its validation");
}

Status RedcapTable::FindMarked(const std::vector<std::string>& names,
                               std::string_view key,
                               bool (*fits)(const RedcapField&),
                               std::string_view words) const {
  for (const std::string& name_listed : names) {
    const auto& fields = dictionary_.fields();
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const RedcapField& field) {
      return field.name == name_listed;
    });
    const std::string start = options_.dictionary.string() + ": the field \"" + name_listed +
                              "\", listed under `" + std::string(key) + "`, ";
    if (found == fields.end()) {
      return Fail(ErrorCode::kInvalidArgument, start + "is not in it", "Correct the list.");
    }
    if (!fits(*found)) {
      return Fail(ErrorCode::kInvalidArgument, start + std::string(words), "Take it off the list.");
    }
  }
  return {};
}

Status RedcapTable::CheckEvents() {
  if (event_.has_value() == !options_.events.empty()) return {};
  if (event_) {
    return Fail(ErrorCode::kInvalidArgument,
                name() + ": the project has events, and the source file names none",
                "List those that the study needs, by their unique names (column "
                "redcap_event_name): events = [\"baseline_arm_1\"].");
  }
  return Fail(ErrorCode::kInvalidArgument,
              name() + " has no column redcap_event_name, and the source file names events",
              "Export raw data of all events, or remove `events`.");
}

/// Who reads a field that the dictionary does not have would read codes as if they were values.
Status RedcapTable::StartRows() {
  started_ = true;
  std::vector<bool> of_export(columns_.size(), false);
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (!wanted_[i]) continue;
    const std::size_t at = i % columns_.size();
    of_export[at] = true;
    for (const std::size_t code : columns_[at].missing_codes) of_export[code] = true;
    if (columns_[at].described) continue;
    return Fail(ErrorCode::kDataQuality,
                name() + ": the data dictionary does not have the field of column \"" +
                    csv_->header()[at] + "\"",
                "Download the dictionary again, at the time of the export.");
  }
  of_export[record_] = true;
  for (const auto& column : {event_, form_, instance_}) {
    if (column) of_export[*column] = true;
  }
  csv_->Want(of_export);
  return {};
}

std::string RedcapTable::At() const { return name() + ":" + std::to_string(csv_row_.place) + ": "; }

std::string_view RedcapTable::Cell(const std::optional<std::size_t>& column) const {
  return column ? Trimmed(csv_row_.fields[*column]) : std::string_view();
}

Result<std::string> RedcapTable::TextOf(std::size_t index) const {
  const Column& column = columns_[index];
  const std::string_view text = Trimmed(csv_row_.fields[index]);
  const RedcapField* field = column.what.field;
  for (const std::size_t code : column.missing_codes) {
    if (column.what.choice && Cell(code) == "1") return std::string();
  }
  if (text.empty()) return std::string();
  if (column.what.completion) {
    const std::string* status = column.labelled ? StatusOf(text) : nullptr;
    return status == nullptr ? std::string(text) : *status;
  }
  if (field == nullptr) return std::string(text);
  if (field->IsChoice()) {
    const std::string* label = field->LabelOf(text);
    if (label == nullptr && IsLabelOf(*field, text)) {
      return Fail(ErrorCode::kDataQuality,
                  name() + ":" + std::to_string(csv_row_.PlaceOf(index)) + ": column \"" +
                      csv_->header()[index] + "\" holds a label where its code belongs",
                  "Export raw data instead of labels; the dictionary has the labels.");
    }
    return column.labelled && label != nullptr ? *label : std::string(text);
  }
  std::string value(text);
  if (field->HasDecimalComma() && std::count(value.begin(), value.end(), ',') == 1) {
    value[value.find(',')] = '.';
  }
  constexpr std::size_t kDay = 10;  // YYYY-MM-DD
  if (column.day_only && value.size() > kDay && value[kDay] == ' ') value.resize(kDay);
  return value;
}

Result<bool> RedcapTable::Next(TableRow& row) {
  if (!started_) TRY_STATUS(StartRows());
  return event_ || form_ || instance_ ? NextRecord(row) : NextPlain(row);
}

Result<bool> RedcapTable::NextPlain(TableRow& row) {
  TRY(const bool any, csv_->Next(csv_row_));
  if (!any) return false;
  row.place = csv_row_.place;
  row.field_places = csv_row_.field_places;
  row.blank = csv_row_.blank;
  texts_.resize(columns_.size());
  row.fields.assign(columns_.size(), std::string_view());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!wanted_[i]) continue;
    TRY(texts_[i], TextOf(i));
    row.fields[i] = texts_[i];
  }
  return true;
}

Result<bool> RedcapTable::NextRecord(TableRow& row) {
  for (;;) {
    if (ended_) return false;
    TRY(const bool any, csv_->Next(csv_row_));
    if (any && csv_row_.blank) continue;
    ended_ = !any;
    const bool same = any && csv_row_.fields[record_] == current_.id && !current_.id.empty();
    const bool give = !same && current_.any;
    if (give) std::swap(current_, given_);
    if (!same) {
      current_.id = any ? std::string(csv_row_.fields[record_]) : std::string();
      current_.any = false;
      current_.slots.resize(header_.size());
      for (Slot& slot : current_.slots) slot.instance = 0;
      current_.seen.assign(std::max<std::size_t>(1, options_.events.size()), false);
    }
    if (any) TRY_STATUS(Take());
    if (!give) continue;
    Present(row);
    return true;
  }
}

void RedcapTable::Present(TableRow& row) {
  row.place = given_.place;
  row.blank = false;
  row.fields.assign(header_.size(), std::string_view());
  row.field_places.assign(header_.size(), given_.place);
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (!wanted_[i] || given_.slots[i].instance == 0) continue;
    row.fields[i] = given_.slots[i].text;
    row.field_places[i] = given_.slots[i].place;
  }
}

Status RedcapTable::Take() {
  TRY(const std::optional<RowPlace> place, PlaceOfRow());
  if (!place) return {};
  if (place->instance == 0) {
    if (current_.seen[place->event]) {
      return Fail(ErrorCode::kDataQuality,
                  At() + "a record has a second row" +
                      (event_ ? " of the event \"" + options_.events[place->event] + "\"" : ""),
                  "Export the project again; its rows were joined or changed.");
    }
    current_.seen[place->event] = true;
  }
  if (!current_.any) current_.place = csv_row_.place;
  current_.any = true;
  return TakeInto(*place);
}

/// Nothing for a row that the study does not look at.
Result<std::optional<RedcapTable::RowPlace>> RedcapTable::PlaceOfRow() const {
  RowPlace place;
  if (event_) {
    const auto found = std::find(options_.events.begin(), options_.events.end(), Cell(event_));
    if (found == options_.events.end()) return std::nullopt;
    place.event = static_cast<std::size_t>(found - options_.events.begin());
  }
  place.form = Cell(form_);
  const std::string_view instance = Cell(instance_);
  if (place.form.empty() && instance.empty()) return place;
  const char* const end = instance.data() + instance.size();
  const auto [read, error] = std::from_chars(instance.data(), end, place.instance);
  if (error != std::errc{} || read != end || place.instance < 1) {
    return Fail(ErrorCode::kDataQuality, At() + "redcap_repeat_instance is no number from 1 on",
                "Export the project again.");
  }
  const std::string repeats = place.form.empty() ? std::string(Cell(event_)) : place.form;
  const auto rule = options_.repeating.find(repeats);
  if (rule != options_.repeating.end()) {
    place.rule = rule->second;
    return place;
  }
  if (!IsFormWanted(place.event, place.form)) return std::nullopt;
  return Fail(ErrorCode::kInvalidArgument,
              At() + "\"" + repeats + "\" repeats, and the study needs fields of it",
              "Say which instance counts: repeating = { " + repeats +
                  " = \"last\" } or "
                  "\"first\".");
}

bool RedcapTable::IsFormWanted(std::size_t event, std::string_view form) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i == record_ || !wanted_[event * columns_.size() + i]) continue;
    if (form.empty() || columns_[i].what.form == form) return true;
  }
  return false;
}

/// Of rows that repeat the whole row counts by its number, also where a field of it is empty.
Status RedcapTable::TakeInto(const RowPlace& place) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t column = place.event * columns_.size() + i;
    const bool id = i == record_;
    if (!wanted_[column] || (!id && !place.form.empty() && columns_[i].what.form != place.form)) {
      continue;
    }
    TRY(std::string text, TextOf(i));
    Slot& slot = current_.slots[column];
    // A form that repeats is empty in the record's other rows.
    if (place.instance == 0 && text.empty() && options_.repeating.contains(columns_[i].what.form)) {
      continue;
    }
    const std::int64_t instance = std::max<std::int64_t>(place.instance, 1);
    const bool better =
        place.rule == RedcapInstance::kFirst ? instance < slot.instance : instance > slot.instance;
    if (slot.instance != 0 && !better) continue;
    slot = {std::move(text), csv_row_.PlaceOf(i), instance};
  }
  return {};
}

}  // namespace consilium
