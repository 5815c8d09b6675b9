#pragma once

// What the coordinator of a validation asks, its bytes, and what leaves a site in answer.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/settings.h"
#include "protocols/analyses/validate/model.h"
#include "protocols/analyses/validate/settings.h"
#include "protocols/analysis.h"

namespace consilium::validate {

using evaluate::kLargestCoefficient;

enum class Step : std::uint8_t {
  kSizes = 1,  ///< How many rows each fold has: nothing of a fold that is too small is asked.
  kModels = 2  ///< The next question of the model of each fold, of the one of all rows first.
};

/// One model's question.
struct Question {
  Fold fold = kNothingHeldOut;
  Phase phase = Phase::kFit;
  std::vector<double> model;  ///< Judged: its coefficients. None while fitted.
  Bytes query;                ///< As the model understands it.

  template <class Archive>
  void serialize(Archive& archive);
};

Query EncodeSizesQuery();
/// Folds rise.
Query EncodeQuestions(const std::vector<Question>& questions);

/// A question that was read and checked.
struct Item {
  Fold fold = kNothingHeldOut;
  Phase phase = Phase::kFit;
  Asked asked;
};

struct ValidateQuery {
  Step step = Step::kSizes;
  std::vector<Item> items;  ///< Of kModels, folds rising.
};

/// kInvalidArgument if these bytes are no query of this plan, hold a number that makes no sense, or
/// a bound is too large to be kept. The plan must outlive it.
Result<ValidateQuery> DecodeQuery(const Query& query, const ValidatePlan& plan);

/// What the sites count in the first round, by the numbers of an answer or a sum: of all rows, then
/// of what each fold holds out.
struct SizesSums {
  std::span<double> rows;
  std::span<double> patients;
  std::span<double> events;          ///< None where the model has none.
  std::span<double> sites;           ///< Of each fold: that add such rows,
  std::span<double> training_sites;  ///< that add others.
};
std::size_t SizesNumbers(const ValidatePlan& plan);
/// `values` has SizesNumbers.
SizesSums SplitSizes(const ValidatePlan& plan, std::span<double> values);

/// For all of a query, in its order: names begin with the part of the rows.
std::vector<Slice> DescribeQuery(const ValidateQuery& query, const ValidatePlan& plan);
/// Each kind of slice once, with the numbers of all folds.
Result<std::vector<Slice>> DescribeEverything(const ValidatePlan& plan);
/// No round has more words.
Result<std::size_t> MostWords(const ValidatePlan& plan);

}  // namespace consilium::validate
