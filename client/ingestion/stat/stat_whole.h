#pragma once

// Looks at a file of SAS, SPSS or Stata before the library reads it, for what the library would
// pass over in silence.

#include <optional>

#include "client/ingestion/stat/stat_exchange.h"
#include "client/ingestion/stat/stat_input.h"

namespace consilium {

/// Ends of files without which fewer rows are read, or rows without labels (dta, xpt). A second
/// data set in an XPORT file, whose head and rows would be rows of the first. Observations deleted
/// in SAS, which stay in the file with a mark, and which ReadStat 1.1.8 reads as if they were
/// there.
std::optional<StatFaultKind> FaultOfWhole(StatFormat format, StatInput& file);

}  // namespace consilium
