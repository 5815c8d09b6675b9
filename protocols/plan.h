#pragma once

// A plan: the declarative file that says everything a study does. Its canonical bytes' hash is the
// StudyId; sites approve that number and nothing else.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/time.h"
#include "protocols/analysis.h"
#include "protocols/contract.h"
#include "protocols/privacy/private_analysis.h"

namespace consilium {

/// What happens when a site is lost while a study runs (design section 7, "Differencing").
enum class OnLoss {
  kWait,     ///< The set of sites is frozen at the start; the study pauses until all are back.
  kContinue  ///< Rounds go on with the sites that answer.
};

struct Plan {
  StudyId id;
  std::string text;  ///< The file as written, for people and for sending on.

  std::string title;
  std::string question;
  std::string requested_by;
  std::string permit;
  Date expires;                     ///< Last day on which a site may answer.
  std::uint32_t minimum_sites = 5;  ///< Fewest sites whose sum may be opened; never below 3.

  Contract contract;
  std::shared_ptr<const Analysis> analysis;  ///< Immutable; shared by copies of the plan.

  std::uint64_t minimum_patients = 20;  ///< Per site.
  Duration deadline{60'000};            ///< Per phase of a round.
  OnLoss on_loss = OnLoss::kWait;       ///< Unless the file says: as the analysis has it.
  std::optional<PrivacySettings> dp;    ///< Sums have noise.
};

/// With fewer, each could subtract its own numbers and see the other's.
inline constexpr std::uint32_t kFewestSites = 3;
inline constexpr std::size_t kMaxPlanBytes = 200 * 1024;

/// Parses and validates. Unknown or missing keys and values out of range are errors with
/// "FILE:LINE:COLUMN: ". `file_name` is for the messages only.
Result<Plan> ParsePlan(std::string_view text, std::string_view file_name);

/// Of the cohorts of an analysis: its columns, and kPatientColumn if it has that.
std::vector<std::string> CohortColumns(const Analysis& analysis);
/// What the plan's analysis sees of a site's table.
Result<CohortWithFlow> CohortOf(const Plan& plan, const DataTable& table);
/// The same; frees the table's columns on the way.
Result<CohortWithFlow> CohortOf(const Plan& plan, DataTable&& table);

/// The plan in plain words for a reviewer: who asks, what is computed, each slice that leaves, the
/// thresholds and what they mean.
std::string ExplainPlan(const Plan& plan);

}  // namespace consilium
