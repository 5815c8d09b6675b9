#pragma once

// What the coordinator of a validation asks, its bytes, and what leaves a site in answer.

#include <cstdint>
#include <variant>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/query.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/analyses/validate/settings.h"
#include "protocols/analysis.h"

namespace consilium::validate {

enum class Step : std::uint8_t {
  kSizes = 1,  ///< How many rows each fold has: nothing of a fold that is too small is asked.
  kModels = 2  ///< The next question of the model of each fold, of the one of all rows first.
};

/// Where the model of a fold is.
enum class Phase : std::uint8_t {
  kFit = 1,       ///< Fitted to the training rows.
  kTraining = 2,  ///< Judged on them, by counts alone: there it is calibrated by construction.
  kHeldOut = 3    ///< Judged on the rows that it has not seen.
};

/// One model's question.
struct Question {
  Fold fold = kNothingHeldOut;
  Phase phase = Phase::kFit;
  std::vector<double> model;  ///< Judged: its coefficients, intercept first. None while fitted.
  Bytes query;                ///< Of the regression, or of the evaluation.

  template <class Archive>
  void serialize(Archive& archive);
};

Query EncodeSizesQuery();
/// Folds rise.
Query EncodeQuestions(const std::vector<Question>& questions);

/// A model and what is asked of it.
struct Judgement {
  evaluate::EvaluatePlan plan;
  evaluate::EvaluateQuery query;
};

/// A question that was read and checked.
struct Item {
  Fold fold = kNothingHeldOut;
  Phase phase = Phase::kFit;
  std::variant<glm::GlmQuery, Judgement> inner;
};

struct ValidateQuery {
  Step step = Step::kSizes;
  std::vector<Item> items;  ///< Of kModels, folds rising.
};

/// kInvalidArgument if these bytes are no query of this plan or hold a number that makes no sense.
Result<ValidateQuery> DecodeQuery(const Query& query, const ValidatePlan& plan);

/// Numbers of kSizes: of all rows and of what each fold holds out, rows, patients and events; then
/// of each fold at how many sites there are such rows.
std::size_t SizesNumbers(const ValidatePlan& plan);

/// What leaves a site for one question, by its own names. kInvalidArgument if a bound is too large
/// to be kept.
Result<std::vector<Slice>> DescribeItem(const Item& item, const ValidatePlan& plan);
/// For all of a query, in its order: names begin with the part of the rows.
Result<std::vector<Slice>> DescribeQuery(const ValidateQuery& query, const ValidatePlan& plan);
/// Each kind of slice once, with the numbers of all folds.
Result<std::vector<Slice>> DescribeEverything(const ValidatePlan& plan);
/// No round has more words.
Result<std::size_t> MostWords(const ValidatePlan& plan);

}  // namespace consilium::validate
