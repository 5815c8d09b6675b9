#pragma once

// What a site keeps from round to round, as bytes that its program stores.

#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "protocols/analyses/train/settings.h"

namespace consilium::train {

struct SiteState {
  std::vector<float> control;  ///< SCAFFOLD: the site's control variate; zeros at first.
  /// Personal layers, or Ditto: the parameters of the site's own model; none at first.
  std::vector<float> own;
  std::vector<float> update;  ///< RFA: the site's update of the round `updated`.
  std::uint32_t updated = 0;  ///< 0 while there is none.
  std::uint64_t rows = 0;     ///< That this update was learned from.
};

/// kCorrupt for bytes that EncodeState of this plan does not write. No bytes: the first state.
Result<SiteState> DecodeState(ByteSpan bytes, const TrainPlan& plan);
Bytes EncodeState(const SiteState& state, const TrainPlan& plan);

}  // namespace consilium::train
