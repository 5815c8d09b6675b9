#include "protocols/analyses/glm/design.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "common/check.h"
#include "protocols/derived_columns.h"

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

bool AllAllowed(std::span<const ColumnRule> rules, const CohortView& cohort) {
  const double* value = cohort.values.data();
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    for (const ColumnRule& rule : rules) {
      if (!rule.Allows(*value++)) return false;
    }
  }
  return true;
}

/// Names the first row of the first column with a value that is not allowed.
Status CheckColumns(const Design& design, const CohortView& cohort) {
  if (AllAllowed(design.rules, cohort)) return {};
  for (Eigen::Index column = 0; column < cohort.values.cols(); ++column) {
    const auto index = static_cast<std::size_t>(column);
    for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
      if (design.rules[index].Allows(cohort.values(row, column))) continue;
      return Fail(ErrorCode::kDataQuality,
                  "column \"" + cohort.columns[index] +
                      "\" has a value that is missing or outside what the "
                      "contract allows, in row " +
                      std::to_string(row + 1) + " of the cohort",
                  "correct the data or the mapping in the source file");
    }
  }
  return {};
}

/// A column that both a feature and an outcome are made of; empty if there is none.
std::string ToldBy(const Contract& contract,
                   const std::string& feature,
                   const std::vector<std::string>& outcomes) {
  const std::set<std::string> told = MadeOf(contract, *contract.PlaceOf(feature));
  for (const std::string& outcome : outcomes) {
    for (const std::string& name : MadeOf(contract, *contract.PlaceOf(outcome))) {
      if (told.contains(name)) return name;
    }
  }
  return {};
}

/// The name of a series stands for all its columns.
std::vector<std::string> WithoutSeries(const Contract& contract,
                                       const std::vector<std::string>& names) {
  std::vector<std::string> columns;
  for (const std::string& name : names) {
    const std::vector<std::string> found = contract.ColumnsOf(name);
    columns.insert(columns.end(), found.begin(), found.end());
    if (found.empty()) columns.push_back(name);
  }
  return columns;
}

}  // namespace

ColumnRule RuleOf(const ContractColumn& column) {
  switch (column.type) {
    case ColumnType::kBoolean:
      return {0, 1, true};
    case ColumnType::kCategory:
      return {0, static_cast<double>(column.levels.size()) - 1, true};
    case ColumnType::kInteger:
      return {*column.minimum, *column.maximum, true};
    case ColumnType::kNumber:
    case ColumnType::kDuration:
      return {*column.minimum, *column.maximum, false};
    case ColumnType::kDate:
      break;
  }
  return {1, 0, false};
}

Result<ContractColumn> ParseColumn(const Settings& settings,
                                   std::string_view key,
                                   const Contract& contract) {
  TRY(const std::string name, settings.Text(key));
  const ContractColumn* column = contract.Find(name);
  if (column != nullptr) return *column;
  return settings.FailAt(key, NoColumn(contract, name));
}

Result<std::vector<std::string>> ParseFeatures(const Settings& settings,
                                               const Contract& contract,
                                               const std::vector<std::string>& outcomes) {
  TRY(std::vector<std::string> features, settings.Texts("features"));
  if (features.empty()) return settings.FailAt("features", "at least one feature is needed");
  features = WithoutSeries(contract, features);
  std::set<std::string> seen;
  for (const std::string& name : features) {
    const ContractColumn* column = contract.Find(name);
    if (column == nullptr) {
      return settings.FailAt("features", NoColumn(contract, name));
    }
    if (std::find(outcomes.begin(), outcomes.end(), name) != outcomes.end()) {
      return settings.FailAt("features", "\"" + name + "\" is the outcome and a feature at once");
    }
    if (const std::string told = ToldBy(contract, name, outcomes); !told.empty()) {
      return settings.FailAt("features", "\"" + name + "\" is made of \"" + told +
                                             "\", as is the outcome: it would predict itself");
    }
    if (!seen.insert(name).second) {
      return settings.FailAt("features", "\"" + name + "\" is listed twice");
    }
    if (column->type == ColumnType::kDate) {
      return settings.FailAt("features", "the date \"" + name + "\" cannot be a feature",
                             "give an age or a duration as a column of its own");
    }
  }
  return features;
}

Status CheckYesNo(const ContractColumn& column) {
  switch (column.type) {
    case ColumnType::kBoolean:
      return {};
    case ColumnType::kCategory:
      if (column.levels.size() == 2) return {};
      break;
    case ColumnType::kInteger:
    case ColumnType::kNumber:
      if (column.minimum == 0.0 && column.maximum == 1.0) return {};
      break;
    case ColumnType::kDate:
    case ColumnType::kDuration:
      break;
  }
  return Fail(ErrorCode::kInvalidArgument, "\"" + column.name + "\" is no yes/no outcome",
              "use a boolean, a category of two levels (the second counts as yes), or a number "
              "with range = [0, 1] that is 0 or 1");
}

std::string FeaturesInWords(const Design& design) {
  std::vector<std::string> names;
  std::string series;
  std::size_t count = 0;  // Of the series so far.
  for (const ContractColumn& feature : design.features) {
    count = !feature.series.empty() && feature.series == series ? count + 1 : 1;
    series = feature.series;
    if (count > 1) {
      names.back() = std::to_string(count) + " of " + series;
    } else {
      names.push_back(feature.name);
    }
  }
  std::string words;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) words += i + 1 == names.size() ? " and " : ", ";
    words += names[i];
  }
  return words;
}

std::string VariablesInWords(const Design& design) {
  return design.outcome.name + " on " + FeaturesInWords(design);
}

Result<Design> MakeDesign(const Contract& contract,
                          const std::vector<ContractColumn>& outcomes,
                          const std::vector<std::string>& features) {
  Design design;
  const ContractColumn& outcome = outcomes.front();
  design.outcome = outcome;
  design.maximum_rows = contract.maximum_patients;
  for (const ContractColumn& column : outcomes) {
    design.columns.push_back(column.name);
    design.rules.push_back(RuleOf(column));
  }
  if (outcome.minimum && outcome.maximum) {
    design.outcome_minimum = *outcome.minimum;
    design.outcome_maximum = *outcome.maximum;
  }
  std::set<std::string> names = {"(Intercept)"};
  for (std::size_t i = 0; i < features.size(); ++i) {
    const ContractColumn* column = contract.Find(features[i]);
    CHECK(column != nullptr);
    design.features.push_back(*column);
    design.columns.push_back(column->name);
    design.rules.push_back(RuleOf(*column));
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

Status CheckCohort(const Design& design, const CohortView& cohort) {
  if (!std::equal(cohort.columns.begin(), cohort.columns.end(), design.columns.begin(),
                  design.columns.end()) ||
      cohort.values.cols() != static_cast<Eigen::Index>(design.columns.size())) {
    return Fail(ErrorCode::kInvalidArgument, "the cohort does not have the analysis's columns");
  }
  const auto rows = static_cast<std::uint64_t>(cohort.values.rows());
  if (rows > design.maximum_rows || cohort.patients > rows) {
    return Fail(ErrorCode::kDataQuality,
                "the cohort has more rows than the contract's maximum_patients");
  }
  return CheckColumns(design, cohort);
}

}  // namespace consilium::glm
