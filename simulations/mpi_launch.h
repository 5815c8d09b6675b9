#pragma once

// How a program sees that mpirun or Slurm started it, with and without MPI in the build.

#include <cstdint>

namespace consilium {

/// Starting MPI takes 0.2 s of processor time, many times a small study, and somebody who tries one
/// on a laptop should not pay it; the launcher's environment says whether it is needed.
bool StartedByMpi();
/// The number of processes that the launcher started, 1 without one.
std::uint32_t LaunchedProcesses();

}  // namespace consilium
