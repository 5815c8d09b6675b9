#pragma once

// A whole federation in one thread: the production cores of a coordinator and its sites on a
// virtual network, virtual clocks and virtual disks, with the people who run them. One seed decides
// everything, the faults of a bad day included; what never may happen is the witness's to say.

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <variant>
#include <vector>

#include "client/site_core.h"
#include "common/random.h"
#include "common/shared_bytes.h"
#include "coordinator/coordinator_core.h"
#include "protocols/common_knowledge.h"
#include "simulations/recorded_run.h"
#include "simulations/storm/faults.h"
#include "simulations/storm/liars.h"
#include "simulations/storm/trace.h"
#include "simulations/storm/virtual_disk.h"
#include "simulations/storm/witness.h"

namespace consilium {

/// What a world is made of.
struct WorldOptions {
  std::uint64_t seed = 0;
  BadDay day;
  std::vector<Cohort> cohorts;     ///< One a site.
  std::vector<std::string> names;  ///< Of the sites; none: "site-0", "site-1", ...
  std::vector<std::string> plans;  ///< Submitted in this order.
  Policy policy;                   ///< Every site's.
  /// What sites answer by in place of the plan's own: the same, bound to a program that learns.
  std::shared_ptr<const Analysis> analysis;
  UtcSeconds begin{1'790'000'000};  ///< On every wall clock; any time does.
  RandomSource* luck = nullptr;  ///< In place of the seed's, for what befalls; outlives the world.
  /// What is the same at many sites is there once (common_knowledge.h): a world of thousands.
  bool shares = false;
};

/// What was sent on behalf of one round, lost messages included.
struct TrafficCounts {
  Instant began;  ///< The first message.
  RoundTraffic sent;
};

class World {
 public:
  World(WorldOptions options, Witness& witness, Trace& trace);
  ~World();

  /// Runs until every study has ended or `until` has come. False when it was `until`.
  bool RunUntil(Instant until);
  /// No fault is injected from now on; every connection breaks once more and comes back.
  void CalmDown();

  Instant now() const { return now_; }
  bool AllEnded() const;
  /// The coordinator's view of a study; none while it is down or has not heard of it.
  std::optional<StudyView> View(const StudyId& study) const;
  std::string ResultOf(const StudyId& study) const;
  const std::vector<StudyId>& studies() const { return studies_; }
  const FaultCounts& faults() const { return faults_; }
  /// By round; round zero is all that belongs to none.
  const std::map<RoundNumber, TrafficCounts>& traffic() const { return traffic_; }
  /// When the administrator started the study the first time.
  std::optional<Instant> StartOf(const StudyId& study) const;
  /// The last thing an administrator or a data steward tried that was refused.
  const std::string& trouble() const { return trouble_; }
  const VirtualDisk& coordinator_disk() const { return coordinator_disk_; }
  /// Sites that will not take part again, by a person's decision.
  std::uint32_t gone_for_good() const { return gone_for_good_; }
  /// Whether this site knows that it goes on from an old copy of its disk, and answers nothing.
  bool IsRolledBack(std::string_view site) const;
  std::uint64_t coordinator_boots() const { return coordinator_boots_; }

 private:
  struct Link {
    bool up = false;
    std::uint64_t number = 0;  ///< Of the connection: what belongs to an older one is lost.
    bool site_knows = false;   ///< Whether the site believes that it is connected.
    bool coordinator_knows = false;
    Instant last_to_site;  ///< A connection keeps the order.
    Instant last_to_coordinator;
    /// Microseconds at which the site's line is free again: [0] to the coordinator, [1] from it.
    std::array<std::int64_t, 2> free_at{};
  };
  struct Party {
    std::string name;
    std::unique_ptr<SigningKey> identity;
    TransportKey transport;
    VirtualDisk disk;
    std::unique_ptr<RandomSource> random;
    std::unique_ptr<SiteCore> core;  ///< None while the process is down.
    std::unique_ptr<SiteLiar> liar;
    Link link;
    bool admitted = false;
    bool gone = false;
    std::uint64_t boots = 0;
    Instant stopped_until;
    std::int64_t clock_step = 0;  ///< Seconds that its wall clock is off.
    std::optional<Instant> next_tick;
  };

  struct ToSite {
    std::uint32_t site = 0;
    std::uint64_t connection = 0;
    SharedBytes message;
  };
  struct ToCoordinator {
    std::uint32_t site = 0;
    std::uint64_t connection = 0;
    SharedBytes message;
  };
  struct Answered {
    std::uint32_t site = 0;
    std::uint64_t boot = 0;
    ComputeAnswer request;
  };
  struct SiteBoots {
    std::uint32_t site = 0;
  };
  struct CoordinatorBoots {};
  struct SiteConnects {
    std::uint32_t site = 0;
  };
  /// One end hears that a connection is gone.
  struct LinkIsHeardGone {
    std::uint32_t site = 0;
    std::uint64_t connection = 0;
    bool by_site = false;
  };
  struct SiteTicks {
    std::uint32_t site = 0;
  };
  struct CoordinatorTicks {};
  struct PeopleAct {};
  using What = std::variant<ToSite,
                            ToCoordinator,
                            Answered,
                            SiteBoots,
                            CoordinatorBoots,
                            SiteConnects,
                            LinkIsHeardGone,
                            SiteTicks,
                            CoordinatorTicks,
                            PeopleAct>;
  struct Event {
    Instant when;
    std::uint64_t number = 0;  ///< Events of one instant keep their order.
    What what;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.when != b.when ? a.when > b.when : a.number > b.number;
    }
  };

  // world.cc: the machines.
  void Schedule(Instant when, What what);
  void BootSite(std::uint32_t site);
  void BootCoordinator();
  void CrashSite(std::uint32_t site, Duration down);
  void CrashCoordinator(Duration down);
  void Carry(std::uint32_t site, SiteEffects effects);
  void Carry(CoordinatorEffects effects);
  bool CarryInOrder(CoordinatorEffects& effects, std::vector<SiteId>& unreachable);
  /// False when the party did not survive it.
  bool Write(std::uint32_t site, const RecordBatch& batch);
  bool Write(const RecordBatch& batch);
  void WatchClock(std::uint32_t site);
  void WatchClock();
  Moment MomentAt(std::uint32_t site) const;
  Moment MomentAtCoordinator() const;

  void Handle(const ToSite& event);
  void Handle(const ToCoordinator& event);
  void Handle(const Answered& event);
  void Handle(const SiteBoots& event);
  void Handle(const CoordinatorBoots& event);
  void Handle(const SiteConnects& event);
  void Handle(const LinkIsHeardGone& event);
  void Handle(const SiteTicks& event);
  void Handle(const CoordinatorTicks& event);
  void Handle(const PeopleAct& event);

  // world_network.cc: the network.
  void TellLie(std::string_view party, Fault lie, const Bytes& message);
  void SendFrom(std::uint32_t site, const Bytes& message);
  /// False when the site is known to be unreachable.
  bool SendTo(SiteId id, const SharedBytes& message);
  void Travel(std::uint32_t site, bool to_site, SharedBytes message);
  void Count(const Bytes& message, bool to_site);
  Instant Transmitted(Link& link, bool to_site, std::size_t bytes);
  void Cut(std::uint32_t site);
  void Partition();
  std::uint32_t IndexOf(SiteId id) const;

  // world_people.cc: the people.
  void AdministratorActs();
  void AdmitNext(std::uint32_t site);
  void StudiesGoOn();
  bool MayResume(const StudyId& study);
  bool Tried(const Status& status);
  void SiteActs(std::uint32_t site);
  void BadLuckStrikes();

  bool Chance(double chance);
  Duration Below(std::int64_t milliseconds);
  void Injected(Fault fault, std::string_view party);

  WorldOptions options_;
  Witness& witness_;
  Trace& trace_;
  SeededRandom seeded_luck_;
  RandomSource& luck_;  ///< What befalls the world; the parties draw from sources of their own.
  bool calm_ = false;
  Instant now_{1'000'000};
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t next_event_ = 0;

  std::unique_ptr<SigningKey> coordinator_identity_;
  VirtualDisk coordinator_disk_;
  std::unique_ptr<RandomSource> coordinator_random_;
  std::unique_ptr<CoordinatorCore> coordinator_;
  std::unique_ptr<CoordinatorLiar> coordinator_liar_;
  std::uint64_t coordinator_boots_ = 0;
  std::int64_t coordinator_clock_step_ = 0;
  std::optional<Instant> coordinator_next_tick_;

  std::map<TransportKey, std::uint32_t> index_of_;  ///< Of the sites.
  CommonKnowledge common_;                          ///< Of the sites.
  SharedValues values_;                             ///< Of their disks.
  std::vector<Party> sites_;
  std::vector<StudyId> studies_;
  /// How long the administrator leaves a paused study alone: twice as long each time.
  std::map<StudyId, Duration> patience_;
  std::map<StudyId, Instant> resumes_at_;
  std::uint32_t gone_for_good_ = 0;
  FaultCounts faults_{};
  std::map<RoundNumber, TrafficCounts> traffic_;
  std::array<std::int64_t, 2> coordinator_free_at_{};  ///< As a link's.
  std::map<StudyId, Instant> started_at_;
  std::string trouble_;
};

}  // namespace consilium
