#include "protocols/analyses/glm/moments.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace consilium::glm {
namespace {

/// A variance below this part of the mean square has lost digits in the subtraction: ask again,
/// about the mean.
constexpr double kLostDigits = 1e-3;
/// Below this part of the mean square a variance is rounding: the term is constant.
constexpr double kConstant = 1e-14;
/// A standard deviation below this part of the range is taken for a constant, too.
constexpr double kConstantInRange = 1e-10;

/// Mean and sample standard deviation in the query's units.
struct Moment {
  double mean = 0;
  double variance = 0;
  bool lost_digits = false;
};

Moment MomentOf(double n, double sum, double squares) {
  Moment moment;
  moment.mean = sum / n;
  const double mean_square = squares / n;
  const double spread = mean_square - moment.mean * moment.mean;
  moment.lost_digits = spread < kLostDigits * mean_square;
  if (spread > kConstant * mean_square) moment.variance = spread * (n / (n - 1));
  return moment;
}

tl::unexpected<Error> ConstantError(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "\"" : ", \"") + name + "\"";
  return Fail(ErrorCode::kNotEstimable,
              (names.size() == 1 ? "the term " + list + " has" : "the terms " + list + " have") +
                  " the same value for every patient in the federation, so no effect can be "
                  "estimated",
              "leave it out of the features, or merge the level with another in the contract");
}

struct MomentRound {
  CommonSums common;
  std::vector<Moment> terms;
  Moment outcome;
};

Result<MomentRound> AskMoments(Federation& federation,
                               const GlmQuery& query,
                               const Design& design,
                               const Family& family) {
  const std::size_t outcomes = family.OutcomeSlices(1, 1).size();
  const std::size_t count = design.terms.size();
  const Aggregate aggregate = federation.Sum(EncodeQuery(query));
  MomentRound round;
  TRY(round.common, ReadCommon(aggregate, 2 + outcomes + 2 * count, outcomes));
  const double n = round.common.sums.rows;
  if (n < 2) {
    return Fail(ErrorCode::kNotEstimable, "fewer than two complete cases in the whole federation");
  }
  const double* sums = aggregate.values.data() + 2 + outcomes;
  for (std::size_t j = 0; j < count; ++j) {
    round.terms.push_back(MomentOf(n, sums[j], sums[count + j]));
  }
  if (family.gaussian()) {
    round.outcome = MomentOf(n, round.common.sums.outcome[0], round.common.sums.outcome[1]);
  }
  return round;
}

/// Moves the query's centres and scales to the means and standard deviations just found.
void Recentre(const MomentRound& round, const Family& family, GlmQuery& query) {
  for (std::size_t j = 0; j < round.terms.size(); ++j) {
    query.centres[j] += query.scales[j] * round.terms[j].mean;
    query.scales[j] *= std::sqrt(round.terms[j].variance);
  }
  if (family.gaussian()) {
    query.outcome_centre += query.outcome_scale * round.outcome.mean;
    query.outcome_scale *= std::sqrt(round.outcome.variance);
  }
}

Status RequireSpread(const GlmQuery& query,
                     const MomentRound& round,
                     const Design& design,
                     const Family& family) {
  std::vector<std::string> constant;
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const double range = design.terms[j].maximum - design.terms[j].minimum;
    const double deviation = query.scales[j] * std::sqrt(round.terms[j].variance);
    if (!(deviation > kConstantInRange * range)) constant.push_back(design.terms[j].name);
  }
  if (!constant.empty()) return ConstantError(constant);
  const double range = design.outcome_maximum - design.outcome_minimum;
  if (family.gaussian() &&
      !(query.outcome_scale * std::sqrt(round.outcome.variance) > kConstantInRange * range)) {
    return Fail(ErrorCode::kNotEstimable,
                "the outcome \"" + design.outcome.name + "\" is the same for every patient");
  }
  if (const std::optional<std::string> reason = family.Degenerate(round.common.sums)) {
    return Fail(
        ErrorCode::kNotEstimable,
        "the outcome \"" + design.outcome.name + "\" " + *reason + ", so nothing can be estimated",
        "choose another outcome or wider eligibility rules");
  }
  return {};
}

bool LostDigits(const MomentRound& round) {
  bool lost = round.outcome.lost_digits;
  for (const Moment& moment : round.terms) lost = lost || moment.lost_digits;
  return lost;
}

}  // namespace

Result<CommonSums> ReadCommon(const Aggregate& aggregate,
                              std::size_t expected,
                              std::size_t outcome_sums) {
  if (aggregate.values.size() != expected) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  CommonSums common;
  common.sums.rows = aggregate.values[0];
  if (!(aggregate.values[0] >= 0) || !(aggregate.values[1] >= 0)) {
    return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
  }
  common.rows = static_cast<std::uint64_t>(aggregate.values[0]);
  common.patients = static_cast<std::uint64_t>(aggregate.values[1]);
  common.sites = aggregate.sites;
  common.sums.outcome.assign(
      aggregate.values.begin() + 2,
      aggregate.values.begin() + 2 + static_cast<std::ptrdiff_t>(outcome_sums));
  return common;
}

Result<GlmQuery> Standardise(Federation& federation, const Design& design, const Family& family) {
  GlmQuery query = FirstQuery(design, family);
  TRY(MomentRound round, AskMoments(federation, query, design, family));
  TRY_STATUS(RequireSpread(query, round, design, family));
  if (LostDigits(round)) {
    Recentre(round, family, query);
    TRY(round, AskMoments(federation, query, design, family));
    TRY_STATUS(RequireSpread(query, round, design, family));
  }
  Recentre(round, family, query);
  query.eta_ceiling = family.EtaCeiling(round.common.sums);
  return query;
}

}  // namespace consilium::glm
