#pragma once

// An analysis under differential privacy: the same questions, and noise in every sum.

#include <cstdint>
#include <memory>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium {

/// A plan's [privacy.dp]. With the patient as unit a neighbour has one patient, and so one row,
/// more.
struct PrivacySettings {
  PrivacyUnit unit = PrivacyUnit::kPatient;
  double noise_multiplier = 0;  ///< Of each round: deviation of the noise over a unit's bound.
  double epsilon = 0;           ///< Promised for the whole study,
  double delta = 0;             ///< with this probability of an exception.
  /// Of one site: as many as epsilon covers. A round that is tried again is answered again, with
  /// fresh noise, and tells as much again; so what is above the study's rounds is for such
  /// attempts.
  std::uint32_t most_answers = 0;
};

/// The unit of a [privacy.dp] table.
Result<PrivacyUnit> ParsePrivacyUnit(const Settings& settings);

/// The [privacy.dp] table, checked against the analysis, which is Bounded for the unit: what its
/// rounds cost together may not be more than epsilon, by Renyi divergences, which hold exactly for
/// the sites' discrete noise.
Result<PrivacySettings> ParsePrivacySettings(const Settings& settings, const Analysis& analysis);

/// Whether epsilon covers the answers that a site has given in this study and one to each of the
/// rounds to come. kRefused where it does not: the promise is kept by not answering.
Status CheckPromise(const PrivacySettings& settings,
                    std::uint64_t answers,
                    std::uint64_t rounds_to_come);

/// The same analysis with noise. Of the slices of a query, each with a bound b for one unit and a
/// weight w, each gets noise of deviation z b sqrt(sum of weights / w) in every number, in steps
/// 2^20 to 2^21 times finer; rounding moves a slice of d numbers by sqrt(d) steps at most, which is
/// added to b. So a round's sums together are a Gaussian mechanism of noise multiplier z. With the
/// site as unit b is the slice's site_l2 or, where it has none, what `most_rows` rows (a contract's
/// maximum_patients) exchanged for as many others change. kInvalidArgument unless every slice has a
/// bound.
Result<std::shared_ptr<const Analysis>> MakePrivate(std::shared_ptr<const Analysis> analysis,
                                                    const PrivacySettings& settings,
                                                    std::uint64_t most_rows);

/// rho of one round of noise multiplier z: 1 / (2 z^2), rounded up (Bun and Steinke 2016,
/// Proposition 1.6; for discrete noise Canonne, Kamath and Steinke 2020, Theorem 4).
double ConcentratedLoss(double noise_multiplier);
/// Two losses together, rounded up.
double LossAfter(double spent, double loss);
/// The least epsilon that losses of rho altogether keep to with this delta. kInvalidArgument where
/// delta or rho is out of range.
Result<double> EpsilonOfLoss(double rho, double delta);

}  // namespace consilium
