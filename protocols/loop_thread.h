#pragma once

// Runs a plain blocking loop over Federation::Sum, a round at a time. The loop sits on a thread of
// its own that strictly alternates with the caller: one of the two always sleeps, so there is no
// concurrency to reason about and a run is as deterministic as a function call.

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "protocols/federation.h"

namespace consilium {

class LoopThread {
 public:
  using Loop = std::function<void(Federation&)>;

  explicit LoopThread(Loop loop);
  ~LoopThread();  ///< Interrupts the loop where it waits.
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  /// Runs to the first query; nothing when the loop came to its end instead. What the loop throws
  /// comes out here. Once.
  std::optional<Query> Start();
  /// Hands over the sum for the query last given and runs to the next, or to the end.
  std::optional<Query> Resume(Aggregate aggregate);

 private:
  class Bridge;
  void Run();
  std::optional<Query> Await();

  Loop loop_;
  std::mutex mutex_;
  std::condition_variable turn_;
  bool callers_turn_ = true;
  bool ended_ = false;
  bool interrupted_ = false;
  std::exception_ptr thrown_;           ///< By the loop.
  std::optional<Query> query_;          ///< From the loop to the caller.
  std::optional<Aggregate> aggregate_;  ///< From the caller to the loop.
  std::thread thread_;
};

}  // namespace consilium
