#pragma once

// The simulator's fast path: virtual sites answer on a few threads, and the fixed-point words of
// what they would have masked are added in the clear. Addition in the ring has no order, so the
// aggregate has the same bits as the real secure sum's, whatever the number of threads and ranks.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analysis.h"
#include "simulations/ranks.h"
#include "simulations/thread_pool.h"

namespace consilium {

struct PlainOptions {
  unsigned threads = 1;
  Ranks* ranks = nullptr;  ///< Those that make the same call with their own sites; none if null.
  std::function<void(std::uint32_t)> watcher = {};  ///< Called after each round with its number.
  std::uint64_t noise_seed = 1;  ///< Of the sites' noise, where the plan asks for any.
  /// What sites keep to save themselves work can be as much again as their rows: above so many
  /// they do the work in each round anew. The result does not depend on it.
  std::size_t most_scratches = 100'000;
};

/// Good as long as the cohorts are.
std::vector<CohortView> ViewsOf(const std::vector<Cohort>& cohorts);

class PlainFederation final : public Federation {
 public:
  /// `sites` are this rank's, which may be none. Analysis, sites and ranks outlive the federation.
  PlainFederation(const Analysis& analysis,
                  std::span<const CohortView> sites,
                  PlainOptions options = {});
  PlainFederation(const PlainFederation&) = delete;
  PlainFederation& operator=(const PlainFederation&) = delete;
  ~PlainFederation() override;

  /// Throws StudyInterrupted when a site refuses to answer; error() then says why.
  Aggregate Sum(const Query& query) override;

  const std::optional<Error>& error() const { return error_; }
  std::uint32_t rounds() const { return rounds_; }

 private:
  struct Worker;

  bool KeepsScratch() const { return sites_.size() <= options_.most_scratches; }
  Result<Aggregate> TrySum(const Query& query);
  /// This rank's part of the sum.
  Status SumHere(const Query& query, std::span<const Slot> slots, RingVector& sum);

  const Analysis& analysis_;
  const std::span<const CohortView> sites_;
  const PlainOptions options_;
  SingleProcess alone_;
  Ranks& ranks_;
  std::uint32_t all_sites_ = 0;  ///< Of all ranks.
  std::size_t first_site_ = 0;   ///< This rank's first, among those of all ranks.
  ThreadPool pool_;
  std::vector<Worker> workers_;       ///< One a thread, kept so that rounds allocate nothing.
  std::vector<SiteMemory> memories_;  ///< One a site, where the analysis keeps any.
  std::uint32_t rounds_ = 0;
  std::optional<Error> error_;
};

struct PlainRun {
  AnalysisResult result;
  std::uint32_t rounds = 0;
};

/// Runs the analysis on `port`, which is `sums` or passes its queries on to them.
Result<PlainRun> RunThrough(const Analysis& analysis,
                            Federation& port,
                            const PlainFederation& sums);

/// Runs the analysis over these cohorts.
Result<PlainRun> RunPlain(const Analysis& analysis,
                          std::span<const CohortView> sites,
                          PlainOptions options = {});
Result<PlainRun> RunPlain(const Analysis& analysis,
                          const std::vector<const Cohort*>& cohorts,
                          unsigned threads = 1,
                          std::function<void(std::uint32_t)> watcher = {});

}  // namespace consilium
