#include "protocols/analyses/validate/query.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "common/check.h"
#include "common/wire.h"
#include "protocols/analyses/glm/query.h"

namespace consilium::validate {
namespace {

constexpr std::size_t kMostQuestions = 101;
/// A Newton query of the most terms: centres, scales and coefficients.
constexpr std::size_t kMostInnerBytes = 8 * 3 * (glm::kMaxTerms + 1) + 64;

struct QueryMessage {
  Step step = Step::kSizes;
  std::vector<Question> questions;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kSizes, Step::kModels>(step), AtMost<kMostQuestions>(questions));
  }
};

tl::unexpected<Error> NoQuery(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "no query of this analysis: " + why);
}

bool IsModel(const std::vector<double>& model) {
  return std::all_of(model.begin(), model.end(), [](double coefficient) {
    return std::abs(coefficient) <= kLargestCoefficient;
  });
}

Result<Item> ReadQuestion(Question question, const ValidatePlan& plan) {
  if (question.fold > plan.folds ||
      (question.fold == kNothingHeldOut && question.phase == Phase::kHeldOut)) {
    return NoQuery("it is of rows that this plan does not have");
  }
  const std::size_t coefficients = question.phase == Phase::kFit ? 0 : plan.coefficients();
  if (question.model.size() != coefficients || !IsModel(question.model)) {
    return NoQuery("it is not of a model of this plan");
  }
  Item item{question.fold, question.phase, {}};
  const Query inner{std::move(question.query)};
  TRY(item.asked, plan.model->Read(question.phase, question.model, inner));
  return item;
}

std::vector<Slice> DescribeSizes(const ValidatePlan& plan) {
  const auto rows = static_cast<double>(plan.design().maximum_rows);
  const std::size_t parts = 1 + plan.folds;
  const bool by_patient = plan.method == Method::kFolds;
  const std::string shape = std::to_string(parts) + " (all rows, then what each of " +
                            std::to_string(plan.folds) + " folds holds out)";
  const std::string of_what = by_patient ? "" : "; a fold holds out one hospital's rows";
  const auto counted = [&](const char* name, const std::string& meaning) {
    return Slice{name, shape, meaning + of_what, Slot{Encoding::kCount, parts, rows}};
  };
  const auto whether = [&](const char* name, const char* meaning) {
    return Slice{name, std::to_string(plan.folds) + " (one a fold)", meaning,
                 Slot{Encoding::kCount, plan.folds, 1}};
  };
  std::vector<Slice> slices = {counted("rows", "how many rows there are"),
                               counted("patients", "how many different patients they are of")};
  const Layout& layout = plan.model->layout();
  if (layout.has_events) slices.push_back(counted("events", layout.events));
  slices.push_back(
      whether("sites", "1 if this site's rows that the fold holds out add to sums, 0 if not"));
  slices.push_back(whether("training sites", "the same of this site's other rows"));
  return slices;
}

/// Names with the part in front; each number so many times.
std::vector<Slice> OfPart(const std::string& part, std::size_t times, std::vector<Slice> slices) {
  for (Slice& slice : slices) {
    slice.name = part + ": " + slice.name;
    if (times > 1) slice.shape += ", for each of " + std::to_string(times) + " folds";
    slice.slot.count *= times;
  }
  return slices;
}

/// What leaves a site for each kind of question that is asked in these phases.
Result<std::vector<std::vector<Slice>>> KindsOf(const ValidatePlan& plan,
                                                const std::vector<Phase>& phases) {
  std::vector<std::vector<Slice>> kinds;
  const std::vector<double> zeros(plan.coefficients(), 0.0);
  for (const Phase phase : phases) {
    for (const Query& query : plan.model->Samples(phase)) {
      TRY(Asked asked, plan.model->Read(phase, zeros, query));
      kinds.push_back(std::move(asked.slices));
    }
  }
  return kinds;
}

}  // namespace

template <class Archive>
void Question::serialize(Archive& archive) {
  archive(fold, EnumBetween<Phase::kFit, Phase::kHeldOut>(phase), AtMost<glm::kMaxTerms + 1>(model),
          AtMost<kMostInnerBytes>(query));
}

Query EncodeSizesQuery() { return Query{Encode(QueryMessage{})}; }

Query EncodeQuestions(const std::vector<Question>& questions) {
  return Query{Encode(QueryMessage{Step::kModels, questions})};
}

Result<ValidateQuery> DecodeQuery(const Query& query, const ValidatePlan& plan) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) return NoQuery(message.error().message);
  if ((message->step == Step::kSizes) != message->questions.empty()) {
    return NoQuery("it asks nothing, or sizes and something else");
  }
  ValidateQuery result;
  result.step = message->step;
  for (Question& question : message->questions) {
    if (!result.items.empty() && question.fold <= result.items.back().fold) {
      return NoQuery("its folds do not rise");
    }
    TRY(Item item, ReadQuestion(std::move(question), plan));
    result.items.push_back(std::move(item));
  }
  return result;
}

std::size_t SizesNumbers(const ValidatePlan& plan) {
  const std::size_t counts = plan.model->layout().has_events ? 3 : 2;
  return counts * (1 + plan.folds) + 2 * plan.folds;
}

SizesSums SplitSizes(const ValidatePlan& plan, std::span<double> values) {
  CHECK(values.size() == SizesNumbers(plan));
  const auto take = [&values](std::size_t count) {
    const std::span<double> taken = values.first(count);
    values = values.subspan(count);
    return taken;
  };
  const std::size_t parts = 1 + plan.folds;
  SizesSums sums;
  sums.rows = take(parts);
  sums.patients = take(parts);
  if (plan.model->layout().has_events) sums.events = take(parts);
  sums.sites = take(plan.folds);
  sums.training_sites = take(plan.folds);
  return sums;
}

std::vector<Slice> DescribeQuery(const ValidateQuery& query, const ValidatePlan& plan) {
  if (query.step == Step::kSizes) return DescribeSizes(plan);
  std::vector<Slice> slices;
  for (const Item& item : query.items) {
    const std::string part = item.phase == Phase::kHeldOut ? HeldOutName(plan, item.fold)
                                                           : TrainingName(plan, item.fold);
    for (Slice& slice : OfPart(part, 1, item.asked.slices)) slices.push_back(std::move(slice));
  }
  return slices;
}

Result<std::vector<Slice>> DescribeEverything(const ValidatePlan& plan) {
  const bool by_patient = plan.method == Method::kFolds;
  const std::string training = by_patient ? "training rows of each fold" : "all sites but one";
  const std::string held_out = by_patient ? "held-out rows of each fold" : "one site alone";
  TRY(const std::vector<std::vector<Slice>> of_training,
      KindsOf(plan, {Phase::kFit, Phase::kTraining}));
  TRY(const std::vector<std::vector<Slice>> of_held_out, KindsOf(plan, {Phase::kHeldOut}));
  std::vector<Slice> slices = DescribeSizes(plan);
  for (const std::vector<Slice>& kind : of_training) {
    glm::AppendNew(OfPart(TrainingName(plan, kNothingHeldOut), 1, kind), slices);
  }
  for (const std::vector<Slice>& kind : of_training) {
    glm::AppendNew(OfPart(training, plan.folds, kind), slices);
  }
  for (const std::vector<Slice>& kind : of_held_out) {
    glm::AppendNew(OfPart(held_out, plan.folds, kind), slices);
  }
  // What was said of one part need not be read again of the next.
  std::set<std::string> said;
  for (Slice& slice : slices) {
    if (!said.insert(slice.meaning).second) slice.meaning = "the same as above, of these rows";
  }
  return slices;
}

Result<std::size_t> MostWords(const ValidatePlan& plan) {
  TRY(const std::vector<std::vector<Slice>> kinds,
      KindsOf(plan, {Phase::kFit, Phase::kTraining, Phase::kHeldOut}));
  std::size_t largest = 0;
  for (const std::vector<Slice>& kind : kinds) {
    largest = std::max(largest, WordsOf(SlotsOf(kind)));
  }
  return (1 + plan.folds) * largest;
}

}  // namespace consilium::validate
