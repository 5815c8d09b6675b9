#pragma once

// Runs a program that is not ours for one exchange: it is given bytes, gives bytes back and ends.
// It sees no file descriptor, no environment and no network of this process, and leaves no process
// behind.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium {

struct ChildCommand {
  std::filesystem::path program;  ///< Absolute.
  std::vector<std::string> arguments;
  std::vector<std::string> readable;  ///< Files and folders that it may read beside the system's.
  std::uint64_t memory_bytes = 0;     ///< Of address space.
  std::chrono::seconds time{0};       ///< By the clock.
  std::size_t most_output = 0;        ///< Bytes.
  std::filesystem::path folder;       ///< Where it gets a working folder of its own for that time.
};

enum class ChildEnd {
  kExited,         ///< With this exit status.
  kSignalled,      ///< By this signal.
  kOutOfTime,      ///< Was killed, as in what follows.
  kTooMuchOutput,  ///< Wrote more than it may.
  kStopped         ///< This process is about to end.
};

struct ChildOutcome {
  ChildEnd end = ChildEnd::kExited;
  int code = 0;           ///< Exit status or signal.
  bool read_all = false;  ///< Whether it took all of its input.
  Bytes output;
  std::string words;  ///< The last 2 KiB of what it wrote to stderr. May hold patients' values.
};

/// Runs the command with `input` on stdin until it ends, its time is up or `stop` is set; whatever
/// it started is killed with it. An error when it could not be started: kRefused when the system
/// cannot confine it (common/confinement.h). Safe in a process with other threads.
Result<ChildOutcome> RunConfined(const ChildCommand& command,
                                 ByteSpan input,
                                 const std::atomic<bool>& stop);

/// Whether this system lets a program be confined, tried with one that does nothing.
Status TryConfinement();

}  // namespace consilium
