#pragma once

// An experiment's outcome as documents and as text for a terminal.

#include <string>

#include "simulations/campaign.h"

namespace consilium {

/// result.json: byte for byte what a coordinator releases for the same plan over the same rows.
std::string ResultJson(const Experiment& experiment, const Comparison& comparison);

/// comparison.json: the shown run in full and, where there is more than one, each run in short and
/// the spread over seeds. Holds nothing that depends on the machine, the time or the number of
/// threads.
std::string ComparisonJson(const Campaign& campaign);

/// rounds.csv: one line a round of each run.
std::string RoundsCsv(const Campaign& campaign);

std::string ResultText(const Campaign& campaign);
/// Why no single hospital is shown, where there are very many.
std::string SingleSitesLeftOut();
/// What a run over the protocol took, in a sentence or two.
std::string ProtocolText(const ProtocolUse& use);

}  // namespace consilium
