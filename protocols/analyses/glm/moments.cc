#include "protocols/analyses/glm/moments.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocols/analyses/glm/tables.h"

namespace consilium::glm {
namespace {

/// A variance below this part of the mean square has lost digits in the subtraction: ask again,
/// about the mean.
constexpr double kLostDigits = 1e-3;
/// Below this part of the mean square a variance is rounding: the term is constant.
constexpr double kConstant = 1e-14;
/// Sums of products have bounds by the range: of a standard deviation below this part of it they
/// would lose digits.
constexpr double kResolvedInRange = 1e-10;
/// A double at the range's end resolves no less of it: the same value, as far as can be told.
constexpr double kConstantInRange = 4e-16;

enum class Spread { kEnough, kTooLittle, kNone };

/// Of numbers within a range of this width.
Spread SpreadOf(const Moment& moment, double scale, double range) {
  const double deviation = scale * std::sqrt(moment.variance);
  if (deviation > kResolvedInRange * range) return Spread::kEnough;
  return deviation > kConstantInRange * range ? Spread::kTooLittle : Spread::kNone;
}

tl::unexpected<Error> ConstantError(const std::vector<std::string>& names) {
  const std::string list = Quoted(names);
  return Fail(ErrorCode::kNotEstimable,
              (names.size() == 1 ? "the term " + list + " has" : "the terms " + list + " have") +
                  " the same value for every patient, so no effect can be estimated",
              names.size() == 1
                  ? "leave it out of the features, or merge the level with another in the contract"
                  : "leave them out of the features, or merge levels in the contract");
}

/// `what`: "the term \"age\"".
tl::unexpected<Error> TooWideError(const std::string& what, double minimum, double maximum) {
  char range[80];
  std::snprintf(range, sizeof range, "[%.6g, %.6g]", minimum, maximum);
  return Fail(ErrorCode::kNotEstimable,
              what + " differs between patients by less than 1e-10 of its range " + range +
                  ", too little for sums over that range to tell an effect",
              "narrow the range in the contract to what is medically possible");
}

/// A spread that rounding hides about a centre far away has to be found about the mean first.
void Recentre(const Moment& moment, double& centre, double& scale) {
  centre += scale * moment.mean;
  if (moment.variance > 0) scale *= std::sqrt(moment.variance);
}

struct MomentRound {
  CommonSums common;
  TermMoments terms;
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
  TRY(round.terms,
      TermMoments::From(round.common.sums.rows, std::span(aggregate.values).subspan(2 + outcomes)));
  if (family.gaussian()) {
    round.outcome = MomentOf(round.common.sums.rows, round.common.sums.outcome[0],
                             round.common.sums.outcome[1]);
  }
  return round;
}

/// Moves the query's centres and scales to the means and standard deviations just found.
void Recentre(const MomentRound& round, const Family& family, GlmQuery& query) {
  round.terms.Recentre(query.scaling);
  if (family.gaussian()) Recentre(round.outcome, query.outcome_centre, query.outcome_scale);
}

Status RequireSpread(const GlmQuery& query,
                     const MomentRound& round,
                     const Design& design,
                     const Family& family) {
  TRY_STATUS(round.terms.RequireSpread(query.scaling, design));
  const std::string outcome = "the outcome \"" + design.outcome.name + "\"";
  const double range = design.outcome_maximum - design.outcome_minimum;
  const Spread spread =
      family.gaussian() ? SpreadOf(round.outcome, query.outcome_scale, range) : Spread::kEnough;
  if (spread == Spread::kTooLittle) {
    return TooWideError(outcome, design.outcome_minimum, design.outcome_maximum);
  }
  if (spread == Spread::kNone) {
    return Fail(ErrorCode::kNotEstimable, outcome + " is the same for every patient");
  }
  if (const std::optional<std::string> reason = family.Degenerate(round.common.sums)) {
    return Fail(ErrorCode::kNotEstimable, outcome + " " + *reason + ", so nothing can be estimated",
                "choose another outcome or wider eligibility rules");
  }
  return {};
}

}  // namespace

void AddMoments(std::span<const double> terms, std::span<double> sums) {
  const std::size_t count = terms.size();
  for (std::size_t j = 0; j < count; ++j) {
    sums[j] += terms[j];
    sums[count + j] += terms[j] * terms[j];
  }
}

Moment MomentOf(double rows, double sum, double squares) {
  Moment moment;
  moment.mean = sum / rows;
  const double mean_square = squares / rows;
  const double spread = mean_square - moment.mean * moment.mean;
  moment.lost_digits = spread < kLostDigits * mean_square;
  if (spread > kConstant * mean_square) moment.variance = spread * (rows / (rows - 1));
  return moment;
}

Result<TermMoments> TermMoments::From(double rows, std::span<const double> sums) {
  if (rows < 2) {
    return Fail(ErrorCode::kNotEstimable, "there are fewer than two complete cases",
                "widen the eligibility rules, or leave features out that are often missing");
  }
  TermMoments result;
  const std::size_t count = sums.size() / 2;
  for (std::size_t j = 0; j < count; ++j) {
    result.moments_.push_back(MomentOf(rows, sums[j], sums[count + j]));
  }
  return result;
}

bool TermMoments::LostDigits() const {
  return std::any_of(moments_.begin(), moments_.end(),
                     [](const Moment& moment) { return moment.lost_digits; });
}

Status TermMoments::RequireSpread(const Scaling& scaling, const Design& design) const {
  std::vector<std::string> constant;
  const Term* too_wide = nullptr;
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const Term& term = design.terms[j];
    const Spread spread = SpreadOf(moments_[j], scaling.scales[j], term.maximum - term.minimum);
    if (spread == Spread::kTooLittle) too_wide = &term;
    if (spread == Spread::kNone) constant.push_back(term.name);
  }
  if (!constant.empty()) return ConstantError(constant);
  if (too_wide == nullptr) return {};
  return TooWideError("the term \"" + too_wide->name + "\"", too_wide->minimum, too_wide->maximum);
}

void TermMoments::Recentre(Scaling& scaling) const {
  for (std::size_t j = 0; j < moments_.size(); ++j) {
    consilium::glm::Recentre(moments_[j], scaling.centres[j], scaling.scales[j]);
  }
}

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
  if (round.terms.LostDigits() || round.outcome.lost_digits) {
    Recentre(round, family, query);
    TRY(round, AskMoments(federation, query, design, family));
  }
  TRY_STATUS(RequireSpread(query, round, design, family));
  Recentre(round, family, query);
  query.eta_ceiling = family.EtaCeiling(round.common.sums);
  return query;
}

}  // namespace consilium::glm
