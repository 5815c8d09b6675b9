#include "protocols/analyses/survival/site.h"

#include <algorithm>
#include <span>
#include <vector>

#include "protocols/analyses/cox/follow_up.h"
#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/survival/log_rank.h"

namespace consilium::survival {
namespace {

/// A site's rows: one entry each.
struct Rows {
  std::vector<bool> event;
  std::vector<double> time;
  std::vector<std::size_t> group;
};

Rows ReadRows(const SurvivalPlan& plan, const CohortView& cohort) {
  Rows rows;
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
    rows.event.push_back(cohort.values(i, 0) > 0.5);
    rows.time.push_back(cohort.values(i, 1));
    rows.group.push_back(plan.has_groups() ? static_cast<std::size_t>(cohort.values(i, 2)) : 0);
  }
  return rows;
}

void CountEvents(const Rows& rows, const SurvivalPlan& plan, std::span<double> sums) {
  for (std::size_t i = 0; i < rows.time.size(); ++i) {
    if (rows.event[i]) ++sums[plan.BinOf(rows.time[i])];
  }
}

/// `events` and `censored` are groups x merged bins.
void CountTable(const Rows& rows,
                const SurvivalPlan& plan,
                const std::vector<std::uint32_t>& ends,
                std::span<double> events,
                std::span<double> censored) {
  for (std::size_t i = 0; i < rows.time.size(); ++i) {
    const auto bin = static_cast<std::uint32_t>(plan.BinOf(rows.time[i]));
    const auto at = std::lower_bound(ends.begin(), ends.end(), bin) - ends.begin();
    const std::size_t cell = rows.group[i] * ends.size() + static_cast<std::size_t>(at);
    ++(rows.event[i] ? events : censored)[cell];
  }
}

/// Over this site's own times, from the longest down.
LogRankSums OwnLogRank(const Rows& rows, std::size_t groups) {
  LogRankSums sums(groups);
  const cox::TimeOrder times = cox::OrderByTime(rows.time);
  std::vector<double> at_risk(groups, 0.0);
  std::vector<double> events(groups);
  for (const cox::TiedRows& tied : times.groups) {
    std::fill(events.begin(), events.end(), 0.0);
    for (std::size_t i = tied.begin; i < tied.end; ++i) {
      const std::size_t row = times.order[i];
      ++at_risk[rows.group[row]];
      if (rows.event[row]) ++events[rows.group[row]];
    }
    sums.Add(at_risk, events);
  }
  return sums;
}

void AddLogRank(const LogRankSums& own, std::span<double> sums) {
  const std::size_t groups = own.expected.size();
  std::copy(own.expected.begin(), own.expected.end(), sums.begin());
  std::size_t at = groups;
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t h = g; h < groups; ++h) sums[at++] = own.variance(g, h);
  }
}

}  // namespace

Result<Contribution> AnswerQuery(const SurvivalQuery& query,
                                 const SurvivalPlan& plan,
                                 const CohortView& cohort) {
  TRY_STATUS(glm::CheckCohort(plan.design, cohort));
  Contribution contribution;
  std::vector<double>& values = contribution.values;
  for (const Slice& slice : DescribeQuery(query, plan)) {
    values.resize(values.size() + slice.slot.count, 0.0);
  }
  const Rows rows = ReadRows(plan, cohort);
  values[0] = static_cast<double>(cohort.values.rows());
  values[1] = static_cast<double>(cohort.patients);
  values[2] = static_cast<double>(std::count(rows.event.begin(), rows.event.end(), true));
  const std::span<double> rest = std::span(values).subspan(kCommonSums);
  if (query.step == Step::kGrid) {
    CountEvents(rows, plan, rest);
    return contribution;
  }
  const std::size_t cells = plan.groups.size() * query.ends.size();
  CountTable(rows, plan, query.ends, rest.first(cells), rest.subspan(cells, cells));
  if (plan.has_groups()) {
    AddLogRank(OwnLogRank(rows, plan.groups.size()), rest.subspan(2 * cells));
  }
  return contribution;
}

}  // namespace consilium::survival
