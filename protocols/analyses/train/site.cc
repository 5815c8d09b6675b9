#include "protocols/analyses/train/site.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "protocols/analyses/train/cox_site.h"
#include "protocols/analyses/train/trainer_frame.h"

namespace consilium::train {
namespace {

/// Covers the rounding of a scaled update's length.
constexpr double kShorten = 1 - 1e-9;

/// Compared for each site in each round, where a scale itself would be a cache miss or more.
Digest DigestOf(const Scaling& scaling) {
  const double outcome[] = {scaling.outcome_centre, scaling.outcome_scale};
  return Hasher("consilium/train/scaling/v1")
      .Add(std::as_bytes(std::span(scaling.centres)))
      .Add(std::as_bytes(std::span(scaling.scales)))
      .Add(std::as_bytes(std::span(outcome)))
      .Finish();
}

/// Squares of differences in four sums, each in the order of the parameters.
double SquaredDistance(std::span<const float> a, std::span<const float> b) {
  double sums[4] = {};
  for (std::size_t j = 0; j < a.size(); ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sums[j % 4] += difference * difference;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// Wang et al. 2020: what the steps' weights add up to, with momentum each weighs
/// (1 - m^(steps left)) / (1 - m).
double NormaliserOf(std::uint64_t steps, double momentum) {
  double sum = 0;
  double velocity = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    velocity = momentum * velocity + 1;
    sum += velocity;
  }
  return sum;
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

TrainSiteQuery::TrainSiteQuery(const TrainPlan& plan,
                               TrainQuery query,
                               const ExternalTrainer* trainer)
    : plan_(plan),
      query_(std::move(query)),
      trainer_(trainer),
      scaling_(DigestOf(query_.scaling)),
      numbers_(NumbersIn(DescribeStep(query_, plan))) {}

Status TrainSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  SiteMemory memory;
  return Answer(cohort, memory, values);
}

Status TrainSiteQuery::Answer(const CohortView& cohort,
                              SiteMemory& memory,
                              std::span<double> values) const {
  CHECK(values.size() == numbers_);
  if (query_.step == Step::kMoments) {
    memory.next_state = memory.state;
    return AnswerMoments(cohort, values);
  }
  if (query_.step == Step::kWeigh) {
    TRY(const SiteState state, DecodeState(memory.state, plan_));
    Weigh(cohort, state, values);
    memory.next_state = memory.state;
    return {};
  }
  TRY(const SiteRows* const rows, RowsOf(cohort, memory));
  return AnswerRows(*rows, cohort.patients, memory, values);
}

Status TrainSiteQuery::AnswerMoments(const CohortView& cohort, std::span<double> values) const {
  // All rows, held out or not: the scale is no parameter that could fit the held-out rows.
  TRY_STATUS(glm::CheckCohort(plan_.design, cohort));
  std::fill(values.begin(), values.end(), 0.0);
  const Numbers numbers = Split(Step::kMoments, plan_, values);
  numbers.rows[0] = static_cast<double>(cohort.values.rows());
  numbers.patients[0] = static_cast<double>(cohort.patients);
  const Scaling& scaling = query_.scaling;
  const std::size_t first = plan_.design.first_feature();
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    for (std::size_t j = 0; j < plan_.design.terms.size(); ++j) {
      const glm::Term& term = plan_.design.terms[j];
      const double raw = glm::TermOf(term.of_category, term.level, row[first + term.feature]);
      const double x = (raw - scaling.centres[j]) / scaling.scales[j];
      numbers.term_sums[j] += x;
      numbers.term_squares[j] += x * x;
    }
    if (!plan_.ScalesOutcome()) continue;
    const double y = (row[0] - scaling.outcome_centre) / scaling.outcome_scale;
    numbers.outcome_moments[0] += y;
    numbers.outcome_moments[1] += y * y;
  }
  return {};
}

Result<const SiteRows*> TrainSiteQuery::RowsOf(const CohortView& cohort, SiteMemory& memory) const {
  const auto* kept = dynamic_cast<const KeptRows*>(memory.scratch.get());
  if (kept != nullptr && kept->scaling == scaling_) return &kept->rows;
  auto fresh = std::make_unique<KeptRows>();
  TRY(fresh->rows, MakeSiteRows(plan_, query_.scaling, cohort));
  fresh->scaling = scaling_;
  const SiteRows* const rows = &fresh->rows;
  memory.scratch = std::move(fresh);
  return rows;
}

void TrainSiteQuery::AddLosses(const SiteRows& rows,
                               std::span<const float> model,
                               const SiteState& state,
                               Learner& learner,
                               const Numbers& numbers) const {
  if (plan_.network.ComparesRows()) {
    return AddComparisons(plan_, rows, model, state.own, learner, numbers);
  }
  const bool classifies = plan_.network.Classifies();
  const LossSums training = learner.EvaluateLearned(rows, model);
  const LossSums held_out = learner.EvaluateHeldOut(rows, model);
  numbers.loss_rows[0] = static_cast<double>(rows.learned.size());
  numbers.loss[0] = training.loss;
  numbers.held_out_rows[0] = static_cast<double>(rows.held_out.size());
  numbers.held_out_loss[0] = held_out.loss;
  if (classifies) {
    numbers.hits[0] = static_cast<double>(training.hits);
    numbers.held_out_hits[0] = static_cast<double>(held_out.hits);
  }
  if (!plan_.HasOwnModels()) return;
  const LossSums own = state.own.empty() ? held_out : learner.EvaluateHeldOut(rows, state.own);
  numbers.own_loss[0] = own.loss;
  if (classifies) numbers.own_hits[0] = static_cast<double>(own.hits);
}

Status TrainSiteQuery::Diverged() const {
  return Fail(ErrorCode::kNotEstimable,
              "the training diverged at this site in round " + std::to_string(query_.round),
              "ask for a plan with a smaller learning_rate");
}

/// The update of the shared parameters, times rows.
Status TrainSiteQuery::AddUpdate(const LearnedRound& learned,
                                 std::span<const float> trained,
                                 const Numbers& numbers) const {
  const std::span<const float> start(query_.parameters);
  double squares = 0;
  for (const Range& range : plan_.shared) {
    squares +=
        SquaredDistance(trained.subspan(range.at, range.size), start.subspan(range.at, range.size));
  }
  const double length = std::sqrt(squares);
  if (!std::isfinite(length)) return Diverged();
  const bool clipped = length > plan_.clip;
  numbers.clipped[0] = clipped ? 1 : 0;
  double weight = numbers.rows[0] * (clipped ? plan_.clip / length * kShorten : 1);
  if (plan_.Normalises()) {
    const double normaliser = NormaliserOf(learned.steps, plan_.local.momentum);
    numbers.normaliser[0] = numbers.rows[0] * normaliser;
    weight /= normaliser;
  }
  std::size_t at = 0;
  for (const Range& range : plan_.shared) {
    for (std::size_t j = range.at; j < range.at + range.size; ++j) {
      numbers.update[at++] =
          weight * (static_cast<double>(trained[j]) - static_cast<double>(start[j]));
    }
  }
  return {};
}

/// Karimireddy et al. 2020, option II: c_i becomes c_i - c + (x - y_i) / (K eta).
void TrainSiteQuery::AddControl(const LearnedRound& learned,
                                std::span<const float> trained,
                                SiteState& state,
                                const Numbers& numbers) const {
  const double way = static_cast<double>(learned.steps) * plan_.local.learning_rate;
  double squares = 0;
  for (std::size_t j = 0; j < trained.size(); ++j) {
    const double change =
        (static_cast<double>(query_.parameters[j]) - static_cast<double>(trained[j])) / way -
        static_cast<double>(query_.control[j]);
    numbers.control[j] = change;
    squares += change * change;
  }
  const double length = std::sqrt(squares);
  const double longest = LongestControlChange(plan_);
  const double factor = length > longest ? longest / length * kShorten : 1;
  if (length > longest) numbers.clipped[0] = 1;
  for (std::size_t j = 0; j < trained.size(); ++j) {
    const double change = factor * numbers.control[j];
    state.control[j] = static_cast<float>(static_cast<double>(state.control[j]) + change);
    numbers.control[j] = numbers.rows[0] * change;
  }
}

/// Li, Hu, Beirami and Smith 2021, algorithm 1: the site's own model learns as long as the round's,
/// drawn to it.
Status TrainSiteQuery::LearnOwn(const SiteRows& rows, Learner& learner, SiteState& state) const {
  const std::vector<float> start = state.own.empty() ? query_.parameters : state.own;
  learner.Learn(rows, start, {}, {query_.parameters, plan_.lambda});
  state.own.assign(learner.parameters().begin(), learner.parameters().end());
  if (!std::isfinite(SquaredDistance(state.own, start))) return Diverged();
  return {};
}

/// What the round's answer leaves for the next.
void TrainSiteQuery::Remember(std::span<const float> trained,
                              const Numbers& numbers,
                              SiteState& state) const {
  if (!plan_.personal.empty()) state.own.assign(trained.begin(), trained.end());
  if (!plan_.IsRobust()) return;
  state.updated = query_.round;
  state.rows = static_cast<std::uint64_t>(numbers.rows[0]);
  state.update.clear();
  for (const double number : numbers.update) {
    state.update.push_back(static_cast<float>(number / numbers.rows[0]));
  }
}

/// Pillutla, Kakade and Harchaoui 2022: the weight of an update is rows over its distance from the
/// middle, or over the smoothing where it is nearer.
void TrainSiteQuery::Weigh(const CohortView& cohort,
                           const SiteState& state,
                           std::span<double> values) const {
  std::fill(values.begin(), values.end(), 0.0);
  if (state.updated != query_.round) return;  // The site was not in the round.
  const Numbers numbers = Split(Step::kWeigh, plan_, values);
  numbers.rows[0] = static_cast<double>(state.rows);
  numbers.patients[0] = static_cast<double>(cohort.patients);
  const double distance = std::sqrt(SquaredDistance(state.update, query_.control));
  numbers.weight[0] = numbers.rows[0] / std::max(plan_.server.smoothing, distance);
  for (std::size_t j = 0; j < state.update.size(); ++j) {
    numbers.update[j] = numbers.weight[0] * static_cast<double>(state.update[j]);
  }
}

Status TrainSiteQuery::Learn(const SiteRows& rows,
                             std::span<const float> model,
                             Learner& learner,
                             SiteState& state,
                             const Numbers& numbers) const {
  std::vector<float> correction(query_.control.size());
  for (std::size_t j = 0; j < correction.size(); ++j) {
    correction[j] = query_.control[j] - state.control[j];
  }
  const LearnedRound learned = learner.Learn(rows, model, correction);
  if (!plan_.MeasuresFirst()) {
    numbers.loss_rows[0] = static_cast<double>(learned.met);
    numbers.loss[0] = learned.first_pass.loss;
    if (plan_.network.Classifies()) {
      numbers.hits[0] = static_cast<double>(learned.first_pass.hits);
    }
  }
  TRY_STATUS(AddUpdate(learned, learner.parameters(), numbers));
  if (plan_.Controls()) AddControl(learned, learner.parameters(), state, numbers);
  Remember(learner.parameters(), numbers, state);
  return plan_.HasOwnModels() ? LearnOwn(rows, learner, state) : Status();
}

/// What a program learned and measured in place of our own model, held to the same bounds.
Status TrainSiteQuery::AnswerByTrainer(const SiteRows& rows,
                                       SiteMemory& memory,
                                       const Numbers& numbers) const {
  if (trainer_ == nullptr) {
    return Fail(
        ErrorCode::kRefused,
        "the study learns by a program called \"" + plan_.trainer->command +
            "\", and none of that name may run here",
        "Name one in the table [trainers] of the site's policy.toml, or of the experiment.");
  }
  TRY(SiteState state, DecodeState(memory.state, plan_));
  memory.next_state = memory.state;
  TRY(const Bytes request, EncodeRequest(query_, plan_, rows));
  TrainerReply reply;
  TRY_STATUS(trainer_->Exchange(request, LongestReply(plan_), [&](ByteSpan output) -> Status {
    TRY(reply, DecodeReply(output, query_, plan_, rows));
    return {};
  }));
  const auto add_loss = [](double count, std::optional<double> mean, std::span<double> rows_in_it,
                           std::span<double> sum) {
    constexpr double kLargest = kLargestLoss;
    rows_in_it[0] = mean ? count : 0;
    sum[0] = mean ? count * std::clamp(*mean, -kLargest, kLargest) : 0;
  };
  add_loss(static_cast<double>(rows.learned.size()), reply.loss, numbers.loss_rows, numbers.loss);
  if (plan_.Validates()) {
    add_loss(static_cast<double>(rows.held_out.size()), reply.held_out_loss, numbers.held_out_rows,
             numbers.held_out_loss);
  }
  if (query_.step == Step::kEvaluate) return {};
  TRY_STATUS(AddUpdate({}, reply.parameters, numbers));
  Remember(reply.parameters, numbers, state);
  memory.next_state = EncodeState(state, plan_);
  return {};
}

/// The round's parameters, with the site's own where layers stay.
std::vector<float> TrainSiteQuery::Personalised(const SiteState& state) const {
  std::vector<float> model = state.own;
  for (const Range& range : plan_.shared) {
    std::copy_n(query_.parameters.begin() + static_cast<std::ptrdiff_t>(range.at), range.size,
                model.begin() + static_cast<std::ptrdiff_t>(range.at));
  }
  return model;
}

Status TrainSiteQuery::AnswerRows(const SiteRows& rows,
                                  std::uint64_t patients,
                                  SiteMemory& memory,
                                  std::span<double> values) const {
  const Numbers numbers = Split(query_.step, plan_, values);
  const std::uint64_t learned = rows.learned.size();
  numbers.rows[0] =
      static_cast<double>(IsShort(query_, plan_) ? std::min(learned, query_.heaviest) : learned);
  numbers.patients[0] = static_cast<double>(patients);
  if (plan_.trainer) return AnswerByTrainer(rows, memory, numbers);
  TRY(SiteState state, DecodeState(memory.state, plan_));
  const LentLearner learner(*this);
  std::vector<float> mixed;
  if (!plan_.personal.empty() && !state.own.empty()) mixed = Personalised(state);
  const std::span<const float> model(mixed.empty() ? query_.parameters.data() : mixed.data(),
                                     query_.parameters.size());
  if (plan_.MeasuresFirst()) AddLosses(rows, model, state, *learner, numbers);
  memory.next_state = memory.state;
  if (query_.step == Step::kEvaluate) return {};
  TRY_STATUS(Learn(rows, model, *learner, state, numbers));
  memory.next_state = EncodeState(state, plan_);
  return {};
}

}  // namespace consilium::train
