#pragma once

// One loop for everything a runtime waits for: sockets, the control socket, signals, other threads.
// Level-triggered: Wait() returns at once while something it watches has more to read.

#include <optional>
#include <vector>

#include "common/file_descriptor.h"
#include "common/result.h"
#include "common/time.h"

namespace consilium {

/// What one thing waits for: a ZeroMQ socket or, when that is null, a file descriptor.
struct PollWait {
  void* socket = nullptr;
  int descriptor = -1;
  bool readable = true;
  bool writable = false;
};

class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void AppendWaits(std::vector<PollWait>& to) const = 0;
};

/// Ends a Wait() from another thread or a signal handler.
class Waker final : public Pollable {
 public:
  static Result<Waker> Create();
  void Wake() const noexcept;  ///< Thread-safe and async-signal-safe.
  bool Clear() noexcept;       ///< Whether Wake() was called since the last Clear().
  void AppendWaits(std::vector<PollWait>& to) const override;

 private:
  explicit Waker(FileDescriptor descriptor);
  FileDescriptor descriptor_;
};

/// SIGTERM and SIGINT as something to wait for. Made first thing in main: the signals are blocked
/// in this thread and in those that it starts afterwards, and arrive only here.
class StopSignals final : public Pollable {
 public:
  static Result<StopSignals> Install();
  bool Requested();  ///< Stays true once a signal has come.
  void AppendWaits(std::vector<PollWait>& to) const override;

 private:
  explicit StopSignals(FileDescriptor descriptor);
  FileDescriptor descriptor_;
  bool requested_ = false;
};

class Poller {
 public:
  /// The things are borrowed: they outlive the poller.
  void Watch(const Pollable& thing) { things_.push_back(&thing); }
  /// Until something is ready (true) or the time is up (false; no time means for ever). A signal
  /// handled elsewhere may end it early, with false.
  Result<bool> Wait(std::optional<Duration> timeout);

 private:
  std::vector<const Pollable*> things_;
  std::vector<PollWait> waits_;
};

}  // namespace consilium
