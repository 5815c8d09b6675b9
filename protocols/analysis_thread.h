#pragma once

// Runs an analysis's coordinator half, a plain blocking loop, inside a state machine. The loop sits
// on a thread of its own that strictly alternates with the caller: one of the two always sleeps, so
// there is no concurrency to reason about and a run is as deterministic as a function call.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "protocols/analysis.h"
#include "protocols/federation.h"

namespace consilium {

class AnalysisThread {
 public:
  /// The next query, or how the analysis ended.
  using Step = std::variant<Query, Result<AnalysisResult>>;

  explicit AnalysisThread(std::shared_ptr<const Analysis> analysis);
  ~AnalysisThread();  ///< Interrupts the analysis where it waits.
  AnalysisThread(const AnalysisThread&) = delete;
  AnalysisThread& operator=(const AnalysisThread&) = delete;

  /// Runs to the first query. Once.
  Step Start();
  /// Hands over the sum for the query last given and runs to the next.
  Step Resume(Aggregate aggregate);

 private:
  class Bridge;
  Step Await();

  std::shared_ptr<const Analysis> analysis_;
  std::mutex mutex_;
  std::condition_variable turn_;
  bool callers_turn_ = true;
  bool interrupted_ = false;
  std::optional<Step> step_;            ///< From the analysis to the caller.
  std::optional<Aggregate> aggregate_;  ///< From the caller to the analysis.
  std::thread thread_;
};

}  // namespace consilium
