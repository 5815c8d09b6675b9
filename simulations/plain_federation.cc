#include "simulations/plain_federation.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/fixed_point.h"
#include "common/random.h"
#include "protocols/privacy/noise.h"

namespace consilium {
namespace {

/// Sites that a thread takes at a time: so many that threads seldom meet, so few that they finish
/// together.
constexpr std::size_t kLargestBatch = 256;
constexpr std::size_t kBatchesPerThread = 8;

std::size_t BatchOf(std::size_t sites, std::size_t threads) {
  return std::clamp<std::size_t>(sites / (threads * kBatchesPerThread), 1, kLargestBatch);
}

std::uint32_t CountAll(std::size_t sites, Ranks& ranks) {
  std::uint64_t count = sites;
  ranks.Sum({&count, 1});
  CHECK(count <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(count);
}

/// Of each site and round another stream, the same whatever the threads and ranks.
struct NoiseSeeds {
  std::uint64_t seed;
  std::uint32_t round;
  std::size_t first_site;  ///< This rank's first, among those of all ranks.

  ByteArray<32> Of(std::size_t site) const {
    return Hasher("consilium/simulation/noise/v1")
        .Add(seed)
        .Add(std::uint64_t{round})
        .Add(std::uint64_t{first_site + site})
        .Finish()
        .bytes;
  }
};

std::size_t FirstOf(std::size_t sites, Ranks& ranks) {
  std::vector<std::uint64_t> counts(ranks.count());
  counts[ranks.rank()] = sites;
  ranks.Sum(counts);
  return std::accumulate(counts.begin(), counts.begin() + ranks.rank(), std::size_t{0});
}

/// What all threads share in one round.
struct Round {
  const PreparedQuery& query;
  std::span<const Slot> slots;
  std::uint32_t all_sites;
  std::span<const CohortView> sites;
  std::span<SiteMemory> memories;  ///< One a site, or none.
  bool keeps_scratch;
  std::size_t batch;
  std::optional<NoiseSeeds> noise;  ///< Where sums have any.
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
};

}  // namespace

std::vector<CohortView> ViewsOf(const std::vector<Cohort>& cohorts) {
  return {cohorts.begin(), cohorts.end()};
}

/// One thread's share of the sites: takes batch after batch until none is left or a site refuses.
struct PlainFederation::Worker {
  RingVector sum;
  std::vector<double> answer;
  std::optional<Error> error;
  std::size_t failed_site = 0;

  void Run(Round& round) {
    std::size_t numbers = 0;
    for (const Slot& slot : round.slots) numbers += slot.count;
    answer.resize(numbers);
    sum.assign(WordsOf(round.slots), 0);
    error.reset();
    // Batches are taken in order, so those before the one that fails are all taken and finished:
    // the first site that refuses is always found.
    while (!round.failed) {
      const std::size_t first = round.next.fetch_add(round.batch);
      if (first >= round.sites.size()) return;
      const std::size_t end = std::min(first + round.batch, round.sites.size());
      for (std::size_t site = first; site < end; ++site) {
        if (Status status = Add(round, site); !status) {
          error = std::move(status).error();
          failed_site = site;
          round.failed = true;
          return;
        }
      }
    }
  }

 private:
  Status Add(const Round& round, std::size_t site) {
    const CohortView& cohort = round.sites[site];
    TRY_STATUS(round.memories.empty() ? round.query.Answer(cohort, answer)
                                      : round.query.Answer(cohort, round.memories[site], answer));
    if (!round.memories.empty() && !round.keeps_scratch) round.memories[site].scratch.reset();
    TRY_STATUS(AddFixedPoint(answer, round.slots, round.all_sites, sum));
    if (!round.noise) return {};
    SeededRandom random(round.noise->Of(site));
    return AddNoise(round.slots, round.all_sites, random, sum);
  }
};

PlainFederation::PlainFederation(const Analysis& analysis,
                                 std::span<const CohortView> sites,
                                 PlainOptions options)
    : analysis_(analysis),
      sites_(sites),
      options_(std::move(options)),
      ranks_(options_.ranks != nullptr ? *options_.ranks : alone_),
      all_sites_(CountAll(sites_.size(), ranks_)),
      first_site_(FirstOf(sites_.size(), ranks_)),
      pool_(std::clamp<std::size_t>(sites_.size(), 1, std::max(options_.threads, 1U))),
      workers_(pool_.size()) {
  if (analysis.HasState() || (analysis.KeepsMemory() && KeepsScratch())) {
    memories_.resize(sites_.size());
  }
}

PlainFederation::~PlainFederation() = default;

Aggregate PlainFederation::Sum(const Query& query) {
  Result<Aggregate> aggregate = TrySum(query);
  if (!aggregate) {
    error_ = std::move(aggregate).error();
    throw StudyInterrupted{};
  }
  ++rounds_;
  if (options_.watcher) options_.watcher(rounds_);
  return *std::move(aggregate);
}

Result<Aggregate> PlainFederation::TrySum(const Query& query) {
  TRY(const std::vector<Slice> slices, analysis_.Describe(query));
  const std::vector<Slot> slots = SlotsOf(slices);
  TRY_STATUS(CheckCapacity(slots, all_sites_));
  RingVector sum(WordsOf(slots), 0);
  TRY_STATUS(AgreeOn(ranks_, SumHere(query, slots, sum)));
  ranks_.Sum(sum);
  TRY(Aggregate aggregate, OpenAggregate(sum, slots, all_sites_, all_sites_));
  // The round is closed, with every site in it.
  for (SiteMemory& memory : memories_) memory.state.swap(memory.next_state);
  return aggregate;
}

Status PlainFederation::SumHere(const Query& query, std::span<const Slot> slots, RingVector& sum) {
  TRY(const std::unique_ptr<PreparedQuery> prepared, analysis_.Prepare(query));
  Round round{*prepared,
              slots,
              all_sites_,
              sites_,
              memories_,
              KeepsScratch(),
              BatchOf(sites_.size(), pool_.size()),
              {}};
  if (HasNoise(slots)) round.noise = NoiseSeeds{options_.noise_seed, rounds_ + 1, first_site_};
  pool_.Run([&](std::size_t index) { workers_[index].Run(round); });

  const Worker* failed = nullptr;
  for (const Worker& worker : workers_) {
    // The first site that refuses is reported, whichever thread met it.
    if (worker.error && (failed == nullptr || worker.failed_site < failed->failed_site)) {
      failed = &worker;
    }
    AddTo(sum, worker.sum);
  }
  if (failed != nullptr) return tl::unexpected<Error>(*failed->error);
  return {};
}

Result<PlainRun> RunThrough(const Analysis& analysis,
                            Federation& port,
                            const PlainFederation& sums) {
  try {
    TRY(AnalysisResult result, analysis.Run(port));
    return PlainRun{std::move(result), sums.rounds()};
  } catch (const StudyInterrupted&) {
    CHECK(sums.error().has_value());
    return tl::unexpected<Error>(*sums.error());
  }
}

Result<PlainRun> RunPlain(const Analysis& analysis,
                          std::span<const CohortView> sites,
                          PlainOptions options) {
  PlainFederation federation(analysis, sites, std::move(options));
  return RunThrough(analysis, federation, federation);
}

Result<PlainRun> RunPlain(const Analysis& analysis,
                          const std::vector<const Cohort*>& cohorts,
                          unsigned threads,
                          std::function<void(std::uint32_t)> watcher) {
  PlainOptions options;
  options.threads = threads;
  options.watcher = std::move(watcher);
  std::vector<CohortView> views;
  for (const Cohort* cohort : cohorts) views.emplace_back(*cohort);
  return RunPlain(analysis, views, std::move(options));
}

}  // namespace consilium
