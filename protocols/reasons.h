#pragma once

// Why a party turned a message down. A peer's misbehaviour is data, never an exception and never an
// error of ours: a site that refuses names the lie, a coordinator that drops a site names the
// fault.

#include <cstdint>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

#include "common/ids.h"

namespace consilium {

/// A site's reasons. Numbers appear on the wire and are never reused.
enum class RefusalReason : std::uint16_t {
  // Not a message of this federation.
  kMalformed = 1,
  kNotSignedByCoordinator = 2,
  kOtherFederation = 3,
  kUnexpected = 4,  ///< A kind that only sites send, or out of its phase.

  // Roster, plan, approval.
  kRosterForged = 10,
  kRosterRolledBack = 11,
  kRosterChangesAMember = 12,  ///< A number or a name now stands for other keys.
  kNotInRoster = 13,
  kPlanChanged = 14,  ///< The text does not hash to the StudyId.
  kPlanInvalid = 15,
  kNotApproved = 16,
  kPlanExpired = 17,
  kPolicyForbids = 18,
  kDataRefused = 19,  ///< The local data do not meet the contract or the policy.
  kBudgetExhausted =
      20,  ///< Answers with noise would tell more of patients than the policy allows.
  kStateRolledBack = 21,  ///< The site goes on from an old copy of its state.
  kPromiseSpent = 22,     ///< Answers with noise would tell more than the plan's epsilon promises.

  // The start of a round.
  kRoundReplayed = 30,      ///< Round or attempt does not rise.
  kThresholdsAltered = 31,  ///< t, q, k or T differ from the published rule for n.
  kMinimumLowered = 32,     ///< Fewer sites than the plan or the policy asks for.
  kUnknownParticipant = 33,
  kParticipantTwice = 34,
  kPrekeyForged = 35,      ///< Not signed by the site it is said to belong to: swapped keys.
  kPrekeyRepeated = 36,    ///< Two participants with one key.
  kOwnPrekeyAltered = 37,  ///< Our own entry is absent or not what we sent.
  kPrekeyUsed = 38,
  kWeakKey = 39,  ///< A public key of low order.
  kQueryMalformed = 40,
  kQueryNotDerived = 41,   ///< Not what the analysis asks after the sums made known.
  kCapacityExceeded = 42,  ///< The sum could wrap around.
  kFrozenSetChanged = 43,  ///< on_loss = "wait": not the sites the study started with.
  kTooManyRounds = 44,

  // Within a round.
  kNoSuchSession = 60,  ///< After a restart, or another attempt: its secrets are gone.
  kDeliveryNotWithinStart = 61,
  kDeliveryTooSmall = 62,
  kOwnSharesAltered = 63,
  kShareDoesNotOpen = 64,  ///< Not encrypted for us in this very context.
  kShareHashDiffers = 65,
  kSecondDelivery = 66,
  kSurvivorsNotWithinDelivery = 70,
  kSurvivorsTooFew = 71,
  kLeftOut = 72,       ///< We uploaded, and are not among the survivors.
  kHeaderForged = 73,  ///< A survivor's upload header is not signed by it.
  kViewsDiffer = 74,   ///< Another survivor was told of other sites or another context.
  kSecondSurvivorSet = 75,
  kQuorumTooSmall = 76,
  kQuorumForged = 77,     ///< A signature that is not on our own transcript.
  kAlreadyReleased = 78,  ///< This round was opened for another set of survivors.
  kSiteSetChanged = 79,   ///< The same question was answered for another set of sites.
  kHistoryAltered = 80,   ///< A sum that was already made known is given again with other numbers.

  // Sketches.
  kSecondSketch = 81,  ///< The same answer was sketched as often as it may be.
  kNotSketched = 82    ///< A survivor was not bound to its vector when sketches were asked for.
};

/// The coordinator's reasons to leave a site out of an attempt or to cut it off.
enum class DropReason : std::uint16_t {
  kMalformed = 1,
  kNotSigned = 2,  ///< The signature is not the site's.
  kOtherFederation = 3,
  kUnexpectedKind = 4,
  kWrongPhase = 5,
  kNotInAttempt = 6,
  kConflictingRepeat = 7,  ///< The same step twice with different content.
  kStale = 8,              ///< Of an earlier round or attempt; ignored.
  kWrongRecipients = 9,    ///< Shares that are not for exactly the other participants.
  kWrongContext = 10,      ///< Signed for other terms than were sent.
  kWrongLength = 11,
  kVectorHashDiffers = 12,  ///< The chunks are not the vector of the signed header.
  kWrongTranscript = 13,
  kWrongShares = 14,          ///< Not exactly one share of the right kind for each peer.
  kShareHashDiffers = 15,     ///< A revealed share that its dealer never dealt.
  kDealtInconsistently = 16,  ///< Shares that do not give the secret committed to.
  kSilent = 17,               ///< No answer within the deadline.
  kDisconnected = 18,
  kRestarted = 19,  ///< Lost the attempt's secrets.
  kRefused = 20,    ///< Said no; its RefusalReason tells why.
  kRevoked = 21,
  kNotApproved = 22,
  kUnusablePrekey = 23,  ///< Keys of low order, or that another site holds.
  kNamedByOthers = 24,   ///< More sites than may collude name it as the cause of their refusal.
  kInDispute = 25,       ///< It names another site, or is named: one of the two is at fault.
  kTooLong = 26          ///< By its own sketch, its vector is longer than the plan allows.
};

std::string_view Name(RefusalReason reason);         ///< "second-survivor-set"
std::string_view Explanation(RefusalReason reason);  ///< One sentence for people.
std::string_view Name(DropReason reason);
std::string_view Explanation(DropReason reason);

struct Refusal {
  RefusalReason reason = RefusalReason::kMalformed;
  std::optional<SiteId> about;  ///< The peer it concerns, where there is one.
};

/// What a party makes of a peer's message: the next step, or why not.
template <class T>
using Judged = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> Refuse(RefusalReason reason,
                                      std::optional<SiteId> about = std::nullopt) {
  return tl::unexpected<Refusal>(Refusal{reason, about});
}

}  // namespace consilium
