#pragma once

// A dry run: the very numbers that this site would encode for a round, before they are masked. They
// are one site's own and stay on its people's screen; nothing here is ever logged or sent.

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/result.h"
#include "protocols/cohort.h"
#include "protocols/effects.h"
#include "protocols/plan.h"

namespace consilium {

struct Preview {
  RoundNumber round;
  std::vector<Slice> slices;
  std::vector<double> values;  ///< In the slices' order, as a sum of this site alone would open.
  std::uint64_t patients = 0;
  std::uint64_t rows = 0;
  bool gets_noise = false;  ///< Which is drawn anew for each answer, so it is not shown.
};

/// What the cohort answers to `question`, rounded as it is for a sum of `sites` sites. Fails as the
/// answer would; kInvalidArgument where a program of the site would have to run.
Result<Preview> MakePreview(const Plan& plan,
                            const ComputeAnswer& question,
                            const Cohort& cohort,
                            std::uint32_t sites);

/// For people: each slice by its name with its meaning and at most `most` of its numbers.
std::string PreviewPage(const Preview& preview, std::size_t most, std::size_t width);
/// All of them, at full precision.
nlohmann::ordered_json PreviewJson(const Preview& preview);

}  // namespace consilium
