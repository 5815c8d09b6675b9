#pragma once

// What a program that is not ours must not do while it sees patients' rows. Linux alone: limits of
// resources, no new privileges, a filter of system calls (seccomp) without which nothing runs, and
// where the kernel has them a network namespace of its own and rules on files (Landlock).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace consilium {

struct Confinement {
  std::uint64_t memory_bytes = 0;  ///< Of address space.
  std::uint64_t processor_seconds = 0;
  std::uint64_t file_bytes = 0;       ///< That one file may grow to.
  std::filesystem::path folder;       ///< The only one that may be written to; "": none.
  std::filesystem::path program;      ///< May be read and run, as may the system's own files.
  std::vector<std::string> readable;  ///< So may these files, and all below these folders.
};

enum class ConfinementStep : std::uint8_t { kLimits = 1, kPrivileges, kFiles, kCalls };

struct ConfinementFailure {
  ConfinementStep step = ConfinementStep::kLimits;
  int error_number = 0;
};

/// Confines this process and all that it will start, for ever: it then makes no socket, traces and
/// signals nobody else, leaves neither its session nor its process group, and gains no privilege.
/// Reads, writes and runs only the files named, unless the kernel has no such rules; a system that
/// forbids to make them is a failure. For a process with one thread, just after its fork: allocates
/// nothing. Nothing when all of it is in force.
std::optional<ConfinementFailure> ConfineThisProcess(const Confinement& confinement);

/// Whether this kernel has rules on files, and this process may make them.
bool FilesCanBeConfined();

/// "its network could not be cut off"
std::string Explanation(ConfinementStep step);

}  // namespace consilium
