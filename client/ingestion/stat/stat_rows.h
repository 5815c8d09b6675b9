#pragma once

// The half that reads: what is in a file of SAS, SPSS or Stata, said in frames. It runs in a
// program of its own, since the library that reads these files trusts them more than it should.

#include "client/ingestion/stat/stat_exchange.h"

namespace consilium {

/// Answers the question about the file open as `file`, in frames to `out`. False when nobody reads
/// them any more. Any text that is sent is one of the file's; what the library says about errors is
/// not, since it may quote values.
bool TellStatFile(const StatQuestion& question, int file, int out);

}  // namespace consilium
