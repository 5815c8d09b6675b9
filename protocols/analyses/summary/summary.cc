#include "protocols/analyses/summary/summary.h"

#include <string>
#include <utility>

#include "protocols/analyses/summary/few.h"
#include "protocols/analyses/summary/query.h"
#include "protocols/analyses/summary/render.h"
#include "protocols/analyses/summary/site.h"
#include "protocols/analyses/summary/statistics.h"

namespace consilium::summary {
namespace {

class SummaryAnalysis final : public Analysis {
 public:
  explicit SummaryAnalysis(SummaryPlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "summary"; }
  std::vector<std::string> columns() const override { return plan_.columns; }
  std::vector<std::string> columns_with_gaps() const override { return columns(); }
  /// Counts and sums fit nothing to single patients; small cells are the policy's minimum_class.
  std::size_t parameters() const override { return 0; }
  std::uint32_t maximum_rounds() const override { return plan_.numbers.empty() ? 1 : 2; }
  std::uint32_t rounds_with_noise() const override { return 1; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const SummaryQuery decoded, DecodeQuery(query, plan_));
    return DescribeStep(decoded.step, plan_);
  }
  std::vector<Slice> DescribeForReview() const override {
    return DescribeStep(Step::kCounts, plan_);
  }

  std::string InWords() const override {
    std::string text = "summary of " + std::to_string(plan_.variables.size()) +
                       (plan_.variables.size() == 1 ? " variable" : " variables");
    if (plan_.by) text += " by " + plan_.by->column.name;
    return text;
  }
  std::string ReleasedInWords() const override {
    std::string text = "counts, means, spreads, quantiles, histograms and tests between groups";
    if (plan_.minimum_count > 1) {
      text += ", without counts of fewer than " + std::to_string(plan_.minimum_count) +
              " and what would give them back";
    }
    return text;
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    const Aggregate counts = federation.Sum(EncodeQuery({}));
    if (counts.values.size() != NumbersIn(DescribeForReview())) {
      return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
    }
    std::optional<Aggregate> spread;
    if (counts.noise.empty() && LosesDigits(plan_, counts)) {
      spread = federation.Sum(EncodeQuery(SpreadQuery(plan_, counts)));
    }
    TRY(Summary summary, Summarise(plan_, counts, spread));
    HideFew(plan_, summary);
    return Render(summary, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const SummaryQuery decoded, DecodeQuery(query, plan_));
    Contribution contribution;
    contribution.values.resize(NumbersIn(DescribeStep(decoded.step, plan_)));
    TRY_STATUS(summary::Answer(plan_, decoded, cohort, contribution.values));
    return contribution;
  }

 private:
  const SummaryPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeSummary(const Settings& settings, const Contract& contract) {
  TRY(SummaryPlan plan, ParseSummaryPlan(settings, contract));
  return std::make_unique<SummaryAnalysis>(std::move(plan));
}

}  // namespace consilium::summary
