#pragma once

// The service's half of looking ahead: replies to requests that record nothing and send nothing.

#include <nlohmann/json_fwd.hpp>

#include "client/program/commands.h"

namespace consilium {

/// {"plan": TEXT}: {"refusals": [words], "answered_cohorts": how many the site has answered with}.
Result<nlohmann::ordered_json> ForeseeReply(const nlohmann::ordered_json& request,
                                            const SiteCommandContext& context);

/// Of a cohort, the patients whose codes lie from `first` to `last`: {"first": CODE, "last": CODE,
/// "codes": [CODE], "rows": [number], "enough": number}. Of each answered cohort, by how many of
/// them it differs, counting to `enough`: {"cohorts": [{"study": .., "at": .., "differ": ..}]}.
Result<nlohmann::ordered_json> CompareCohortReply(const nlohmann::ordered_json& request,
                                                  const SiteCommandContext& context);

/// {"study": NUMBER}: {"plan": TEXT, "round": number, "query": HEX, "state": HEX, "members":
/// number}.
Result<nlohmann::ordered_json> QuestionReply(const nlohmann::ordered_json& request,
                                             const SiteCommandContext& context);

}  // namespace consilium
