#include "simulations/protocol/protocol_run.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "common/storage.h"
#include "coordinator/records.h"
#include "protocols/privacy/noise.h"
#include "protocols/result_document.h"
#include "simulations/storm/world.h"
#include "simulations/virtual_federation.h"

namespace consilium {
namespace {

constexpr std::int64_t kSecondsADay = 86'400;
constexpr Duration kPatience{6 * 3'600'000};  ///< Virtual time without any round.

/// What the coordinator journalled, in place of sites: gives its analysis the sums it had.
class JournalledSums final : public Federation {
 public:
  JournalledSums(const Analysis& analysis, const std::vector<JournalRecord>& journal)
      : analysis_(analysis), journal_(journal) {}

  Aggregate Sum(const Query& query) override {
    if (next_ == journal_.size()) throw StudyInterrupted();
    const JournalRecord& entry = journal_[next_++];
    const Result<std::vector<Slice>> slices = analysis_.Describe(query);
    if (!slices) throw StudyInterrupted();
    Result<Aggregate> aggregate = OpenAggregate(entry.sum, SlotsOf(*slices), entry.capacity,
                                                static_cast<std::uint32_t>(entry.survivors.size()));
    if (!aggregate || HashBytes(query.body) != entry.query) throw StudyInterrupted();
    return *std::move(aggregate);
  }

 private:
  const Analysis& analysis_;
  const std::vector<JournalRecord>& journal_;
  std::size_t next_ = 0;
};

/// A policy that asks for no more than the plan does.
Policy PolicyOf(const Plan& plan) {
  Policy policy = MakePolicy(PolicyPreset::kResearch);
  policy.minimum_patients = plan.minimum_patients;
  policy.minimum_sites = plan.minimum_sites;
  policy.minimum_class = 0;
  policy.site_level = true;
  policy.maximum_parameters_per_patient = std::numeric_limits<double>::infinity();
  policy.maximum_rounds = std::numeric_limits<std::uint32_t>::max();
  policy.privacy_epsilon = std::numeric_limits<double>::infinity();
  if (!plan.analysis->trainer().empty()) policy.trainers[std::string(plan.analysis->trainer())];
  return policy;
}

bool CanNameSites(const std::vector<std::string>& names) {
  const std::set<std::string> different(names.begin(), names.end());
  return different.size() == names.size() &&
         std::all_of(names.begin(), names.end(), [](const std::string& name) {
           return CheckName("site name", name).has_value();
         });
}

WorldOptions WorldOf(const Plan& plan,
                     std::span<const CohortView> cohorts,
                     const ProtocolOptions& options) {
  WorldOptions world;
  world.seed = options.seed;
  world.day.sites = static_cast<std::uint32_t>(cohorts.size());
  world.day.network = options.network;
  world.day.cut = options.faults.cuts;
  world.day.site_crash = options.faults.site_crashes;
  world.day.coordinator_crash = options.faults.coordinator_crashes;
  world.day.slow = options.faults.slow_answers;
  world.day.stop = options.faults.stops;
  for (const CohortView& cohort : cohorts) world.cohorts.push_back(CopyOf(cohort));
  if (CanNameSites(options.names)) world.names = options.names;
  world.plans.push_back(plan.text);
  world.policy = PolicyOf(plan);
  world.analysis = plan.analysis;
  world.shares = true;
  // Whatever day it really is: an old plan can still be tried, and gives what it gave.
  world.begin = UtcSeconds{(DaysSinceEpoch(plan.expires) - 300) * kSecondsADay};
  return world;
}

/// Runs until the study has ended, or nothing has happened for long.
void RunToEnd(World& world,
              const StudyId& study,
              const std::function<void(std::uint32_t)>& watcher) {
  constexpr Duration kStep{1'000};
  std::uint32_t rounds = 0;
  Instant patient_until = world.now() + kPatience;
  while (world.now() < patient_until) {
    const bool ended = world.RunUntil(world.now() + kStep);
    const std::optional<StudyView> view = world.View(study);
    for (; view && rounds < view->rounds_done; ++rounds) {
      patient_until = world.now() + kPatience;
      if (watcher) watcher(rounds + 1);
    }
    if (ended) return;
  }
}

Status CheckEnd(const World& world, const StudyId& study) {
  const std::optional<StudyView> view = world.View(study);
  if (view && (view->state == StudyState::kFinished || view->state == StudyState::kFailed))
    return {};
  std::string why = world.trouble();
  if (view && !view->reason.empty()) why = view->reason;
  if (view && why.empty()) why = view->phase;
  return Fail(
      ErrorCode::kRefused,
      "the study does not end: " + (why.empty() ? "the coordinator is down" : why),
      "Real sites would wait as well. Look at the plan's [round], the epsilon of its [privacy.dp] "
      "and, if the experiment has them, its [faults].");
}

void AddTraffic(const World& world, const StudyId& study, RecordedRun& recorded) {
  const Instant start = world.StartOf(study).value_or(world.now());
  recorded.protocol.emplace();
  RoundTraffic& all = recorded.protocol->traffic;
  for (const auto& [number, counts] : world.traffic()) {
    all.messages += counts.sent.messages;
    all.bytes_to_sites += counts.sent.bytes_to_sites;
    all.bytes_from_sites += counts.sent.bytes_from_sites;
  }
  all.lasted = world.now() - start;
  for (std::size_t i = 0; i < recorded.rounds.size(); ++i) {
    const auto counts = world.traffic().find(RoundNumber(recorded.rounds[i].round));
    if (counts == world.traffic().end()) continue;
    RoundTraffic traffic = counts->second.sent;
    const auto next = std::next(counts);
    traffic.lasted =
        (next == world.traffic().end() ? world.now() : next->second.began) - counts->second.began;
    recorded.rounds[i].traffic = traffic;
  }
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (world.faults()[i] == 0) continue;
    recorded.protocol->faults.emplace(Name(static_cast<Fault>(i)), world.faults()[i]);
  }
}

/// The analysis once more over the journal: its own tables and errors, and what each round found.
Result<RecordedRun> ReadJournal(const Plan& plan, const World& world) {
  std::vector<JournalRecord> journal;
  TRY(const std::vector<Record> rows, world.coordinator_disk().Load("journal"));
  for (const Record& row : rows) {
    TRY(JournalRecord entry, Decode<JournalRecord>(row.value));
    journal.push_back(std::move(entry));
  }
  JournalledSums sums(*plan.analysis, journal);
  RoundRecorder recorder(*plan.analysis, sums);
  try {
    TRY(AnalysisResult result, plan.analysis->Run(recorder));
    const auto rounds = static_cast<std::uint32_t>(recorder.rounds().size());
    return RecordedRun{{std::move(result), rounds}, std::move(recorder.rounds()), {}};
  } catch (const StudyInterrupted&) {
    return Fail(ErrorCode::kCorrupt, "the coordinator's journal does not lead to its result");
  }
}

}  // namespace

Result<RecordedRun> RunOverProtocol(const Plan& plan,
                                    std::span<const CohortView> cohorts,
                                    const ProtocolOptions& options) {
  Witness witness(std::vector<bool>(cohorts.size(), true));
  Trace trace(TraceKeeps::kCount);
  World world(WorldOf(plan, cohorts, options), witness, trace);
  RunToEnd(world, plan.id, options.watcher);
  if (!witness.violations().empty()) {
    return Fail(ErrorCode::kCorrupt, "the protocol was violated: " + witness.violations().front(),
                "This is a bug of Consilium. Please report it with the experiment and its seed.");
  }
  TRY_STATUS(CheckEnd(world, plan.id));
  TRY(RecordedRun recorded, ReadJournal(plan, world));
  if (world.ResultOf(plan.id) != ResultDocument(plan, recorded.run.result, recorded.run.rounds)) {
    return Fail(ErrorCode::kCorrupt, "the coordinator's result is not that of its journal");
  }
  AddTraffic(world, plan.id, recorded);
  return recorded;
}

}  // namespace consilium
