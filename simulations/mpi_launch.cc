#include "simulations/mpi_launch.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace consilium {

bool StartedByMpi() {
  // Open MPI's mpirun; PMIx, which Slurm uses with --mpi=pmix; PMI, with --mpi=pmi2 and in MPICH.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) {
    if (std::getenv(name) != nullptr) return true;
  }
  return false;
}

std::uint32_t LaunchedProcesses() {
  if (!StartedByMpi()) return 1;
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"}) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    const std::string_view number(text);
    std::uint32_t count = 0;
    std::from_chars(number.data(), number.data() + number.size(), count);
    if (count >= 1) return count;
  }
  return 1;
}

}  // namespace consilium
