#pragma once

// What a service's loop takes in one turn, with its manager told in between that it lives: each
// thing may take long, and a turn of many must not look like a loop that hangs.

#include "common/runtime_clock.h"
#include "common/service_manager.h"

namespace consilium {

/// Calls `take_one` until it says that nothing was there, `most` times at most.
template <class TakeOne>
void TakeInTurn(ServiceManager& manager, int most, TakeOne take_one) {
  for (int i = 0; i < most && take_one(); ++i) manager.Ping(ReadClocks().monotonic);
}

}  // namespace consilium
