#pragma once

// The simulator's fast path: virtual sites answer on a few threads, and the fixed-point words of
// what they would have masked are added in the clear. Addition in the ring has no order, so the
// aggregate has the same bits as the real secure sum's, whatever the number of threads.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/result.h"
#include "protocols/analysis.h"

namespace consilium {

class PlainFederation final : public Federation {
 public:
  /// Both must outlive the federation. `threads` is at least 1.
  PlainFederation(const Analysis& analysis,
                  const std::vector<const Cohort*>& cohorts,
                  unsigned threads = 1)
      : analysis_(analysis), cohorts_(cohorts), threads_(threads) {}

  /// Throws StudyInterrupted when a site refuses to answer; error() then says why.
  Aggregate Sum(const Query& query) override;

  const std::optional<Error>& error() const { return error_; }
  std::uint32_t rounds() const { return rounds_; }
  /// Called after each round with its number.
  void OnRound(std::function<void(std::uint32_t)> watcher) { watcher_ = std::move(watcher); }

 private:
  Result<Aggregate> TrySum(const Query& query) const;

  const Analysis& analysis_;
  const std::vector<const Cohort*> cohorts_;
  unsigned threads_;
  std::uint32_t rounds_ = 0;
  std::optional<Error> error_;
  std::function<void(std::uint32_t)> watcher_;
};

struct PlainRun {
  AnalysisResult result;
  std::uint32_t rounds = 0;
};

/// Runs the analysis over these cohorts.
Result<PlainRun> RunPlain(const Analysis& analysis,
                          const std::vector<const Cohort*>& cohorts,
                          unsigned threads = 1,
                          std::function<void(std::uint32_t)> watcher = {});

}  // namespace consilium
