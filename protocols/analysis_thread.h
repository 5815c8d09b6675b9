#pragma once

// Runs an analysis's coordinator half, a plain blocking loop, inside a state machine: on a thread
// of its own that strictly alternates with the caller.

#include <memory>
#include <optional>
#include <variant>

#include "protocols/analysis.h"
#include "protocols/federation.h"
#include "protocols/loop_thread.h"

namespace consilium {

class AnalysisThread {
 public:
  /// The next query, or how the analysis ended.
  using Step = std::variant<Query, Result<AnalysisResult>>;

  explicit AnalysisThread(std::shared_ptr<const Analysis> analysis);
  AnalysisThread(const AnalysisThread&) = delete;
  AnalysisThread& operator=(const AnalysisThread&) = delete;

  /// Runs to the first query. Once.
  Step Start();
  /// Hands over the sum for the query last given and runs to the next.
  Step Resume(Aggregate aggregate);

 private:
  Step StepOf(std::optional<Query> query);

  std::shared_ptr<const Analysis> analysis_;
  std::optional<Result<AnalysisResult>> end_;
  LoopThread thread_;  ///< The last member: the loop must end before what it uses goes.
};

}  // namespace consilium
