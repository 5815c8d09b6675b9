#include "protocols/privacy/gaussian_rounds.h"

#include <cmath>
#include <cstdio>
#include <string>

namespace consilium {
namespace {

std::string Text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

}  // namespace

Status CheckNoise(double noise) {
  if (noise >= kLeastNoise && noise <= kMostNoise) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "the noise multiplier " + Text(noise) + " is not in " + Text(kLeastNoise) + " to " +
                  Text(kMostNoise),
              "It is the noise's standard deviation over one patient's bound: 0.5 to 50 is usual.");
}

Status CheckRate(double rate) {
  if (rate >= kLeastRate && rate <= 1) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "the sampling rate " + Text(rate) + " is not in " + Text(kLeastRate) + " to 1",
              "It is each patient's probability of being in a round; 1 when all take part.");
}

Status CheckRoundCount(std::uint64_t rounds) {
  if (rounds >= 1 && rounds <= kMostRounds) return {};
  return Fail(ErrorCode::kInvalidArgument,
              std::to_string(rounds) + " rounds are not in 1 to " + std::to_string(kMostRounds));
}

Status CheckDelta(double delta) {
  if (delta >= kLeastDelta && delta < 1) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "delta " + Text(delta) + " is not in " + Text(kLeastDelta) + " to 1, without 1",
              "Well below one over the number of patients is usual: 1e-5 for a thousand.");
}

Status CheckEpsilon(double epsilon) {
  if (epsilon >= 0 && std::isfinite(epsilon)) return {};
  return Fail(ErrorCode::kInvalidArgument, "epsilon " + Text(epsilon) + " is not a number from 0");
}

Status CheckRounds(const GaussianRounds& rounds) {
  TRY_STATUS(CheckNoise(rounds.noise));
  TRY_STATUS(CheckRate(rounds.rate));
  return CheckRoundCount(rounds.rounds);
}

}  // namespace consilium
