#include "protocols/cohort.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/crypto/hash.h"
#include "protocols/derived_columns.h"

namespace consilium {
namespace {

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

std::string RuleInWords(const EligibilityRule& rule) {
  std::string text = "not eligible: " + rule.column;
  if (!rule.one_of.empty()) {
    text += rule.one_of.size() == 1 ? " " : " one of ";
    for (std::size_t i = 0; i < rule.one_of.size(); ++i) {
      text += (i == 0 ? "" : ", ") + rule.one_of[i];
    }
    return text;
  }
  if (rule.minimum) text += " at least " + Number(*rule.minimum);
  if (rule.minimum && rule.maximum) text += " and";
  if (rule.maximum) text += " at most " + Number(*rule.maximum);
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

/// Removes from `rows` what `keep` turns down and records how many that were.
template <class Predicate>
void Step(std::vector<std::size_t>& rows, CohortFlow& flow, std::string reason, Predicate keep) {
  const std::size_t before = rows.size();
  std::erase_if(rows, [&keep](std::size_t row) { return !keep(row); });
  flow.removed.push_back({std::move(reason), before - rows.size()});
}

/// The rows with the chosen columns' values.
Cohort MakeCohort(const DataTable& table,
                  const std::vector<std::string>& columns,
                  const std::vector<std::size_t>& rows,
                  const std::vector<const std::vector<double>*>& chosen) {
  Cohort cohort;
  cohort.columns = columns;
  cohort.values.resize(static_cast<Eigen::Index>(rows.size()),
                       static_cast<Eigen::Index>(columns.size()));
  std::set<std::string_view> patients;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    patients.insert(table.patients[rows[i]]);
    for (std::size_t j = 0; j < chosen.size(); ++j) {
      cohort.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
          (*chosen[j])[rows[i]];
    }
  }
  cohort.patients = patients.size();
  return cohort;
}

}  // namespace

double PatientNumber(std::string_view patient) {
  const Digest digest = Hasher("consilium/patient/v1").Add(patient).Finish();
  return static_cast<double>(LoadU64(digest.span().first(8)) >> 11);
}

Result<CohortWithFlow> BuildCohort(const Contract& contract,
                                   const DataTable& table,
                                   const std::vector<std::string>& columns,
                                   const std::vector<std::string>& with_gaps) {
  TRY_STATUS(CheckShape(contract, table));
  CohortWithFlow result;
  std::vector<std::size_t> rows(table.patients.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  result.flow.rows_read = rows.size();
  if (!table.excluded.empty()) {
    Step(rows, result.flow, "excluded by this site",
         [&table](std::size_t row) { return !table.excluded[row]; });
  }

  Columns all(contract, table);
  for (const EligibilityRule& rule : contract.eligibility) {
    const std::optional<std::size_t> place = contract.PlaceOf(rule.column);
    if (!place) {
      return Fail(ErrorCode::kInvalidArgument, "the contract has no column " + rule.column);
    }
    const ContractColumn& column = contract.At(*place);
    const std::vector<double>& values = all.At(*place);
    Step(rows, result.flow, RuleInWords(rule),
         [&](std::size_t row) { return Satisfies(column, rule, values[row]); });
  }

  std::vector<double> numbers;
  std::vector<const std::vector<double>*> chosen;
  for (const std::string& name : columns) {
    if (name == kPatientColumn) {
      for (const std::string& patient : table.patients) numbers.push_back(PatientNumber(patient));
      chosen.push_back(&numbers);
      continue;
    }
    const std::optional<std::size_t> place = contract.PlaceOf(name);
    if (!place) return Fail(ErrorCode::kInvalidArgument, "the contract has no column " + name);
    const std::vector<double>& values = all.At(*place);
    chosen.push_back(&values);
    if (std::find(with_gaps.begin(), with_gaps.end(), name) != with_gaps.end()) continue;
    Step(rows, result.flow, name + " missing",
         [&values](std::size_t row) { return !std::isnan(values[row]); });
  }

  result.cohort = MakeCohort(table, columns, rows, chosen);
  result.flow.rows_left = rows.size();
  result.flow.patients_left = result.cohort.patients;
  if (rows.size() > contract.maximum_patients) {
    return Fail(ErrorCode::kDataQuality,
                "the cohort has more rows than the contract's maximum_patients allows (" +
                    std::to_string(contract.maximum_patients) + ")",
                "ask for a plan with a larger contract.maximum_patients");
  }
  result.rows = std::move(rows);
  return result;
}

}  // namespace consilium
