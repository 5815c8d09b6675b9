#pragma once

// What the coordinator asks, its bytes, and the numbers that leave a site in answer to it.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/summary/settings.h"
#include "protocols/analysis.h"

namespace consilium::summary {

enum class Step : std::uint8_t {
  kCounts = 1,  ///< Counts, and sums and squares about the middle of each range.
  kSpread = 2   ///< Sums and squares about each group's mean, where the others lost digits.
};

struct SummaryQuery {
  Step step = Step::kCounts;
  /// What numbers are taken from, as (x - centre()) / scale() for each variable and group; of
  /// kSpread only.
  std::vector<double> means;
};

Query EncodeQuery(const SummaryQuery& query);
/// kInvalidArgument if these bytes are no query of this plan or hold a number that makes no sense.
Result<SummaryQuery> DecodeQuery(const Query& query, const SummaryPlan& plan);

std::vector<Slice> DescribeStep(Step step, const SummaryPlan& plan);

/// For a variable in two levels and two groups, summed over sites; a, b are the first group's rows
/// at the first and second level, c, d the second group's, n all of a site's.
enum Stratum : std::size_t {
  kDifference,  ///< a less what it is expected to be, (a + b)(a + c) / n.
  kVariance,    ///< (a + b)(c + d)(a + c)(b + d) / (n^2 (n - 1)).
  kR,           ///< ad / n
  kS,           ///< bc / n
  kPR,          ///< (a + d) / n times ad / n
  kPSQR,        ///< (a + d) / n times bc / n and (b + c) / n times ad / n
  kQS,          ///< (b + c) / n times bc / n
  kStratumNumbers
};

/// The numbers of an answer or a sum by their names: spans into it, empty where there are none.
/// Variables are the outermost index, then groups, then bins or levels.
struct Numbers {
  std::span<double> patients;
  std::span<double> rows;     ///< One a group; then those without a group.
  std::span<double> present;  ///< Of numbers.
  std::span<double> sums;
  std::span<double> squares;
  std::span<double> bins;
  std::span<double> levels;
  std::span<double> strata;
};
Numbers Split(Step step, const SummaryPlan& plan, std::span<double> values);

}  // namespace consilium::summary
