#include "protocols/analyses/train/query.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "common/wire.h"
#include "protocols/analyses/train/floats.h"

namespace consilium::train {
namespace {

/// Covers the rounding of bounds and of sums of floats.
constexpr double kSlack = 1 + 1e-6;
constexpr std::size_t kMaxTerms = 10'000;
/// Parameters up to which exactness costs little.
constexpr std::size_t kExactParameters = 1'000;

/// TrainQuery as a wire message: parameters are IEEE single-precision numbers, little-endian.
struct QueryMessage {
  Step step = Step::kMoments;
  std::uint32_t round = 0;
  std::vector<double> centres;
  std::vector<double> scales;
  double outcome_centre = 0;
  double outcome_scale = 1;
  std::uint64_t heaviest = 0;
  Bytes parameters;
  Bytes control;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kMoments, Step::kWeigh>(step), round, AtMost<kMaxTerms>(centres),
            AtMost<kMaxTerms>(scales), outcome_centre, outcome_scale, heaviest,
            AtMost<4 * kMaxParameters>(parameters), AtMost<4 * kMaxParameters>(control));
  }
};

Status Mismatch(const char* what) { return Fail(ErrorCode::kInvalidArgument, what); }

Status CheckShape(const QueryMessage& message, const TrainPlan& plan) {
  const bool moments = message.step == Step::kMoments;
  const bool weighs = message.step == Step::kWeigh;
  const bool own = plan.standardisation == Standardisation::kSite && !moments;
  const std::size_t terms = own ? 0 : plan.design.terms.size();
  if (message.centres.size() != terms || message.scales.size() != terms) {
    return Mismatch("the query is not for this number of terms");
  }
  if (message.parameters.size() != (moments || weighs ? 0 : 4 * plan.network.parameters)) {
    return Mismatch("the query is not for this number of parameters");
  }
  const bool controls = (message.step == Step::kLearn && plan.Controls()) || weighs;
  if (weighs && !plan.IsRobust()) return Mismatch("this plan does not weigh updates");
  if (message.control.size() != (controls ? 4 * plan.network.parameters : 0)) {
    return Mismatch("the query is not for this number of control variates");
  }
  if (moments && (message.round != 0 || plan.standardisation != Standardisation::kFederation)) {
    return Mismatch("this plan has no such round of moments");
  }
  if (message.step == Step::kEvaluate && !plan.Validates()) {
    return Mismatch("this plan evaluates nothing");
  }
  if (!moments && (message.round < 1 || message.round > plan.rounds)) {
    return Mismatch("the query is for a round that the plan does not have");
  }
  return {};
}

Slice Count(std::string name, std::string meaning, double bound) {
  return {std::move(name), "1", std::move(meaning), Slot{Encoding::kCount, 1, bound}};
}

Slice Real(std::string name, std::string meaning, std::size_t count, double bound) {
  return {std::move(name), std::to_string(count), std::move(meaning),
          Slot{Encoding::kReal, count, bound * kSlack}};
}

void AppendMoments(const TrainPlan& plan, double rows, std::vector<Slice>& slices) {
  const std::size_t terms = plan.design.terms.size();
  slices.push_back(
      Real("term sums", "for each term, the sum over all rows, shifted and scaled", terms, rows));
  slices.push_back(Real("term squares",
                        "for each term, the sum of squares over all rows, for its spread", terms,
                        rows));
  if (plan.ScalesOutcome()) {
    slices.push_back(Real("outcome moments",
                          "sum and sum of squares of the outcome over all rows, shifted and scaled",
                          2, rows));
  }
}

/// Steps add up to at most their number over 1 - momentum.
double LargestNormaliser(const TrainPlan& plan) {
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  const double batches = std::ceil(rows / static_cast<double>(plan.local.batch));
  const double steps = plan.local.steps > 0 ? static_cast<double>(plan.local.steps)
                                            : static_cast<double>(plan.local.epochs) * batches;
  return steps / (1 - plan.local.momentum);
}

std::string MeaningOfTrainingLoss(const TrainPlan& plan) {
  if (plan.network.ComparesRows()) {
    return "how far the round's model is from the order in which this site's events came, of the "
           "rows it may learn from: minus the logarithm of their partial likelihood";
  }
  if (plan.trainer) {
    return "how far the round's model is from the outcomes of the rows it may learn from, summed, "
           "as the site's program measures it";
  }
  return plan.Validates()
             ? "how far the round's model is from the outcomes of the rows it may learn from, "
               "summed"
             : "how far the model is from the outcomes while it learns, summed over its first pass "
               "over the rows";
}

constexpr const char* kPairs =
    "how many pairs of them are of two patients of whom it is known who had the event first";
constexpr const char* kInOrder =
    "in how many of their pairs the one who had the event first has the higher output, ties "
    "counting one half";

void AppendLosses(const TrainPlan& plan, double rows, std::vector<Slice>& slices) {
  const double loss = rows * static_cast<double>(kLargestLoss);
  slices.push_back(Count("rows in the loss", "how many rows the next number is of", rows));
  slices.push_back(Real("training loss", MeaningOfTrainingLoss(plan), 1, loss));
  if (plan.CountsHits()) {
    slices.push_back(Count("training hits", "in how many of them it predicts the class", rows));
  }
  if (plan.network.ComparesRows()) {
    slices.push_back(Count("events", "in how many of them the event happened", rows));
    slices.push_back(Real("training pairs in order", kInOrder, 1, rows * rows));
    slices.push_back(Real("training pairs", kPairs, 1, rows * rows));
  }
  if (!plan.Validates()) return;
  slices.push_back(Count("held-out rows", "how many rows are kept from learning", rows));
  slices.push_back(
      Real("held-out loss", "how far the round's model is from their outcomes, summed", 1, loss));
  if (plan.CountsHits()) {
    slices.push_back(Count("held-out hits", "in how many of them it predicts the class", rows));
  }
  if (plan.network.ComparesRows()) {
    slices.push_back(Real("held-out pairs in order", kInOrder, 1, rows * rows));
    slices.push_back(Real("held-out pairs", kPairs, 1, rows * rows));
  }
  if (!plan.HasOwnModels()) return;
  slices.push_back(Real("own model's held-out loss",
                        "how far the site's own model is from their outcomes, summed", 1, loss));
  if (plan.CountsHits()) {
    slices.push_back(
        Count("own model's held-out hits", "in how many of them it predicts the class", rows));
  }
  if (plan.network.ComparesRows()) {
    slices.push_back(Real("own model's held-out pairs in order", kInOrder, 1, rows * rows));
  }
}

Slice UpdateSlice(const TrainQuery& query, const TrainPlan& plan) {
  const auto rows =
      static_cast<double>(IsShort(query, plan) ? query.heaviest : plan.design.maximum_rows);
  Slice slice = Real("update",
                     plan.Normalises()
                         ? "for each parameter, its change by training on the rows, times their "
                           "number and divided by the normaliser; at most clip long before that"
                         : "for each parameter, its change by training on the rows, times their "
                           "number; at most clip long before that",
                     plan.shared_parameters, rows * plan.clip);
  if (IsShort(query, plan)) {
    slice.slot.encoding = Encoding::kShort;
    slice.slot.dither = plan.seed + (std::uint64_t{query.round} << 32);
  }
  return slice;
}

}  // namespace

Query EncodeQuery(const TrainQuery& query) {
  const Scaling& scaling = query.scaling;
  return Query{Encode(QueryMessage{query.step, query.round, scaling.centres, scaling.scales,
                                   scaling.outcome_centre, scaling.outcome_scale, query.heaviest,
                                   BytesOf(query.parameters), BytesOf(query.control)})};
}

Result<TrainQuery> DecodeQuery(const Query& query, const TrainPlan& plan) {
  Result<QueryMessage> decoded = Decode<QueryMessage>(query.body);
  if (!decoded) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + decoded.error().message);
  }
  QueryMessage& message = *decoded;
  TRY_STATUS(CheckShape(message, plan));
  TrainQuery result{message.step,
                    message.round,
                    {std::move(message.centres), std::move(message.scales), message.outcome_centre,
                     message.outcome_scale},
                    message.heaviest,
                    FloatsOf(message.parameters),
                    FloatsOf(message.control)};
  const Scaling& scaling = result.scaling;
  const bool positive = std::all_of(scaling.scales.begin(), scaling.scales.end(),
                                    [](double scale) { return scale > 0; });
  if (!positive || !AllFinite(scaling.centres) || !AllFinite(scaling.scales) ||
      !AllFinite(result.parameters) || !AllFinite(result.control) ||
      !std::isfinite(scaling.outcome_centre) || !std::isfinite(scaling.outcome_scale) ||
      !(scaling.outcome_scale > 0)) {
    return Fail(ErrorCode::kInvalidArgument, "the query holds a number that makes no sense");
  }
  return result;
}

Scaling RangeScaling(const TrainPlan& plan) {
  Scaling scaling;
  for (const glm::Term& term : plan.design.terms) {
    scaling.centres.push_back(term.minimum + (term.maximum - term.minimum) / 2);
    scaling.scales.push_back((term.maximum - term.minimum) / 2);
  }
  if (plan.ScalesOutcome()) {
    const double width = plan.design.outcome_maximum - plan.design.outcome_minimum;
    scaling.outcome_centre = plan.design.outcome_minimum + width / 2;
    scaling.outcome_scale = width / 2;
  }
  return scaling;
}

double LongestControlChange(const TrainPlan& plan) {
  return 2 * plan.clip / plan.local.learning_rate;
}

bool IsShort(const TrainQuery& query, const TrainPlan& plan) {
  return query.step == Step::kLearn && query.heaviest > 0 &&
         plan.shared_parameters > kExactParameters;
}

std::vector<Slice> DescribeStep(const TrainQuery& query, const TrainPlan& plan) {
  const Step step = query.step;
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  std::vector<Slice> slices;
  slices.push_back(Count("rows", "how many rows are learned from", rows));
  slices.push_back(Count("patients", "how many different patients the cohort has", rows));
  if (step == Step::kMoments) {
    AppendMoments(plan, rows, slices);
    return slices;
  }
  const std::size_t count = plan.shared_parameters;
  if (step == Step::kWeigh) {
    const double heaviest = rows / plan.server.smoothing;
    slices.push_back(
        Real("weight", "rows over how far the update is from the middle of all", 1, heaviest));
    slices.push_back(Real("weighted update", "for each parameter, the round's change, so weighted",
                          count, heaviest * plan.clip));
    return slices;
  }
  AppendLosses(plan, rows, slices);
  if (step == Step::kEvaluate) return slices;
  slices.push_back(Count("clipped", "1 if what follows was longer than the plan's clip allows", 1));
  if (plan.Normalises()) {
    slices.push_back(Real("normaliser", "how much the steps of the round add up to, times rows", 1,
                          rows * LargestNormaliser(plan)));
  }
  slices.push_back(UpdateSlice(query, plan));
  if (plan.Controls()) {
    slices.push_back(Real("control change",
                          "for each parameter, how the site's mean gradient changed since it last "
                          "took part, times rows",
                          count, rows * LongestControlChange(plan)));
  }
  return slices;
}

std::optional<CheckedSlice> CheckedIn(const TrainQuery& query, const TrainPlan& plan) {
  if (!plan.norm_check || query.step != Step::kLearn) return std::nullopt;
  std::uint64_t rows = plan.design.maximum_rows;
  if (IsShort(query, plan)) rows = std::min(rows, query.heaviest);
  // Of the strategies that can be checked the update is the last slice.
  return CheckedSlice{DescribeStep(query, plan).size() - 1,
                      static_cast<double>(rows) * plan.clip * kSlack};
}

Numbers Split(Step step, const TrainPlan& plan, std::span<double> values) {
  const auto take = [&values](std::size_t count) {
    const std::span<double> taken = values.first(count);
    values = values.subspan(count);
    return taken;
  };
  Numbers numbers;
  numbers.rows = take(1);
  numbers.patients = take(1);
  if (step == Step::kMoments) {
    numbers.term_sums = take(plan.design.terms.size());
    numbers.term_squares = take(plan.design.terms.size());
    if (plan.ScalesOutcome()) numbers.outcome_moments = take(2);
    return numbers;
  }
  const std::size_t count = plan.shared_parameters;
  if (step == Step::kWeigh) {
    numbers.weight = take(1);
    numbers.update = take(count);
    CHECK(values.empty());
    return numbers;
  }
  numbers.loss_rows = take(1);
  numbers.loss = take(1);
  if (plan.CountsHits()) numbers.hits = take(1);
  if (plan.network.ComparesRows()) {
    numbers.events = take(1);
    numbers.pairs_in_order = take(1);
    numbers.pairs = take(1);
  }
  if (plan.Validates()) {
    numbers.held_out_rows = take(1);
    numbers.held_out_loss = take(1);
    if (plan.CountsHits()) numbers.held_out_hits = take(1);
    if (plan.network.ComparesRows()) {
      numbers.held_out_pairs_in_order = take(1);
      numbers.held_out_pairs = take(1);
    }
    if (plan.HasOwnModels()) {
      numbers.own_loss = take(1);
      if (plan.CountsHits()) numbers.own_hits = take(1);
      if (plan.network.ComparesRows()) numbers.own_pairs_in_order = take(1);
    }
  }
  if (step == Step::kLearn) {
    numbers.clipped = take(1);
    if (plan.Normalises()) numbers.normaliser = take(1);
    numbers.update = take(count);
    if (plan.Controls()) numbers.control = take(count);
  }
  CHECK(values.empty());
  return numbers;
}

}  // namespace consilium::train
