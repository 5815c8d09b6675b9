#pragma once

// The lines between sites and coordinator, and what goes wrong on them, as an experiment states it.

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/settings.h"
#include "common/time.h"

namespace consilium {

struct NetworkModel {
  Duration latency{0};                     ///< One way.
  Duration jitter{0};                      ///< At most so much more, drawn for each message.
  double site_bandwidth = 0;               ///< Bits a second each way, of each site; 0: no limit.
  double coordinator_bandwidth = 0;        ///< The same of the coordinator, for all sites together.
  std::optional<Duration> computing = {};  ///< A site's for one answer; none: drawn, 20 to 220 ms.
};

/// Chances, 0 to 1.
struct FaultRates {
  double cuts = 0;                 ///< For each message: its connection breaks.
  double site_crashes = 0;         ///< For each write, message or computation of a site.
  double coordinator_crashes = 0;  ///< The same of the coordinator.
  double slow_answers = 0;         ///< For each answer: up to two minutes more.
  double stops = 0;  ///< For each site and five seconds: it does nothing for up to two minutes.

  bool Any() const { return cuts + site_crashes + coordinator_crashes + slow_answers + stops > 0; }
};

/// As ParseDuration, and "0", "0s" or "0ms", which make sense here.
Result<Duration> ParseSpan(std::string_view text);
/// "10 Mbit/s" in bits a second; units bit/s, kbit/s, Mbit/s and Gbit/s (powers of 1000).
Result<double> ParseBandwidth(std::string_view text);
std::string BandwidthText(double bits_per_second);  ///< "10 Mbit/s"; "no limit" for 0.

/// The tables [network] and [faults] of an experiment file. Without them messages take 20 ms, and
/// nothing else takes time or fails.
Result<NetworkModel> ParseNetwork(const Settings& settings);
Result<FaultRates> ParseFaults(const Settings& settings);

}  // namespace consilium
