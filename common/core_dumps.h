#pragma once

// A dump of a process's memory is a file with patients' rows and one-time keys in it.

#include "common/result.h"

namespace consilium {

/// No dump of this process is written from now on, whatever the system does with dumps elsewhere,
/// and no process of the same user may look into its memory. Programs started by it are not
/// concerned. kIo when the system does not comply.
Status ForbidCoreDumps();

}  // namespace consilium
