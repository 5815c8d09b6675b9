#include "protocols/analysis.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/check.h"
#include "common/names.h"
#include "protocols/analyses/cox/cox.h"
#include "protocols/analyses/evaluate/evaluate.h"
#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/linear/linear.h"
#include "protocols/analyses/logistic/logistic.h"
#include "protocols/analyses/meta/meta.h"
#include "protocols/analyses/poisson/poisson.h"
#include "protocols/analyses/summary/summary.h"
#include "protocols/analyses/survival/survival.h"
#include "protocols/analyses/train/train.h"
#include "protocols/analyses/validate/validate.h"

namespace consilium {
namespace {

using Made = Result<std::unique_ptr<Analysis>>;

struct Kind {
  std::string_view name;
  Made (*make)(const Settings&, const Contract&, std::uint32_t minimum_sites);
};

/// Of a kind that asks nothing of single sites.
template <Made (*kMake)(const Settings&, const Contract&)>
Made Make(const Settings& settings, const Contract& contract, std::uint32_t) {
  return kMake(settings, contract);
}

template <std::unique_ptr<glm::Family> (*kMakeFamily)()>
Made MakeRegression(const Settings& settings, const Contract& contract, std::uint32_t) {
  return glm::MakeRegression(settings, contract, kMakeFamily());
}

constexpr Kind kKinds[] = {{"cox", &Make<&cox::MakeCox>},
                           {"evaluate", &Make<&evaluate::MakeEvaluate>},
                           {"linear", &MakeRegression<&MakeLinearFamily>},
                           {"logistic", &MakeRegression<&MakeLogisticFamily>},
                           {"meta", &meta::MakeMeta},
                           {"poisson", &MakeRegression<&MakePoissonFamily>},
                           {"summary", &Make<&summary::MakeSummary>},
                           {"survival", &Make<&survival::MakeSurvival>},
                           {"train", &Make<&train::MakeTrain>},
                           {"validate", &validate::MakeValidate}};

/// Reads the query for each cohort.
class UnpreparedQuery final : public PreparedQuery {
 public:
  UnpreparedQuery(const Analysis& analysis, const Query& query)
      : analysis_(analysis), query_(query) {}

  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    TRY(const Contribution contribution, analysis_.Answer(query_, cohort));
    CHECK(contribution.values.size() == values.size());
    std::copy(contribution.values.begin(), contribution.values.end(), values.begin());
    return {};
  }

 private:
  const Analysis& analysis_;
  const Query query_;
};

}  // namespace

Status PreparedQuery::Answer(const CohortView& cohort,
                             SiteMemory&,
                             std::span<double> values) const {
  return Answer(cohort, values);
}

Result<StatefulAnswer> Analysis::Answer(const Query& query,
                                        const CohortView& cohort,
                                        ByteSpan state) const {
  CHECK(state.empty());
  TRY(Contribution contribution, Answer(query, cohort));
  return StatefulAnswer{std::move(contribution), {}};
}

Result<std::shared_ptr<const Analysis>> Analysis::Bounded(PrivacyUnit, const Settings&) const {
  return std::shared_ptr<const Analysis>();
}

std::shared_ptr<const Analysis> Analysis::WithTrainer(
    std::shared_ptr<const ExternalTrainer>) const {
  CHECK(false);  // Whoever has a trainer() has this, too.
}

Result<std::unique_ptr<PreparedQuery>> Analysis::Prepare(const Query& query) const {
  return std::make_unique<UnpreparedQuery>(*this, query);
}

std::size_t NumbersIn(const std::vector<Slice>& slices) {
  std::size_t numbers = 0;
  for (const Slice& slice : slices) numbers += slice.slot.count;
  return numbers;
}

std::vector<Slot> SlotsOf(const std::vector<Slice>& slices) {
  std::vector<Slot> slots;
  slots.reserve(slices.size());
  for (const Slice& slice : slices) slots.push_back(slice.slot);
  return slots;
}

Result<std::unique_ptr<Analysis>> MakeAnalysis(const Settings& analysis,
                                               const Contract& contract,
                                               std::uint32_t minimum_sites) {
  std::vector<std::string> known;
  for (const Kind& kind : kKinds) known.emplace_back(kind.name);
  const std::string all = "This version has: " + JoinNames(known);
  const Result<std::string> name = analysis.Text("kind");
  if (!name) {
    Error error = name.error();
    if (error.remedy.empty()) error.remedy = all;
    return tl::unexpected<Error>(std::move(error));
  }
  for (const Kind& kind : kKinds) {
    if (kind.name == *name) return kind.make(analysis, contract, minimum_sites);
  }
  const std::string nearest = NearestName(*name, known);
  return analysis.FailAt("kind", "unknown analysis \"" + *name + "\"",
                         (nearest.empty() ? "" : "did you mean \"" + nearest + "\"? ") + all);
}

std::vector<std::string_view> AnalysisKinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return names;
}

}  // namespace consilium
