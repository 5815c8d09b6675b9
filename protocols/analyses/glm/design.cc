#include "protocols/analyses/glm/design.h"

#include <cmath>
#include <set>
#include <utility>

#include "common/check.h"

namespace consilium::glm {
namespace {

void AppendTerms(const ContractColumn& column, std::size_t feature, std::vector<Term>& terms) {
  Term term;
  term.feature = feature;
  if (column.type == ColumnType::kCategory) {
    term.indicator = true;
    term.of_category = true;
    for (std::size_t level = 1; level < column.levels.size(); ++level) {
      term.name = column.name + "_" + column.levels[level];
      term.level = static_cast<double>(level);
      terms.push_back(term);
    }
    return;
  }
  term.name = column.name;
  term.indicator = column.type == ColumnType::kBoolean;
  if (!term.indicator) {
    CHECK(column.minimum && column.maximum);
    term.minimum = *column.minimum;
    term.maximum = *column.maximum;
  }
  terms.push_back(std::move(term));
}

bool IsAllowed(const ContractColumn& column, double value) {
  if (!std::isfinite(value)) return false;
  switch (column.type) {
    case ColumnType::kBoolean:
      return value == 0 || value == 1;
    case ColumnType::kCategory:
      return value >= 0 && value < static_cast<double>(column.levels.size()) &&
             value == std::floor(value);
    case ColumnType::kInteger:
      return value == std::floor(value) && value >= *column.minimum && value <= *column.maximum;
    case ColumnType::kNumber:
    case ColumnType::kDuration:
      return value >= *column.minimum && value <= *column.maximum;
    case ColumnType::kDate:
      return false;
  }
  return false;
}

Status CheckColumn(const ContractColumn& column, const Cohort& cohort, Eigen::Index index) {
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    if (!IsAllowed(column, cohort.values(row, index))) {
      return Fail(ErrorCode::kDataQuality,
                  "column \"" + column.name +
                      "\" has a value that is missing or outside what the "
                      "contract allows, in row " +
                      std::to_string(row + 1) + " of the cohort",
                  "correct the data or the mapping in the source file");
    }
  }
  return {};
}

}  // namespace

Result<Design> MakeDesign(const Contract& contract,
                          const ContractColumn& outcome,
                          const std::vector<std::string>& features) {
  Design design;
  design.outcome = outcome;
  design.maximum_rows = contract.maximum_patients;
  if (outcome.minimum && outcome.maximum) {
    design.outcome_minimum = *outcome.minimum;
    design.outcome_maximum = *outcome.maximum;
  }
  std::set<std::string> names = {"(Intercept)"};
  for (std::size_t i = 0; i < features.size(); ++i) {
    const ContractColumn* column = contract.Find(features[i]);
    CHECK(column != nullptr);
    design.features.push_back(*column);
    AppendTerms(*column, i, design.terms);
  }
  for (const Term& term : design.terms) {
    if (!names.insert(term.name).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "two features would give a coefficient called \"" + term.name + "\"",
                  "rename a column or a level in the contract");
    }
  }
  return design;
}

void ExpandRow(const Design& design, const double* row, std::span<double> terms) {
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const Term& term = design.terms[j];
    const double value = row[1 + term.feature];
    terms[j] = term.of_category ? (value == term.level ? 1.0 : 0.0) : value;
  }
}

Status CheckCohort(const Design& design, const Cohort& cohort) {
  const std::size_t columns = 1 + design.features.size();
  if (cohort.columns.size() != columns || cohort.columns[0] != design.outcome.name ||
      cohort.values.cols() != static_cast<Eigen::Index>(columns)) {
    return Fail(ErrorCode::kInvalidArgument, "the cohort does not have the analysis's columns");
  }
  for (std::size_t j = 0; j < design.features.size(); ++j) {
    if (cohort.columns[1 + j] != design.features[j].name) {
      return Fail(ErrorCode::kInvalidArgument, "the cohort does not have the analysis's columns");
    }
  }
  const auto rows = static_cast<std::uint64_t>(cohort.values.rows());
  if (rows > design.maximum_rows || cohort.patients > rows) {
    return Fail(ErrorCode::kDataQuality,
                "the cohort has more rows than the contract's maximum_patients");
  }
  TRY_STATUS(CheckColumn(design.outcome, cohort, 0));
  for (std::size_t j = 0; j < design.features.size(); ++j) {
    TRY_STATUS(CheckColumn(design.features[j], cohort, static_cast<Eigen::Index>(j + 1)));
  }
  return {};
}

}  // namespace consilium::glm
