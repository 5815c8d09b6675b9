#include "protocols/analyses/train/site.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"

namespace consilium::train {
namespace {

/// Covers the rounding of a scaled update's length.
constexpr double kShorten = 1 - 1e-9;

/// Squares of differences in four sums, each in the order of the parameters.
double SquaredDistance(std::span<const float> a, std::span<const float> b) {
  double sums[4] = {};
  for (std::size_t j = 0; j < a.size(); ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sums[j % 4] += difference * difference;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

bool SameScales(const TrainQuery& a, const TrainQuery& b) {
  return a.outcome_centre == b.outcome_centre && a.outcome_scale == b.outcome_scale &&
         a.centres == b.centres && a.scales == b.scales;
}

}  // namespace

/// A learner taken from those that are idle, given back at the end.
class TrainSiteQuery::LentLearner {
 public:
  explicit LentLearner(const TrainSiteQuery& query) : query_(query) {
    {
      const std::lock_guard lock(query.mutex_);
      if (!query.idle_.empty()) {
        learner_ = std::move(query.idle_.back());
        query.idle_.pop_back();
      }
    }
    if (learner_ == nullptr) {
      learner_ = std::make_unique<Learner>(query.plan_, query.query_.round);
    }
  }
  ~LentLearner() {
    const std::lock_guard lock(query_.mutex_);
    query_.idle_.push_back(std::move(learner_));
  }
  LentLearner(const LentLearner&) = delete;
  LentLearner& operator=(const LentLearner&) = delete;

  Learner& operator*() const { return *learner_; }

 private:
  const TrainSiteQuery& query_;
  std::unique_ptr<Learner> learner_;
};

TrainSiteQuery::TrainSiteQuery(const TrainPlan& plan, TrainQuery query)
    : plan_(plan), query_(std::move(query)) {
  for (const Slice& slice : DescribeStep(query_.step, plan)) numbers_ += slice.slot.count;
}

Status TrainSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  SiteMemory memory;
  return Answer(cohort, memory, values);
}

Status TrainSiteQuery::Answer(const CohortView& cohort,
                              SiteMemory& memory,
                              std::span<double> values) const {
  CHECK(values.size() == numbers_);
  if (query_.step == Step::kMoments) return AnswerMoments(cohort, values);
  TRY(const SiteRows* const rows, RowsOf(cohort, memory));
  return AnswerRows(*rows, cohort.patients, values);
}

Status TrainSiteQuery::AnswerMoments(const CohortView& cohort, std::span<double> values) const {
  // All rows, held out or not: the scale is no parameter that could fit the held-out rows.
  TRY_STATUS(glm::CheckCohort(plan_.design, cohort));
  std::fill(values.begin(), values.end(), 0.0);
  const Numbers numbers = Split(Step::kMoments, plan_, values);
  numbers.rows[0] = static_cast<double>(cohort.values.rows());
  numbers.patients[0] = static_cast<double>(cohort.patients);
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    for (std::size_t j = 0; j < plan_.design.terms.size(); ++j) {
      const glm::Term& term = plan_.design.terms[j];
      const double raw = glm::TermOf(term.of_category, term.level, row[1 + term.feature]);
      const double x = (raw - query_.centres[j]) / query_.scales[j];
      numbers.term_sums[j] += x;
      numbers.term_squares[j] += x * x;
    }
    if (!plan_.ScalesOutcome()) continue;
    const double y = (row[0] - query_.outcome_centre) / query_.outcome_scale;
    numbers.outcome_moments[0] += y;
    numbers.outcome_moments[1] += y * y;
  }
  return {};
}

Result<const SiteRows*> TrainSiteQuery::RowsOf(const CohortView& cohort, SiteMemory& memory) const {
  const auto* kept = dynamic_cast<const KeptRows*>(memory.scratch.get());
  if (kept != nullptr && SameScales(kept->scales, query_)) return &kept->rows;
  auto fresh = std::make_unique<KeptRows>();
  TRY(fresh->rows, MakeSiteRows(plan_, query_, cohort));
  fresh->scales = query_;
  fresh->scales.parameters.clear();
  const SiteRows* const rows = &fresh->rows;
  memory.scratch = std::move(fresh);
  return rows;
}

void TrainSiteQuery::AddLosses(const SiteRows& rows,
                               Learner& learner,
                               const Numbers& numbers) const {
  const LossSums training = learner.Evaluate(rows, rows.learned, query_.parameters);
  const LossSums held_out = learner.Evaluate(rows, rows.held_out, query_.parameters);
  numbers.loss_rows[0] = static_cast<double>(rows.learned.size());
  numbers.loss[0] = training.loss;
  numbers.held_out_rows[0] = static_cast<double>(rows.held_out.size());
  numbers.held_out_loss[0] = held_out.loss;
  if (!plan_.network.Classifies()) return;
  numbers.hits[0] = static_cast<double>(training.hits);
  numbers.held_out_hits[0] = static_cast<double>(held_out.hits);
}

Status TrainSiteQuery::AddUpdate(std::span<const float> trained, const Numbers& numbers) const {
  const std::span<const float> start(query_.parameters);
  const double length = std::sqrt(SquaredDistance(trained, start));
  if (!std::isfinite(length)) {
    return Fail(ErrorCode::kNotEstimable,
                "the training diverged at this site in round " + std::to_string(query_.round),
                "ask for a plan with a smaller learning_rate");
  }
  const bool clipped = length > plan_.clip;
  numbers.clipped[0] = clipped ? 1 : 0;
  const double weight = numbers.rows[0] * (clipped ? plan_.clip / length * kShorten : 1);
  for (std::size_t j = 0; j < trained.size(); ++j) {
    numbers.update[j] = weight * (static_cast<double>(trained[j]) - static_cast<double>(start[j]));
  }
  return {};
}

Status TrainSiteQuery::AnswerRows(const SiteRows& rows,
                                  std::uint64_t patients,
                                  std::span<double> values) const {
  const Numbers numbers = Split(query_.step, plan_, values);
  numbers.rows[0] = static_cast<double>(rows.learned.size());
  numbers.patients[0] = static_cast<double>(patients);
  const LentLearner learner(*this);
  if (plan_.Validates()) AddLosses(rows, *learner, numbers);
  if (query_.step == Step::kEvaluate) return {};
  const LearnedRound learned = (*learner).Learn(rows, query_.parameters);
  if (!plan_.Validates()) {
    numbers.loss_rows[0] = static_cast<double>(learned.met);
    numbers.loss[0] = learned.first_pass.loss;
    if (plan_.network.Classifies()) {
      numbers.hits[0] = static_cast<double>(learned.first_pass.hits);
    }
  }
  return AddUpdate((*learner).parameters(), numbers);
}

}  // namespace consilium::train
