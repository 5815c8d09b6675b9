#pragma once

// The coordinator's half: how many rows each fold has, then the models of all folds side by side.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/validate/course.h"
#include "protocols/analyses/validate/settings.h"
#include "protocols/federation.h"

namespace consilium::validate {

/// Over the folds whose model was judged on the rows that it held out.
struct Validated {
  std::uint32_t folds = 0;
  Sizes sizes;    ///< Of what they hold out.
  Judged judged;  ///< Each measure by its kind's `validated`.
};

struct Validation {
  std::uint32_t sites = 0;
  FoldResult apparent;  ///< The model of all rows, judged on them.
  std::vector<FoldResult> folds;
  std::optional<Validated> validated;  ///< Nothing if no fold was judged.
};

/// Apparent less validated, of a measure by its place in the layout.
std::optional<double> OptimismOf(const Validation& validation, std::size_t measure);

/// Mean of independent measures, each counting the same; the standard error is that of the mean of
/// independent numbers (of an AUC: LeDell, Petersen and van der Laan 2015). Nothing for none; no
/// standard error where one has none.
std::optional<Measure> MeanOf(const std::vector<Measure>& measures, double confidence);

/// The error is that of the model of all rows, or kCorrupt for sums that cannot be.
Result<Validation> RunValidation(Federation& federation, const ValidatePlan& plan);

}  // namespace consilium::validate
