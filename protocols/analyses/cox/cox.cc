#include "protocols/analyses/cox/cox.h"

#include <utility>

#include "protocols/analyses/cox/fit.h"
#include "protocols/analyses/cox/query.h"
#include "protocols/analyses/cox/render.h"
#include "protocols/analyses/cox/site.h"

namespace consilium::cox {
namespace {

class Cox final : public Analysis {
 public:
  explicit Cox(CoxPlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "cox"; }
  std::vector<std::string> columns() const override { return plan_.design.columns; }
  std::size_t outcomes() const override { return plan_.design.first_feature(); }
  std::size_t parameters() const override { return plan_.design.terms.size(); }
  bool KeepsSitesApart() const override { return true; }
  std::uint32_t maximum_rounds() const override { return MaximumRounds(plan_); }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const CoxQuery decoded, DecodeQuery(query, plan_.design));
    return DescribeQuery(decoded, plan_.design);
  }

  std::vector<Slice> DescribeForReview() const override {
    CoxQuery query;
    query.scaling = glm::ScalingByRange(plan_.design);
    std::vector<Slice> slices = DescribeQuery(query, plan_.design).value();
    query.coefficients.assign(parameters(), 0.0);
    for (const Step step : {Step::kNewton, Step::kConcordance}) {
      query.step = step;
      glm::AppendNew(DescribeQuery(query, plan_.design).value(), slices);
    }
    return slices;
  }

  std::string InWords() const override {
    return "Cox regression of the time \"" + plan_.time() + "\" to the event \"" + plan_.event() +
           "\" on " + glm::FeaturesInWords(plan_.design) + " (" + std::to_string(parameters()) +
           (parameters() == 1 ? " coefficient" : " coefficients") +
           "; each site has a baseline hazard of its own, which stays there)";
  }

  std::string ReleasedInWords() const override {
    return "hazard ratios, standard errors, tests, concordance and numbers of patients and events";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const CoxFit fit, RunCox(federation, plan_));
    return Render(fit, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const CoxQuery decoded, DecodeQuery(query, plan_.design));
    return AnswerQuery(decoded, plan_, cohort);
  }

 private:
  CoxPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeCox(const Settings& settings, const Contract& contract) {
  TRY(CoxPlan plan, ParseCoxPlan(settings, contract));
  return std::make_unique<Cox>(std::move(plan));
}

}  // namespace consilium::cox
