#include "simulations/protocol/cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "protocols/messages.h"
#include "protocols/secure_sum/thresholds.h"
#include "simulations/draws.h"
#include "simulations/recorded_run.h"

namespace consilium {
namespace {

constexpr std::uint32_t kTriedSites = 4;
constexpr std::size_t kRowsATerm = 40;
constexpr std::size_t kFewestRows = 200;
constexpr double kMillisecond = 1'000;

double DrawValue(RandomSource& random, const ContractColumn& column) {
  switch (column.type) {
    case ColumnType::kBoolean:
      return random.Below(2) == 0 ? 0 : 1;
    case ColumnType::kCategory:
      return static_cast<double>(random.Below(column.levels.size()));
    default:
      break;
  }
  const double minimum = column.minimum.value_or(0);
  const double value = minimum + (column.maximum.value_or(1) - minimum) * random.Unit();
  return column.type == ColumnType::kInteger ? std::floor(value) : value;
}

/// Numbers that the contract allows and that mean nothing.
Cohort DrawCohort(const Plan& plan, std::uint32_t site) {
  SeededRandom random = StreamOf(1, "cost", site);
  Cohort cohort;
  cohort.columns = CohortColumns(*plan.analysis);
  const std::size_t rows = std::max(kFewestRows, kRowsATerm * cohort.columns.size());
  cohort.patients = rows;
  const std::vector<std::string> named = plan.analysis->NamedSites();
  cohort.site = site < named.size() ? named[site] : "site " + std::to_string(site);
  cohort.values.resize(static_cast<Eigen::Index>(rows),
                       static_cast<Eigen::Index>(cohort.columns.size()));
  for (std::size_t j = 0; j < cohort.columns.size(); ++j) {
    const ContractColumn* column = plan.contract.Find(cohort.columns[j]);
    for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
      cohort.values(row, static_cast<Eigen::Index>(j)) =
          column != nullptr ? DrawValue(random, *column) : PatientNumber(std::to_string(row));
    }
  }
  return cohort;
}

/// Bytes of a message with this body.
template <class Body>
std::uint64_t SizeOf(MessageKind kind, const Body& body) {
  return kHeaderBytes + Encode(body).size() + (IsSigned(kind) ? kSignatureBytes : 0);
}

/// The messages of one round of n sites, as long as the real ones.
struct Sizes {
  std::uint64_t start = 0;
  std::uint64_t shares = 0;
  std::uint64_t delivery = 0;
  std::uint64_t ledger_head = 0;
  std::uint64_t header = 0;
  std::vector<std::uint64_t> chunks;
  std::uint64_t receipt = 0;
  std::uint64_t survivors = 0;
  std::uint64_t confirmation = 0;
  std::uint64_t quorum = 0;
  std::uint64_t unmasking = 0;
  std::uint64_t prekey = 0;
  std::uint64_t closed = 0;
};

/// Each site deals to so many, so each is dealt to by as many on average, and the sum over all
/// sites is exact.
Sizes SizesOf(const Thresholds& thresholds, std::uint64_t words) {
  const std::uint32_t sites = thresholds.sites;
  const std::uint32_t neighbours = thresholds.neighbours;
  Sizes sizes;
  RoundStart start;
  start.participants.resize(sites);
  sizes.start = SizeOf(MessageKind::kRoundStart, start);
  SealedShare sealed;
  sealed.sealed.resize(kSealedShareBytes);
  Shares shares;
  shares.shares.assign(neighbours, sealed);
  sizes.shares = SizeOf(MessageKind::kShares, shares);
  DeliveredShare delivered;
  delivered.sealed.resize(kSealedShareBytes);
  Delivery delivery;
  delivery.shares.assign(neighbours, delivered);
  delivery.shares.resize(sites);
  sizes.delivery = SizeOf(MessageKind::kDelivery, delivery);
  sizes.ledger_head = SizeOf(MessageKind::kLedgerHead, Receipt());
  sizes.header = SizeOf(MessageKind::kUploadHeader, UploadHeader());
  for (std::uint64_t left = words; left > 0;) {
    Chunk chunk;
    chunk.words.resize(std::min<std::uint64_t>(left, kChunkWords));
    sizes.chunks.push_back(SizeOf(MessageKind::kUploadChunk, chunk));
    left -= chunk.words.size();
  }
  sizes.receipt = SizeOf(MessageKind::kChunkReceived, ChunkReceived());
  sizes.survivors = SizeOf(MessageKind::kSurvivors, Survivors{std::vector<SurvivorHeader>(sites)});
  sizes.confirmation = SizeOf(MessageKind::kConfirmation, Confirmation());
  sizes.quorum = SizeOf(MessageKind::kQuorum, Quorum{std::vector<Cosignature>(thresholds.quorum)});
  const std::size_t revealed = neighbours + (KeepsOwnShare(thresholds) ? 1 : 0);
  sizes.unmasking =
      SizeOf(MessageKind::kUnmasking, Unmasking{std::vector<RevealedShare>(revealed)});
  sizes.prekey = SizeOf(MessageKind::kPrekey, Prekey());
  RoundClosed closed;
  closed.survivors.resize(sites);
  closed.sum.resize(std::min<std::uint64_t>(words, kChunkWords));
  sizes.closed = SizeOf(MessageKind::kRoundClosed, closed);
  // A chunk of the sum is as long as one of a vector, and its receipt as long.
  return sizes;
}

/// The lines of a federation, each of which carries one message after the other. Times are in
/// microseconds from the start.
class Lines {
 public:
  explicit Lines(const CostOptions& options)
      : network_(options.network), sites_{std::vector<double>(options.sites), {}} {
    sites_[1] = sites_[0];
  }

  /// When a message that is ready at `ready` has arrived.
  double Send(std::size_t site, bool to_site, std::uint64_t bytes, double ready) {
    const auto way = static_cast<std::size_t>(to_site);
    const double end =
        std::max(Occupy(sites_[way][site], network_.site_bandwidth, bytes, ready),
                 Occupy(coordinator_[way], network_.coordinator_bandwidth, bytes, ready));
    return kMillisecond * std::ceil(end / kMillisecond) +
           kMillisecond * static_cast<double>(network_.latency.count());
  }

 private:
  static double Occupy(double& free_at, double bits_per_second, std::uint64_t bytes, double ready) {
    if (bits_per_second == 0) return ready;
    free_at = std::max(free_at, ready) + 8e6 * static_cast<double>(bytes) / bits_per_second;
    return free_at;
  }

  const NetworkModel& network_;
  std::array<std::vector<double>, 2> sites_;  ///< When each is free: [0] from the site, [1] to it.
  std::array<double, 2> coordinator_{};
};

/// Follows each message of each round, as sites that answer at once would send them.
class Schedule {
 public:
  Schedule(const CostOptions& options, const Thresholds& thresholds)
      : options_(options), thresholds_(thresholds), lines_(options), at_sites_(options.sites) {}

  RoundCost Round(const Sizes& sizes) {
    cost_ = RoundCost();
    const double begin = now_;
    ToSites("query and keys", sizes.start);
    std::vector<double> computed = at_sites_;
    const auto computing = options_.network.computing.value_or(Duration(0));
    for (double& time : computed) time += kMillisecond * static_cast<double>(computing.count());
    FromSites("key shares", {sizes.shares}, options_.sites);
    ToSites("shares delivered", sizes.delivery);
    Compute(computed);
    Upload(sizes);
    ToSites("who is in the sum", sizes.survivors);
    FromSites("confirmation", {sizes.confirmation}, thresholds_.quorum);
    ToSites("signatures of a quorum", sizes.quorum);
    const double opening = last_at_sites_;
    // The sum leaves at once, the next query when the keys for it are there.
    std::vector<double> unmasked;
    double keys = 0;
    for (const std::size_t site : InOrder()) {
      unmasked.push_back(lines_.Send(site, false, sizes.unmasking, at_sites_[site]));
      keys = std::max(keys, lines_.Send(site, false, sizes.prekey, at_sites_[site]));
    }
    // Of neighbours almost all are needed, for some site's are the last to come.
    const double summed = NthSmallest(
        std::move(unmasked), IsComplete(thresholds_) ? thresholds_.shares : options_.sites);
    Note("unmasking", false, sizes.unmasking, opening, summed);
    now_ = std::max(keys, TellSum(sizes, summed));
    cost_.takes = Milliseconds(summed - begin);
    summed_ = summed;
    return std::move(cost_);
  }

  /// Until the newest sum.
  Duration Elapsed() const { return Milliseconds(summed_); }

 private:
  static Duration Milliseconds(double microseconds) {
    return Duration(static_cast<std::int64_t>(std::llround(microseconds / kMillisecond)));
  }

  void Note(std::string name, bool to_sites, std::uint64_t bytes, double since, double until) {
    (to_sites ? cost_.bytes_to_site : cost_.bytes_from_site) += bytes;
    cost_.steps.push_back({std::move(name), to_sites, bytes, Milliseconds(until - since)});
  }

  /// Sent to all at the same time; at_sites_ is when each has it.
  void ToSites(std::string name, std::uint64_t bytes) {
    double last = now_;
    for (std::size_t site = 0; site < at_sites_.size(); ++site) {
      at_sites_[site] = lines_.Send(site, true, bytes, now_);
      last = std::max(last, at_sites_[site]);
    }
    Note(std::move(name), true, bytes, now_, last);
    last_at_sites_ = last;
  }

  static double NthSmallest(std::vector<double> times, std::size_t n) {
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(n - 1),
                     times.end());
    return times[n - 1];
  }

  /// Who is ready first comes first on the coordinator's line.
  std::vector<std::size_t> InOrder() const {
    std::vector<std::size_t> order(at_sites_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return at_sites_[a] < at_sites_[b]; });
    return order;
  }

  /// Sent by each as soon as it can; now_ is when `enough` sites' are there.
  std::vector<double> FromSites(std::string name,
                                const std::vector<std::uint64_t>& messages,
                                std::size_t enough) {
    std::vector<double> arrived(at_sites_.size());
    for (const std::size_t site : InOrder()) {
      for (const std::uint64_t message : messages) {
        arrived[site] = lines_.Send(site, false, message, at_sites_[site]);
      }
    }
    now_ = NthSmallest(arrived, enough);
    const std::uint64_t bytes = std::accumulate(messages.begin(), messages.end(), std::uint64_t{0});
    Note(std::move(name), false, bytes, last_at_sites_, now_);
    return arrived;
  }

  void Compute(const std::vector<double>& computed) {
    const double delivered = last_at_sites_;
    for (std::size_t site = 0; site < at_sites_.size(); ++site) {
      at_sites_[site] = std::max(at_sites_[site], computed[site]);
      last_at_sites_ = std::max(last_at_sites_, at_sites_[site]);
    }
    if (last_at_sites_ > delivered) Note("computing", false, 0, delivered, last_at_sites_);
  }

  void Upload(const Sizes& sizes) {
    if (sizes.chunks.size() > 1) return UploadLong(sizes);
    std::vector<std::uint64_t> messages = {sizes.ledger_head, sizes.header};
    messages.insert(messages.end(), sizes.chunks.begin(), sizes.chunks.end());
    const std::vector<double> arrived = FromSites("masked vector", messages, options_.sites);
    for (std::size_t site = 0; site < sizes.chunks.size() * at_sites_.size(); ++site) {
      lines_.Send(site, true, sizes.receipt, arrived[site]);
    }
    cost_.bytes_to_site += sizes.chunks.size() * sizes.receipt;
  }

  /// A few vectors at a time, of each a few chunks before the first of them is acknowledged.
  void UploadLong(const Sizes& sizes) {
    struct Lane {
      std::size_t site = 0;
      std::size_t chunk = 0;
      std::vector<double> receipts;  ///< When each is at the site, its turn first.
      double ready = 0;              ///< The chunk, at the site.
    };
    FromSites("header", {sizes.ledger_head, sizes.header}, options_.sites);
    const double begin = now_;
    std::vector<Lane> lanes;
    std::size_t next_site = 0;
    const auto grant = [&](double when) {
      const double turn = lines_.Send(next_site, true, sizes.receipt, when);
      lanes.push_back({next_site, 0, {turn}, turn});
      ++next_site;
    };
    while (next_site < std::min(kUploadsAtATime, at_sites_.size())) grant(begin);
    while (!lanes.empty()) {
      const auto first =
          std::min_element(lanes.begin(), lanes.end(),
                           [](const Lane& a, const Lane& b) { return a.ready < b.ready; });
      Lane& lane = *first;
      const double arrived = lines_.Send(lane.site, false, sizes.chunks[lane.chunk], lane.ready);
      lane.receipts.push_back(lines_.Send(lane.site, true, sizes.receipt, arrived));
      ++lane.chunk;
      const std::size_t in_flight = kChunksInFlight;
      lane.ready = lane.receipts[lane.chunk < in_flight ? 0 : lane.chunk - in_flight + 1];
      if (lane.chunk < sizes.chunks.size()) continue;
      now_ = std::max(now_, arrived);
      lanes.erase(first);
      if (next_site < at_sites_.size()) grant(arrived);
    }
    const std::uint64_t bytes =
        std::accumulate(sizes.chunks.begin(), sizes.chunks.end(), std::uint64_t{0});
    Note("masked vector", false, bytes, begin, now_);
    cost_.bytes_to_site += (1 + sizes.chunks.size()) * sizes.receipt;
  }

  /// When the coordinator has sent all of the sum to everybody.
  double TellSum(const Sizes& sizes, double summed) {
    double told = summed;
    for (std::size_t site = 0; site < at_sites_.size(); ++site) {
      at_sites_[site] = lines_.Send(site, true, sizes.closed, summed);
    }
    cost_.bytes_to_site += sizes.closed;
    std::vector<std::vector<double>> receipts(at_sites_.size());  // When they are here.
    for (std::size_t i = 1; i < sizes.chunks.size(); ++i) {
      for (const std::size_t site : InOrder()) {
        receipts[site].push_back(lines_.Send(site, false, sizes.receipt, at_sites_[site]));
        const std::size_t in_flight = kChunksInFlight;
        const double asked = receipts[site][i < in_flight ? 0 : i - in_flight];
        at_sites_[site] = lines_.Send(site, true, sizes.chunks[i], asked);
        told = std::max(told, asked);
      }
      cost_.bytes_from_site += sizes.receipt;
      cost_.bytes_to_site += sizes.chunks[i];
    }
    return told;
  }

  const CostOptions& options_;
  const Thresholds& thresholds_;
  Lines lines_;
  double now_ = 0;  ///< At the coordinator.
  double summed_ = 0;
  std::vector<double> at_sites_;  ///< When each site can go on.
  double last_at_sites_ = 0;
  RoundCost cost_;
};

/// What the analysis asks in each round of a run over random data.
Result<std::vector<RoundRecord>> TryOut(const Plan& plan) {
  std::vector<Cohort> cohorts;
  const auto sites = std::max<std::size_t>(kTriedSites, plan.analysis->NamedSites().size());
  for (std::uint32_t site = 0; site < sites; ++site) {
    cohorts.push_back(DrawCohort(plan, site));
  }
  Result<RecordedRun> tried = RunRecorded(*plan.analysis, ViewsOf(cohorts));
  if (!tried) {
    Error error = std::move(tried).error();
    error.message = "random data within the contract's ranges have no solution: " + error.message;
    error.remedy = "Say with --rounds how many rounds to count on.";
    return tl::unexpected<Error>(std::move(error));
  }
  return std::move(tried->rounds);
}

}  // namespace

StudyCost PredictRounds(const CostOptions& options, const std::vector<AskedRound>& asked) {
  const Thresholds thresholds = ThresholdsFor(options.sites, 3).value();
  StudyCost cost;
  cost.sites = options.sites;
  Schedule schedule(options, thresholds);
  for (const AskedRound& round : asked) {
    const Sizes sizes = SizesOf(thresholds, round.words);
    cost.rounds.push_back(schedule.Round(sizes));
    cost.rounds.back().asked = round;
    cost.bytes_to_site += cost.rounds.back().bytes_to_site;
    cost.bytes_from_site += cost.rounds.back().bytes_from_site + sizes.prekey;
  }
  cost.takes = schedule.Elapsed();
  return cost;
}

Result<StudyCost> PredictCost(const Plan& plan, const CostOptions& options) {
  if (options.sites < plan.minimum_sites) {
    return Fail(ErrorCode::kInvalidArgument,
                "the plan's sums need " + std::to_string(plan.minimum_sites) + " sites, not " +
                    std::to_string(options.sites),
                "Give a larger number with --sites, or lower minimum_sites in the plan.");
  }
  TRY_STATUS(ThresholdsFor(options.sites, plan.minimum_sites));
  TRY(const std::vector<RoundRecord> tried, TryOut(plan));
  const std::size_t rounds = options.rounds.value_or(static_cast<std::uint32_t>(tried.size()));
  std::vector<AskedRound> asked;
  for (std::size_t i = 0; i < rounds; ++i) {
    const RoundRecord& like = tried[std::min(i, tried.size() - 1)];
    asked.push_back({like.answer_bytes / sizeof(std::uint64_t)});
  }
  StudyCost cost = PredictRounds(options, asked);
  cost.rounds_given = options.rounds.has_value();
  return cost;
}

}  // namespace consilium
