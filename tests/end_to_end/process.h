#pragma once

// Real processes for tests: start, watch, kill.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace consilium::testing {

struct CommandOutcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// Runs a program of the project, or one with an absolute path, to its end; killed, and reported
/// with exit code -1, after a minute.
CommandOutcome RunProgram(const std::vector<std::string>& arguments);

/// A long-running program whose output goes to a file. Killed when the object goes.
class Process {
 public:
  Process() = default;
  Process(const std::vector<std::string>& arguments, const std::filesystem::path& output);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  bool running();
  void Signal(int signal) const;
  /// SIGSTOP, and waits until all of it stands still.
  void Pause();
  /// SIGKILL, and waits until it is gone.
  void Kill();
  /// SIGTERM; returns the exit code, or -1 if it had to be killed after ten seconds.
  int Stop();
  pid_t pid() const { return pid_; }
  /// VmHWM of /proc/PID/status: the largest resident size so far, in KiB.
  std::size_t peak_resident_kib() const;
  /// Of one of our services: for root alone, since they let nobody else look.
  std::size_t open_descriptors() const;

 private:
  pid_t pid_ = -1;
};

/// While it lives, this process and the programs that it starts have no more of a resource than
/// this: RLIMIT_NOFILE, RLIMIT_FSIZE, ...
class ResourceLimit {
 public:
  ResourceLimit(__rlimit_resource resource, rlim_t most);
  ResourceLimit(const ResourceLimit&) = delete;
  ResourceLimit& operator=(const ResourceLimit&) = delete;
  ~ResourceLimit();

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

/// From now on no write of the process to a file succeeds, as on a full disk; until FreeDisk.
void FillDisk(const Process& process);
void FreeDisk(const Process& process);

/// Asks again every few milliseconds; false when the time is over.
bool Eventually(std::chrono::milliseconds patience, const std::function<bool()>& condition);

std::string ReadText(const std::filesystem::path& file);
void WriteText(const std::filesystem::path& file, const std::string& text);
/// A TCP port of 127.0.0.1 nobody listens on, below the range the kernel gives to clients.
int FreePort();

}  // namespace consilium::testing
