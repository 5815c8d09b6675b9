#include "protocols/analyses/validate/validate.h"

#include <string>
#include <utility>
#include <vector>

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
  std::vector<std::string> columns() const override { return model().columns(); }
  std::size_t outcomes() const override { return model().outcomes(); }
  bool TellsPatientsApart() const override { return plan_.method == Method::kFolds; }
  std::size_t parameters() const override { return plan_.coefficients(); }
  bool KeepsSitesApart() const override { return model().KeepsSitesApart(); }
  bool ShowsSingleSites() const override { return plan_.method == Method::kLeaveOneSiteOut; }
  std::vector<std::string> NamedSites() const override { return plan_.sites; }
  const Analysis& OnOneTable() const override {
    // Rows in one place cannot leave a site out.
    if (plan_.method == Method::kLeaveOneSiteOut) return model();
    return on_one_table_ ? *on_one_table_ : static_cast<const Analysis&>(*this);
  }

  /// Sizes; then the longest course: a fit, and its judgement on training and held-out rows.
  std::uint32_t maximum_rounds() const override {
    return 1 + model().maximum_rounds() + plan_.model->judging_rounds();
  }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const ValidateQuery decoded, DecodeQuery(query, plan_));
    return DescribeQuery(decoded, plan_);
  }

  std::vector<Slice> DescribeForReview() const override {
    return DescribeEverything(plan_).value();
  }

  std::string InWords() const override {
    std::string text = "validation of a " + model().InWords() + ", fitted ";
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
    const Layout& layout = plan_.model->layout();
    std::string text =
        "for each " + std::string(by_patient ? "fold" : "of these hospitals") + " how many rows " +
        (layout.has_events ? "and events " : "") +
        "were held out, the coefficients without them, and how well predictions match outcomes (" +
        layout.measures_in_words +
        ") on the rows that the model was fitted to and on those held "
        "out";
    if (plan_.minimum_count > 1) {
      text += ", without parts of fewer than " + std::to_string(plan_.minimum_count) + " " +
              SmallInWords(plan_);
    }
    return text + "; and of the model of all rows " + model().ReleasedInWords();
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Validation validation, RunValidation(federation, plan_));
    return Render(validation, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(ValidateQuery decoded, DecodeQuery(query, plan_));
    const ValidateSiteQuery prepared(std::move(decoded), plan_);
    Contribution contribution;
    contribution.values.resize(prepared.numbers());
    TRY_STATUS(prepared.Answer(cohort, contribution.values));
    return contribution;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(ValidateQuery decoded, DecodeQuery(query, plan_));
    return std::make_unique<ValidateSiteQuery>(std::move(decoded), plan_);
  }

 private:
  const Analysis& model() const { return plan_.model->regression(); }

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
                         "take fewer folds or features, or a logistic regression's score_bins");
}

}  // namespace

Result<std::unique_ptr<Analysis>> MakeValidate(const Settings& settings,
                                               const Contract& contract,
                                               std::uint32_t minimum_sites) {
  TRY(ValidatePlan plan, ParseValidatePlan(settings, contract, minimum_sites));
  TRY_STATUS(RequireRoom(settings, plan));
  std::unique_ptr<Analysis> on_one_table;
  if (plan.method == Method::kFolds) {
    // Rows in one place are at one site.
    TRY(ValidatePlan one_site, ParseValidatePlan(settings, contract, /*minimum_sites=*/1));
    on_one_table = std::make_unique<Validate>(std::move(one_site), nullptr);
  }
  return std::make_unique<Validate>(std::move(plan), std::move(on_one_table));
}

}  // namespace consilium::validate
