#include "protocols/cohort.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/crypto/hash.h"
#include "common/memory_pages.h"
#include "protocols/derived_columns.h"

namespace consilium {
namespace {

std::string RuleInWords(const ContractColumn& column, const EligibilityRule& rule) {
  std::string text = "not eligible: " + rule.column;
  if (!rule.one_of.empty()) {
    text += rule.one_of.size() == 1 ? " " : " one of ";
    for (std::size_t i = 0; i < rule.one_of.size(); ++i) {
      text += (i == 0 ? "" : ", ") + rule.one_of[i];
    }
    return text;
  }
  if (rule.minimum) text += " at least " + BoundInWords(column, *rule.minimum);
  if (rule.minimum && rule.maximum) text += " and";
  if (rule.maximum) text += " at most " + BoundInWords(column, *rule.maximum);
  return text;
}

bool IsChosen(const ContractColumn& column, const EligibilityRule& rule, double value) {
  if (column.type == ColumnType::kBoolean) {
    const std::string_view text = value != 0 ? "true" : "false";
    return std::find(rule.one_of.begin(), rule.one_of.end(), text) != rule.one_of.end();
  }
  const auto level = static_cast<std::size_t>(value);
  return value >= 0 && level < column.levels.size() &&
         std::find(rule.one_of.begin(), rule.one_of.end(), column.levels[level]) !=
             rule.one_of.end();
}

bool Satisfies(const ContractColumn& column, const EligibilityRule& rule, double value) {
  if (std::isnan(value)) return false;
  if (!rule.one_of.empty()) return IsChosen(column, rule, value);
  return (!rule.minimum || value >= *rule.minimum) && (!rule.maximum || value <= *rule.maximum);
}

/// The columns of a table, derived ones computed when they are first asked for.
class Columns {
 public:
  Columns(const Contract& contract, const DataTable& table)
      : contract_(contract), table_(table), derived_(contract.derived.size()) {}

  const std::vector<double>& At(std::size_t place) {
    if (place < table_.columns.size()) return table_.columns[place];
    const std::size_t index = place - table_.columns.size();
    if (!derived_[index]) derived_[index] = Derive(contract_.derived[index]);
    return *derived_[index];
  }

 private:
  std::vector<double> Derive(const DerivedColumn& derived) {
    const std::vector<double>& first = At(derived.first.place);
    const bool product = derived.how == Derivation::kProduct;
    const std::vector<double>& second = product ? At(derived.second.place) : first;
    std::vector<double> values(first.size());
    for (std::size_t row = 0; row < values.size(); ++row) {
      values[row] = DerivedValue(derived, first[row], second[row]);
    }
    return values;
  }

  const Contract& contract_;
  const DataTable& table_;
  std::vector<std::optional<std::vector<double>>> derived_;
};

Status CheckShape(const Contract& contract, const DataTable& table) {
  if (table.columns.size() != contract.columns.size()) {
    return Fail(ErrorCode::kInvalidArgument, "the table does not have the contract's columns");
  }
  if (!table.excluded.empty() && table.excluded.size() != table.patients.size()) {
    return Fail(ErrorCode::kInvalidArgument, "the table's marks are not one a row");
  }
  for (const std::vector<double>& column : table.columns) {
    if (column.size() != table.patients.size()) {
      return Fail(ErrorCode::kInvalidArgument, "the table's columns differ in length");
    }
  }
  return {};
}

/// The rows that are left, each step's removals noted.
class RowsLeft {
 public:
  RowsLeft(const PatientList& patients, CohortFlow& flow)
      : patients_(patients),
        left_(patients.size(), true),
        rows_of_patient_(patients.distinct(), 0),
        count_(patients.size()),
        patient_count_(patients.distinct()),
        flow_(flow) {
    for (std::size_t row = 0; row < patients.size(); ++row) {
      ++rows_of_patient_[patients.NumberOf(row)];
    }
    flow_.rows_read = count_;
    flow_.patients_read = patient_count_;
  }

  std::size_t count() const { return count_; }
  /// That have a row left.
  std::size_t patients() const { return patient_count_; }
  std::size_t all() const { return left_.size(); }
  bool Has(std::size_t row) const { return left_[row]; }

  template <class Predicate>
  void Keep(std::string reason, Predicate keep) {
    const std::size_t before = count_;
    const std::size_t patients_before = patient_count_;
    for (std::size_t row = 0; row < left_.size(); ++row) {
      if (!left_[row] || keep(row)) continue;
      left_[row] = false;
      --count_;
      if (--rows_of_patient_[patients_.NumberOf(row)] == 0) --patient_count_;
    }
    flow_.removed.push_back({std::move(reason), before - count_, patients_before - patient_count_});
  }

 private:
  const PatientList& patients_;
  std::vector<bool> left_;
  std::vector<std::uint32_t> rows_of_patient_;  // Of those left.
  std::size_t count_;
  std::size_t patient_count_;
  CohortFlow& flow_;
};

std::vector<double> PatientNumbers(const PatientList& patients) {
  std::vector<double> of_patient(patients.distinct());
  for (std::uint32_t i = 0; i < of_patient.size(); ++i) {
    of_patient[i] = PatientNumber(patients.Name(i));
  }
  std::vector<double> numbers(patients.size());
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    numbers[row] = of_patient[patients.NumberOf(row)];
  }
  return numbers;
}

/// Copies the rows that are left into the matrix, the last ones first. Of a table that is given up,
/// the memory of rows that were copied goes back on the way: the two together take little more than
/// one of them.
void FillMatrix(const std::vector<const std::vector<double>*>& chosen,
                const RowsLeft& rows,
                DataTable* given_up,
                RowMatrix& values) {
  constexpr std::size_t kWorthwhile = 100'000;
  constexpr std::size_t kParts = 16;
  const std::size_t parts = given_up != nullptr && rows.all() > kWorthwhile ? kParts : 1;
  std::size_t target = rows.count();
  for (std::size_t part = parts; part-- > 0;) {
    const std::size_t begin = rows.all() * part / parts;
    for (std::size_t row = rows.all() * (part + 1) / parts; row-- > begin;) {
      if (!rows.Has(row)) continue;
      --target;
      for (std::size_t j = 0; j < chosen.size(); ++j) {
        values(static_cast<Eigen::Index>(target), static_cast<Eigen::Index>(j)) = (*chosen[j])[row];
      }
    }
    if (parts == 1) return;
    for (std::vector<double>& column : given_up->columns) ShortenAndGiveBack(column, begin);
  }
}

Status CheckSize(const Contract& contract, const RowsLeft& rows) {
  if (rows.count() > contract.maximum_patients) {
    return Fail(ErrorCode::kDataQuality,
                "the cohort has more rows than the contract's maximum_patients allows (" +
                    std::to_string(contract.maximum_patients) + ")",
                "ask for a plan with a larger contract.maximum_patients");
  }
  if (contract.one_row_per_patient && rows.count() != rows.patients()) {
    return Fail(ErrorCode::kDataQuality,
                "a patient has several rows, and the contract asks for one row per patient",
                "say with [[rows]] in the source file which of a patient's values is meant");
  }
  return {};
}

/// Calls `keep` with each rule in words and what it asks of a row.
template <class Keep>
Status ForEachRule(const Contract& contract, Columns& all, Keep keep) {
  for (const EligibilityRule& rule : contract.eligibility) {
    const std::optional<std::size_t> place = contract.PlaceOf(rule.column);
    if (!place) {
      return Fail(ErrorCode::kInvalidArgument, "the contract has no column " + rule.column);
    }
    const ContractColumn& column = contract.At(*place);
    const std::vector<double>& values = all.At(*place);
    keep(RuleInWords(column, rule),
         [&](std::size_t row) { return Satisfies(column, rule, values[row]); });
  }
  return {};
}

/// `given_up` is the table, or nothing if it must stay as it is.
Result<CohortWithFlow> Build(const Contract& contract,
                             const DataTable& table,
                             DataTable* given_up,
                             const std::vector<std::string>& columns,
                             const std::vector<std::string>& with_gaps) {
  TRY_STATUS(CheckShape(contract, table));
  CohortWithFlow result;
  RowsLeft rows(table.patients, result.flow);
  if (!table.excluded.empty()) {
    rows.Keep("excluded by this site", [&table](std::size_t row) { return !table.excluded[row]; });
  }

  Columns all(contract, table);
  TRY_STATUS(ForEachRule(contract, all, [&](std::string reason, auto satisfies) {
    rows.Keep(std::move(reason), satisfies);
  }));

  std::vector<double> numbers;
  std::vector<const std::vector<double>*> chosen;
  for (const std::string& name : columns) {
    if (name == kPatientColumn) {
      numbers = PatientNumbers(table.patients);
      chosen.push_back(&numbers);
      continue;
    }
    const std::optional<std::size_t> place = contract.PlaceOf(name);
    if (!place) return Fail(ErrorCode::kInvalidArgument, "the contract has no column " + name);
    const std::vector<double>& values = all.At(*place);
    chosen.push_back(&values);
    if (std::find(with_gaps.begin(), with_gaps.end(), name) != with_gaps.end()) continue;
    rows.Keep(name + " missing", [&values](std::size_t row) { return !std::isnan(values[row]); });
  }

  result.cohort.patients = rows.patients();
  result.flow.rows_left = rows.count();
  result.flow.patients_left = result.cohort.patients;
  TRY_STATUS(CheckSize(contract, rows));
  result.cohort.columns = columns;
  result.cohort.values.resize(static_cast<Eigen::Index>(rows.count()),
                              static_cast<Eigen::Index>(columns.size()));
  PreferLargePages(result.cohort.values.data(),
                   sizeof(double) * static_cast<std::size_t>(result.cohort.values.size()));
  FillMatrix(chosen, rows, given_up, result.cohort.values);
  ReserveLarge(result.rows, rows.count());
  for (std::size_t row = 0; row < rows.all(); ++row) {
    if (rows.Has(row)) result.rows.push_back(row);
  }
  return result;
}

}  // namespace

double PatientNumber(std::string_view patient) {
  const Digest digest = Hasher("consilium/patient/v1").Add(patient).Finish();
  return static_cast<double>(LoadU64(digest.span().first(8)) >> 11);
}

Result<std::vector<bool>> EligibleRows(const Contract& contract, const DataTable& table) {
  TRY_STATUS(CheckShape(contract, table));
  std::vector<bool> eligible(table.patients.size(), true);
  Columns all(contract, table);
  TRY_STATUS(ForEachRule(contract, all, [&](const std::string&, auto satisfies) {
    for (std::size_t row = 0; row < eligible.size(); ++row) {
      if (!satisfies(row)) eligible[row] = false;
    }
  }));
  return eligible;
}

Result<CohortWithFlow> BuildCohort(const Contract& contract,
                                   const DataTable& table,
                                   const std::vector<std::string>& columns,
                                   const std::vector<std::string>& with_gaps) {
  return Build(contract, table, nullptr, columns, with_gaps);
}

Result<CohortWithFlow> BuildCohort(const Contract& contract,
                                   DataTable&& table,
                                   const std::vector<std::string>& columns,
                                   const std::vector<std::string>& with_gaps) {
  return Build(contract, table, &table, columns, with_gaps);
}

}  // namespace consilium
