#include "protocols/analyses/meta/meta.h"

#include <string>
#include <utility>

#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/meta/combine.h"
#include "protocols/analyses/meta/render.h"
#include "protocols/analyses/meta/site.h"

namespace consilium::meta {
namespace {

/// A coefficient has seven sums. Of four sites they are eight unknowns, and collusion or one
/// published estimate gives the rest.
constexpr std::uint32_t kFewestThatHide = 5;

class Meta final : public Analysis {
 public:
  explicit Meta(MetaPlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "meta"; }
  std::vector<std::string> columns() const override { return OnOneTable().columns(); }
  std::size_t outcomes() const override { return OnOneTable().outcomes(); }
  std::size_t parameters() const override { return OnOneTable().parameters(); }
  bool KeepsSitesApart() const override { return true; }
  bool KeepsMemory() const override { return true; }
  const Analysis& OnOneTable() const override { return plan_.model->analysis(); }
  std::uint32_t maximum_rounds() const override { return kRounds; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const MetaQuery decoded, DecodeQuery(query, plan_));
    return DescribeQuery(decoded, plan_);
  }

  /// Bounds of the later rounds grow with the number of fits: as for one.
  std::vector<Slice> DescribeForReview() const override {
    std::vector<Slice> slices;
    for (const Step step : {Step::kFits, Step::kWeights, Step::kSpread, Step::kRandom}) {
      MetaQuery query;
      query.step = step;
      query.fits = 1;
      glm::AppendNew(DescribeQuery(query, plan_), slices);
    }
    return slices;
  }

  std::string InWords() const override {
    return "meta-analysis of each site's own " + OnOneTable().InWords() +
           "; nothing of an estimate is summed unless " + std::to_string(plan_.minimum_fits) +
           " sites have one";
  }

  std::string ReleasedInWords() const override {
    std::string words =
        "fixed and random effects, standard errors, tests, the estimates' spread between sites, "
        "and numbers of patients and of sites with an estimate";
    if (plan_.minimum_fits < kFewestThatHide) {
      words += "; of so few as " + std::to_string(plan_.minimum_fits) +
               " sites these are enough to work out nearly every site's own estimates and standard "
               "errors, as if each had published them";
    }
    return words;
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const MetaResult result, Combine(federation, plan_));
    return Render(result, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(MetaQuery decoded, DecodeQuery(query, plan_));
    const MetaSiteQuery prepared(std::move(decoded), plan_);
    Contribution contribution;
    contribution.values.resize(prepared.numbers());
    TRY_STATUS(prepared.Answer(cohort, contribution.values));
    return contribution;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(MetaQuery decoded, DecodeQuery(query, plan_));
    return std::make_unique<MetaSiteQuery>(std::move(decoded), plan_);
  }

 private:
  MetaPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeMeta(const Settings& settings,
                                           const Contract& contract,
                                           std::uint32_t minimum_sites) {
  TRY(MetaPlan plan, ParseMetaPlan(settings, contract, minimum_sites));
  return std::make_unique<Meta>(std::move(plan));
}

}  // namespace consilium::meta
