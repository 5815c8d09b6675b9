#include "protocols/analyses/survival/survival.h"

#include <utility>

#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/survival/estimate.h"
#include "protocols/analyses/survival/query.h"
#include "protocols/analyses/survival/render.h"
#include "protocols/analyses/survival/site.h"

namespace consilium::survival {
namespace {

class Survival final : public Analysis {
 public:
  explicit Survival(SurvivalPlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "survival"; }
  std::vector<std::string> columns() const override { return plan_.design.columns; }
  std::size_t outcomes() const override { return plan_.design.first_feature(); }
  std::size_t parameters() const override { return plan_.groups.size(); }
  std::uint32_t maximum_rounds() const override { return kRounds; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const SurvivalQuery decoded, DecodeQuery(query, plan_));
    return DescribeQuery(decoded, plan_);
  }

  /// The table as if no bin were merged: it cannot be larger.
  std::vector<Slice> DescribeForReview() const override {
    SurvivalQuery query;
    std::vector<Slice> slices = DescribeQuery(query, plan_);
    query.step = Step::kTable;
    for (std::size_t i = 0; i < plan_.bins; ++i)
      query.ends.push_back(static_cast<std::uint32_t>(i));
    std::vector<Slice> table = DescribeQuery(query, plan_);
    for (Slice& slice : table) {
      if (slice.slot.encoding == Encoding::kCount && slice.slot.count > 1) {
        slice.shape += " at most";
      }
    }
    glm::AppendNew(std::move(table), slices);
    return slices;
  }

  std::string InWords() const override {
    const std::size_t curves = plan_.groups.size();
    return "survival " + std::string(curves == 1 ? "curve" : "curves") +
           " (Kaplan-Meier) of the time \"" + plan_.time() + "\" to the event \"" + plan_.event() +
           "\"" + (plan_.has_groups() ? " by " + plan_.design.columns[2] : "") +
           ", in steps of at least " + std::to_string(plan_.minimum_events) +
           (plan_.minimum_events == 1 ? " event" : " events");
  }

  std::string ReleasedInWords() const override {
    return "for each step of each curve the number at risk, the number of events and the survival "
           "with its limits; medians, and tests whether groups differ";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const SurvivalEstimate estimate, RunSurvival(federation, plan_));
    return Render(estimate, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const SurvivalQuery decoded, DecodeQuery(query, plan_));
    return AnswerQuery(decoded, plan_, cohort);
  }

 private:
  SurvivalPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeSurvival(const Settings& settings, const Contract& contract) {
  TRY(SurvivalPlan plan, ParseSurvivalPlan(settings, contract));
  return std::make_unique<Survival>(std::move(plan));
}

}  // namespace consilium::survival
