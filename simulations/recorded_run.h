#pragma once

// A federated run that notes what each round moved and found.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulations/plain_federation.h"

namespace consilium {

/// What the protocol's messages of one round took, all sites together.
struct RoundTraffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes_to_sites = 0;
  std::uint64_t bytes_from_sites = 0;
  Duration lasted{0};  ///< On the virtual clock.
};

struct RoundRecord {
  std::uint32_t round = 0;  ///< From 1.
  std::uint32_t sites = 0;
  /// Masked words from each site, without the protocol's own; their sum goes back to each.
  std::uint64_t answer_bytes = 0;
  /// The sums that are single numbers, by the names of their slices: "rows", "deviance".
  std::vector<std::pair<std::string, double>> sums;
  std::optional<RoundTraffic> traffic;  ///< Of a run over the protocol.
};

/// One of its sums over another; none when it lacks one of them, or the second is not above 0.
std::optional<double> RatioOf(const RoundRecord& round, std::string_view of, std::string_view over);

/// What a run over the protocol needed, and what went wrong.
struct ProtocolUse {
  /// All messages, those of joining and approving too; the time is from the start to the result.
  RoundTraffic traffic;
  std::map<std::string, std::uint64_t> faults;  ///< Times each was injected, by its name.
};

struct RecordedRun {
  PlainRun run;
  std::vector<RoundRecord> rounds;
  std::optional<ProtocolUse> protocol;
};

/// Passes queries on and notes what comes back.
class RoundRecorder final : public Federation {
 public:
  /// Both outlive the recorder.
  RoundRecorder(const Analysis& analysis, Federation& federation)
      : analysis_(analysis), federation_(federation) {}

  Aggregate Sum(const Query& query) override;
  std::vector<RoundRecord>& rounds() { return rounds_; }

 private:
  const Analysis& analysis_;
  Federation& federation_;
  std::vector<RoundRecord> rounds_;
};

/// `sites` are this rank's, see PlainFederation.
Result<RecordedRun> RunRecorded(const Analysis& analysis,
                                std::span<const CohortView> sites,
                                PlainOptions options = {});

}  // namespace consilium
