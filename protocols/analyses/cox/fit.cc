#include "protocols/analyses/cox/fit.h"

#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "protocols/analyses/cox/query.h"
#include "protocols/analyses/glm/moments.h"
#include "protocols/analyses/glm/newton.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::cox {
namespace {

/// The pairs, and the likelihood at zero where sites were lost.
constexpr std::uint32_t kRoundsBehind = 2;

struct CommonSums {
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint64_t events = 0;
  std::uint32_t sites = 0;
};

/// A round's sums, behind the ones that all rounds have.
struct Round {
  CommonSums common;
  std::vector<double> values;
};

Result<Round> Ask(Federation& federation, const CoxQuery& query, std::size_t expected) {
  const Aggregate aggregate = federation.Sum(EncodeQuery(query));
  if (aggregate.values.size() != kCommonSums + expected) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  Round round;
  std::uint64_t* const counts[] = {&round.common.rows, &round.common.patients,
                                   &round.common.events};
  for (std::size_t i = 0; i < kCommonSums; ++i) {
    if (!(aggregate.values[i] >= 0)) {
      return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    }
    *counts[i] = static_cast<std::uint64_t>(aggregate.values[i]);
  }
  round.common.sites = aggregate.sites;
  round.values.assign(aggregate.values.begin() + kCommonSums, aggregate.values.end());
  return round;
}

Status RequireEvents(const CommonSums& common, const CoxPlan& plan) {
  if (common.events > 0) return {};
  return Fail(
      ErrorCode::kNotEstimable,
      "the event \"" + plan.event() + "\" happened to no patient, so nothing can be estimated",
      "choose another event, a longer follow-up or wider eligibility rules");
}

/// Centres and scales that are the federation's means and standard deviations.
Result<glm::Scaling> Standardise(Federation& federation, const CoxPlan& plan) {
  CoxQuery query;
  query.scaling = glm::ScalingByRange(plan.design);
  for (std::uint32_t round = 1;; ++round) {
    TRY(const Round sums, Ask(federation, query, 2 * plan.design.terms.size()));
    TRY_STATUS(RequireEvents(sums.common, plan));
    TRY(const glm::TermMoments moments,
        glm::TermMoments::From(static_cast<double>(sums.common.rows), sums.values));
    const bool is_last = !moments.LostDigits() || round == glm::kMomentRounds;
    if (is_last) TRY_STATUS(moments.RequireSpread(query.scaling, plan.design));
    moments.Recentre(query.scaling);
    if (is_last) return query.scaling;
  }
}

/// score' inverse(information) score, at zero and without a penalty; 0 where it is singular.
double ScoreStatistic(const glm::Evaluation& null) {
  constexpr double kCollinear = 1e-11;
  const glm::Cholesky factor(null.information, kCollinear);
  if (factor.singular()) return 0;
  const std::vector<double> solved = factor.Solve(null.score);
  double sum = 0;
  for (std::size_t j = 0; j < solved.size(); ++j) sum += null.score[j] * solved[j];
  return sum;
}

bool OverTheSame(const glm::Evaluation& one, const glm::Evaluation& other) {
  return one.rows == other.rows && one.sites == other.sites;
}

class PartialLikelihood final : public glm::SummedLikelihood {
 public:
  PartialLikelihood(Federation& federation, const CoxPlan& plan, const glm::Scaling& scaling)
      : federation_(federation), plan_(plan) {
    query_.step = Step::kNewton;
    query_.scaling = scaling;
  }

  Result<glm::Evaluation> At(const std::vector<double>& coefficients) override {
    const std::size_t order = coefficients.size();
    query_.coefficients = coefficients;
    TRY(const Round round, Ask(federation_, query_, 1 + order + glm::TriangleSize(order)));
    common_ = round.common;
    TRY_STATUS(RequireEvents(common_, plan_));
    glm::Evaluation evaluation;
    evaluation.rows = common_.rows;
    evaluation.sites = common_.sites;
    evaluation.deviance = round.values[0];
    glm::ReadDerivatives(round.values.data() + 1, order, evaluation);
    if (!first_) first_ = evaluation;
    return evaluation;
  }

  bool IsLastStep(const glm::Evaluation&, double decrement) const override {
    return std::abs(decrement) <= kDecrementConverged;
  }

  tl::unexpected<Error> NotIdentified(const glm::Dependence& dependence) const override {
    if (!dependence.on.empty()) return glm::CollinearError(dependence, plan_.design, 0);
    return Fail(ErrorCode::kNotEstimable,
                "the term \"" + plan_.design.terms[dependence.column].name +
                    "\" has one value among all patients at risk at each event of each site: every "
                    "site has a baseline hazard of its own, so its effect cannot be estimated",
                "leave it out of the features, or add a ridge penalty");
  }

  const CommonSums& common() const { return common_; }
  /// At zero, over the rows of `last`: that is what Newton's method began with, unless sites were
  /// lost since; then it is asked once more.
  Result<std::optional<AtZero>> Null(const glm::Evaluation& last) {
    glm::Evaluation null = *first_;
    if (!OverTheSame(null, last)) {
      TRY(null, At(std::vector<double>(plan_.design.terms.size(), 0.0)));
    }
    if (!OverTheSame(null, last)) return std::optional<AtZero>();
    return std::optional<AtZero>({-null.deviance / 2, ScoreStatistic(null)});
  }

 private:
  Federation& federation_;
  const CoxPlan& plan_;
  CoxQuery query_;
  CommonSums common_;  ///< Of the last round.
  std::optional<glm::Evaluation> first_;
};

/// b' information b
double WaldStatistic(const glm::Maximum& maximum) {
  const std::vector<double>& b = maximum.coefficients;
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) sum += b[i] * maximum.last.information(i, j) * b[j];
  }
  return sum;
}

void ToOwnUnits(const glm::Maximum& maximum, CoxFit& fit) {
  const std::size_t order = fit.standardised.size();
  for (std::size_t j = 0; j < order; ++j) {
    fit.coefficients.push_back(fit.standardised[j] / fit.deviations[j]);
  }
  if (!fit.converged) return;
  fit.covariance = glm::Symmetric(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = i; j < order; ++j) {
      fit.covariance.Set(i, j, maximum.inverse(i, j) / (fit.deviations[i] * fit.deviations[j]));
    }
  }
}

Result<std::optional<PairSums>> AskPairs(Federation& federation,
                                         const glm::Scaling& scaling,
                                         const std::vector<double>& coefficients) {
  TRY(const Round round, Ask(federation, {Step::kConcordance, scaling, coefficients}, 6));
  const std::vector<double>& sums = round.values;
  const PairSums pairs{sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]};
  if (!(pairs.concordant + pairs.discordant + pairs.tied > 0)) return std::optional<PairSums>();
  return std::optional<PairSums>(pairs);
}

}  // namespace

std::uint32_t MaximumRounds(const CoxPlan& plan) {
  return glm::kMomentRounds + plan.fit.maximum_iterations + kRoundsBehind;
}

Result<CoxFit> RunCox(Federation& federation, const CoxPlan& plan) {
  TRY(const glm::Scaling scaling, Standardise(federation, plan));
  PartialLikelihood likelihood(federation, plan, scaling);
  glm::NewtonOptions newton;
  newton.maximum_evaluations = plan.fit.maximum_iterations;
  newton.penalties.assign(plan.design.terms.size(), plan.fit.ridge);
  newton.units = glm::MovementUnits(plan.design, scaling);
  TRY(const glm::Maximum maximum, Maximise(likelihood, newton));
  CoxFit fit;
  fit.converged = maximum.converged;
  fit.separated = maximum.separated;
  fit.iterations = maximum.evaluations;
  fit.rows = likelihood.common().rows;
  fit.patients = likelihood.common().patients;
  fit.events = likelihood.common().events;
  fit.sites = likelihood.common().sites;
  fit.means = scaling.centres;
  fit.deviations = scaling.scales;
  fit.standardised = maximum.coefficients;
  fit.log_likelihood = -maximum.deviance / 2;
  TRY(fit.null, likelihood.Null(maximum.last));
  ToOwnUnits(maximum, fit);
  if (!fit.converged) return fit;
  fit.wald_statistic = WaldStatistic(maximum);
  TRY(fit.pairs, AskPairs(federation, scaling, fit.standardised));
  return fit;
}

}  // namespace consilium::cox
