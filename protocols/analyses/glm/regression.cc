#include "protocols/analyses/glm/regression.h"

#include <cstdio>
#include <string>
#include <utility>

#include "protocols/analyses/glm/fit.h"
#include "protocols/analyses/glm/render.h"
#include "protocols/analyses/glm/site.h"

namespace consilium::glm {
namespace {

class Regression final : public Analysis {
 public:
  Regression(RegressionPlan plan, std::unique_ptr<Family> family)
      : plan_(std::move(plan)), family_(std::move(family)) {}

  std::string_view kind() const override { return family_->kind(); }

  std::vector<std::string> columns() const override { return plan_.design.columns; }

  std::size_t parameters() const override { return 1 + plan_.design.terms.size(); }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const GlmQuery decoded, DecodeQuery(query, plan_.design, *family_));
    return DescribeQuery(decoded, plan_.design, *family_);
  }

  /// The moments, then a Newton round about the contract's own centres and scales: later rounds
  /// have the same shape, with bounds that follow the coefficients.
  std::vector<Slice> DescribeForReview() const override {
    GlmQuery query = FirstQuery(plan_.design, *family_);
    std::vector<Slice> slices = Described(query);
    if (!family_->gaussian()) {
      query.step = Step::kStart;
      AppendNew(Described(query), slices);
    }
    query.step = Step::kNewton;
    query.coefficients.assign(parameters(), 0.0);
    AppendNew(Described(query), slices);
    return slices;
  }

  std::uint32_t maximum_rounds() const override {
    return kMomentRounds + plan_.fit.maximum_iterations;
  }

  std::string InWords() const override {
    return std::string(kind()) + " regression of " + VariablesInWords(plan_.design) + " (" +
           std::to_string(parameters()) + " coefficients with the intercept)";
  }

  std::string ReleasedInWords() const override {
    return "coefficients, standard errors and numbers of patients";
  }

  Result<std::shared_ptr<const Analysis>> Bounded(PrivacyUnit,
                                                  const Settings& analysis) const override {
    return family_->Bounded(plan_.design, analysis);
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Fit fit, RunFit(federation, plan_.design, *family_, plan_.fit));
    return Render(fit, plan_.design, *family_, plan_.render);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const GlmSiteQuery prepared, PrepareHere(query));
    Contribution contribution;
    contribution.values.resize(prepared.numbers());
    TRY_STATUS(prepared.Answer(cohort, contribution.values));
    return contribution;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(GlmSiteQuery prepared, PrepareHere(query));
    return std::make_unique<GlmSiteQuery>(std::move(prepared));
  }

 private:
  Result<GlmSiteQuery> PrepareHere(const Query& query) const {
    TRY(GlmQuery decoded, DecodeQuery(query, plan_.design, *family_));
    return GlmSiteQuery::Make(std::move(decoded), plan_.design, *family_);
  }

  std::vector<Slice> Described(const GlmQuery& query) const {
    return DescribeQuery(query, plan_.design, *family_).value();
  }

  RegressionPlan plan_;
  std::unique_ptr<Family> family_;
};

Result<ContractColumn> ParseOutcome(const Settings& settings,
                                    const Contract& contract,
                                    const Family& family) {
  TRY(ContractColumn column, ParseColumn(settings, "outcome", contract));
  if (const Status status = family.CheckOutcome(column); !status) {
    return settings.FailAt("outcome", status.error().message, status.error().remedy);
  }
  return column;
}

Status ParseOptions(const Settings& settings, RegressionPlan& plan) {
  TRY(plan.fit, ParseFitOptions(settings));
  plan.render.ridge = plan.fit.ridge;
  TRY(plan.render.confidence, ParseConfidence(settings));
  TRY(const bool intercept, settings.BooleanOr("intercept", true));
  if (!intercept) {
    return settings.FailAt("intercept", "a fit without an intercept is not supported",
                           "leave the key out");
  }
  return {};
}

}  // namespace

Result<FitOptions> ParseFitOptions(const Settings& settings) {
  FitOptions options;
  TRY(options.ridge, settings.NumberOr("ridge", 0.0));
  if (options.ridge < 0 || options.ridge > 1e9) {
    return settings.FailValueAt("ridge", "it must be between 0 and 1e9");
  }
  TRY(const std::int64_t iterations, settings.IntegerBetween("maximum_iterations", 2, 100, 25));
  options.maximum_iterations = static_cast<std::uint32_t>(iterations);
  return options;
}

Result<double> ParseConfidence(const Settings& settings) {
  TRY(const double confidence, settings.NumberOr("confidence", 0.95));
  if (confidence >= 0.5 && confidence <= 0.9999) return confidence;
  // People who think in percent.
  const bool percent = confidence >= 50 && confidence <= 99.99;
  char remedy[32];
  std::snprintf(remedy, sizeof remedy, "write %.6g", confidence / 100);
  return settings.FailValueAt("confidence", "it must be between 0.5 and 0.9999",
                              percent ? remedy : "");
}

Result<Design> ParseDesign(const Settings& settings,
                           const Contract& contract,
                           const std::vector<ContractColumn>& outcomes) {
  std::vector<std::string> names;
  for (const ContractColumn& outcome : outcomes) names.push_back(outcome.name);
  TRY(const std::vector<std::string> features, ParseFeatures(settings, contract, names));
  Result<Design> design = MakeDesign(contract, outcomes, features);
  if (!design) return settings.FailAt("features", design.error().message, design.error().remedy);
  if (design->terms.size() <= kMaxTerms) return design;
  return settings.FailAt("features",
                         "the features make " + std::to_string(design->terms.size()) +
                             " terms; at most " + std::to_string(kMaxTerms) + " are summed",
                         "use fewer features or merge levels");
}

Result<RegressionPlan> ParseRegression(const Settings& settings,
                                       const Contract& contract,
                                       const Family& family) {
  RegressionPlan plan;
  TRY(const ContractColumn outcome, ParseOutcome(settings, contract, family));
  TRY(plan.design, ParseDesign(settings, contract, {outcome}));
  TRY_STATUS(ParseOptions(settings, plan));
  TRY_STATUS(settings.RequireNoOtherKeys());
  return plan;
}

std::unique_ptr<Analysis> RegressionOf(RegressionPlan plan, std::unique_ptr<Family> family) {
  return std::make_unique<Regression>(std::move(plan), std::move(family));
}

Result<std::unique_ptr<Analysis>> MakeRegression(const Settings& settings,
                                                 const Contract& contract,
                                                 std::unique_ptr<Family> family) {
  TRY(RegressionPlan plan, ParseRegression(settings, contract, *family));
  return RegressionOf(std::move(plan), std::move(family));
}

}  // namespace consilium::glm
