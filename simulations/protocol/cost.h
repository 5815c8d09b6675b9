#pragma once

// What a study would cost on a given network: rounds, bytes and seconds, before anybody is asked.
// Bytes are those of the protocol's messages (header, body, signature); CURVE and TCP add about
// 100 bytes a message and 3 % to them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/plan.h"
#include "simulations/network_model.h"

namespace consilium {

struct CostOptions {
  std::uint32_t sites = 5;
  NetworkModel network;
  /// How many; none: as many as the analysis takes on random data within the contract's ranges.
  std::optional<std::uint32_t> rounds;
};

/// One way of one round: all sites together.
struct CostStep {
  std::string name;
  bool to_sites = false;
  std::uint64_t bytes = 0;  ///< Of one site.
  Duration takes{0};
};

/// What one round moves beside the protocol's own.
struct AskedRound {
  std::uint64_t words = 0;  ///< In each site's masked vector.
};

struct RoundCost {
  AskedRound asked;
  std::uint64_t bytes_to_site = 0;    ///< Each.
  std::uint64_t bytes_from_site = 0;  ///< Each, without the key for the next round.
  std::vector<CostStep> steps;        ///< Along the longest path.
  Duration takes{0};  ///< From its query to its sum; the next query may have to wait for more.
};

struct StudyCost {
  std::uint32_t sites = 0;
  bool rounds_given = false;
  std::vector<RoundCost> rounds;
  std::uint64_t bytes_to_site = 0;    ///< Each, all rounds.
  std::uint64_t bytes_from_site = 0;  ///< Each, all rounds, with a one-time key a round.
  Duration takes{0};                  ///< From the start to the result.
};

/// These rounds one after the other, all sites answering at once, for a number of sites that the
/// protocol takes.
StudyCost PredictRounds(const CostOptions& options, const std::vector<AskedRound>& asked);

/// For sites that all answer at once. kInvalidArgument for a number of sites that the protocol or
/// the plan does not take; kNotEstimable where random data have no solution and no number of rounds
/// is given.
Result<StudyCost> PredictCost(const Plan& plan, const CostOptions& options);

std::string CostText(const Plan& plan, const CostOptions& options, const StudyCost& cost);
std::string CostJson(const Plan& plan, const CostOptions& options, const StudyCost& cost);

}  // namespace consilium
