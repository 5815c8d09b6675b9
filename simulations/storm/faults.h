#pragma once

// What can go wrong, and which of it goes wrong on one bad day. Each seed draws its own day: some
// kinds of fault at some rates, the others not at all, for bugs hide where few kinds meet often
// (swarm testing; Groce et al., ISSTA 2012).

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "protocols/plan.h"
#include "simulations/network_model.h"

namespace consilium {

enum class Fault : std::uint8_t {
  // The network. Its connections are ordered and authenticated; storms are harsher than that.
  kDelay,
  kLoss,  ///< And the connection breaks before long, as a lossy one does.
  kDuplicate,
  kReorder,
  kCorruption,
  kCut,
  kPartition,
  // Processes, disks and clocks.
  kSlowSite,
  kStoppedSite,  ///< SIGSTOP: nothing for a while, then all at once.
  kSiteCrash,
  kCoordinatorCrash,
  kTornWrite,  ///< A crash within a write, which is then there or not.
  kLostWrite,  ///< A site's disk forgets the newest writes in a crash.
  kFullDisk,
  kSnapshotRestored,  ///< A site goes on from an old copy of its disk.
  kClockStep,
  // People.
  kBadData,
  kSiteRevoked,
  kApprovalTakenBack,
  kStudyPaused,
  // Sites that break the protocol.
  kSiteSendsGarbage,
  kSiteSendsHalf,
  kSiteSendsWrongBody,
  kSiteForgesSignature,
  kSiteNamesOtherFederation,
  kSiteSendsCoordinatorsKind,
  kSiteRepeatsDifferently,
  kSiteReplays,
  kSiteSkipsRecipient,
  kSiteSignsOtherContext,
  kSiteSendsWrongLength,
  kSiteSendsOtherVector,
  kSiteConfirmsOtherTranscript,
  kSiteOmitsShare,
  kSiteRevealsFalseShare,
  kSiteDealsInconsistently,
  kSiteKeepsSilent,
  kSiteRestartsInWords,  ///< A hello that claims a new process.
  kSiteRefusesFalsely,
  kSiteOffersBadPrekey,
  kSiteSpoilsAllShares,
  kSiteSpoilsOneShare,
  kSiteMakesUpReceipt,
  kSiteSendsOutOfTurn,
  // A coordinator that lies.
  kLieSwappedPrekey,
  kLieLowerThresholds,
  kLieFewerParticipants,
  kLieOtherQuery,
  kLieOldRoster,
  kLieReplayedRound,
  kLieOtherDelivery,
  kLieOtherSurvivors,
  kLieForgedHeader,
  kLieForgedQuorum,
  kLieSmallQuorum,
  kLieOtherSum,
  kLieOtherPlan,
  kLieForeignRoster,
  kLieUnsigned,
  kLieGarbage,
  kLieReplay,
  kLieSilence,
  // Sites again, where a plan has norms checked. Days are drawn from the kinds above alone.
  kSiteLiesInSketch,
  kCount
};

inline constexpr std::size_t kFaultCount = static_cast<std::size_t>(Fault::kCount);
inline constexpr Fault kFirstSiteLie = Fault::kSiteSendsGarbage;
inline constexpr Fault kFirstCoordinatorLie = Fault::kLieSwappedPrekey;
inline constexpr Fault kPastCoordinatorLies = Fault::kSiteLiesInSketch;

std::string_view Name(Fault fault);  ///< "torn-write"

/// How often each fault was injected.
using FaultCounts = std::array<std::uint64_t, kFaultCount>;

struct BadDay {
  std::uint32_t sites = 4;
  std::string_view analysis = "linear";
  bool checks_norms = false;  ///< Of a training's updates.
  bool has_noise = false;     ///< In a training's sums.
  OnLoss on_loss = OnLoss::kWait;
  std::uint32_t minimum_sites = 3;
  bool second_study = false;  ///< The same question again, at the same time.

  NetworkModel network;

  // Chances for each message.
  double loss = 0;
  double duplicate = 0;
  double reorder = 0;
  double corruption = 0;
  double cut = 0;
  double partition = 0;
  // Chances for each effect that a party carries out.
  double site_crash = 0;
  double coordinator_crash = 0;
  // Chances for each write.
  double torn_write = 0;
  double full_disk = 0;
  // Chances for each crash of a site.
  double lost_write = 0;
  double snapshot_restored = 0;
  // Chances for each answer.
  double slow = 0;
  double bad_data = 0;
  // Chances for each turn of the people, five virtual seconds.
  double stop = 0;
  double clock_step = 0;
  double pause = 0;
  double revoke = 0;
  double take_back = 0;

  std::vector<std::uint32_t> malicious;  ///< At most T sites.
  std::vector<Fault> site_lies;
  double site_lie_rate = 0;
  std::vector<Fault> coordinator_lies;  ///< Empty: it is honest.
  double coordinator_lie_rate = 0;
};

BadDay DrawBadDay(RandomSource& random);
/// Makes the day's study one that has norms checked, and some site one that lies in its sketches.
void CheckNorms(RandomSource& random, BadDay& day);
/// Makes it a day of training with noise.
void AddNoise(BadDay& day);

}  // namespace consilium
