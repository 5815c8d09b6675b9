#include "protocols/analyses/validate/predictor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::validate {
namespace {

/// No column of a contract has such a name.
constexpr const char* kName = "(prediction)";

}  // namespace

Predictor::Predictor(const glm::Design& design, double intercept, std::span<const double> slopes)
    : design_(design), intercept_(intercept), slopes_(slopes.begin(), slopes.end()) {
  CHECK(slopes.size() == design.terms.size());
  minimum_ = maximum_ = intercept;
  double size = std::abs(intercept);
  for (std::size_t j = 0; j < slopes_.size(); ++j) {
    const double low = slopes_[j] * design.terms[j].minimum;
    const double high = slopes_[j] * design.terms[j].maximum;
    minimum_ += std::min(low, high);
    maximum_ += std::max(low, high);
    size += std::max(std::abs(low), std::abs(high));
  }
  // A sum in another order is rounded in another way; and a range is not empty.
  const double rounding = size * (glm::kSlack - 1) + 1e-9;
  minimum_ -= rounding;
  maximum_ += rounding;
}

double Predictor::Of(const double* row) const {
  double sum = intercept_;
  const double* const features = row + design_.first_feature();
  for (std::size_t j = 0; j < slopes_.size(); ++j) {
    const glm::Term& term = design_.terms[j];
    sum += slopes_[j] * glm::TermOf(term.of_category, term.level, features[term.feature]);
  }
  return sum;
}

glm::Design DesignOn(const Predictor& predictor, const glm::Design& design) {
  glm::Design on = design;
  ContractColumn column;
  column.name = kName;
  column.type = ColumnType::kNumber;
  column.minimum = predictor.minimum();
  column.maximum = predictor.maximum();
  glm::Term term;
  term.name = kName;
  term.minimum = predictor.minimum();
  term.maximum = predictor.maximum();
  on.columns.resize(design.first_feature());
  on.columns.push_back(kName);
  on.rules.resize(design.first_feature());
  on.rules.push_back(glm::RuleOf(column));
  on.features = {std::move(column)};
  on.terms = {std::move(term)};
  return on;
}

Cohort RowsOn(const Predictor& predictor, const glm::Design& on, const CohortView& rows) {
  Cohort predicted;
  predicted.columns = on.columns;
  predicted.patients = rows.patients;
  predicted.site = std::string(rows.site);
  const auto outcomes = static_cast<Eigen::Index>(on.first_feature());
  predicted.values.resize(rows.values.rows(), outcomes + 1);
  for (Eigen::Index i = 0; i < rows.values.rows(); ++i) {
    predicted.values.row(i).head(outcomes) = rows.values.row(i).head(outcomes);
    predicted.values(i, outcomes) = predictor.Of(rows.values.row(i).data());
  }
  return predicted;
}

}  // namespace consilium::validate
