#pragma once

// What a program that learns in place of our own models is asked, and what it answers.
// docs/analyses/train.md, "Other trainers", has the format for those who write one.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "protocols/analyses/train/query.h"
#include "protocols/analyses/train/site_rows.h"

namespace consilium::train {

/// A frame: eight bytes with the length of what follows, little-endian, then a safetensors file
/// with the query's parameters, the site's rows on the query's scale, and the plan's settings.
/// kDataQuality for more rows than a frame takes (4 GiB).
Result<Bytes> EncodeRequest(const TrainQuery& query, const TrainPlan& plan, const SiteRows& rows);

/// Most bytes of a reply that makes sense.
std::size_t LongestReply(const TrainPlan& plan);

struct TrainerReply {
  std::vector<float> parameters;  ///< As many as the plan says; none where it only evaluates.
  /// Means over rows, of the query's parameters and not the new ones.
  std::optional<double> loss;
  std::optional<double> held_out_loss;
};

/// Of all that the program wrote. kRefused, naming the program, for anything but one frame with
/// the parameters that the plan promises, all of them finite; with validation also losses.
Result<TrainerReply> DecodeReply(ByteSpan output,
                                 const TrainQuery& query,
                                 const TrainPlan& plan,
                                 const SiteRows& rows);

}  // namespace consilium::train
