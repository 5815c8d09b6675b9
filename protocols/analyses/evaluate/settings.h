#pragma once

// What a plan with kind = "evaluate" says, checked: the predictions that are judged, the bins that
// they are counted in, and the subgroups.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/design.h"

namespace consilium::evaluate {

/// A column's probability nearer to 0 or 1 than this has the log odds of this: 0 and 1 have none.
inline constexpr double kSmallestProbability = 1e-6;
/// Its log odds, log((1 - 1e-6) / 1e-6), rounded up.
inline constexpr double kLargestColumnLogOdds = 13.81551;
/// Score bins divide the log odds between minus and plus this; the first and the last are open.
inline constexpr double kScoreReach = 12;

/// Of a model's coefficients and intercept.
inline constexpr double kLargestCoefficient = 1e9;

/// A boolean or category for whose levels the measures are told apart.
struct Subgroup {
  std::string column;
  std::size_t in_cohort = 0;        ///< The cohort's column.
  std::vector<std::string> levels;  ///< In the order of the column's values.
};

/// ", by a, by b and by c"; nothing without subgroups.
std::string ByInWords(const std::vector<Subgroup>& subgroups);

/// A row's groups: 0, which is all rows, then its level of each subgroup, counted on.
class GroupsOfRow {
 public:
  /// The subgroups outlive it.
  explicit GroupsOfRow(const std::vector<Subgroup>& subgroups) : subgroups_(subgroups) {}

  /// Of a row of the cohort; until the next call.
  const std::vector<std::size_t>& Of(const double* row);

 private:
  const std::vector<Subgroup>& subgroups_;
  std::vector<std::size_t> groups_;
};

struct EvaluatePlan {
  /// The outcome, then the column of predictions if one is judged, then subgroups that are no
  /// features. Features are those of the model.
  glm::Design design;
  double intercept = 0;              ///< Of the model: a log odds.
  std::vector<double> coefficients;  ///< One a term of the design; none where a column is judged.
  std::vector<Subgroup> subgroups;
  std::size_t score_bins = 1'000;   ///< Of equal width in log odds, for the AUC.
  std::size_t bins = 100;           ///< Of equal width in probability, for curves.
  std::uint64_t minimum_count = 5;  ///< Rows, events and others in what is released of a part.
  double confidence = 0.95;

  bool has_model() const { return !coefficients.empty(); }
  /// Only without a model.
  const std::string& prediction() const { return design.columns[1]; }
  /// Levels of all subgroups.
  std::size_t levels() const;
  /// All rows, then each level.
  std::size_t groups() const { return 1 + levels(); }
  /// No row that the contract allows has log odds beyond.
  double LargestLogOdds() const;

  /// The lower end of a bin of probability: bin / bins.
  double LowerEnd(std::size_t bin) const {
    return static_cast<double>(bin) / static_cast<double>(bins);
  }
  /// The last bin whose lower end is not above; 1 belongs to the last.
  std::size_t BinOf(double probability) const;
  std::size_t ScoreBinOf(double log_odds) const;
  /// The middle of a score bin.
  double ScoreOf(std::size_t bin) const;
};

/// The key "subgroups": booleans and categories of the contract.
Result<std::vector<Subgroup>> ParseSubgroups(const Settings& settings, const Contract& contract);
/// Finds them among the cohort's columns.
void PlaceSubgroups(const std::vector<std::string>& columns, std::vector<Subgroup>& subgroups);
/// The table "coefficients": one number for each term. `whose` model has them is for the error of a
/// term that is forgotten, which would be a term that does not count.
Result<std::vector<double>> ParseCoefficients(const Settings& settings,
                                              const std::vector<glm::Term>& terms,
                                              const std::string& whose);
/// The key "minimum_count".
Result<std::uint64_t> ParseMinimumCount(const Settings& settings);

/// The keys "score_bins", "bins", "minimum_count" and "confidence" of a plan with its subgroups.
Status ParseBins(const Settings& settings, EvaluatePlan& plan);

/// The [analysis] table. Errors carry line and column.
Result<EvaluatePlan> ParseEvaluatePlan(const Settings& settings, const Contract& contract);

}  // namespace consilium::evaluate
