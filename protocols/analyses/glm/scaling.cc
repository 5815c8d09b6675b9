#include "protocols/analyses/glm/scaling.h"

#include <algorithm>
#include <cmath>

#include "protocols/analyses/glm/slices.h"

namespace consilium::glm {
bool AllFinite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

Scaling ScalingByRange(const Design& design) {
  Scaling scaling;
  for (const Term& term : design.terms) {
    scaling.centres.push_back(term.minimum + (term.maximum - term.minimum) / 2);
    scaling.scales.push_back((term.maximum - term.minimum) / 2);
  }
  return scaling;
}

bool IsScalingOf(const Scaling& scaling, const Design& design) {
  const std::size_t terms = design.terms.size();
  return scaling.centres.size() == terms && scaling.scales.size() == terms &&
         AllFinite(scaling.centres) && AllFinite(scaling.scales) &&
         std::all_of(scaling.scales.begin(), scaling.scales.end(),
                     [](double scale) { return scale > 0; });
}

double StandardisedBound(double minimum, double maximum, double centre, double scale) {
  return std::max(std::abs(minimum - centre), std::abs(maximum - centre)) / scale * kSlack;
}

std::vector<double> TermBounds(const Scaling& scaling, const Design& design) {
  std::vector<double> bounds;
  bounds.reserve(design.terms.size());
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const Term& term = design.terms[j];
    bounds.push_back(
        StandardisedBound(term.minimum, term.maximum, scaling.centres[j], scaling.scales[j]));
  }
  return bounds;
}

TermReader::TermReader(const Scaling& scaling, const Design& design) {
  terms_.reserve(design.terms.size());
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const glm::Term& term = design.terms[j];
    terms_.push_back({design.first_feature() + term.feature, term.of_category, term.level,
                      scaling.centres[j], scaling.scales[j]});
  }
}

void TermReader::Read(const double* row, std::span<double> terms) const {
  for (std::size_t j = 0; j < terms.size(); ++j) {
    const Term& term = terms_[j];
    const double raw = TermOf(term.of_category, term.level, row[term.column]);
    terms[j] = (raw - term.centre) / term.scale;
  }
}

}  // namespace consilium::glm
