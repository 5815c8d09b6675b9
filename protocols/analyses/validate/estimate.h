#pragma once

// The coordinator's half: how many rows each fold has, then the models of all folds side by side.

#include <cstdint>
#include <optional>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/estimate.h"
#include "protocols/analyses/validate/course.h"
#include "protocols/analyses/validate/settings.h"
#include "protocols/federation.h"

namespace consilium::validate {

/// Over the folds whose model was judged on the rows that it held out.
struct Validated {
  std::uint32_t folds = 0;
  /// Brier score, log-loss, expected events and curves of all held-out rows, each predicted by the
  /// model that has not seen it: sums over folds. Not its discrimination, which would compare
  /// predictions of different models.
  evaluate::Evaluation pooled;
  /// Means over folds that have them, each fold counting the same; the standard error is that of
  /// the mean of independent numbers (of the AUC: LeDell, Petersen and van der Laan 2015).
  std::optional<evaluate::Measure> auc;
  std::optional<evaluate::Measure> in_the_large;
  std::optional<evaluate::Measure> slope;
};

struct Validation {
  std::uint32_t sites = 0;
  FoldResult apparent;  ///< The model of all rows, judged on them.
  std::vector<FoldResult> folds;
  std::optional<Validated> validated;  ///< Nothing if no fold was judged.
};

/// Apparent less validated: above 0 for the AUC, and below for the Brier score, where a model is
/// better on the rows that it was fitted to.
std::optional<double> OptimismOfAuc(const Validation& validation);
std::optional<double> OptimismOfBrier(const Validation& validation);

/// Mean of independent measures. Nothing for none; no standard error where one has none.
std::optional<evaluate::Measure> MeanOf(const std::vector<evaluate::Measure>& measures,
                                        double confidence);

/// The error is that of the model of all rows, or kCorrupt for sums that cannot be.
Result<Validation> RunValidation(Federation& federation, const ValidatePlan& plan);

}  // namespace consilium::validate
