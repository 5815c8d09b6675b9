#pragma once

// Where a model fails on rows that it has not seen, in words: how well it orders patients would not
// tell.

#include <string>
#include <vector>

#include "protocols/analyses/validate/estimate.h"

namespace consilium::validate {

/// A calibration in the large is told if even the limit nearer to 0 is off by more than this share
/// of Judged::unit: of log odds or log rates, so that the odds or the rate of an event are off by
/// more than a tenth, or of a number's standard deviation.
inline constexpr double kRelevant = 0.1;

/// A sentence for each site left out whose calibration in the large is off by more than kRelevant
/// or whose interval of the calibration slope does not hold 1; first those whose discrimination is
/// no lower than the mean. Of patients' folds, which differ by chance alone, one for the mean.
std::vector<std::string> WarningsOf(const Validation& validation, const ValidatePlan& plan);

}  // namespace consilium::validate
