#pragma once

// A whole federation in one thread: the production cores of one coordinator and its sites, joined
// by queues instead of sockets, with clocks that a test turns and stores in memory. Tests reach in
// between any two effects: they lose, alter and record messages, crash either side, and go on.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/site_core.h"
#include "common/random.h"
#include "coordinator/coordinator_core.h"

namespace consilium::testing {

struct FederationOptions {
  std::uint32_t sites = 4;
  std::uint32_t minimum_sites = 3;
  std::string on_loss = "wait";
  std::string extra_plan_title;  ///< Makes another study of the same question.
  std::uint64_t seed = 1;
  std::uint32_t patients_per_site = 60;
  std::uint32_t joined_later = 0;  ///< The last of `sites`: JoinAll leaves them out.
};

/// A logistic plan on two features that fits GeneratedCohort.
std::string LogisticPlanText(const FederationOptions& options);
/// Patients drawn from a known logistic model; the same bits for the same seed and site.
Cohort GeneratedCohort(std::uint64_t seed, std::uint32_t site, std::uint32_t patients);

class VirtualFederation {
 public:
  using Intercept = std::function<bool(std::uint32_t site, Bytes& message)>;

  explicit VirtualFederation(FederationOptions options);
  ~VirtualFederation();

  // -- Scenes
  // ----------------------------------------------------------------------------------------
  /// Invites, joins and connects every site.
  void JoinAll();
  /// Invites and admits one site; it is not connected yet.
  void Join(std::uint32_t site);
  StudyId Submit(const std::string& plan_text);
  void ApproveAll(const StudyId& study);  ///< At every connected site.
  void Start(const StudyId& study);
  /// All of it for the options' plan; returns the running study.
  StudyId RunningStudy();
  /// Delivers messages until none is left, letting `patience` of time pass when idle.
  void Settle(Duration patience = Duration(0));
  /// Settles, turning the clock from deadline to deadline, until the study ends or `rounds` idle
  /// turns have passed. True when it finished.
  bool RunToEnd(const StudyId& study, int idle_turns = 50);

  /// A site's policy from now on, restarts included.
  void SetPolicy(std::uint32_t site, Result<Policy> policy);
  /// The key that a site connects with from now on.
  void SetTransportKey(std::uint32_t site, const TransportKey& key) {
    sites_.at(site).former = sites_.at(site).transport;
    sites_.at(site).transport = key;
  }
  /// Carries out what a command or a message has called for.
  void Carry(const CoordinatorEffects& effects);
  void Carry(std::uint32_t site, const SiteEffects& effects);

  // -- Faults
  // ----------------------------------------------------------------------------------------
  /// Called for every message on its way; false loses it. May alter it.
  Intercept to_site;
  Intercept to_coordinator;
  /// What a site's worker hands back instead of its cohort's answer; nullopt for the latter.
  std::function<std::optional<Result<ComputedAnswer>>(std::uint32_t site)> answer;
  /// Crashes the coordinator (or the site) right before it carries out this many more effects.
  std::optional<std::uint64_t> crash_coordinator_in;
  std::map<std::uint32_t, std::uint64_t> crash_site_in;
  void CrashAndRestartCoordinator();
  void CrashAndRestartSite(std::uint32_t site);
  void Disconnect(std::uint32_t site);  ///< And nothing of it is delivered until Connect.
  void Connect(std::uint32_t site);
  void Deliver(std::uint32_t site, const Bytes& message);  ///< A message out of nowhere, to a site.
  void DeliverToCoordinator(std::uint32_t site, const Bytes& message);

  // -- What is there
  // ---------------------------------------------------------------------------------
  CoordinatorCore& coordinator() { return *coordinator_; }
  SiteCore& site(std::uint32_t index) { return *sites_.at(index).core; }
  const SigningKey& site_identity(std::uint32_t index) { return *sites_.at(index).identity; }
  const SigningKey& coordinator_identity() const { return *coordinator_identity_; }
  MemoryStore& coordinator_store() { return *coordinator_store_; }
  MemoryStore& site_store(std::uint32_t index) { return *sites_.at(index).store; }
  FederationId federation() const;
  const Cohort& cohort(std::uint32_t index) const { return sites_.at(index).cohort; }
  /// Its patients are numbered from 1; SetPatients says otherwise.
  void SetCohort(std::uint32_t index, Cohort cohort) {
    sites_.at(index).patients = NumberedPatients(cohort.patients);
    sites_.at(index).cohort = std::move(cohort);
  }
  void SetPatients(std::uint32_t index, CohortPatients patients) {
    sites_.at(index).patients = std::move(patients);
  }
  StudyView View(const StudyId& study) const;
  std::string ResultOf(const StudyId& study) const;  ///< result.json; "" while there is none.
  std::uint64_t coordinator_effects() const { return coordinator_effects_; }
  std::uint64_t site_effects(std::uint32_t index) const { return sites_.at(index).effects; }
  std::uint64_t coordinator_crashes() const { return coordinator_boots_ - 1; }
  std::uint64_t site_crashes(std::uint32_t index) const { return sites_.at(index).boots - 1; }
  /// Every message that reached the coordinator, by sender.
  const std::vector<std::pair<std::uint32_t, Bytes>>& received() const { return received_; }
  /// "refused" and "answer-refused" notes of the sites: site and reason.
  const std::vector<std::pair<std::uint32_t, std::string>>& refusals() const { return refusals_; }
  Moment now() const { return now_; }
  void Advance(Duration duration);

 private:
  struct Party {
    std::unique_ptr<SigningKey> identity;
    TransportKey transport;
    TransportKey former;  ///< Before SetTransportKey().
    std::unique_ptr<MemoryStore> store;
    std::unique_ptr<RandomSource> random;
    std::unique_ptr<SiteCore> core;
    Cohort cohort;
    CohortPatients patients;
    Result<Policy> policy = MakePolicy(PolicyPreset::kStandard);
    bool connected = false;
    std::uint64_t boots = 0;
    std::uint64_t effects = 0;
  };
  struct ToSite {
    std::uint32_t site;
    Bytes message;
  };
  struct ToCoordinator {
    std::uint32_t site;
    Bytes message;
  };
  struct Computed {
    std::uint32_t site;
    std::uint64_t boot;
    ComputeAnswer request;
  };
  using Event = std::variant<ToSite, ToCoordinator, Computed>;

  void BootCoordinator();
  void BootSite(std::uint32_t site);
  void Handle(const ToSite& event);
  void Handle(const ToCoordinator& event);
  void Handle(const Computed& event);
  std::uint32_t IndexOf(SiteId id) const;
  std::optional<Instant> NextDeadline() const;

  FederationOptions options_;
  Moment now_{Instant{1'000}, UtcSeconds{1'790'000'000}};
  std::unique_ptr<SigningKey> coordinator_identity_;
  std::unique_ptr<MemoryStore> coordinator_store_;
  std::unique_ptr<RandomSource> coordinator_random_;
  std::unique_ptr<CoordinatorCore> coordinator_;
  std::uint64_t coordinator_boots_ = 0;
  std::uint64_t coordinator_effects_ = 0;
  std::vector<Party> sites_;
  std::deque<Event> events_;
  std::vector<std::pair<std::uint32_t, Bytes>> received_;
  std::vector<std::pair<std::uint32_t, std::string>> refusals_;
};

}  // namespace consilium::testing
