#include "protocols/analyses/train/site_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/random.h"
#include "protocols/analyses/cox/follow_up.h"

namespace consilium::train {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr std::size_t kLineBytes = 64;
/// A run of rows fills at most so much: a few lines that lie together are fetched at once, while
/// of long rows each one does.
constexpr std::size_t kRunBytes = 1024;

double TermIn(const TrainPlan& plan, const glm::Term& term, const double* row) {
  return glm::TermOf(term.of_category, term.level, row[plan.design.first_feature() + term.feature]);
}

/// Batches are made of whole runs.
std::size_t RunOf(const TrainPlan& plan, std::size_t stride, std::size_t learned) {
  const std::size_t batch = std::min<std::size_t>(plan.local.batch, learned);
  const bool fits = kRun * stride * sizeof(float) <= kRunBytes && batch % kRun == 0;
  return plan.network.IsSingle() && fits ? kRun : 1;
}

/// A number below `count`, each as likely to within 2^-32, from 64 random bits.
std::size_t Below(std::size_t count, const std::uint64_t& draw) {
  const std::uint64_t bits = LoadU64(std::as_bytes(std::span(&draw, 1)));
  return static_cast<std::size_t>((static_cast<Uint128>(bits) * count) >> 64);
}

/// The same rows in every round, and at every site with as many.
void HoldOut(const TrainPlan& plan, std::size_t count, SiteRows& rows) {
  rows.learned.resize(count);
  std::iota(rows.learned.begin(), rows.learned.end(), 0U);
  if (!plan.Validates() || count < 2) return;
  Shuffle(Hasher("consilium/train/held-out/v1").Add(plan.seed).Finish().bytes, rows.learned);
  const double wanted = std::round(plan.validation * static_cast<double>(count));
  const std::size_t held_out =
      std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, count - 1);
  rows.held_out.assign(rows.learned.begin(),
                       rows.learned.begin() + static_cast<std::ptrdiff_t>(held_out));
  rows.learned.erase(rows.learned.begin(),
                     rows.learned.begin() + static_cast<std::ptrdiff_t>(held_out));
  std::sort(rows.held_out.begin(), rows.held_out.end());
  std::sort(rows.learned.begin(), rows.learned.end());
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
      sum += TermIn(plan, term, cohort.values.data() + row * columns);
    }
    const double mean = sum / count;
    double squares = 0;
    for (const std::uint32_t row : rows.learned) {
      const double from_mean = TermIn(plan, term, cohort.values.data() + row * columns) - mean;
      squares += from_mean * from_mean;
    }
    const double deviation = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
    centres.push_back(mean);
    scales.push_back(deviation > 1e-10 * (term.maximum - term.minimum) ? deviation : 1);
  }
}

/// Each row of the cohort's rank by its time.
std::vector<std::uint32_t> RanksOf(const CohortView& cohort) {
  std::vector<double> times;
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) times.push_back(cohort.values(i, 1));
  const cox::TimeOrder order = cox::OrderByTime(times);
  std::vector<std::uint32_t> ranks(times.size());
  for (std::size_t g = 0; g < order.groups.size(); ++g) {
    for (std::size_t i = order.groups[g].begin; i < order.groups[g].end; ++i) {
      ranks[order.order[i]] = static_cast<std::uint32_t>(g);
    }
  }
  return ranks;
}

}  // namespace

FloatBuffer::FloatBuffer(std::size_t count)
    : memory_(std::make_unique<float[]>(count + kLineBytes / sizeof(float))), size_(count) {
  void* start = memory_.get();
  std::size_t space = (count + kLineBytes / sizeof(float)) * sizeof(float);
  start_ = static_cast<float*>(std::align(kLineBytes, count * sizeof(float), start, space));
}

void Shuffle(const ByteArray<32>& seed, std::vector<std::uint32_t>& order) {
  SeededRandom random(seed);
  std::vector<std::uint64_t> draws(order.size());
  random.Fill(std::as_writable_bytes(std::span(draws)));
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[Below(i, draws[i - 1])]);
  }
}

std::vector<std::uint32_t> DrawnOrder(std::size_t rows,
                                      std::size_t run,
                                      const ByteArray<32>& seed) {
  CHECK(run > 0 && rows >= run);
  std::vector<std::uint32_t> runs(rows / run);
  std::iota(runs.begin(), runs.end(), 0U);
  Shuffle(seed, runs);
  if (run == 1) return runs;
  std::uint64_t draw = 0;
  SeededRandom(Hasher("consilium/train/first-run/v1").Add(seed).Finish().bytes)
      .Fill(std::as_writable_bytes(std::span(&draw, 1)));
  const std::size_t first = Below(rows, draw);
  runs.push_back(static_cast<std::uint32_t>(runs.size()));
  std::vector<std::uint32_t> order;
  order.reserve(rows + run);
  for (const std::uint32_t at : runs) {
    const std::size_t start = (first + at * run) % rows;
    for (std::size_t k = 0; k < run; ++k) order.push_back(static_cast<std::uint32_t>(start + k));
  }
  order.resize(rows);
  return order;
}

Result<SiteRows> MakeSiteRows(const TrainPlan& plan,
                              const Scaling& scaling,
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
  rows.run = RunOf(plan, rows.stride, rows.learned.size());
  if (rows.run > 1) {
    Shuffle(Hasher("consilium/train/places/v1").Add(plan.seed).Finish().bytes, rows.learned);
  }
  std::vector<double> centres = scaling.centres;
  std::vector<double> scales = scaling.scales;
  if (plan.standardisation == Standardisation::kSite) {
    ScaleHere(plan, cohort, rows, centres, scales);
  }
  rows.values = FloatBuffer((count + rows.run - 1) * rows.stride);
  rows.targets.resize(count + rows.run - 1);
  std::vector<std::uint32_t> ranks;
  if (plan.network.ComparesRows()) {
    ranks = RanksOf(cohort);
    rows.ranks.resize(rows.targets.size());
  }
  const auto convert = [&](std::uint32_t row, std::size_t at) {
    const double* const from = cohort.values.data() + row * columns;
    float* const to = rows.values.data() + at * rows.stride;
    for (std::size_t j = 0; j < rows.inputs; ++j) {
      to[j] =
          static_cast<float>((TermIn(plan, plan.design.terms[j], from) - centres[j]) / scales[j]);
    }
    to[rows.inputs] = 1;
    rows.targets[at] =
        static_cast<float>((from[0] - scaling.outcome_centre) / scaling.outcome_scale);
    if (!ranks.empty()) rows.ranks[at] = ranks[row];
  };
  const std::size_t learned = rows.learned.size();
  for (std::size_t i = 0; i < rows.first_held_out(); ++i) convert(rows.learned[i % learned], i);
  for (std::size_t i = 0; i < rows.held_out.size(); ++i) {
    convert(rows.held_out[i], rows.first_held_out() + i);
  }
  return rows;
}

}  // namespace consilium::train
