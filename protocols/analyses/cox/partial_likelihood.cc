#include "protocols/analyses/cox/partial_likelihood.h"

#include <cmath>
#include <limits>

#include "protocols/analyses/glm/slices.h"

namespace consilium::cox {
namespace {

/// Sums of weights w = exp(eta - shift), of w x and of the upper triangle of w x x'.
struct WeightedSums {
  explicit WeightedSums(std::size_t p) : first(p, 0.0), second(glm::TriangleSize(p), 0.0) {}

  void Clear() { Scale(0); }
  void Scale(double factor) {
    zeroth *= factor;
    for (double& sum : first) sum *= factor;
    for (double& sum : second) sum *= factor;
  }
  void Add(double weight, std::span<const double> x) {
    zeroth += weight;
    std::size_t at = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double weighted = weight * x[j];
      first[j] += weighted;
      for (std::size_t k = j; k < x.size(); ++k) second[at++] += weighted * x[k];
    }
  }

  double zeroth = 0;
  std::vector<double> first;
  std::vector<double> second;
};

class RiskSets {
 public:
  RiskSets(const SurvivalRows& rows,
           std::span<const double> coefficients,
           Ties ties,
           std::span<double> sums)
      : rows_(rows),
        coefficients_(coefficients),
        ties_(ties),
        deviance_(sums[0]),
        score_(sums.subspan(1, rows.count)),
        information_(sums.subspan(1 + rows.count)),
        at_risk_(rows.count),
        tied_(rows.count),
        mean_(rows.count) {}

  /// From the longest time down, so that the set at risk only grows.
  void AddAll() {
    for (const TiedRows& group : rows_.times.groups) {
      for (std::size_t i = group.begin; i < group.end; ++i) Enter(rows_.times.order[i]);
      AddEvents(group);
    }
  }

 private:
  std::span<const double> TermsOf(std::size_t row) const {
    return std::span(rows_.terms).subspan(row * rows_.count, rows_.count);
  }

  double EtaOf(std::size_t row) const {
    const std::span<const double> x = TermsOf(row);
    double eta = 0;
    for (std::size_t j = 0; j < x.size(); ++j) eta += coefficients_[j] * x[j];
    return eta;
  }

  /// Weights are relative to the largest in the set so far, so that none overflows and the set's
  /// sum is at least 1.
  void Enter(std::size_t row) {
    const double eta = EtaOf(row);
    if (eta > shift_) {
      at_risk_.Scale(std::exp(shift_ - eta));
      shift_ = eta;
    }
    at_risk_.Add(std::exp(eta - shift_), TermsOf(row));
  }

  void AddEvents(const TiedRows& group) {
    tied_.Clear();
    double events = 0;
    for (std::size_t i = group.begin; i < group.end; ++i) {
      const std::size_t row = rows_.times.order[i];
      if (!rows_.event[row]) continue;
      const std::span<const double> x = TermsOf(row);
      const double eta = EtaOf(row);
      ++events;
      deviance_ -= 2 * eta;
      for (std::size_t j = 0; j < x.size(); ++j) score_[j] += x[j];
      if (ties_ == Ties::kEfron) tied_.Add(std::exp(eta - shift_), x);
    }
    for (double before = 0; before < events; ++before) {
      AddEvent(ties_ == Ties::kEfron ? before / events : 0);
    }
  }

  /// One event against the set at risk, from which this share of the tied events has gone.
  void AddEvent(double gone) {
    const double weights = at_risk_.zeroth - gone * tied_.zeroth;
    deviance_ += 2 * (shift_ + std::log(weights));
    std::size_t at = 0;
    for (std::size_t j = 0; j < mean_.size(); ++j) {
      mean_[j] = (at_risk_.first[j] - gone * tied_.first[j]) / weights;
      score_[j] -= mean_[j];
    }
    for (std::size_t j = 0; j < mean_.size(); ++j) {
      for (std::size_t k = j; k < mean_.size(); ++k, ++at) {
        const double square = (at_risk_.second[at] - gone * tied_.second[at]) / weights;
        information_[at] += square - mean_[j] * mean_[k];
      }
    }
  }

  const SurvivalRows& rows_;
  const std::span<const double> coefficients_;
  const Ties ties_;
  double& deviance_;
  const std::span<double> score_;
  const std::span<double> information_;
  WeightedSums at_risk_;
  WeightedSums tied_;         ///< Of the events of one time.
  std::vector<double> mean_;  ///< Of the terms in the set at risk.
  double shift_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

void CentreHere(SurvivalRows& rows) {
  const std::size_t n = rows.event.size();
  for (std::size_t j = 0; j < rows.count; ++j) {
    const double origin = n > 0 ? rows.terms[j] : 0;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += rows.terms[i * rows.count + j] - origin;
    const double mean = sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) {
      double& value = rows.terms[i * rows.count + j];
      value = (value - origin) - mean;
    }
  }
}

void AddPartialLikelihood(const SurvivalRows& rows,
                          std::span<const double> coefficients,
                          Ties ties,
                          std::span<double> sums) {
  RiskSets(rows, coefficients, ties, sums).AddAll();
}

}  // namespace consilium::cox
