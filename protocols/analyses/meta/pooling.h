#pragma once

// From sums over sites' estimates to common effects and their heterogeneity, one coefficient at a
// time. For k sites with estimates t_i and weights w_i = 1 / variance:
//   fixed effect      c = sum w t / S,  S = sum w,  variance 1 / S
//   heterogeneity     Q = sum w (t - c)^2 on k - 1 df (Cochran 1954);
//                     I^2 = max(0, (Q - (k - 1)) / Q), H^2 = Q / (k - 1) (Higgins and Thompson
//                     2002, eqs. 9 and 6)
//   between sites     tau^2 = max(0, (Q - (k - 1)) / (S - sum w^2 / S)) (DerSimonian and Laird
//                     1986, eq. 8)
//   random effect     m = sum v t / sum v, v = 1 / (1 / w + tau^2), variance 1 / sum v
//   Hartung-Knapp     variance of m: sum v (t - m)^2 / ((k - 1) sum v), Student's t on k - 1 df
//                     (Hartung and Knapp 2001, eq. 7; Sidik and Jonkman 2002)
//   another site      m +- t(k - 2) sqrt(tau^2 + 1 / sum v) (Higgins, Thompson and Spiegelhalter
//                     2009, eq. 12)

#include <optional>
#include <string>

#include "protocols/analyses/glm/inference.h"

namespace consilium::meta {

/// Sums over the sites that have a fit; arithmetic that decides queries is + - * / and sqrt alone.
struct FixedSums {
  double weights = 0;
  double weighted = 0;  ///< Estimates times weights.
};

struct SpreadSums {
  double squared_shares = 0;  ///< Squares of w / S.
  double spread = 0;          ///< w (t - c)^2
};

struct RandomSums {
  double shares = 0;      ///< v / S
  double deviations = 0;  ///< v (t - c) / sqrt(S)
  double spread = 0;      ///< v (t - c)^2
};

double FixedEffect(const FixedSums& sums);
/// DerSimonian and Laird's tau^2.
double BetweenSites(double fits, const FixedSums& fixed, const SpreadSums& spread);

/// All that is known of one coefficient, in its own units.
struct PooledCoefficient {
  glm::Coefficient fixed;
  glm::Coefficient random;
  /// None where the estimates do not differ at all, and their spread says nothing.
  std::optional<glm::Coefficient> hartung_knapp;
  double q = 0;
  double q_df = 0;
  double q_p_value = 1;
  double i_squared = 0;
  double h_squared = 0;
  double tau_squared = 0;
  double prediction_low = 0;
  double prediction_high = 0;
};

/// `unit` is in own units what 1 is in the sums'. fits > 2.
PooledCoefficient PoolCoefficient(const std::string& name,
                                  double fits,
                                  double unit,
                                  const FixedSums& fixed,
                                  const SpreadSums& spread,
                                  const RandomSums& random,
                                  double confidence);

}  // namespace consilium::meta
