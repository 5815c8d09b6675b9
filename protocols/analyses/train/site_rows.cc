#include "protocols/analyses/train/site_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/crypto/hash.h"
#include "common/random.h"

namespace consilium::train {
namespace {

constexpr std::size_t kLineBytes = 64;

double TermIn(const glm::Term& term, const double* row) {
  return glm::TermOf(term.of_category, term.level, row[1 + term.feature]);
}

/// The same rows in every round, and the same numbers of rows at every site of that size: held out
/// is what of a seeded stream, one draw a row, falls below the share.
void HoldOut(const TrainPlan& plan, std::size_t rows, SiteRows& result) {
  SeededRandom random(Hasher("consilium/train/held-out/v1").Add(plan.seed).Finish().bytes);
  std::vector<std::uint64_t> draws(plan.Validates() ? rows : 0);
  random.Fill(std::as_writable_bytes(std::span(draws)));
  for (std::size_t i = 0; i < rows; ++i) {
    bool held_out = false;
    if (plan.Validates()) {
      const std::uint64_t draw = LoadU64(std::as_bytes(std::span(&draws[i], 1)));
      held_out = static_cast<double>(draw >> 11) * 0x1p-53 < plan.validation;
    }
    (held_out ? result.held_out : result.learned).push_back(static_cast<std::uint32_t>(i));
  }
}

/// Mean and sample deviation of each term over the rows that are learned from.
void ScaleHere(const TrainPlan& plan,
               const CohortView& cohort,
               const SiteRows& rows,
               std::vector<double>& centres,
               std::vector<double>& scales) {
  const auto columns = static_cast<std::size_t>(cohort.values.cols());
  const auto count = static_cast<double>(rows.learned.size());
  for (const glm::Term& term : plan.design.terms) {
    double sum = 0;
    for (const std::uint32_t row : rows.learned) {
      sum += TermIn(term, cohort.values.data() + row * columns);
    }
    const double mean = sum / count;
    double squares = 0;
    for (const std::uint32_t row : rows.learned) {
      const double from_mean = TermIn(term, cohort.values.data() + row * columns) - mean;
      squares += from_mean * from_mean;
    }
    const double deviation = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
    centres.push_back(mean);
    scales.push_back(deviation > 1e-10 * (term.maximum - term.minimum) ? deviation : 1);
  }
}

}  // namespace

FloatBuffer::FloatBuffer(std::size_t count)
    : memory_(std::make_unique<float[]>(count + kLineBytes / sizeof(float))), size_(count) {
  void* start = memory_.get();
  std::size_t space = (count + kLineBytes / sizeof(float)) * sizeof(float);
  start_ = static_cast<float*>(std::align(kLineBytes, count * sizeof(float), start, space));
}

Result<SiteRows> MakeSiteRows(const TrainPlan& plan,
                              const TrainQuery& query,
                              const CohortView& cohort) {
  TRY_STATUS(glm::CheckCohort(plan.design, cohort));
  const auto count = static_cast<std::size_t>(cohort.values.rows());
  const auto columns = static_cast<std::size_t>(cohort.values.cols());
  SiteRows rows;
  rows.inputs = plan.design.terms.size();
  rows.stride = Padded(rows.inputs + 1);
  HoldOut(plan, count, rows);
  if (rows.learned.empty()) {
    return Fail(ErrorCode::kDataQuality, "the cohort has no row to learn from",
                "take part with more patients, or ask for a plan with a smaller validation share");
  }
  std::vector<double> centres = query.centres;
  std::vector<double> scales = query.scales;
  if (plan.standardisation == Standardisation::kSite) {
    ScaleHere(plan, cohort, rows, centres, scales);
  }
  rows.values = FloatBuffer(count * rows.stride);
  rows.targets.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double* const from = cohort.values.data() + i * columns;
    float* const to = rows.values.data() + i * rows.stride;
    for (std::size_t j = 0; j < rows.inputs; ++j) {
      to[j] = static_cast<float>((TermIn(plan.design.terms[j], from) - centres[j]) / scales[j]);
    }
    to[rows.inputs] = 1;
    rows.targets[i] = static_cast<float>((from[0] - query.outcome_centre) / query.outcome_scale);
  }
  return rows;
}

}  // namespace consilium::train
