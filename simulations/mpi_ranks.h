#pragma once

// Joins the processes that mpirun or Slurm started into ranks. The one place that knows MPI; what
// the rest of the program sees of it is the port in ranks.h.

#include <memory>

#include "common/result.h"
#include "simulations/ranks.h"

namespace consilium {

/// Waits for the other processes; a program that was started by itself is a rank alone and does not
/// wake MPI. Destroying the ranks waits for the others again. kInvalidArgument when there are other
/// processes but this build has no MPI.
Result<std::unique_ptr<Ranks>> JoinRanks();

}  // namespace consilium
