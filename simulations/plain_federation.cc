#include "simulations/plain_federation.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "common/check.h"
#include "common/fixed_point.h"

namespace consilium {
namespace {

/// One thread's share of the sites: takes the next site until none is left or one refuses.
struct Worker {
  RingVector sum;
  std::optional<Error> error;
  std::size_t failed_site = 0;

  void Run(const Analysis& analysis,
           const std::vector<const Cohort*>& cohorts,
           const Query& query,
           const std::vector<Slot>& slots,
           std::atomic<std::size_t>& next) {
    sum.assign(WordsOf(slots), 0);
    for (std::size_t site = next++; site < cohorts.size(); site = next++) {
      if (Status status = Add(analysis, *cohorts[site], query, slots, cohorts.size()); !status) {
        error = std::move(status).error();
        failed_site = site;
        return;
      }
    }
  }

 private:
  Status Add(const Analysis& analysis,
             const Cohort& cohort,
             const Query& query,
             const std::vector<Slot>& slots,
             std::size_t sites) {
    TRY(const Contribution contribution, analysis.Answer(query, cohort));
    TRY(const RingVector words,
        EncodeFixedPoint(contribution.values, slots, static_cast<std::uint32_t>(sites)));
    AddTo(sum, words);
    return {};
  }
};

}  // namespace

Aggregate PlainFederation::Sum(const Query& query) {
  Result<Aggregate> aggregate = TrySum(query);
  if (!aggregate) {
    error_ = std::move(aggregate).error();
    throw StudyInterrupted{};
  }
  ++rounds_;
  if (watcher_) watcher_(rounds_);
  return *std::move(aggregate);
}

Result<Aggregate> PlainFederation::TrySum(const Query& query) const {
  CHECK(threads_ >= 1);
  const auto sites = static_cast<std::uint32_t>(cohorts_.size());
  TRY(const std::vector<Slice> slices, analysis_.Describe(query));
  const std::vector<Slot> slots = SlotsOf(slices);
  TRY_STATUS(CheckCapacity(slots, sites));

  std::vector<Worker> workers(std::min<std::size_t>(threads_, std::max(cohorts_.size(), 1UL)));
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i) {
    threads.emplace_back([&, i] { workers[i].Run(analysis_, cohorts_, query, slots, next); });
  }
  workers[0].Run(analysis_, cohorts_, query, slots, next);
  for (std::thread& thread : threads) thread.join();

  RingVector sum(WordsOf(slots), 0);
  const Worker* failed = nullptr;
  for (const Worker& worker : workers) {
    // The first site that refuses is reported, whichever thread met it.
    if (worker.error && (failed == nullptr || worker.failed_site < failed->failed_site)) {
      failed = &worker;
    }
    AddTo(sum, worker.sum);
  }
  if (failed != nullptr) return tl::unexpected<Error>(*failed->error);
  TRY(std::vector<double> values, DecodeFixedPoint(sum, slots, sites));
  return Aggregate{std::move(values), sites};
}

Result<PlainRun> RunPlain(const Analysis& analysis,
                          const std::vector<const Cohort*>& cohorts,
                          unsigned threads,
                          std::function<void(std::uint32_t)> watcher) {
  PlainFederation federation(analysis, cohorts, threads);
  federation.OnRound(std::move(watcher));
  try {
    TRY(AnalysisResult result, analysis.Run(federation));
    return PlainRun{std::move(result), federation.rounds()};
  } catch (const StudyInterrupted&) {
    CHECK(federation.error().has_value());
    return tl::unexpected<Error>(*federation.error());
  }
}

}  // namespace consilium
