#pragma once

// The clocks, for whoever may read them: the programs' runtimes and commands. Everybody else is
// given a Moment.

#include "common/time.h"

namespace consilium {

/// What the clocks say now. The monotonic one also counts while the machine sleeps, so that a
/// deadline that passed meanwhile is noticed at waking up.
Moment ReadClocks();
/// How long the machine has slept since it was started.
Duration ReadTimeAsleep();

}  // namespace consilium
