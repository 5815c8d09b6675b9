#include "protocols/analyses/meta/site.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"

namespace consilium::meta {
namespace {

struct KeptFit final : SiteScratch {
  std::optional<OwnFit> fit;
};

}  // namespace

void AnswerFrom(const MetaQuery& query,
                const std::optional<OwnFit>& fit,
                const CohortView& cohort,
                std::span<double> values) {
  std::fill(values.begin(), values.end(), 0.0);
  values[0] = static_cast<double>(cohort.values.rows());
  values[1] = static_cast<double>(cohort.patients);
  if (!fit) return;
  values[2] = 1;
  values[3] = static_cast<double>(cohort.patients);
  if (query.step == Step::kFits) return;
  const std::size_t count = fit->weights.size();
  const std::span<double> first = values.subspan(kCommonSums, count);
  const std::span<double> second = values.subspan(kCommonSums + count, count);
  for (std::size_t j = 0; j < count; ++j) {
    const double weight = fit->weights[j];
    if (query.step == Step::kWeights) {
      first[j] = weight;
      second[j] = weight * fit->estimates[j];
      continue;
    }
    const double distance = fit->estimates[j] - query.centres[j];
    if (query.step == Step::kSpread) {
      const double share = weight / query.totals[j];
      first[j] = share * share;
      second[j] = weight * distance * distance;
      continue;
    }
    const double random = weight / (1 + weight * query.variances[j]);
    const double share = random / query.totals[j];
    first[j] = share;
    second[j] = share * distance * std::sqrt(query.totals[j]);
    values[kCommonSums + 2 * count + j] = random * distance * distance;
  }
}

MetaSiteQuery::MetaSiteQuery(MetaQuery query, const MetaPlan& plan)
    : query_(std::move(query)),
      plan_(plan),
      numbers_(kCommonSums + NumbersPerCoefficient(query_.step) * plan.model->names().size()) {}

Status MetaSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  CHECK(values.size() == numbers_);
  TRY(const std::optional<OwnFit> fit, plan_.model->Fit(cohort));
  AnswerFrom(query_, fit, cohort, values);
  return {};
}

Status MetaSiteQuery::Answer(const CohortView& cohort,
                             SiteMemory& memory,
                             std::span<double> values) const {
  CHECK(values.size() == numbers_);
  const auto* kept = dynamic_cast<const KeptFit*>(memory.scratch.get());
  if (kept == nullptr) {
    auto made = std::make_unique<KeptFit>();
    TRY(made->fit, plan_.model->Fit(cohort));
    kept = made.get();
    memory.scratch = std::move(made);
  }
  AnswerFrom(query_, kept->fit, cohort, values);
  return {};
}

}  // namespace consilium::meta
