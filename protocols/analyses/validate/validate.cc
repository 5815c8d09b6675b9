#include "protocols/analyses/validate/validate.h"

#include <string>
#include <utility>
#include <vector>

#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/logistic/logistic.h"
#include "protocols/analyses/validate/estimate.h"
#include "protocols/analyses/validate/query.h"
#include "protocols/analyses/validate/render.h"
#include "protocols/analyses/validate/site.h"
#include "protocols/secure_sum/limits.h"

namespace consilium::validate {
namespace {

class Validate final : public Analysis {
 public:
  /// `on_one_table`: see OnOneTable; this itself if null.
  Validate(ValidatePlan plan, std::unique_ptr<Analysis> on_one_table)
      : plan_(std::move(plan)), on_one_table_(std::move(on_one_table)) {}

  std::string_view kind() const override { return "validate"; }
  std::vector<std::string> columns() const override { return plan_.design().columns; }
  bool TellsPatientsApart() const override { return plan_.method == Method::kFolds; }
  std::size_t parameters() const override { return plan_.coefficients(); }
  bool ShowsSingleSites() const override { return plan_.method == Method::kLeaveOneSiteOut; }
  std::vector<std::string> NamedSites() const override { return plan_.sites; }
  const Analysis& OnOneTable() const override {
    return on_one_table_ ? *on_one_table_ : static_cast<const Analysis&>(*this);
  }

  /// Sizes; then the longest course: a fit, counts of training rows, counts of held-out rows and
  /// their recalibration.
  std::uint32_t maximum_rounds() const override {
    return 1 + glm::kMomentRounds + plan_.regression.fit.maximum_iterations + 2 +
           evaluate::kMostIterations;
  }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const ValidateQuery decoded, DecodeQuery(query, plan_));
    return DescribeQuery(decoded, plan_);
  }

  std::vector<Slice> DescribeForReview() const override {
    return DescribeEverything(plan_).value();
  }

  std::string InWords() const override {
    std::string text = "validation of a " + std::string(plan_.family->kind()) + " regression of " +
                       glm::VariablesInWords(plan_.design()) + " (" +
                       std::to_string(plan_.coefficients()) +
                       " coefficients with the intercept), fitted ";
    if (plan_.method == Method::kFolds) {
      return text + "to all rows and " + std::to_string(plan_.folds) +
             " times without a share of all hospitals' patients, on which it is then judged";
    }
    text += "to all rows and without the rows of one hospital, on which it is then judged: ";
    for (std::size_t i = 0; i < plan_.sites.size(); ++i) {
      text += (i == 0 ? "" : ", ") + plan_.sites[i];
    }
    return text;
  }

  std::string ReleasedInWords() const override {
    const bool by_patient = plan_.method == Method::kFolds;
    std::string text =
        "for each " + std::string(by_patient ? "fold" : "of these hospitals") +
        " how many rows and events were held out, the coefficients without them, and how well "
        "predictions separate and match outcomes (AUC, Brier score, log-loss, calibration) on the "
        "rows that the model was fitted to and on those held out";
    if (plan_.judge.minimum_count > 1) {
      text += ", without parts of fewer than " + std::to_string(plan_.judge.minimum_count) +
              " rows, events or others";
    }
    return text + "; and coefficients, standard errors and numbers of patients";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Validation validation, RunValidation(federation, plan_));
    return Render(validation, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const ValidateSiteQuery prepared, PrepareHere(query));
    Contribution contribution;
    contribution.values.resize(prepared.numbers());
    TRY_STATUS(prepared.Answer(cohort, contribution.values));
    return contribution;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(ValidateSiteQuery prepared, PrepareHere(query));
    return std::make_unique<ValidateSiteQuery>(std::move(prepared));
  }

 private:
  Result<ValidateSiteQuery> PrepareHere(const Query& query) const {
    TRY(ValidateQuery decoded, DecodeQuery(query, plan_));
    return ValidateSiteQuery::Make(std::move(decoded), plan_);
  }

  ValidatePlan plan_;
  std::unique_ptr<Analysis> on_one_table_;
};

Status RequireRoom(const Settings& settings, const ValidatePlan& plan) {
  TRY_STATUS(DescribeEverything(plan));
  TRY(const std::size_t words, MostWords(plan));
  if (words <= kMaxVectorWords) return {};
  return settings.FailAt(plan.method == Method::kFolds ? "folds" : "sites",
                         "so many models at once would sum up to " + std::to_string(words) +
                             " words a round; at most " + std::to_string(kMaxVectorWords) +
                             " are carried",
                         "take fewer folds, score_bins or features");
}

/// Rows in one place cannot leave a site out, and are at one.
Result<std::unique_ptr<Analysis>> OnOneTable(const Settings& settings,
                                             const Contract& contract,
                                             const ValidatePlan& plan) {
  if (plan.method == Method::kLeaveOneSiteOut) {
    return glm::RegressionOf(plan.regression, MakeLogisticFamily());
  }
  TRY(ValidatePlan one_site, ParseValidatePlan(settings, contract, /*minimum_sites=*/1));
  return std::make_unique<Validate>(std::move(one_site), nullptr);
}

}  // namespace

Result<std::unique_ptr<Analysis>> MakeValidate(const Settings& settings,
                                               const Contract& contract,
                                               std::uint32_t minimum_sites) {
  TRY(ValidatePlan plan, ParseValidatePlan(settings, contract, minimum_sites));
  TRY_STATUS(RequireRoom(settings, plan));
  TRY(std::unique_ptr<Analysis> on_one_table, OnOneTable(settings, contract, plan));
  return std::make_unique<Validate>(std::move(plan), std::move(on_one_table));
}

}  // namespace consilium::validate
