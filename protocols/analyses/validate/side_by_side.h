#pragma once

// Several plain loops over Federation::Sum at once: each federated round carries the pending query
// of every loop that has not ended, so that all take as many rounds as the longest one alone.

#include <cstddef>
#include <functional>
#include <vector>

#include "common/result.h"
#include "protocols/federation.h"
#include "protocols/loop_thread.h"

namespace consilium::validate {

/// What one of the loops asks in this round.
struct Pending {
  std::size_t loop = 0;
  Query query;
};

/// Asks one round, and gives a sum for each of these, in their order.
using AskTogether = std::function<Result<std::vector<Aggregate>>(const std::vector<Pending>&)>;

/// Runs the loops to their ends. They take turns in their order, one at a time: what they share
/// needs no lock, and what each sees depends on the sums alone. `ask` gets the queries in the order
/// of the loops. An error of `ask` is the end, and interrupts the loops; so does whatever `ask` or
/// one of the loops throws.
Status RunSideBySide(std::vector<LoopThread::Loop> loops, const AskTogether& ask);

}  // namespace consilium::validate
