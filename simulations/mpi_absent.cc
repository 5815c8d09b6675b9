#include "simulations/mpi_launch.h"
#include "simulations/mpi_ranks.h"

namespace consilium {

Result<std::unique_ptr<Ranks>> JoinRanks() {
  if (LaunchedProcesses() > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "this build has no MPI, so the " + std::to_string(LaunchedProcesses()) +
                    " processes started would each run the whole experiment",
                "Start it without mpirun, or install libopenmpi-dev and build again.");
  }
  return std::make_unique<SingleProcess>();
}

}  // namespace consilium
