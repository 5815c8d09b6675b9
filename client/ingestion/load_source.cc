#include <algorithm>
#include <cmath>
#include <utility>

#include "client/ingestion/cells.h"
#include "client/ingestion/fault_notes.h"
#include "client/ingestion/source.h"
#include "client/ingestion/source_types.h"
#include "common/memory_pages.h"
#include "common/names.h"

namespace consilium {
namespace {

constexpr std::uint64_t kRowsBetweenReports = 1U << 16U;

// Reads one table against one contract.
class SourceLoader {
 public:
  SourceLoader(const Source& source,
               const Contract& contract,
               const PatientRegister& patients,
               TableReader& reader)
      : source_(source), contract_(contract), register_(patients), reader_(reader) {}

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
    if (!patient_.map.empty() || patient_.factor != 1 || patient_.offset != 0 ||
        patient_.unit.IsSaid() || patient_.time_between != TimeBetween::kNone) {
      return Fail(ErrorCode::kInvalidArgument,
                  At() + "the patient column \"" + patient_.name + "\" cannot be converted",
                  "It takes `from` and `missing` only.");
    }
    patient_field_ = FieldOf(patient_.name, patient_.from, absent);
    for (const ContractColumn& column : contract_.columns) {
      TRY(ColumnBinding binding, Bound(column, absent));
      bindings_.push_back(std::move(binding));
    }
    if (!group_header.empty()) {
      const std::string header(group_header);
      group_field_ = FieldOf(header, header, absent);
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

  std::size_t FieldOf(const std::string& name,
                      const std::string& from,
                      std::vector<std::string>& absent) const {
    const auto& header = reader_.header();
    const auto found = std::find(header.begin(), header.end(), Trimmed(from));
    if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
    std::string words = name;
    if (from != name) words += " (from \"" + from + "\")";
    const std::string near = NearestName(from, header);
    if (!near.empty()) words += " (did you mean \"" + near + "\"?)";
    absent.push_back(words);
    return kNoField;
  }

  Result<ColumnBinding> Bound(const ContractColumn& column,
                              std::vector<std::string>& absent) const {
    ColumnMapping mapping = MappingOf(column.name);
    const std::size_t field = FieldOf(mapping.name, mapping.from, absent);
    if (field != kNoField) TRY_STATUS(TakeUnitOf(field, column, mapping));
    TRY(ColumnBinding binding, BindColumn(source_, mapping, column));
    binding.field = field;
    if (mapping.time_between != TimeBetween::kNone) {
      binding.until_field = FieldOf(mapping.name, mapping.until, absent);
    }
    for (const std::string& header : mapping.unit.unit_from) {
      binding.unit_fields.push_back(FieldOf(mapping.name, header, absent));
    }
    return binding;
  }

  /// Values that a reader has converted, each by its row's unit, become the contract's from there.
  Status TakeUnitOf(std::size_t field, const ContractColumn& column, ColumnMapping& mapping) const {
    const Measure read = reader_.UnitOf(field);
    const bool scales = mapping.factor != 1 || mapping.offset != 0;
    if (read.unit.empty() || scales || mapping.time_between != TimeBetween::kNone) return {};
    if (mapping.unit.IsSaid()) {
      if (Trimmed(mapping.unit.unit) == Trimmed(read.unit)) {
        if (mapping.unit.analyte.empty()) mapping.unit.analyte = read.analyte;
        return {};
      }
      return Fail(ErrorCode::kInvalidArgument,
                  At() + "unit of \"" + column.name + "\": its rows' values were converted to \"" +
                      std::string(read.unit) + "\" already",
                  "Leave `unit` out of the [[column]]: the contract's is made of that one.");
    }
    const bool numeric = column.type == ColumnType::kNumber ||
                         column.type == ColumnType::kInteger ||
                         column.type == ColumnType::kDuration;
    if (column.unit.empty() || !numeric) return {};
    mapping.unit.unit = read.unit;
    mapping.unit.analyte = read.analyte;
    return {};
  }

  void SayWhatIsWanted() {
    std::vector<bool> wanted(reader_.header().size(), false);
    wanted[patient_field_] = true;
    for (const ColumnBinding& binding : bindings_) {
      for (const std::size_t field : {binding.field, binding.until_field}) {
        if (field != kNoField) wanted[field] = true;
      }
      for (const std::size_t field : binding.unit_fields) wanted[field] = true;
    }
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
    for (const ColumnBinding& binding : bindings_) {
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
    patient_missing_ = CodesOf(codes);
  }

  void TakeRow(const TableRow& row) {
    QualityReport& report = loaded_.report;
    if (row.blank) {
      ++report.blank_rows;
      return;
    }
    std::string_view patient = Trimmed(row.fields[patient_field_]);
    if (FindCode(patient_missing_, patient, source_.number) != nullptr) patient = {};
    AddPatient(patient);
    if (contract_.one_row_per_patient) places_.push_back(row.PlaceOf(patient_field_));
    if (group_field_ != kNoField) {
      loaded_.groups.emplace_back(Trimmed(row.fields[group_field_]));
    }
    const std::size_t number = rows_++;
    if (IsExcluded(patient)) {
      for (std::vector<double>& column : loaded_.table.columns) column.push_back(std::nan(""));
      return;
    }
    ++report.rows;
    if (patient.empty()) report.patient_missing.Add(row.PlaceOf(patient_field_));
    for (std::size_t i = 0; i < bindings_.size(); ++i) {
      const double value = ReadCell(bindings_[i], row, report.columns[i]);
      loaded_.table.columns[i].push_back(value);
      if (std::isnan(value)) {
        const std::string_view text = row.fields[bindings_[i].field];
        faults_.Look(i, number, text, report.columns[i]);
      }
    }
  }

  /// Whether the patient is on the site's list; marks the row.
  bool IsExcluded(std::string_view patient) {
    if (register_.excluded.empty()) return false;
    const std::uint64_t code = PatientCodeOf(patient, register_.key);
    const bool excluded =
        std::binary_search(register_.excluded.begin(), register_.excluded.end(), code);
    loaded_.table.excluded.push_back(excluded);
    return excluded;
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
    const double rows = static_cast<double>(rows_) / share * 1.02;
    if (!(rows < kMostGuessed)) return;
    const auto guess = static_cast<std::size_t>(rows);
    loaded_.table.patients.reserve(guess);
    for (std::vector<double>& column : loaded_.table.columns) ReserveLarge(column, guess);
    if (contract_.one_row_per_patient) ReserveLarge(places_, guess);
  }

  void FinishReport() {
    HandOverPatients();
    loaded_.table.patients.RestFromAdding();
    QualityReport& report = loaded_.report;
    for (std::size_t i = 0; i < bindings_.size(); ++i) CountCodes(bindings_[i], report.columns[i]);
    const PatientList& patients = loaded_.table.patients;
    faults_.CountPatients(patients, report.columns);
    enum : unsigned char { kAbsent, kOnce, kAgain, kExcluded };
    std::vector<unsigned char> seen(patients.distinct(), kAbsent);
    const std::vector<bool>& excluded = loaded_.table.excluded;
    for (std::size_t row = 0; row < patients.size(); ++row) {
      unsigned char& state = seen[patients.NumberOf(row)];
      if (!excluded.empty() && excluded[row]) {
        state = kExcluded;
        continue;
      }
      if (state != kAbsent && !places_.empty() && !patients[row].empty()) {
        report.patient_repeated.Add(places_[row]);
      }
      state = state == kAbsent ? kOnce : kAgain;
    }
    for (std::uint32_t i = 0; i < seen.size(); ++i) {
      if (seen[i] == kExcluded) ++report.excluded_patients_found;
      if (patients.Name(i).empty() || seen[i] == kExcluded) continue;
      ++report.patients;
      if (seen[i] == kAgain) ++report.repeated_patients;
    }
    report.patients_excluded = register_.excluded.size();
    if (contract_.one_row_per_patient) report.patient_repeated.patients = report.repeated_patients;
  }

  std::string At() const { return source_.name.empty() ? "" : source_.name + ": "; }

  const Source& source_;
  const Contract& contract_;
  const PatientRegister& register_;
  TableReader& reader_;
  std::size_t rows_ = 0;  // In the table, which has those of excluded patients, too.
  ColumnMapping patient_;
  std::size_t patient_field_ = kNoField;
  std::size_t group_field_ = kNoField;
  std::string waiting_text_;
  std::vector<std::size_t> waiting_ends_;
  std::vector<std::string_view> waiting_;
  std::vector<std::uint64_t> places_;  // Of the rows, where a patient may have only one.
  MissingCodes patient_missing_;
  std::vector<ColumnBinding> bindings_;
  FaultNotes faults_;
  LoadedTable loaded_;
};

}  // namespace

Result<LoadedTable> LoadSource(const Source& source,
                               const Contract& contract,
                               std::string_view group_header,
                               const LoadProgress& progress,
                               const PatientRegister& patients) {
  TRY(const std::unique_ptr<TableReader> reader, OpenTable(source));
  return SourceLoader(source, contract, patients, *reader).Load(group_header, progress);
}

}  // namespace consilium
