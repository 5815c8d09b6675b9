#pragma once

// The first round or two: means and standard deviations of the terms over all sites.

#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/federation.h"

namespace consilium::glm {

/// Rounds that it takes: moments, and moments again where the first lost digits.
inline constexpr std::uint32_t kMomentRounds = 2;

/// What a site adds for one row: the numbers of MomentSlices.
void AddMoments(std::span<const double> terms, std::span<double> sums);

/// Mean and sample variance of one variable, in the units of its scaling.
struct Moment {
  double mean = 0;
  double variance = 0;
  bool lost_digits = false;  ///< In the subtraction of the mean: ask again, about the mean.
};
Moment MomentOf(double rows, double sum, double squares);

/// Of each term, from the sums over all sites.
class TermMoments {
 public:
  /// `sums` are those of AddMoments; kNotEstimable for fewer than two rows.
  static Result<TermMoments> From(double rows, std::span<const double> sums);

  bool LostDigits() const;
  /// kNotEstimable naming the terms that are constant, or one whose range is too wide for what it
  /// varies.
  Status RequireSpread(const Scaling& scaling, const Design& design) const;
  /// Moves centres and scales to the means and standard deviations just found.
  void Recentre(Scaling& scaling) const;

 private:
  std::vector<Moment> moments_;
};

/// Every round's sums begin with these.
struct CommonSums {
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  Sums sums;
};

/// Splits an aggregate into the common sums and the rest; kCorrupt if it has another length.
Result<CommonSums> ReadCommon(const Aggregate& aggregate,
                              std::size_t expected,
                              std::size_t outcome_sums);

/// A query whose centres and scales are the federation's means and standard deviations.
Result<GlmQuery> Standardise(Federation& federation, const Design& design, const Family& family);

}  // namespace consilium::glm
