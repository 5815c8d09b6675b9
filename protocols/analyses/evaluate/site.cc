#include "protocols/analyses/evaluate/site.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "protocols/analyses/logistic/logistic.h"

namespace consilium::evaluate {
namespace {

/// One row, as the counting answer sees it.
struct Judged {
  bool event = false;
  double error = 0;  ///< Outcome less probability.
  double loss = 0;
};

void AddToGroup(const Prediction& prediction,
                const Judged& judged,
                std::size_t group,
                std::size_t score_cell,
                const Counts& counts) {
  counts.rows[group] += 1;
  counts.events[group] += judged.event ? 1 : 0;
  counts.predicted[group] += prediction.probability;
  counts.squares[group] += judged.error * judged.error;
  counts.losses[group] += judged.loss;
  (judged.event ? counts.event_scores : counts.other_scores)[score_cell] += 1;
}

void AddRow(const EvaluatePlan& plan,
            const Prediction& prediction,
            const Judged& judged,
            const std::vector<std::size_t>& groups,
            const Counts& counts) {
  const std::size_t score = plan.ScoreBinOf(prediction.log_odds);
  for (const std::size_t group : groups) {
    AddToGroup(prediction, judged, group, group * plan.score_bins + score, counts);
  }
  const double square = judged.error * judged.error;
  counts.fourth_powers[0] += square * square;
  counts.squared_losses[0] += judged.loss * judged.loss;
  counts.extreme[0] += prediction.held ? 1 : 0;
  const std::size_t bin = plan.BinOf(prediction.probability);
  (judged.event ? counts.bin_events : counts.bin_others)[bin] += 1;
  counts.bin_predicted[bin] += prediction.probability;
}

/// Score and weight of the models at one row. `place` has each group's among the query's levels,
/// or none.
void AddDerivatives(const EvaluateQuery& query,
                    const glm::Family& logistic,
                    double log_odds,
                    double outcome,
                    const std::vector<std::size_t>& groups,
                    const std::vector<std::size_t>& place,
                    const Derivatives& sums) {
  const std::vector<double>& c = query.coefficients;
  const auto add = [&](double eta, std::size_t score, std::size_t weight) {
    const glm::RowTerms row = logistic.AtRow(eta, outcome, 0);
    sums.deviance[0] += row.deviance;
    sums.score[score] += row.score;
    sums.weights[weight] += row.weight;
    return row;
  };
  add(log_odds + c[0], 0, 0);
  if (query.slope) {
    const glm::RowTerms row = add(log_odds + c[1] + c[2] * log_odds, 1, 1);
    sums.score[2] += row.score * log_odds;
    sums.weights[2] += row.weight * log_odds;
    sums.weights[3] += row.weight * log_odds * log_odds;
  }
  for (std::size_t i = 1; i < groups.size(); ++i) {
    const std::size_t level = place[groups[i] - 1];
    if (level == query.levels.size()) continue;
    const std::size_t at = query.first_level() + level;
    add(log_odds + c[at], at, query.weights() - query.levels.size() + level);
  }
}

/// Each level's place among those of the query; their number where it is not one of them.
std::vector<std::size_t> PlacesOf(const EvaluateQuery& query, const EvaluatePlan& plan) {
  std::vector<std::size_t> places(plan.levels(), query.levels.size());
  for (std::size_t i = 0; i < query.levels.size(); ++i) places[query.levels[i]] = i;
  return places;
}

}  // namespace

Prediction PredictionOf(const EvaluatePlan& plan, const double* row) {
  Prediction prediction;
  if (!plan.has_model()) {
    prediction.probability = row[1];
    const double held = std::clamp(row[1], kSmallestProbability, 1 - kSmallestProbability);
    prediction.held = held != row[1];
    prediction.log_odds = std::log(held / (1 - held));
    return prediction;
  }
  double log_odds = plan.intercept;
  const double* const features = row + plan.design.first_feature();
  for (std::size_t j = 0; j < plan.coefficients.size(); ++j) {
    const glm::Term& term = plan.design.terms[j];
    log_odds +=
        plan.coefficients[j] * glm::TermOf(term.of_category, term.level, features[term.feature]);
  }
  prediction.log_odds = log_odds;
  const double e = std::exp(-std::abs(log_odds));
  prediction.probability = (log_odds > 0 ? 1 : e) / (1 + e);
  return prediction;
}

Status AnswerQuery(const EvaluateQuery& query,
                   const EvaluatePlan& plan,
                   const CohortView& cohort,
                   std::span<double> values) {
  TRY_STATUS(glm::CheckCohort(plan.design, cohort));
  std::fill(values.begin(), values.end(), 0.0);
  const bool counting = query.step == Step::kCounts;
  const Counts counts = counting ? SplitCounts(plan, values) : Counts{};
  const Derivatives sums = counting ? Derivatives{} : SplitDerivatives(query, values);
  const std::vector<std::size_t> places = PlacesOf(query, plan);
  const std::unique_ptr<glm::Family> logistic = MakeLogisticFamily();
  GroupsOfRow groups(plan.subgroups);
  (counting ? counts.patients : sums.patients)[0] = static_cast<double>(cohort.patients);
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    const double outcome = row[0];
    const Prediction prediction = PredictionOf(plan, row);
    if (!counting) {
      sums.rows[0] += 1;
      AddDerivatives(query, *logistic, prediction.log_odds, outcome, groups.Of(row), places, sums);
      continue;
    }
    const glm::RowTerms terms = logistic->AtRow(prediction.log_odds, outcome, 0);
    // The score keeps the digits of 1 - probability; a held log odds has another probability.
    const double error = plan.has_model() ? terms.score : outcome - prediction.probability;
    AddRow(plan, prediction, {outcome > 0.5, error, terms.deviance / 2}, groups.Of(row), counts);
  }
  return {};
}

}  // namespace consilium::evaluate
