#include "simulations/storm/world.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/check.h"
#include "protocols/roster.h"
#include "simulations/draws.h"

namespace consilium {
namespace {

constexpr std::string_view kCoordinator = "coordinator";
constexpr Duration kPeoplesTurn{5'000};
constexpr Duration kProbeOfTheDisk{5'000};

std::string ReasonOf(const Note& note) {
  std::string text;
  for (const auto& [name, value] : note.fields) {
    if (name == "reason" || name == "site" || name == "kind") text += value + " ";
  }
  return text;
}

template <class T>
T Require(Result<T> result) {
  CHECK(result.has_value());
  return *std::move(result);
}

}  // namespace

World::World(WorldOptions options, Witness& witness, Trace& trace)
    : options_(std::move(options)),
      witness_(witness),
      trace_(trace),
      seeded_luck_(StreamOf(options_.seed, "storm luck")),
      luck_(options_.luck != nullptr ? *options_.luck : seeded_luck_) {
  SeededRandom keys = StreamOf(options_.seed, "storm keys");
  coordinator_disk_.KeepNoHistory();
  coordinator_identity_ = std::make_unique<SigningKey>(SigningKey::Generate(keys));
  if (!options_.day.coordinator_lies.empty()) {
    coordinator_liar_ =
        std::make_unique<CoordinatorLiar>(options_.day, *coordinator_identity_, luck_, faults_);
  }
  sites_.resize(options_.cohorts.size());
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    Party& party = sites_[i];
    party.name = options_.names.empty() ? "site-" + std::to_string(i) : options_.names[i];
    party.identity = std::make_unique<SigningKey>(SigningKey::Generate(keys));
    party.transport.bytes = keys.Draw<32>();
    index_of_.emplace(party.transport, i);
    if (options_.shares) party.disk.ShareWith(values_);
    const bool goes_back = options_.day.lost_write > 0 || options_.day.snapshot_restored > 0;
    if (!goes_back) party.disk.KeepNoHistory();
    const auto& malicious = options_.day.malicious;
    if (std::find(malicious.begin(), malicious.end(), i) != malicious.end()) {
      party.liar = std::make_unique<SiteLiar>(options_.day, *party.identity, luck_, faults_);
    }
  }
  for (const std::string& text : options_.plans) {
    const Plan plan = Require(ParsePlan(text, "plan.toml"));
    witness_.KnowPlan(plan);
    studies_.push_back(plan.id);
  }
  BootCoordinator();
  for (std::uint32_t i = 0; i < sites_.size(); ++i) BootSite(i);
  Schedule(now_, PeopleAct{});
}

World::~World() = default;

bool World::Chance(double chance) { return !calm_ && chance > 0 && luck_.Unit() < chance; }

Duration World::Below(std::int64_t milliseconds) {
  return Duration(static_cast<std::int64_t>(luck_.Below(static_cast<std::uint64_t>(milliseconds))));
}

void World::Injected(Fault fault, std::string_view party) {
  ++faults_[static_cast<std::size_t>(fault)];
  trace_.Add(now_, party, Name(fault));
}

void World::Schedule(Instant when, What what) {
  events_.push(Event{std::max(when, now_), next_event_++, std::move(what)});
}

bool World::RunUntil(Instant until) {
  while (!AllEnded()) {
    if (events_.top().when > until) {
      now_ = until;
      return false;
    }
    const Event event = events_.top();
    events_.pop();
    now_ = event.when;
    std::visit([&](const auto& what) { Handle(what); }, event.what);
  }
  return true;
}

void World::CalmDown() {
  calm_ = true;
  trace_.Add(now_, "weather", "calm");
  coordinator_liar_.reset();
  patience_.clear();
  resumes_at_.clear();
  coordinator_disk_.SetFull(false);
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    sites_[i].liar.reset();
    sites_[i].disk.SetFull(false);
    sites_[i].stopped_until = now_;
    Cut(i);
  }
}

bool World::AllEnded() const {
  return coordinator_ != nullptr &&
         std::all_of(studies_.begin(), studies_.end(), [&](const StudyId& study) {
           const Result<StudyState> state = coordinator_->StateOf(study);
           return state && (*state == StudyState::kFinished || *state == StudyState::kFailed ||
                            *state == StudyState::kStopped);
         });
}

std::optional<StudyView> World::View(const StudyId& study) const {
  if (coordinator_ == nullptr) return std::nullopt;
  Result<StudyView> view = coordinator_->View(study);
  return view ? std::optional(*std::move(view)) : std::nullopt;
}

std::optional<Instant> World::StartOf(const StudyId& study) const {
  const auto found = started_at_.find(study);
  return found == started_at_.end() ? std::nullopt : std::optional(found->second);
}

std::string World::ResultOf(const StudyId& study) const {
  return coordinator_ == nullptr ? "" : coordinator_->ResultJson(study).value_or("");
}

Moment World::MomentAt(std::uint32_t site) const {
  const std::int64_t seconds = now_.milliseconds / 1'000 + sites_[site].clock_step;
  // Each process counts its monotonic clock from a zero of its own.
  const Duration since(7'919 * static_cast<std::int64_t>(sites_[site].boots));
  return Moment{now_ + since, UtcSeconds{options_.begin.seconds + seconds}};
}

Moment World::MomentAtCoordinator() const {
  const std::int64_t seconds = now_.milliseconds / 1'000 + coordinator_clock_step_;
  const Duration since(104'729 * static_cast<std::int64_t>(coordinator_boots_));
  return Moment{now_ + since, UtcSeconds{options_.begin.seconds + seconds}};
}

// -- Processes

void World::BootSite(std::uint32_t site) {
  Party& party = sites_[site];
  ++party.boots;
  party.next_tick.reset();
  party.random =
      std::make_unique<SeededRandom>(StreamOf(options_.seed, "storm " + party.name, party.boots));
  party.core = std::make_unique<SiteCore>(
      SiteCore::Settings{party.name, FederationOf(coordinator_identity_->public_key()),
                         coordinator_identity_->public_key(), "consilium-site simulated",
                         options_.shares ? &common_ : nullptr},
      *party.identity, options_.policy, *party.random);
  if (const Status restored = party.core->Restore(party.disk); !restored) {
    witness_.Report("a site cannot read its own state: " + restored.error().message);
  }
  trace_.Add(now_, party.name, "starts");
}

void World::BootCoordinator() {
  ++coordinator_boots_;
  coordinator_next_tick_.reset();
  coordinator_random_ = std::make_unique<SeededRandom>(
      StreamOf(options_.seed, "storm coordinator", coordinator_boots_));
  coordinator_ = std::make_unique<CoordinatorCore>(
      CoordinatorCore::Settings{"storm", "tcp://127.0.0.1:7700", TransportKey{}},
      *coordinator_identity_, *coordinator_random_);
  if (const Status restored = coordinator_->Restore(coordinator_disk_); !restored) {
    witness_.Report("the coordinator cannot read its own state: " + restored.error().message);
  }
  trace_.Add(now_, kCoordinator, "starts");
  Carry(coordinator_->Begin(MomentAtCoordinator()));
}

bool World::IsRolledBack(std::string_view site) const {
  return std::any_of(sites_.begin(), sites_.end(), [&](const Party& party) {
    return party.name == site && party.core != nullptr && party.core->rollback_found().has_value();
  });
}

void World::CrashSite(std::uint32_t site, Duration down) {
  Party& party = sites_[site];
  party.core.reset();
  Cut(site);
  if (Chance(options_.day.lost_write) && party.disk.Forget(1 + luck_.Below(3)) > 0) {
    Injected(Fault::kLostWrite, party.name);
    witness_.OnRolledBack(site);
  } else if (Chance(options_.day.snapshot_restored) && party.disk.RestoreSnapshot()) {
    Injected(Fault::kSnapshotRestored, party.name);
    witness_.OnRolledBack(site);
  }
  Schedule(now_ + down, SiteBoots{site});
}

void World::CrashCoordinator(Duration down) {
  coordinator_.reset();
  for (std::uint32_t i = 0; i < sites_.size(); ++i) Cut(i);
  Schedule(now_ + down, CoordinatorBoots{});
}

void World::Handle(const SiteBoots& event) {
  Party& party = sites_[event.site];
  if (party.core != nullptr) return;
  if (party.disk.full() && Chance(0.7)) {
    Schedule(now_ + kProbeOfTheDisk, event);
    return;
  }
  party.disk.SetFull(false);
  BootSite(event.site);
}

void World::Handle(const CoordinatorBoots& event) {
  if (coordinator_ != nullptr) return;
  if (coordinator_disk_.full() && Chance(0.7)) {
    Schedule(now_ + kProbeOfTheDisk, event);
    return;
  }
  coordinator_disk_.SetFull(false);
  BootCoordinator();
}

// -- Effects

bool World::Write(std::uint32_t site, const RecordBatch& batch) {
  Party& party = sites_[site];
  if (Chance(options_.day.full_disk)) {
    Injected(Fault::kFullDisk, party.name);
    party.disk.SetFull(true);
  }
  const bool torn = Chance(options_.day.torn_write);
  if (!torn || luck_.Below(2) == 0) {
    if (Chance(0.05)) party.disk.TakeSnapshot();
    if (!party.disk.Apply(batch)) {
      CrashSite(site, kProbeOfTheDisk);
      return false;
    }
    witness_.OnWrite(batch, /*by_coordinator=*/false);
  }
  if (!torn) return true;
  Injected(Fault::kTornWrite, party.name);
  CrashSite(site, Below(20'000));
  return false;
}

bool World::Write(const RecordBatch& batch) {
  if (Chance(options_.day.full_disk)) {
    Injected(Fault::kFullDisk, kCoordinator);
    coordinator_disk_.SetFull(true);
  }
  const bool torn = Chance(options_.day.torn_write);
  if (!torn || luck_.Below(2) == 0) {
    if (!coordinator_disk_.Apply(batch)) {
      CrashCoordinator(kProbeOfTheDisk);
      return false;
    }
    witness_.OnWrite(batch, /*by_coordinator=*/true);
  }
  if (!torn) return true;
  Injected(Fault::kTornWrite, kCoordinator);
  CrashCoordinator(Below(20'000));
  return false;
}

void World::Carry(std::uint32_t site, SiteEffects effects) {
  Party& party = sites_[site];
  for (const SiteEffect& effect : effects) {
    if (Chance(options_.day.site_crash)) {
      Injected(Fault::kSiteCrash, party.name);
      CrashSite(site, Below(20'000));
      return;
    }
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      if (!Write(site, persist->changes)) return;
    } else if (const auto* send = std::get_if<SendToCoordinator>(&effect)) {
      SendFrom(site, send->message);
    } else if (const auto* compute = std::get_if<ComputeAnswer>(&effect)) {
      const bool slow = Chance(options_.day.slow);
      if (slow) Injected(Fault::kSlowSite, party.name);
      const std::optional<Duration> computing = options_.day.network.computing;
      Duration takes = computing.value_or(Duration(20));
      if (slow || !computing) takes += Below(slow ? 120'000 : 200);
      Schedule(now_ + takes, Answered{site, party.boots, *compute});
    } else if (const auto* note = std::get_if<Note>(&effect)) {
      witness_.OnNote(*note);
      trace_.Add(now_, party.name, note->event + " " + ReasonOf(*note));
    }
  }
  WatchClock(site);
}

bool World::CarryInOrder(CoordinatorEffects& effects, std::vector<SiteId>& unreachable) {
  for (const CoordinatorEffect& effect : effects) {
    if (Chance(options_.day.coordinator_crash)) {
      Injected(Fault::kCoordinatorCrash, kCoordinator);
      CrashCoordinator(Below(20'000));
      return false;
    }
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      if (!Write(persist->changes)) return false;
    } else if (const auto* send = std::get_if<SendToSite>(&effect)) {
      if (!SendTo(send->site, send->message)) unreachable.push_back(send->site);
    } else if (const auto* cut = std::get_if<CutOff>(&effect)) {
      Cut(IndexOf(cut->site));
    } else if (const auto* note = std::get_if<Note>(&effect)) {
      witness_.OnNote(*note);
      trace_.Add(now_, kCoordinator, note->event + " " + ReasonOf(*note));
    }
  }
  return true;
}

void World::Carry(CoordinatorEffects effects) {
  std::vector<SiteId> unreachable;
  while (true) {
    if (!CarryInOrder(effects, unreachable)) return;
    if (unreachable.empty()) break;
    effects = coordinator_->OnUnreachable(MomentAtCoordinator(), unreachable.back());
    unreachable.pop_back();
  }
  WatchClock();
}

// -- Messages, answers and time

void World::Handle(const ToSite& event) {
  Party& party = sites_[event.site];
  if (party.core == nullptr || !party.link.up || party.link.number != event.connection) return;
  if (party.stopped_until > now_) {
    Schedule(party.stopped_until, event);
    return;
  }
  trace_.Add(now_, party.name, "receives", event.message);
  witness_.OnSiteReceives(event.site, event.message);
  const bool twisted = party.liar != nullptr && !calm_;
  const SharedBytes message =
      twisted ? SharedBytes(party.liar->Believes(event.message, *coordinator_identity_))
              : event.message;
  Carry(event.site, party.core->OnMessage(MomentAt(event.site), message));
}

void World::Handle(const ToCoordinator& event) {
  const Party& party = sites_[event.site];
  if (coordinator_ == nullptr || !party.link.up || party.link.number != event.connection) return;
  trace_.Add(now_, kCoordinator, "receives from " + party.name, event.message);
  witness_.OnCoordinatorReceives(event.site, event.message);
  Carry(coordinator_->OnMessage(MomentAtCoordinator(), party.transport, event.message));
}

void World::Handle(const Answered& event) {
  Party& party = sites_[event.site];
  if (party.core == nullptr || party.boots != event.boot) return;
  if (party.stopped_until > now_) {
    Schedule(party.stopped_until, event);
    return;
  }
  const Plan& plan = *Require(party.core->PlanOf(event.request.study));
  const Cohort& cohort = options_.cohorts[event.site];
  const Analysis& analysis = options_.analysis != nullptr ? *options_.analysis : *plan.analysis;
  Result<StatefulAnswer> answer = analysis.Answer(event.request.query, cohort, event.request.state);
  if (answer) witness_.OnAnswer(event.site, event.request, answer->contribution);
  Result<ComputedAnswer> computed =
      answer ? Result<ComputedAnswer>(ComputedAnswer{std::move(answer->contribution),
                                                     NumberedPatients(cohort.patients),
                                                     std::move(answer->next_state)})
             : Result<ComputedAnswer>(tl::make_unexpected(answer.error()));
  if (computed && Chance(options_.day.bad_data)) {
    Injected(Fault::kBadData, party.name);
    computed->contribution.values.back() = std::numeric_limits<double>::quiet_NaN();
  }
  Carry(event.site,
        party.core->OnAnswer(MomentAt(event.site), event.request.study, event.request.round,
                             event.request.attempt, std::move(computed)));
}

void World::WatchClock(std::uint32_t site) {
  Party& party = sites_[site];
  if (party.core == nullptr) return;
  const std::optional<Instant> deadline = party.core->NextDeadline();
  if (!deadline) return;
  const Instant when = now_ + std::max(*deadline - MomentAt(site).monotonic, Duration(0));
  if (party.next_tick && *party.next_tick <= when && *party.next_tick > now_) return;
  party.next_tick = when;
  Schedule(when, SiteTicks{site});
}

void World::WatchClock() {
  if (coordinator_ == nullptr) return;
  const std::optional<Instant> deadline = coordinator_->NextDeadline();
  if (!deadline) return;
  const Instant when = now_ + std::max(*deadline - MomentAtCoordinator().monotonic, Duration(0));
  if (coordinator_next_tick_ && *coordinator_next_tick_ <= when && *coordinator_next_tick_ > now_) {
    return;
  }
  coordinator_next_tick_ = when;
  Schedule(when, CoordinatorTicks{});
}

void World::Handle(const SiteTicks& event) {
  Party& party = sites_[event.site];
  if (party.core == nullptr || party.next_tick != now_) return;
  party.next_tick.reset();
  if (party.stopped_until > now_) {
    party.next_tick = party.stopped_until;
    Schedule(party.stopped_until, event);
    return;
  }
  Carry(event.site, party.core->OnTick(MomentAt(event.site)));
}

void World::Handle(const CoordinatorTicks&) {
  if (coordinator_ == nullptr || coordinator_next_tick_ != now_) return;
  coordinator_next_tick_.reset();
  Carry(coordinator_->OnTick(MomentAtCoordinator()));
}

void World::Handle(const PeopleAct& event) {
  BadLuckStrikes();
  AdministratorActs();
  for (std::uint32_t i = 0; i < sites_.size(); ++i) SiteActs(i);
  Schedule(now_ + kPeoplesTurn, event);
}

}  // namespace consilium
