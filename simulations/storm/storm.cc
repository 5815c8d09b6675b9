#include "simulations/storm/storm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>
#include <utility>

#include "client/policy/policy.h"
#include "common/crypto/hash.h"
#include "coordinator/records.h"
#include "protocols/result_document.h"
#include "simulations/draws.h"
#include "simulations/plain_federation.h"
#include "simulations/storm/schedule.h"
#include "simulations/storm/world.h"

namespace consilium {
namespace {

constexpr Duration kStormLasts{1'200'000};
/// The longest a study may take once nothing goes wrong any more.
constexpr Duration kCalmLasts{3'600'000};
/// How often it is looked whether a schedule is used up.
constexpr Duration kScheduleStep{1'000};
constexpr std::uint32_t kRows = 16;
constexpr std::size_t kMostFailuresKept = 5;
constexpr std::uint32_t kMostSketches = 5;  ///< Of one answer: as many as a policy may allow.

/// 1,185 parameters: sketches are of 1,024 or more.
constexpr std::string_view kCheckedTraining =
    "model = \"mlp\"\nhidden = [64, 16]\nrounds = 2\nstandardise = \"range\"\nclip = 0.5\n"
    "norm_check = true\n";

/// Three rounds, of which epsilon covers four: 4.73 of 5 at this delta.
constexpr std::string_view kNoisyTraining =
    "model = \"logistic\"\nrounds = 3\nstandardise = \"range\"\nclip = 1\n";
constexpr std::string_view kNoise =
    "[privacy.dp]\nnoise_multiplier = 2\nepsilon = 5\ndelta = 1e-5\n";

std::string PlanText(const BadDay& day, std::string_view title) {
  const bool counts = day.analysis == "poisson";
  const std::string_view outcome = day.analysis == "linear" ? "dose" : counts ? "visits" : "ill";
  const std::string_view training = day.checks_norms ? kCheckedTraining
                                    : day.has_noise  ? kNoisyTraining
                                                     : "";
  const std::string_view noise = day.has_noise ? kNoise : "";
  const std::string_view most = day.checks_norms ? "maximum_patients = 20\n" : "";
  return "[study]\ntitle = \"" + std::string(title) +
         "\"\nquestion = \"Does it hold?\"\nrequested_by = \"Storm\"\npermit = \"none\"\n"
         "expires = 2099-01-01\nminimum_sites = " +
         std::to_string(day.minimum_sites) + "\n[contract]\npatient = \"id\"\n" +
         std::string(most) +
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"visits\"\ntype = \"integer\"\nrange = [0, 50]\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 100]\n"
         "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-20, 20]\n"
         "[analysis]\nkind = \"" +
         std::string(day.analysis) + "\"\noutcome = \"" + std::string(outcome) +
         "\"\nfeatures = [\"age\"]\n" + std::string(training) +
         "[privacy]\nminimum_patients = 3\n" + std::string(noise) +
         "[round]\ndeadline = \"30s\"\non_loss = \"" +
         (day.on_loss == OnLoss::kWait ? "wait" : "continue") + "\"\n";
}

/// Rows whose every number has all its digits: none can turn up elsewhere by chance.
Cohort DrawCohort(RandomSource& random, const std::vector<std::string>& columns) {
  Cohort cohort;
  cohort.columns = columns;
  cohort.patients = kRows;
  cohort.values.resize(kRows, static_cast<Eigen::Index>(columns.size()));
  for (Eigen::Index row = 0; row < kRows; ++row) {
    const double age = 20 + 60 * random.Unit();
    const double slope = (age - 50) / 40;
    for (Eigen::Index j = 0; j < cohort.values.cols(); ++j) {
      const std::string& name = columns[static_cast<std::size_t>(j)];
      double value = age;
      if (name == "ill") value = random.Unit() < 0.5 + 0.3 * slope ? 1 : 0;
      if (name == "visits") value = std::floor(4 * random.Unit() + 2 + slope);
      if (name == "dose") value = slope + 2 * random.Unit() - 1;
      cohort.values(row, j) = value;
    }
  }
  return cohort;
}

WorldOptions OptionsOf(std::uint64_t seed, const BadDay& day) {
  WorldOptions options;
  options.seed = seed;
  options.day = day;
  options.plans.push_back(PlanText(day, "A storm"));
  if (day.second_study) options.plans.push_back(PlanText(day, "The same storm"));
  const auto plan = ParsePlan(options.plans.front(), "plan.toml");
  SeededRandom random = StreamOf(seed, "storm data");
  for (std::uint32_t i = 0; i < day.sites; ++i) {
    options.cohorts.push_back(DrawCohort(random, CohortColumns(*plan->analysis)));
  }
  options.policy = MakePolicy(PolicyPreset::kResearch);
  options.policy.minimum_patients = 3;
  options.policy.minimum_sites = 3;
  options.policy.minimum_class = 0;
  options.policy.maximum_parameters_per_patient = day.checks_norms ? 1'000 : 1;
  if (day.checks_norms) options.policy.norm_checks = kMostSketches;
  if (day.has_noise) options.policy.privacy_epsilon = 100;  // So that the plan's is what bounds.
  return options;
}

/// Whether the open round's sum may have been opened with this site: then it is opened with the
/// same ones or not at all.
bool MustReopenWith(const World& world, const StudyId& study, SiteId site) {
  const Result<std::vector<Record>> records = world.coordinator_disk().Load("study");
  if (!records) return false;
  for (const Record& record : *records) {
    if (record.key != ToBytes(study.span())) continue;
    const auto stored = Decode<StudyRecord>(record.value);
    return stored && std::binary_search(stored->released.begin(), stored->released.end(), site);
  }
  return false;
}

/// Whether a study may still be waiting when the storm is long over.
bool MayBeStuck(const BadDay& day, const World& world, const StudyView& view) {
  // Whom a liar told of another sum or another plan refuses what the truth would ask.
  if (!day.coordinator_lies.empty()) return true;
  // Attempts that ended after their sketches use up how often an answer may be sketched, and whom a
  // false sketch is from nobody can say.
  if (day.checks_norms) return true;
  // Attempts that failed have used up what epsilon covers.
  const std::string_view spent = Explanation(RefusalReason::kPromiseSpent);
  if (day.has_noise && view.reason.find(spent) != std::string::npos) return true;
  // Frozen with a site that a person took out of it.
  if (world.gone_for_good() > 0) return true;
  std::uint32_t excluded = 0;
  for (const StudySiteView& site : view.sites) {
    const bool is_out = site.progress == "excluded";
    if (is_out) ++excluded;
    // Counted on, and waits for a person to restore the newest copy of its disk.
    if (world.IsRolledBack(site.name) && (!is_out || MustReopenWith(world, view.id, site.id))) {
      return true;
    }
  }
  // Too few are left of those that did not exclude themselves or each other.
  if (excluded + day.minimum_sites > day.sites) return true;
  // Two studies of one question over different sites: the second is refused, as it must be.
  return day.second_study && day.on_loss == OnLoss::kContinue;
}

/// A frozen study's result is that of all its sites, to the last bit, where there is no noise.
void CheckResult(const WorldOptions& options,
                 const World& world,
                 std::size_t index,
                 Witness& witness) {
  const std::optional<StudyView> view = world.View(world.studies()[index]);
  const auto plan = ParsePlan(options.plans[index], "plan.toml");
  if (plan->on_loss != OnLoss::kWait || plan->dp) return;
  std::vector<const Cohort*> cohorts;
  for (std::size_t i = 0; i < options.cohorts.size(); ++i) {
    const auto site = std::find_if(
        view->sites.begin(), view->sites.end(),
        [&](const StudySiteView& one) { return one.name == "site-" + std::to_string(i); });
    if (site != view->sites.end() && site->frozen_in) cohorts.push_back(&options.cohorts[i]);
  }
  const Result<PlainRun> plain = RunPlain(*plan->analysis, cohorts);
  if (!plain) {
    if (view->state != StudyState::kFailed) witness.Report("a result where plain sums have none");
    return;
  }
  if (world.ResultOf(world.studies()[index]) !=
      ResultDocument(*plan, plain->result, plain->rounds)) {
    witness.Report("the result is not that of plain sums over the same sites");
  }
}

void EndOf(
    const WorldOptions& options, World& world, bool ended, Witness& witness, SeedOutcome& outcome) {
  for (std::size_t i = 0; i < world.studies().size(); ++i) {
    const std::optional<StudyView> view = world.View(world.studies()[i]);
    if (!view) {
      witness.Report("the coordinator does not come back");
      continue;
    }
    const bool over = view->state == StudyState::kFinished || view->state == StudyState::kFailed;
    if (over) {
      CheckResult(options, world, i, witness);
      continue;
    }
    if (ended) continue;
    outcome.end = StormEnd::kStuck;
    outcome.stuck_because = view->reason.empty() ? view->phase : view->reason;
    if (!MayBeStuck(options.day, world, *view)) {
      witness.Report("the study does not end in calm weather: " + outcome.stuck_because);
    }
  }
}

template <class Map>
void AddCounts(const Map& from, Map& to) {
  for (const auto& [reason, count] : from) to[reason] += count;
}

void AddOutcome(SeedOutcome outcome, Hasher& hasher, StormSummary& summary) {
  ++summary.seeds;
  summary.events += outcome.events;
  hasher.Add(outcome.trace);
  for (std::size_t i = 0; i < kFaultCount; ++i) summary.faults[i] += outcome.faults[i];
  AddCounts(outcome.drops, summary.drops);
  AddCounts(outcome.refusals, summary.refusals);
  if (outcome.end == StormEnd::kFinished) ++summary.finished;
  if (outcome.end == StormEnd::kStuck) {
    Stuck& stuck = summary.stuck[outcome.stuck_because];
    if (stuck.times++ == 0) stuck.first_seed = outcome.seed;
  }
  if (outcome.end != StormEnd::kFailed) return;
  ++summary.failed;
  if (summary.failures.size() < kMostFailuresKept) summary.failures.push_back(std::move(outcome));
}

/// Bad weather, which `storm` makes (true if all studies ended in it), then calm.
SeedOutcome RunDay(const WorldOptions& options,
                   bool keep_lines,
                   const std::function<bool(World&)>& storm) {
  std::vector<bool> honest(options.day.sites, true);
  for (const std::uint32_t site : options.day.malicious) honest[site] = false;
  Witness witness(std::move(honest));
  for (const Cohort& cohort : options.cohorts) {
    for (Eigen::Index i = 0; i < cohort.values.size(); ++i) {
      witness.KnowSecret(cohort.values.data()[i]);
    }
  }
  Trace trace(keep_lines ? TraceKeeps::kLines : TraceKeeps::kHash);
  World world(options, witness, trace);
  bool ended = storm(world);
  if (!ended) {
    world.CalmDown();
    ended = world.RunUntil(world.now() + kCalmLasts);
  }
  SeedOutcome outcome;
  outcome.seed = options.seed;
  outcome.sites = options.day.sites;
  EndOf(options, world, ended, witness, outcome);
  outcome.violations = witness.violations();
  if (!outcome.violations.empty()) outcome.end = StormEnd::kFailed;
  outcome.events = trace.events();
  outcome.trace = trace.Finish();
  outcome.faults = world.faults();
  outcome.drops = witness.drops();
  outcome.refusals = witness.refusals();
  outcome.lines = trace.lines();
  return outcome;
}

}  // namespace

SeedOutcome RunSeed(std::uint64_t seed, bool keep_lines, StormStudies studies) {
  SeededRandom random = StreamOf(seed, "storm day");
  BadDay day = DrawBadDay(random);
  if (studies == StormStudies::kNormsChecked) CheckNorms(random, day);
  if (studies == StormStudies::kWithNoise) AddNoise(day);
  const WorldOptions options = OptionsOf(seed, day);
  return RunDay(options, keep_lines,
                [](World& world) { return world.RunUntil(world.now() + kStormLasts); });
}

SeedOutcome RunSchedule(ByteSpan schedule) {
  Schedule luck(schedule);
  WorldOptions options = OptionsOf(0, DrawBadDay(luck));
  options.luck = &luck;
  return RunDay(options, /*keep_lines=*/false, [&](World& world) {
    const Instant until = world.now() + kStormLasts;
    bool ended = false;
    while (!ended && !luck.used_up() && world.now() < until) {
      ended = world.RunUntil(world.now() + kScheduleStep);
    }
    return ended;
  });
}

StormSummary RunStorm(const StormOptions& options, const StormWatcher& watcher) {
  std::atomic<std::uint64_t> next = 0;
  std::mutex mutex;
  std::map<std::uint64_t, SeedOutcome> waiting;  ///< Done, while an earlier seed is not.
  StormSummary summary;
  summary.studies = options.studies;
  Hasher hasher("consilium/storm/v1");
  const auto work = [&] {
    for (std::uint64_t i = next++; i < options.seeds; i = next++) {
      SeedOutcome outcome = RunSeed(options.first_seed + i, false, options.studies);
      const std::lock_guard lock(mutex);
      waiting.emplace(i, std::move(outcome));
      while (!waiting.empty() && waiting.begin()->first == summary.seeds) {
        AddOutcome(std::move(waiting.begin()->second), hasher, summary);
        waiting.erase(waiting.begin());
      }
      if (watcher) watcher(summary.seeds);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  summary.trace = hasher.Finish();
  return summary;
}

}  // namespace consilium
