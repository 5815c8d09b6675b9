#include "protocols/analyses/validate/query.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/analyses/glm/slices.h"

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
    return std::abs(coefficient) <= evaluate::kLargestCoefficient;
  });
}

Result<Item> ReadQuestion(Question question, const ValidatePlan& plan) {
  Item item{question.fold, question.phase, {}};
  Query inner{std::move(question.query)};
  if (question.fold > plan.folds ||
      (question.fold == kNothingHeldOut && question.phase == Phase::kHeldOut)) {
    return NoQuery("it is of rows that this plan does not have");
  }
  const bool fit = question.phase == Phase::kFit;
  if (question.model.size() != (fit ? 0 : plan.coefficients()) || !IsModel(question.model)) {
    return NoQuery("it is not of a model of this plan");
  }
  if (fit) {
    TRY(item.inner, glm::DecodeQuery(inner, plan.design(), *plan.family));
    return item;
  }
  Judgement judgement{JudgeOf(plan, question.model), {}};
  TRY(judgement.query, evaluate::DecodeQuery(inner, judgement.plan));
  if (question.phase == Phase::kTraining && judgement.query.step != evaluate::Step::kCounts) {
    return NoQuery("a model is not calibrated on its training rows");
  }
  item.inner = std::move(judgement);
  return item;
}

/// "rows", "patients", "events" of all rows and of each fold.
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
  return {counted("rows", "how many rows there are"),
          counted("patients", "how many different patients they are of"),
          counted("events", "in how many rows the outcome is yes"),
          Slice{"sites", std::to_string(plan.folds) + " (one a fold)",
                "1 if this site has rows that the fold holds out, 0 if not",
                Slot{Encoding::kCount, plan.folds, 1}}};
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

Item JudgingItem(const ValidatePlan& plan, Phase phase, evaluate::Step step) {
  Judgement judgement{JudgeOf(plan, std::vector<double>(plan.coefficients(), 0.0)), {}};
  if (step == evaluate::Step::kRecalibrate) {
    judgement.query.step = step;
    judgement.query.slope = true;
    judgement.query.coefficients.assign(judgement.query.order(), 0.0);
  }
  return {kNothingHeldOut, phase, std::move(judgement)};
}

/// Each kind of question that is asked of training rows: of the fit, about the contract's own
/// centres and scales.
std::vector<Item> TrainingItems(const ValidatePlan& plan) {
  std::vector<Item> items;
  for (const glm::Step step : {glm::Step::kMoments, glm::Step::kStart, glm::Step::kNewton}) {
    glm::GlmQuery query = glm::FirstQuery(plan.design(), *plan.family);
    query.step = step;
    if (step == glm::Step::kNewton) query.coefficients.assign(plan.coefficients(), 0.0);
    items.push_back({kNothingHeldOut, Phase::kFit, std::move(query)});
  }
  items.push_back(JudgingItem(plan, Phase::kTraining, evaluate::Step::kCounts));
  return items;
}

std::vector<Item> HeldOutItems(const ValidatePlan& plan) {
  return {JudgingItem(plan, Phase::kHeldOut, evaluate::Step::kCounts),
          JudgingItem(plan, Phase::kHeldOut, evaluate::Step::kRecalibrate)};
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

std::size_t SizesNumbers(const ValidatePlan& plan) { return 3 * (1 + plan.folds) + plan.folds; }

Result<std::vector<Slice>> DescribeItem(const Item& item, const ValidatePlan& plan) {
  if (const auto* fit = std::get_if<glm::GlmQuery>(&item.inner)) {
    return glm::DescribeQuery(*fit, plan.design(), *plan.family);
  }
  const Judgement& judgement = std::get<Judgement>(item.inner);
  return evaluate::DescribeQuery(judgement.query, judgement.plan);
}

Result<std::vector<Slice>> DescribeQuery(const ValidateQuery& query, const ValidatePlan& plan) {
  if (query.step == Step::kSizes) return DescribeSizes(plan);
  std::vector<Slice> slices;
  for (const Item& item : query.items) {
    TRY(std::vector<Slice> inner, DescribeItem(item, plan));
    const std::string part = item.phase == Phase::kHeldOut ? HeldOutName(plan, item.fold)
                                                           : TrainingName(plan, item.fold);
    for (Slice& slice : OfPart(part, 1, std::move(inner))) slices.push_back(std::move(slice));
  }
  return slices;
}

Result<std::vector<Slice>> DescribeEverything(const ValidatePlan& plan) {
  const bool by_patient = plan.method == Method::kFolds;
  const std::string training = by_patient ? "training rows of each fold" : "all sites but one";
  const std::string held_out = by_patient ? "held-out rows of each fold" : "one site alone";
  const std::vector<Item> items = TrainingItems(plan);
  std::vector<Slice> slices = DescribeSizes(plan);
  for (const auto& [part, times] : {std::pair(TrainingName(plan, kNothingHeldOut), std::size_t{1}),
                                    std::pair(training, std::size_t{plan.folds})}) {
    for (const Item& item : items) {
      TRY(std::vector<Slice> inner, DescribeItem(item, plan));
      glm::AppendNew(OfPart(part, times, std::move(inner)), slices);
    }
  }
  for (const Item& item : HeldOutItems(plan)) {
    TRY(std::vector<Slice> inner, DescribeItem(item, plan));
    glm::AppendNew(OfPart(held_out, plan.folds, std::move(inner)), slices);
  }
  // What was said of one part need not be read again of the next.
  std::set<std::string> said;
  for (Slice& slice : slices) {
    if (!said.insert(slice.meaning).second) slice.meaning = "the same as above, of these rows";
  }
  return slices;
}

Result<std::size_t> MostWords(const ValidatePlan& plan) {
  std::size_t largest = 0;
  for (const std::vector<Item>& items : {TrainingItems(plan), HeldOutItems(plan)}) {
    for (const Item& item : items) {
      TRY(const std::vector<Slice> slices, DescribeItem(item, plan));
      largest = std::max(largest, WordsOf(SlotsOf(slices)));
    }
  }
  return (1 + plan.folds) * largest;
}

}  // namespace consilium::validate
