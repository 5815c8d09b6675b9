#pragma once

// Harrell's concordance within one site, and what its standard error takes.

#include <span>
#include <vector>

#include "protocols/analyses/cox/follow_up.h"

namespace consilium::cox {

/// Pairs of whom it is known who had the event first; two events at one time are no pair, and a
/// censored patient outlives an event at the same time. For a patient in c concordant, d discordant
/// and t tied pairs, with s = c - d and n = c + d + t, the sums of s^2, s n and n^2 over patients
/// give the variance (the infinitesimal jackknife of Therneau and Atkinson's `concordance`).
struct PairSums {
  double concordant = 0;
  double discordant = 0;
  double tied = 0;
  double squares = 0;
  double products = 0;
  double counts = 0;
};

/// `risks` are linear predictors: the patient with the higher one is expected to have the event
/// first. O(n log n).
PairSums CountPairs(const TimeOrder& times,
                    const std::vector<bool>& event,
                    std::span<const double> risks);

/// What the sums over all sites say; nothing without a pair.
struct Concordance {
  double estimate = 0;
  double std_error = 0;
};
Concordance ConcordanceOf(const PairSums& sums);

}  // namespace consilium::cox
