#pragma once

// How terms enter every sum: shifted and scaled, so that bounds are tight and matrices well
// conditioned.

#include <cstddef>
#include <span>
#include <vector>

#include "protocols/analyses/glm/design.h"

namespace consilium::glm {

/// Terms enter all sums as (x - centre) / scale; one entry a term.
struct Scaling {
  std::vector<double> centres;
  std::vector<double> scales;
};

/// By the contract's ranges alone: to -1 ... 1.
Scaling ScalingByRange(const Design& design);

bool AllFinite(std::span<const double> values);
/// One entry a term, every number finite, every scale above 0.
bool IsScalingOf(const Scaling& scaling, const Design& design);

/// Largest |(x - centre) / scale| over the range.
double StandardisedBound(double minimum, double maximum, double centre, double scale);
/// The same for each term.
std::vector<double> TermBounds(const Scaling& scaling, const Design& design);

/// Reads the scaled terms off the rows of a cohort whose columns are the design's.
class TermReader {
 public:
  TermReader() = default;
  TermReader(const Scaling& scaling, const Design& design);

  std::size_t size() const { return terms_.size(); }
  /// `terms` has size() entries.
  void Read(const double* row, std::span<double> terms) const;

 private:
  struct Term {
    std::size_t column = 0;
    bool of_category = false;
    double level = 0;
    double centre = 0;
    double scale = 1;
  };

  std::vector<Term> terms_;
};

}  // namespace consilium::glm
