#include "protocols/analyses/evaluate/survival_site.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "protocols/analyses/cox/concordance.h"
#include "protocols/analyses/cox/partial_likelihood.h"

namespace consilium::evaluate {
namespace {

/// Scores nearer to each other than this part of the largest that there may be are alike where it
/// matters whether a slope has an estimate: they may differ by rounding alone.
constexpr double kAlike = 1e-12;

/// A group's rows as survival analyses take them.
struct GroupRows {
  cox::TimeOrder times;
  std::vector<bool> event;
  std::vector<double> scores;
};

/// Of each group that the query asks for, in one pass over the cohort.
std::vector<GroupRows> ReadGroups(const SurvivalPlan& plan,
                                  const CohortView& cohort,
                                  const std::vector<std::uint32_t>& asked) {
  const std::size_t none = asked.size();
  std::vector<std::size_t> place_of(plan.groups(), none);
  for (std::size_t i = 0; i < asked.size(); ++i) place_of[asked[i]] = i;
  std::vector<GroupRows> groups(asked.size());
  std::vector<std::vector<double>> times(asked.size());
  GroupsOfRow groups_of(plan.subgroups);
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    const double score = plan.ScoreOf(row);
    for (const std::size_t group : groups_of.Of(row)) {
      const std::size_t place = place_of[group];
      if (place == none) continue;
      times[place].push_back(row[SurvivalPlan::kTime]);
      groups[place].event.push_back(row[SurvivalPlan::kEvent] > 0.5);
      groups[place].scores.push_back(score);
    }
  }
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].times = cox::OrderByTime(times[i]);
  return groups;
}

void Count(const SurvivalQuery& query,
           const SurvivalPlan& plan,
           const CohortView& cohort,
           const SurvivalSums& sums) {
  GroupsOfRow groups_of(plan.subgroups);
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    const double event = row[SurvivalPlan::kEvent] > 0.5 ? 1 : 0;
    const double score = (plan.ScoreOf(row) - query.centre) / query.scale;
    sums.score_sum[0] += score;
    sums.score_squares[0] += score * score;
    for (const std::size_t group : groups_of.Of(row)) {
      sums.rows[group] += 1;
      sums.events[group] += event;
    }
  }
}

/// Events at which somebody at risk has a higher score, and a lower one.
void AddDisorder(const SurvivalPlan& plan, const GroupRows& rows, std::span<double> sums) {
  const SurvivalPlan::Range range = plan.Scores();
  const double alike = kAlike * std::max(std::abs(range.minimum), std::abs(range.maximum));
  double highest = -std::numeric_limits<double>::infinity();
  double lowest = std::numeric_limits<double>::infinity();
  for (const cox::TiedRows& tied : rows.times.groups) {
    for (std::size_t i = tied.begin; i < tied.end; ++i) {
      const double score = rows.scores[rows.times.order[i]];
      highest = std::max(highest, score);
      lowest = std::min(lowest, score);
    }
    for (std::size_t i = tied.begin; i < tied.end; ++i) {
      const std::size_t row = rows.times.order[i];
      if (!rows.event[row]) continue;
      sums[0] += highest > rows.scores[row] + alike ? 1 : 0;
      sums[1] += lowest < rows.scores[row] - alike ? 1 : 0;
    }
  }
}

void AddPairs(const SurvivalPlan& plan,
              const CohortView& cohort,
              const SurvivalQuery& query,
              const SurvivalSums& sums) {
  const std::vector<GroupRows> groups = ReadGroups(plan, cohort, query.groups);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const GroupRows& rows = groups[i];
    const cox::PairSums pairs = cox::CountPairs(rows.times, rows.event, rows.scores);
    const double counts[] = {pairs.concordant, pairs.discordant, pairs.tied};
    const double spread[] = {pairs.squares, pairs.products, pairs.counts};
    std::copy_n(counts, 3, sums.pairs.subspan(3 * i).begin());
    std::copy_n(spread, 3, sums.spread.subspan(3 * i).begin());
    AddDisorder(plan, rows, sums.disorder.subspan(2 * i, 2));
  }
}

void AddDerivatives(const SurvivalPlan& plan,
                    const CohortView& cohort,
                    const SurvivalQuery& query,
                    const SurvivalSums& sums) {
  std::vector<GroupRows> groups = ReadGroups(plan, cohort, query.groups);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    GroupRows& group = groups[i];
    cox::SurvivalRows rows;
    rows.count = 1;
    rows.times = std::move(group.times);
    rows.event = std::move(group.event);
    rows.terms = std::move(group.scores);
    for (double& term : rows.terms) term = (term - query.centre) / query.scale;
    cox::CentreHere(rows);
    double derivatives[3] = {0, 0, 0};
    cox::AddPartialLikelihood(rows, std::span(query.coefficients).subspan(i, 1), plan.ties,
                              derivatives);
    sums.deviance[0] += derivatives[0];
    sums.score[i] += derivatives[1];
    sums.information[i] += derivatives[2];
  }
}

}  // namespace

Status AnswerSurvivalQuery(const SurvivalQuery& query,
                           const SurvivalPlan& plan,
                           const CohortView& cohort,
                           std::span<double> values) {
  TRY_STATUS(glm::CheckCohort(plan.design, cohort));
  std::fill(values.begin(), values.end(), 0.0);
  const SurvivalSums sums = SplitSurvivalSums(query, plan, values);
  sums.patients[0] = static_cast<double>(cohort.patients);
  if (query.step == SurvivalStep::kCounts) {
    Count(query, plan, cohort, sums);
    return {};
  }
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    sums.rows[0] += 1;
    sums.events[0] += row[SurvivalPlan::kEvent] > 0.5 ? 1 : 0;
  }
  if (query.step == SurvivalStep::kPairs) {
    AddPairs(plan, cohort, query, sums);
  } else {
    AddDerivatives(plan, cohort, query, sums);
  }
  return {};
}

}  // namespace consilium::evaluate
