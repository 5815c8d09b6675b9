#include "protocols/analyses/glm/site.h"

#include <span>
#include <vector>

namespace consilium::glm {
namespace {

/// A row in the query's units.
class RowReader {
 public:
  RowReader(const GlmQuery& query, const Design& design, const Cohort& cohort)
      : query_(query), design_(design), cohort_(cohort), terms_(design.terms.size()) {}

  void Read(Eigen::Index row) {
    const double* values = cohort_.values.data() + row * cohort_.values.cols();
    ExpandRow(design_, values, terms_);
    for (std::size_t j = 0; j < terms_.size(); ++j) {
      terms_[j] = (terms_[j] - query_.centres[j]) / query_.scales[j];
    }
    outcome_ = (values[0] - query_.outcome_centre) / query_.outcome_scale;
  }
  const std::vector<double>& terms() const { return terms_; }
  double outcome() const { return outcome_; }

 private:
  const GlmQuery& query_;
  const Design& design_;
  const Cohort& cohort_;
  std::vector<double> terms_;
  double outcome_ = 0;
};

void AddMoments(const std::vector<double>& terms, std::span<double> sums) {
  const std::size_t count = terms.size();
  for (std::size_t j = 0; j < count; ++j) {
    sums[j] += terms[j];
    sums[count + j] += terms[j] * terms[j];
  }
}

/// weight x x' into the upper triangle, where x is 1 and the terms.
void AddInformation(double weight, const std::vector<double>& terms, std::span<double> sums) {
  std::size_t at = 0;
  sums[at++] += weight;
  for (const double term : terms) sums[at++] += weight * term;
  for (std::size_t j = 0; j < terms.size(); ++j) {
    const double weighted = weight * terms[j];
    for (std::size_t k = j; k < terms.size(); ++k) sums[at++] += weighted * terms[k];
  }
}

/// factor x, where x is 1 and the terms.
void AddProducts(double factor, const std::vector<double>& terms, std::span<double> sums) {
  sums[0] += factor;
  for (std::size_t j = 0; j < terms.size(); ++j) sums[1 + j] += factor * terms[j];
}

void AddStart(const Family& family,
              double y,
              const std::vector<double>& terms,
              std::span<double> sums) {
  const StartTerms row = family.AtStart(y);
  AddProducts(row.product, terms, sums);
  AddInformation(row.weight, terms, sums.subspan(1 + terms.size()));
}

void AddNewton(const GlmQuery& query,
               const Family& family,
               double y,
               const std::vector<double>& terms,
               std::span<double> sums) {
  double eta = query.coefficients[0];
  for (std::size_t j = 0; j < terms.size(); ++j) eta += query.coefficients[j + 1] * terms[j];
  const RowTerms row = family.AtRow(eta, y, query.eta_ceiling);
  sums[0] += row.deviance;
  AddProducts(row.score, terms, sums.subspan(1));
  AddInformation(row.weight, terms, sums.subspan(2 + terms.size()));
}

}  // namespace

Result<Contribution> AnswerQuery(const GlmQuery& query,
                                 const Design& design,
                                 const Family& family,
                                 const Cohort& cohort) {
  TRY_STATUS(CheckCohort(design, cohort));
  TRY(const std::vector<Slice> slices, DescribeQuery(query, design, family));
  std::size_t size = 0;
  for (const Slice& slice : slices) size += slice.slot.count;
  const std::size_t outcomes = family.OutcomeSlices(1, 1).size();

  Contribution contribution;
  contribution.values.assign(size, 0.0);
  contribution.values[0] = static_cast<double>(cohort.values.rows());
  contribution.values[1] = static_cast<double>(cohort.patients);
  const std::span<double> sums(contribution.values);
  const std::span<double> outcome_sums = sums.subspan(2, outcomes);
  const std::span<double> rest = sums.subspan(2 + outcomes);

  RowReader reader(query, design, cohort);
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    reader.Read(row);
    family.AddOutcome(reader.outcome(), outcome_sums);
    if (query.step == Step::kMoments) {
      AddMoments(reader.terms(), rest);
    } else if (query.step == Step::kStart) {
      AddStart(family, reader.outcome(), reader.terms(), rest);
    } else {
      AddNewton(query, family, reader.outcome(), reader.terms(), rest);
    }
  }
  return contribution;
}

}  // namespace consilium::glm
