#include "tests/support/virtual_federation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace consilium::testing {
namespace {

/// Thrown by Carry at a planned crash; what the machine had still to do is lost.
struct Crash {};

void Require(const Status& status) {
  if (!status) throw std::runtime_error(Describe(status.error()));
}

template <class T>
T Require(Result<T> result) {
  if (!result) throw std::runtime_error(Describe(result.error()));
  return std::move(*result);
}

bool CountsDown(std::optional<std::uint64_t>& counter) {
  if (!counter) return false;
  if (*counter == 0) {
    counter.reset();
    return true;
  }
  --*counter;
  return false;
}

}  // namespace

std::string LogisticPlanText(const FederationOptions& options) {
  return R"([study]
title = "Two features)" +
         options.extra_plan_title + R"("
question = "Does it run?"
requested_by = "Test consortium"
permit = "none"
expires = 2030-01-01
minimum_sites = )" +
         std::to_string(options.minimum_sites) + R"(
[contract]
patient = "id"
[[contract.column]]
name = "ill"
type = "boolean"
[[contract.column]]
name = "age"
type = "number"
range = [0, 100]
[[contract.column]]
name = "dose"
type = "number"
range = [-10, 10]
[analysis]
kind = "logistic"
outcome = "ill"
features = ["age", "dose"]
[privacy]
minimum_patients = 10
[round]
deadline = "30s"
on_loss = ")" +
         options.on_loss + "\"\n";
}

Cohort GeneratedCohort(std::uint64_t seed, std::uint32_t site, std::uint32_t patients) {
  SeededRandom random(seed * 1'000'003 + site);
  Cohort cohort;
  cohort.columns = {"ill", "age", "dose"};
  cohort.patients = patients;
  cohort.values.resize(patients, 3);
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    const double age = 20 + 60 * random.Unit();
    const double dose = 4 * random.Unit() - 2;
    const double chance = 1 / (1 + std::exp(-(0.05 * (age - 50) + 0.7 * dose)));
    cohort.values(row, 0) = random.Unit() < chance ? 1 : 0;
    cohort.values(row, 1) = age;
    cohort.values(row, 2) = dose;
  }
  return cohort;
}

VirtualFederation::VirtualFederation(FederationOptions options) : options_(std::move(options)) {
  SeededRandom keys(options_.seed);
  coordinator_identity_ = std::make_unique<SigningKey>(SigningKey::Generate(keys));
  coordinator_store_ = std::make_unique<MemoryStore>();
  for (std::uint32_t i = 0; i < options_.sites; ++i) {
    Party party;
    party.identity = std::make_unique<SigningKey>(SigningKey::Generate(keys));
    party.transport.bytes = keys.Draw<32>();
    party.store = std::make_unique<MemoryStore>();
    party.cohort = GeneratedCohort(options_.seed, i, options_.patients_per_site);
    party.patients = NumberedPatients(party.cohort.patients);
    sites_.push_back(std::move(party));
  }
  BootCoordinator();
  for (std::uint32_t i = 0; i < options_.sites; ++i) BootSite(i);
}

VirtualFederation::~VirtualFederation() = default;

FederationId VirtualFederation::federation() const {
  return FederationOf(coordinator_identity_->public_key());
}

void VirtualFederation::BootCoordinator() {
  ++coordinator_boots_;
  coordinator_random_ = std::make_unique<SeededRandom>(options_.seed + 7'000 * coordinator_boots_);
  coordinator_ = std::make_unique<CoordinatorCore>(
      CoordinatorCore::Settings{"test-federation", "tcp://127.0.0.1:1", TransportKey{}},
      *coordinator_identity_, *coordinator_random_);
  Require(coordinator_->Restore(*coordinator_store_));
  Carry(coordinator_->Begin(now_));
}

void VirtualFederation::BootSite(std::uint32_t site) {
  Party& party = sites_.at(site);
  ++party.boots;
  party.random =
      std::make_unique<SeededRandom>(options_.seed + 90'000 + site * 1'000 + party.boots);
  party.core = std::make_unique<SiteCore>(
      SiteCore::Settings{"site-" + std::to_string(site), federation(),
                         coordinator_identity_->public_key(), "consilium-site test"},
      *party.identity, party.policy, *party.random);
  Require(party.core->Restore(*party.store));
}

// -- Scenes
// --------------------------------------------------------------------------------------------

void VirtualFederation::JoinAll() {
  const auto first = static_cast<std::uint32_t>(sites_.size()) - options_.joined_later;
  for (std::uint32_t i = 0; i < first; ++i) Join(i);
  for (std::uint32_t i = 0; i < first; ++i) Connect(i);
  Settle();
}

void VirtualFederation::Join(std::uint32_t site) {
  CoordinatorEffects effects;
  const std::string name = "site-" + std::to_string(site);
  const Invitation invitation =
      Require(ReadInvitation(Require(coordinator_->Invite(name, now_, effects)), "invitation"));
  Carry(effects);
  effects.clear();
  const JoinRequest request{invitation.federation, name, sites_[site].identity->public_key(),
                            sites_[site].transport, invitation.token};
  Require(coordinator_->Admit(request, now_, effects));
  Carry(effects);
}

void VirtualFederation::SetPolicy(std::uint32_t site, Result<Policy> policy) {
  sites_.at(site).policy = policy;
  sites_.at(site).core->SetPolicy(std::move(policy));
}

StudyId VirtualFederation::Submit(const std::string& plan_text) {
  CoordinatorEffects effects;
  const StudyId study = Require(coordinator_->Submit(plan_text, "plan.toml", now_, effects));
  Carry(effects);
  Settle();
  return study;
}

void VirtualFederation::ApproveAll(const StudyId& study) {
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    if (!sites_[i].connected) continue;
    SiteEffects effects;
    Require(sites_[i].core->Approve(study, now_, effects));
    Carry(i, effects);
  }
  Settle();
}

void VirtualFederation::Start(const StudyId& study) {
  CoordinatorEffects effects;
  Require(coordinator_->Start(study, now_, effects));
  try {
    Carry(effects);
  } catch (const Crash&) {
    CrashAndRestartCoordinator();
  }
}

StudyId VirtualFederation::RunningStudy() {
  JoinAll();
  const StudyId study = Submit(LogisticPlanText(options_));
  ApproveAll(study);
  Start(study);
  return study;
}

void VirtualFederation::Settle(Duration patience) {
  const Instant until = now_.monotonic + patience;
  for (int steps = 0; steps < 1'000'000; ++steps) {
    if (events_.empty()) {
      const std::optional<Instant> deadline = NextDeadline();
      if (!deadline || *deadline > until) return;
      Advance(std::max(*deadline - now_.monotonic, Duration(0)));
      continue;
    }
    const Event event = std::move(events_.front());
    events_.pop_front();
    std::visit([&](const auto& one) { Handle(one); }, event);
  }
  throw std::runtime_error("the federation does not settle");
}

bool VirtualFederation::RunToEnd(const StudyId& study, int idle_turns) {
  for (int turn = 0; turn < idle_turns; ++turn) {
    Settle();
    const StudyState state = View(study).state;
    if (state == StudyState::kFinished) return true;
    if (state == StudyState::kFailed || state == StudyState::kStopped) return false;
    const std::optional<Instant> deadline = NextDeadline();
    if (!deadline) return false;
    Advance(std::max(*deadline - now_.monotonic, Duration(1)));
  }
  return false;
}

void VirtualFederation::Advance(Duration duration) {
  now_.monotonic = now_.monotonic + duration;
  now_.utc.seconds += (duration.count() + 999) / 1000;
  try {
    Carry(coordinator_->OnTick(now_));
  } catch (const Crash&) {
    CrashAndRestartCoordinator();
  }
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    try {
      Carry(i, sites_[i].core->OnTick(now_));
    } catch (const Crash&) {
      CrashAndRestartSite(i);
    }
  }
}

std::optional<Instant> VirtualFederation::NextDeadline() const {
  std::optional<Instant> next = coordinator_->NextDeadline();
  for (const Party& party : sites_) {
    const std::optional<Instant> deadline = party.core->NextDeadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

// -- Effects and events
// --------------------------------------------------------------------------------

/// Only who has the key that the coordinator means; one that it has just cut off is told nothing,
/// and has its newest key at most on the roster.
std::uint32_t VirtualFederation::IndexOf(SiteId id) const {
  const std::optional<TransportKey> key = coordinator_->KeyOf(id);
  const Member* const member = coordinator_->roster().Find(id);
  const bool revoked = member != nullptr && member->state == MemberState::kRevoked;
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    if (key && (sites_[i].transport == *key || sites_[i].former == *key)) return i;
    if (revoked && member->name == "site-" + std::to_string(i)) return i;
  }
  throw std::runtime_error("a message to nobody");
}

void VirtualFederation::Carry(const CoordinatorEffects& effects) {
  std::set<SiteId> unreachable;
  for (const CoordinatorEffect& effect : effects) {
    if (CountsDown(crash_coordinator_in)) throw Crash();
    ++coordinator_effects_;
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      Require(coordinator_store_->Apply(persist->changes));
    } else if (const auto* send = std::get_if<SendToSite>(&effect)) {
      const std::uint32_t site = IndexOf(send->site);
      if (sites_[site].connected) {
        events_.emplace_back(ToSite{site, send->message});
      } else {
        unreachable.insert(send->site);
      }
    } else if (const auto* cut = std::get_if<CutOff>(&effect)) {
      Disconnect(IndexOf(cut->site));
    }
  }
  // The transport says so once it has tried.
  for (const SiteId site : unreachable) Carry(coordinator_->OnUnreachable(now_, site));
}

void VirtualFederation::Carry(std::uint32_t site, const SiteEffects& effects) {
  Party& party = sites_.at(site);
  for (const SiteEffect& effect : effects) {
    if (const auto crash = crash_site_in.find(site); crash != crash_site_in.end()) {
      if (crash->second == 0) {
        crash_site_in.erase(crash);
        throw Crash();
      }
      --crash->second;
    }
    ++party.effects;
    if (const auto* persist = std::get_if<Persist>(&effect)) {
      Require(party.store->Apply(persist->changes));
    } else if (const auto* send = std::get_if<SendToCoordinator>(&effect)) {
      if (party.connected) events_.emplace_back(ToCoordinator{site, send->message});
    } else if (const auto* compute = std::get_if<ComputeAnswer>(&effect)) {
      events_.emplace_back(Computed{site, party.boots, *compute});
    } else if (const auto* note = std::get_if<Note>(&effect)) {
      if (note->event != "refused" && note->event != "answer-refused") continue;
      for (const auto& [name, value] : note->fields) {
        if (name == "reason") refusals_.emplace_back(site, value);
      }
    }
  }
}

void VirtualFederation::Handle(const ToSite& event) {
  Bytes message = event.message;
  if (!sites_.at(event.site).connected || (to_site && !to_site(event.site, message))) return;
  Deliver(event.site, message);
}

void VirtualFederation::Deliver(std::uint32_t site, const Bytes& message) {
  try {
    Carry(site, sites_.at(site).core->OnMessage(now_, message));
  } catch (const Crash&) {
    CrashAndRestartSite(site);
  }
}

void VirtualFederation::Handle(const ToCoordinator& event) {
  Bytes message = event.message;
  if (!sites_.at(event.site).connected ||
      (to_coordinator && !to_coordinator(event.site, message))) {
    return;
  }
  DeliverToCoordinator(event.site, message);
}

void VirtualFederation::DeliverToCoordinator(std::uint32_t site, const Bytes& message) {
  received_.emplace_back(site, message);
  try {
    Carry(coordinator_->OnMessage(now_, sites_.at(site).transport, message));
  } catch (const Crash&) {
    CrashAndRestartCoordinator();
  }
}

void VirtualFederation::Handle(const Computed& event) {
  Party& party = sites_.at(event.site);
  if (party.boots != event.boot) return;
  std::optional<Result<ComputedAnswer>> answer_instead;
  if (answer) answer_instead = answer(event.site);
  const Result<const Plan*> plan = party.core->PlanOf(event.request.study);
  Result<StatefulAnswer> own =
      (*plan)->analysis->Answer(event.request.query, party.cohort, event.request.state);
  Result<ComputedAnswer> computed =
      own ? Result<ComputedAnswer>(ComputedAnswer{std::move(own->contribution), party.patients,
                                                  std::move(own->next_state)})
          : Result<ComputedAnswer>(tl::make_unexpected(own.error()));
  if (answer_instead) computed = std::move(*answer_instead);
  try {
    Carry(event.site, party.core->OnAnswer(now_, event.request.study, event.request.round,
                                           event.request.attempt, std::move(computed)));
  } catch (const Crash&) {
    CrashAndRestartSite(event.site);
  }
}

// -- Faults
// --------------------------------------------------------------------------------------------

void VirtualFederation::CrashAndRestartCoordinator() {
  std::erase_if(events_,
                [](const Event& event) { return !std::holds_alternative<Computed>(event); });
  BootCoordinator();
  for (std::uint32_t i = 0; i < sites_.size(); ++i) {
    if (!sites_[i].connected) continue;
    sites_[i].core->OnDisconnected();
    Connect(i);
  }
}

void VirtualFederation::CrashAndRestartSite(std::uint32_t site) {
  const bool connected = sites_.at(site).connected;
  Disconnect(site);
  BootSite(site);
  if (connected) Connect(site);
}

void VirtualFederation::Disconnect(std::uint32_t site) {
  sites_.at(site).connected = false;
  sites_.at(site).core->OnDisconnected();
  std::erase_if(events_, [&](const Event& event) {
    const auto* to = std::get_if<ToSite>(&event);
    const auto* from = std::get_if<ToCoordinator>(&event);
    return (to != nullptr && to->site == site) || (from != nullptr && from->site == site);
  });
}

void VirtualFederation::Connect(std::uint32_t site) {
  sites_.at(site).connected = true;
  try {
    Carry(site, sites_.at(site).core->OnConnected(now_));
  } catch (const Crash&) {
    CrashAndRestartSite(site);
  }
}

StudyView VirtualFederation::View(const StudyId& study) const {
  return Require(coordinator_->View(study));
}

std::string VirtualFederation::ResultOf(const StudyId& study) const {
  return coordinator_->ResultJson(study).value_or("");
}

}  // namespace consilium::testing
