#include "protocols/analyses/cox/site.h"

#include <algorithm>
#include <span>
#include <vector>

#include "protocols/analyses/cox/concordance.h"
#include "protocols/analyses/cox/partial_likelihood.h"
#include "protocols/analyses/glm/moments.h"

namespace consilium::cox {
namespace {

constexpr Eigen::Index kEvent = 0;
constexpr Eigen::Index kTime = 1;

SurvivalRows ReadRows(const CoxQuery& query, const CoxPlan& plan, const CohortView& cohort) {
  const glm::TermReader reader(query.scaling, plan.design);
  const auto n = static_cast<std::size_t>(cohort.values.rows());
  SurvivalRows rows;
  rows.count = reader.size();
  rows.terms.resize(n * rows.count);
  std::vector<double> times;
  times.reserve(n);
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
    rows.event.push_back(cohort.values(i, kEvent) > 0.5);
    times.push_back(cohort.values(i, kTime));
    const std::size_t at = static_cast<std::size_t>(i) * rows.count;
    reader.Read(cohort.values.row(i).data(), std::span(rows.terms).subspan(at, rows.count));
  }
  rows.times = OrderByTime(times);
  return rows;
}

void AddAllMoments(const SurvivalRows& rows, std::span<double> sums) {
  for (std::size_t i = 0; i < rows.event.size(); ++i) {
    glm::AddMoments(std::span(rows.terms).subspan(i * rows.count, rows.count), sums);
  }
}

/// Equal patients get equal risks to the bit.
std::vector<double> RisksOf(const SurvivalRows& rows, std::span<const double> coefficients) {
  std::vector<double> risks;
  risks.reserve(rows.event.size());
  for (std::size_t i = 0; i < rows.event.size(); ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < rows.count; ++j) {
      eta += coefficients[j] * rows.terms[i * rows.count + j];
    }
    risks.push_back(eta);
  }
  return risks;
}

}  // namespace

Result<Contribution> AnswerQuery(const CoxQuery& query,
                                 const CoxPlan& plan,
                                 const CohortView& cohort) {
  TRY(const std::vector<Slice> slices, DescribeQuery(query, plan.design));
  TRY_STATUS(glm::CheckCohort(plan.design, cohort));
  Contribution contribution;
  std::vector<double>& values = contribution.values;
  for (const Slice& slice : slices) values.resize(values.size() + slice.slot.count, 0.0);
  SurvivalRows rows = ReadRows(query, plan, cohort);
  values[0] = static_cast<double>(cohort.values.rows());
  values[1] = static_cast<double>(cohort.patients);
  values[2] = static_cast<double>(std::count(rows.event.begin(), rows.event.end(), true));
  const std::span<double> rest = std::span(values).subspan(kCommonSums);
  switch (query.step) {
    case Step::kMoments:
      AddAllMoments(rows, rest);
      break;
    case Step::kNewton:
      CentreHere(rows);
      AddPartialLikelihood(rows, query.coefficients, plan.ties, rest);
      break;
    case Step::kConcordance: {
      const PairSums pairs = CountPairs(rows.times, rows.event, RisksOf(rows, query.coefficients));
      const double sums[] = {pairs.concordant, pairs.discordant, pairs.tied,
                             pairs.squares,    pairs.products,   pairs.counts};
      std::copy(std::begin(sums), std::end(sums), rest.begin());
      break;
    }
  }
  return contribution;
}

}  // namespace consilium::cox
