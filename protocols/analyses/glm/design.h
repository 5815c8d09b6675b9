#pragma once

// The columns of a regression's design matrix, made from the plan's features and the contract
// alone, so that every site and the coordinator agree on them without seeing a patient.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium::glm {

/// One column of the design matrix beside the intercept.
struct Term {
  std::string name;         ///< "age"; for a category "cp_2": feature, underscore, level.
  std::size_t feature = 0;  ///< Index into the features.
  bool indicator = false;   ///< 0/1: a boolean, or one level of a category.
  double level = 0;         ///< Of a category: the level index that this term marks.
  bool of_category = false;
  double minimum = 0;
  double maximum = 1;
};

/// A term's number for a row whose feature has this value: the value, or whether it is the level.
inline double TermOf(bool of_category, double level, double value) {
  return of_category ? (value == level ? 1.0 : 0.0) : value;
}

/// What the contract allows in a column, as numbers: nothing when the minimum is the larger.
struct ColumnRule {
  double minimum = 0;
  double maximum = 1;
  bool whole = false;  ///< No fractions.

  /// False for a missing value, too.
  bool Allows(double value) const {
    return value >= minimum && value <= maximum && (!whole || value == std::floor(value));
  }
};
ColumnRule RuleOf(const ContractColumn& column);

/// A regression's variables, all from the contract.
struct Design {
  ContractColumn outcome;  ///< The first of the cohort's columns.
  std::vector<ContractColumn> features;
  std::vector<Term> terms;
  std::vector<std::string> columns;  ///< Of the cohort: outcomes, then features.
  std::vector<ColumnRule> rules;     ///< One per column of the cohort.
  double outcome_minimum = 0;        ///< As a number: a boolean or a two-level category is 0 or 1.
  double outcome_maximum = 1;
  std::uint64_t maximum_rows = 0;

  std::size_t first_feature() const { return columns.size() - features.size(); }
};

/// "A" 's values as numbers: booleans and categories become indicators, the first level of a
/// category is the reference. kInvalidArgument if two terms would have one name.
Result<Design> MakeDesign(const Contract& contract,
                          const std::vector<ContractColumn>& outcomes,
                          const std::vector<std::string>& features);

/// The plan's key `key`: a contract column.
Result<ContractColumn> ParseColumn(const Settings& settings,
                                   std::string_view key,
                                   const Contract& contract);

/// The plan's key "features": contract columns that are no dates and no outcome, each once.
Result<std::vector<std::string>> ParseFeatures(const Settings& settings,
                                               const Contract& contract,
                                               const std::vector<std::string>& outcomes);

/// Whether a column says yes or no: kInvalidArgument with what would, if it does not.
Status CheckYesNo(const ContractColumn& column);

/// "age, sex and thalach"
std::string FeaturesInWords(const Design& design);
/// "disease on age, sex and thalach"
std::string VariablesInWords(const Design& design);

/// kDataQuality naming the column if the cohort is not what the contract promises: other columns,
/// too many rows, a value that is missing, not finite, out of range, or no level. Never the value.
Status CheckCohort(const Design& design, const CohortView& cohort);

}  // namespace consilium::glm
