#include "protocols/analyses/glm/site.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/check.h"
#include "protocols/analyses/glm/moments.h"

namespace consilium::glm {
namespace {

/// weight x x' into the upper triangle, where x is 1 and the terms.
void AddInformation(double weight, std::span<const double> terms, std::span<double> sums) {
  std::size_t at = 0;
  sums[at++] += weight;
  for (const double term : terms) sums[at++] += weight * term;
  for (std::size_t j = 0; j < terms.size(); ++j) {
    const double weighted = weight * terms[j];
    for (std::size_t k = j; k < terms.size(); ++k) sums[at++] += weighted * terms[k];
  }
}

/// factor x, where x is 1 and the terms.
void AddProducts(double factor, std::span<const double> terms, std::span<double> sums) {
  sums[0] += factor;
  for (std::size_t j = 0; j < terms.size(); ++j) sums[1 + j] += factor * terms[j];
}

void AddStart(const Family& family,
              double y,
              std::span<const double> terms,
              std::span<double> sums) {
  const StartTerms row = family.AtStart(y);
  AddProducts(row.product, terms, sums);
  AddInformation(row.weight, terms, sums.subspan(1 + terms.size()));
}

void AddNewton(const GlmQuery& query,
               const Family& family,
               double y,
               std::span<const double> terms,
               std::span<double> sums) {
  double eta = query.coefficients[0];
  for (std::size_t j = 0; j < terms.size(); ++j) eta += query.coefficients[j + 1] * terms[j];
  const RowTerms row = family.AtRow(eta, y, query.eta_ceiling);
  sums[0] += row.deviance;
  AddProducts(row.score, terms, sums.subspan(1));
  AddInformation(row.weight, terms, sums.subspan(2 + terms.size()));
}

}  // namespace

Result<GlmSiteQuery> GlmSiteQuery::Make(GlmQuery query,
                                        const Design& design,
                                        const Family& family) {
  TRY(const std::vector<Slice> slices, DescribeQuery(query, design, family));
  GlmSiteQuery prepared(std::move(query), design, family);
  prepared.numbers_ = NumbersIn(slices);
  return prepared;
}

GlmSiteQuery::GlmSiteQuery(GlmQuery query, const Design& design, const Family& family)
    : query_(std::move(query)),
      design_(design),
      family_(family),
      terms_(query_.scaling, design),
      outcome_sums_(family.OutcomeSlices(1, 1).size()) {
  CHECK(design.terms.size() <= kMaxTerms);
}

Status GlmSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  CHECK(values.size() == numbers_);
  TRY_STATUS(CheckCohort(design_, cohort));
  std::fill(values.begin(), values.end(), 0.0);
  values[0] = static_cast<double>(cohort.values.rows());
  values[1] = static_cast<double>(cohort.patients);
  const std::span<double> outcome_sums = values.subspan(2, outcome_sums_);
  const std::span<double> rest = values.subspan(2 + outcome_sums_);

  std::array<double, kMaxTerms> buffer;
  const std::span<double> terms(buffer.data(), terms_.size());
  const double* row = cohort.values.data();
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i, row += cohort.values.cols()) {
    terms_.Read(row, terms);
    const double outcome = (row[0] - query_.outcome_centre) / query_.outcome_scale;
    family_.AddOutcome(outcome, outcome_sums);
    if (query_.step == Step::kMoments) {
      AddMoments(terms, rest);
    } else if (query_.step == Step::kStart) {
      AddStart(family_, outcome, terms, rest);
    } else {
      AddNewton(query_, family_, outcome, terms, rest);
    }
  }
  return {};
}

}  // namespace consilium::glm
