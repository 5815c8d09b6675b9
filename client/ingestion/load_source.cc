#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "client/ingestion/fault_notes.h"
#include "client/ingestion/source.h"
#include "client/ingestion/source_types.h"
#include "common/names.h"

namespace consilium {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kRowsBetweenReports = 1U << 16U;
constexpr std::size_t kNoField = std::numeric_limits<std::size_t>::max();
// Whole numbers beyond this are no longer told apart by a double.
constexpr double kLargestWhole = 9007199254740992.0;

struct MissingCode {
  std::string text;
  std::optional<double> number;  // So that -9 also finds "-9.0".
  std::uint64_t rows = 0;        // That have it.
};

struct MissingCodes {
  std::vector<MissingCode> codes;
  bool any_number = false;
};

// One contract column tied to its field in the file.
struct Binding {
  const ContractColumn* column = nullptr;
  ColumnMapping mapping;
  std::size_t field = kNoField;
  MissingCodes source_missing;    // Compared with the text in the file.
  MissingCodes contract_missing;  // Compared with what `map` made of it.
  std::uint64_t empty_rows = 0;
  std::vector<DateFormat> date_formats;
  NumberFormat number;
};

bool IsNumeric(ColumnType type) {
  return type == ColumnType::kNumber || type == ColumnType::kInteger ||
         type == ColumnType::kDuration;
}

std::string ShortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

std::string InWords(const ContractColumn& column) {
  std::string words;
  switch (column.type) {
    case ColumnType::kNumber:
      words = "number";
      break;
    case ColumnType::kInteger:
      words = "whole number";
      break;
    case ColumnType::kDuration:
      words = "duration";
      break;
    case ColumnType::kBoolean:
      return "yes or no";
    case ColumnType::kDate:
      return "date";
    case ColumnType::kCategory:
      return "one of " + JoinNames(column.levels);
  }
  if (column.minimum && column.maximum) {
    words += " from " + ShortNumber(*column.minimum) + " to " + ShortNumber(*column.maximum);
  }
  return column.unit.empty() ? words : words + " " + column.unit;
}

MissingCodes CodesOf(const std::vector<std::string>& texts, bool numeric) {
  MissingCodes codes;
  for (const std::string& text : texts) {
    MissingCode code{std::string(Trimmed(text)), std::nullopt, 0};
    if (numeric) {
      if (const auto number = ParseNumber(code.text, NumberFormat{})) code.number = *number;
    }
    codes.any_number = codes.any_number || code.number.has_value();
    codes.codes.push_back(std::move(code));
  }
  return codes;
}

MissingCode* FindCode(MissingCodes& missing, std::string_view text, const NumberFormat& format) {
  for (MissingCode& code : missing.codes) {
    if (code.text == text) return &code;
  }
  if (!missing.any_number) return nullptr;
  const auto number = ParseNumber(text, format);
  if (!number) return nullptr;
  for (MissingCode& code : missing.codes) {
    if (code.number && *code.number == *number) return &code;
  }
  return nullptr;
}

tl::expected<double, DataFault> ConvertNumber(const Binding& binding,
                                              std::string_view text,
                                              bool translated) {
  const ContractColumn& column = *binding.column;
  // A translation gives the contract's value: written with a point, in the contract's unit.
  auto value = ParseNumber(text, translated ? NumberFormat{} : binding.number);
  if (!value) return value;
  double number = *value;
  const bool convert = !translated && (binding.mapping.factor != 1 || binding.mapping.offset != 0);
  if (convert) number = number * binding.mapping.factor + binding.mapping.offset;
  if (!std::isfinite(number)) return tl::make_unexpected(DataFault::kNotFinite);
  if (column.type == ColumnType::kInteger) {
    const double whole = std::nearbyint(number);
    // A converted whole number carries the conversion's rounding error.
    const double slack = convert ? 1e-9 * std::max(1.0, std::abs(whole)) : 0;
    if (std::abs(number - whole) > slack || std::abs(whole) > kLargestWhole) {
      return tl::make_unexpected(DataFault::kNotWhole);
    }
    number = whole;
  }
  if ((column.minimum && number < *column.minimum) ||
      (column.maximum && number > *column.maximum)) {
    return tl::make_unexpected(DataFault::kOutOfRange);
  }
  return number + 0.0;  // Turns -0 into 0.
}

tl::expected<double, DataFault> ConvertLevel(const ContractColumn& column, std::string_view text) {
  for (std::size_t i = 0; i < column.levels.size(); ++i) {
    if (column.levels[i] == text) return static_cast<double>(i);
  }
  const std::string lower = LowerCase(text);
  for (const std::string& level : column.levels) {
    if (LowerCase(level) == lower) return tl::make_unexpected(DataFault::kLevelInOtherCase);
  }
  return tl::make_unexpected(DataFault::kUnknownLevel);
}

tl::expected<double, DataFault> Convert(const Binding& binding,
                                        std::string_view text,
                                        bool translated) {
  switch (binding.column->type) {
    case ColumnType::kNumber:
    case ColumnType::kInteger:
    case ColumnType::kDuration:
      return ConvertNumber(binding, text, translated);
    case ColumnType::kCategory:
      return ConvertLevel(*binding.column, text);
    case ColumnType::kBoolean: {
      const auto value = ParseBoolean(text);
      if (!value) return tl::make_unexpected(DataFault::kNotABoolean);
      return *value ? 1.0 : 0.0;
    }
    case ColumnType::kDate:
      return ParseDay(text, binding.date_formats);
  }
  return tl::make_unexpected(DataFault::kNotANumber);
}

// The value of one cell, NaN when missing or faulty; counts it in `quality`.
double ReadCell(Binding& binding,
                std::string_view field,
                std::uint64_t place,
                ColumnQuality& quality) {
  std::string_view text = Trimmed(field);
  bool translated = false;
  if (!binding.mapping.map.empty()) {
    const auto translation = binding.mapping.map.find(text);
    translated = translation != binding.mapping.map.end();
    if (translated) text = Trimmed(translation->second);
  }
  MissingCode* code = nullptr;
  if (!translated) {
    code = FindCode(binding.source_missing, text, binding.number);
  }
  if (code == nullptr) {
    code = FindCode(binding.contract_missing, text, translated ? NumberFormat{} : binding.number);
  }
  if (text.empty() || code != nullptr) {
    ++quality.missing;
    ++(code == nullptr ? binding.empty_rows : code->rows);
    if (binding.column->required) quality.problems[DataFault::kRequiredMissing].Add(place);
    return kNotKnown;
  }
  const auto value = Convert(binding, text, translated);
  if (!value) {
    quality.problems[value.error()].Add(place);
    return kNotKnown;
  }
  ++quality.values;
  return *value;
}

void CountCodes(const Binding& binding, ColumnQuality& quality) {
  if (binding.empty_rows > 0) quality.missing_by_code[""] += binding.empty_rows;
  for (const MissingCodes* missing : {&binding.source_missing, &binding.contract_missing}) {
    for (const MissingCode& code : missing->codes) {
      if (code.rows > 0) quality.missing_by_code[code.text] += code.rows;
    }
  }
}

// Reads one table against one contract.
class SourceLoader {
 public:
  SourceLoader(const Source& source, const Contract& contract, TableReader& reader)
      : source_(source), contract_(contract), reader_(reader) {}

  Result<LoadedTable> Load(std::string_view group_header, const LoadProgress& progress) {
    TRY_STATUS(Bind(group_header));
    SayWhatIsWanted();
    PrepareReport();
    TableRow row;
    std::uint64_t read = 0;
    for (;;) {
      TRY(const bool any, reader_.Next(row));
      if (!any) break;
      TakeRow(row);
      if (++read % kRowsBetweenReports != 0) continue;
      if (read == kRowsBetweenReports) ReserveForAll();
      if (progress) progress(reader_.Progress(), read);
    }
    FinishReport();
    return std::move(loaded_);
  }

 private:
  Status Bind(std::string_view group_header) {
    std::vector<std::string> absent;
    patient_ = MappingOf(contract_.patient);
    if (!patient_.map.empty() || patient_.factor != 1 || patient_.offset != 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  At() + "the patient column \"" + patient_.name + "\" cannot be converted",
                  "It takes `from` and `missing` only.");
    }
    patient_field_ = FieldOf(patient_, absent);
    for (const ContractColumn& column : contract_.columns) {
      TRY(Binding binding, BindColumn(column, absent));
      bindings_.push_back(std::move(binding));
    }
    if (!group_header.empty()) {
      ColumnMapping group;
      group.name = group.from = std::string(group_header);
      group_field_ = FieldOf(group, absent);
    }
    if (absent.empty()) return {};
    return Fail(ErrorCode::kDataQuality,
                reader_.name() + " has no column for " + JoinNames(absent) + ". Its headers are " +
                    JoinNames(reader_.header(), 40),
                "Add a [[column]] with `name` and `from` to " +
                    (source_.name.empty() ? std::string("the source file") : source_.name) + ".");
  }

  ColumnMapping MappingOf(const std::string& name) const {
    if (const ColumnMapping* mapping = source_.Find(name)) return *mapping;
    ColumnMapping mapping;
    mapping.name = mapping.from = name;
    return mapping;
  }

  std::size_t FieldOf(const ColumnMapping& mapping, std::vector<std::string>& absent) const {
    const auto& header = reader_.header();
    const auto found = std::find(header.begin(), header.end(), Trimmed(mapping.from));
    if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
    std::string words = mapping.name;
    if (mapping.from != mapping.name) words += " (from \"" + mapping.from + "\")";
    const std::string near = NearestName(mapping.from, header);
    if (!near.empty()) words += " (did you mean \"" + near + "\"?)";
    absent.push_back(words);
    return kNoField;
  }

  Result<Binding> BindColumn(const ContractColumn& column, std::vector<std::string>& absent) const {
    Binding binding;
    binding.column = &column;
    binding.mapping = MappingOf(column.name);
    binding.field = FieldOf(binding.mapping, absent);
    binding.number = source_.number;
    const bool numeric = IsNumeric(column.type);
    std::vector<std::string> codes = source_.missing;
    codes.insert(codes.end(), binding.mapping.missing.begin(), binding.mapping.missing.end());
    binding.source_missing = CodesOf(codes, numeric);
    binding.contract_missing = CodesOf(column.missing, numeric);
    binding.date_formats =
        binding.mapping.date_formats.empty() ? source_.date_formats : binding.mapping.date_formats;
    if (!numeric && (binding.mapping.factor != 1 || binding.mapping.offset != 0)) {
      return Fail(ErrorCode::kInvalidArgument,
                  At() + "factor and offset of \"" + column.name + "\": the contract says " +
                      InWords(column),
                  "Only numbers have units.");
    }
    for (const auto& [text, value] : binding.mapping.map) {
      const bool missing = Trimmed(value).empty() ||
                           FindCode(binding.contract_missing, Trimmed(value), NumberFormat{});
      if (missing || Convert(binding, Trimmed(value), true)) continue;
      return Fail(ErrorCode::kInvalidArgument,
                  At() + "map of \"" + column.name + "\": \"" + value +
                      "\" is no value of the contract, which says " + InWords(column),
                  "Correct the right-hand side.");
    }
    return binding;
  }

  void SayWhatIsWanted() {
    std::vector<bool> wanted(reader_.header().size(), false);
    wanted[patient_field_] = true;
    for (const Binding& binding : bindings_) wanted[binding.field] = true;
    if (group_field_ != kNoField) wanted[group_field_] = true;
    reader_.Want(wanted);
  }

  void PrepareReport() {
    QualityReport& report = loaded_.report;
    const TableFormat format = reader_.format();
    report.file = reader_.name();
    report.place_unit = format.place_unit;
    report.delimiter = format.delimiter;
    report.delimiter_detected = format.delimiter_detected;
    report.encoding = format.encoding;
    report.files = format.files;
    report.patient_header = patient_.from;
    for (const Binding& binding : bindings_) {
      ColumnQuality quality;
      quality.name = binding.column->name;
      quality.header = binding.mapping.from;
      quality.type = binding.column->type;
      quality.contract = InWords(*binding.column);
      report.columns.push_back(std::move(quality));
    }
    loaded_.table.columns.resize(bindings_.size());
    std::vector<std::string> codes = source_.missing;
    codes.insert(codes.end(), patient_.missing.begin(), patient_.missing.end());
    patient_missing_ = CodesOf(codes, false);
  }

  void TakeRow(const TableRow& row) {
    QualityReport& report = loaded_.report;
    if (row.blank) {
      ++report.blank_rows;
      return;
    }
    ++report.rows;
    std::string_view patient = Trimmed(row.fields[patient_field_]);
    if (FindCode(patient_missing_, patient, source_.number) != nullptr) patient = {};
    if (patient.empty()) report.patient_missing.Add(row.PlaceOf(patient_field_));
    AddPatient(patient);
    for (std::size_t i = 0; i < bindings_.size(); ++i) {
      const std::size_t field = bindings_[i].field;
      loaded_.table.columns[i].push_back(
          ReadCell(bindings_[i], row.fields[field], row.PlaceOf(field), report.columns[i]));
      if (std::isnan(loaded_.table.columns[i].back())) {
        faults_.Look(i, report.rows - 1, row.fields[field], report.columns[i]);
      }
    }
    if (group_field_ != kNoField) {
      loaded_.groups.emplace_back(Trimmed(row.fields[group_field_]));
    }
  }

  // Patients are handed over a few dozen at a time.
  void AddPatient(std::string_view patient) {
    constexpr std::size_t kBatch = 64;
    waiting_ends_.push_back((waiting_text_ += patient).size());
    if (waiting_ends_.size() == kBatch) HandOverPatients();
  }

  void HandOverPatients() {
    waiting_.clear();
    std::size_t begin = 0;
    for (const std::size_t end : waiting_ends_) {
      waiting_.push_back(std::string_view(waiting_text_).substr(begin, end - begin));
      begin = end;
    }
    loaded_.table.patients.Append(waiting_);
    waiting_text_.clear();
    waiting_ends_.clear();
  }

  // Columns that grow step by step would be copied, and be there twice, at each step. Nothing is
  // touched before a row comes, so that a wrong guess costs nothing.
  void ReserveForAll() {
    constexpr double kMostGuessed = 1e9;
    const double share = reader_.Progress().value_or(1);
    const double rows = static_cast<double>(loaded_.report.rows) / share * 1.02;
    if (!(rows < kMostGuessed)) return;
    const auto guess = static_cast<std::size_t>(rows);
    loaded_.table.patients.reserve(guess);
    for (std::vector<double>& column : loaded_.table.columns) column.reserve(guess);
  }

  void FinishReport() {
    HandOverPatients();
    loaded_.table.patients.RestFromAdding();
    QualityReport& report = loaded_.report;
    for (std::size_t i = 0; i < bindings_.size(); ++i) CountCodes(bindings_[i], report.columns[i]);
    const PatientList& patients = loaded_.table.patients;
    faults_.CountPatients(patients, report.columns);
    enum : unsigned char { kAbsent, kOnce, kAgain };
    std::vector<unsigned char> seen(patients.distinct(), kAbsent);
    for (std::size_t row = 0; row < patients.size(); ++row) {
      unsigned char& state = seen[patients.NumberOf(row)];
      state = state == kAbsent ? kOnce : kAgain;
    }
    for (std::uint32_t i = 0; i < seen.size(); ++i) {
      if (patients.Name(i).empty()) continue;
      ++report.patients;
      if (seen[i] == kAgain) ++report.repeated_patients;
    }
  }

  std::string At() const { return source_.name.empty() ? "" : source_.name + ": "; }

  const Source& source_;
  const Contract& contract_;
  TableReader& reader_;
  ColumnMapping patient_;
  std::size_t patient_field_ = kNoField;
  std::size_t group_field_ = kNoField;
  std::string waiting_text_;
  std::vector<std::size_t> waiting_ends_;
  std::vector<std::string_view> waiting_;
  MissingCodes patient_missing_;
  std::vector<Binding> bindings_;
  FaultNotes faults_;
  LoadedTable loaded_;
};

}  // namespace

Result<LoadedTable> LoadSource(const Source& source,
                               const Contract& contract,
                               std::string_view group_header,
                               const LoadProgress& progress) {
  TRY(const std::unique_ptr<TableReader> reader, OpenTable(source));
  return SourceLoader(source, contract, *reader).Load(group_header, progress);
}

}  // namespace consilium
