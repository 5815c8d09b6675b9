#pragma once

// Runs a program that is not ours for one exchange: it is given bytes, gives bytes back and ends.
// It sees no file descriptor, no environment and no network of this process, and leaves no process
// behind.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/file_descriptor.h"
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

/// No limit on address space: for programs built with a sanitizer, which reserve most of it.
inline constexpr std::uint64_t kAnyMemory = ~std::uint64_t{0};

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

/// A confined program under way, of which this process only reads. It is killed when this goes.
class ChildReader {
 public:
  ChildReader() = default;
  ChildReader(const ChildReader&) = delete;
  ChildReader& operator=(const ChildReader&) = delete;
  virtual ~ChildReader() = default;

  /// Takes what it wrote to stdout, as much as is there and `into` holds; 0 at its end.
  /// kUnavailable when it has written nothing for that long.
  virtual Result<std::size_t> Read(std::span<char> into, std::chrono::seconds patience) = 0;
  /// Ends it if it has not ended. Once: how it ended, without output.
  virtual ChildOutcome Finish() = 0;
};

/// Starts the command with `input` as its stdin, without a folder that it may write to. Its
/// processor time is limited by `time`; `folder` and `most_output` do not count.
Result<std::unique_ptr<ChildReader>> StartConfined(const ChildCommand& command,
                                                   const FileDescriptor& input);

/// Whether this system lets a program be confined, tried with one that does nothing.
Status TryConfinement();

}  // namespace consilium
