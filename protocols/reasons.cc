#include "protocols/reasons.h"

#include <algorithm>
#include <iterator>

#include "common/check.h"

namespace consilium {
namespace {

template <class Reason>
struct Wording {
  Reason reason;
  std::string_view name;
  std::string_view explanation;
};

using R = RefusalReason;
constexpr Wording<R> kRefusals[] = {
    {R::kMalformed, "malformed", "The message is not of the protocol's form."},
    {R::kNotSignedByCoordinator, "not-signed-by-coordinator",
     "The message is not signed by the coordinator key pinned at joining."},
    {R::kOtherFederation, "other-federation", "The message belongs to another federation."},
    {R::kUnexpected, "unexpected", "The message has no place at this point of the protocol."},
    {R::kRosterForged, "roster-forged", "The roster is not signed by the pinned coordinator key."},
    {R::kRosterRolledBack, "roster-rolled-back", "The roster is older than the one already held."},
    {R::kRosterChangesAMember, "roster-changes-a-member",
     "The roster gives a known member's number or name to other keys, or revives one that was "
     "revoked."},
    {R::kNotInRoster, "not-in-roster", "This site is not an active member of the roster."},
    {R::kPlanChanged, "plan-changed", "The plan's text does not match its study number."},
    {R::kPlanInvalid, "plan-invalid", "The plan is not valid for this version."},
    {R::kNotApproved, "not-approved",
     "Nobody at this site has approved the study, or it was revoked."},
    {R::kPlanExpired, "plan-expired", "The plan's last day has passed."},
    {R::kPolicyForbids, "policy-forbids", "The site's policy does not allow it."},
    {R::kDataRefused, "data-refused",
     "The local data do not meet the contract or the policy; the site's own log says where."},
    {R::kBudgetExhausted, "budget-exhausted",
     "The site's privacy budget has no room for another answer."},
    {R::kStateRolledBack, "state-rolled-back",
     "The site goes on from an old copy of its state, in which answers are forgotten."},
    {R::kPromiseSpent, "promise-spent",
     "The plan's epsilon covers no more answers of this site: attempts that failed have used it "
     "up."},
    {R::kRoundReplayed, "round-replayed", "The round or attempt was already seen."},
    {R::kThresholdsAltered, "thresholds-altered",
     "The thresholds differ from the published rule for this number of sites."},
    {R::kMinimumLowered, "minimum-lowered",
     "Fewer sites would be in the sum than the plan or the policy asks for."},
    {R::kUnknownParticipant, "unknown-participant",
     "A participant is not an active member of the roster."},
    {R::kParticipantTwice, "participant-twice", "Participants repeat or are out of order."},
    {R::kPrekeyForged, "prekey-forged",
     "A participant's keys are not signed by that site: somebody swapped them."},
    {R::kPrekeyRepeated, "prekey-repeated", "Two participants are given the same key."},
    {R::kOwnPrekeyAltered, "own-prekey-altered", "This site's own entry is absent or altered."},
    {R::kPrekeyUsed, "prekey-used", "The prekey was already used or never existed."},
    {R::kWeakKey, "weak-key", "A public key is of low order and would give no secret."},
    {R::kQueryMalformed, "query-malformed", "The query is not one that the study's analysis asks."},
    {R::kQueryNotDerived, "query-not-derived",
     "The query does not follow from the plan and the sums made known: another model was sent."},
    {R::kCapacityExceeded, "capacity-exceeded", "The sum could wrap around for so many sites."},
    {R::kFrozenSetChanged, "frozen-set-changed",
     "The plan freezes the set of sites, and this is another set."},
    {R::kTooManyRounds, "too-many-rounds", "More rounds than the analysis can need."},
    {R::kNoSuchSession, "no-such-session",
     "The attempt is not open here; its one-time secrets are gone and will not be made again."},
    {R::kDeliveryNotWithinStart, "delivery-not-within-start",
     "Shares are delivered from a site that does not take part."},
    {R::kDeliveryTooSmall, "delivery-too-small", "Too few sites have dealt shares."},
    {R::kOwnSharesAltered, "own-shares-altered", "This site's own shares are absent or altered."},
    {R::kShareDoesNotOpen, "share-does-not-open",
     "A share does not open in this context: its dealer was told something else, or it was "
     "altered."},
    {R::kShareHashDiffers, "share-hash-differs", "A share is not the one its dealer published."},
    {R::kSecondDelivery, "second-delivery", "A second, different delivery for one session."},
    {R::kSurvivorsNotWithinDelivery, "survivors-not-within-delivery",
     "A survivor had dealt no shares, or survivors repeat."},
    {R::kSurvivorsTooFew, "survivors-too-few", "The sum would hold too few sites."},
    {R::kLeftOut, "left-out", "This site's vector was left out of the survivors."},
    {R::kHeaderForged, "header-forged", "A survivor's upload header is not signed by that site."},
    {R::kViewsDiffer, "views-differ",
     "Another survivor was shown other sites or another context: the coordinator equivocates."},
    {R::kSecondSurvivorSet, "second-survivor-set",
     "A second, different set of survivors for one session."},
    {R::kQuorumTooSmall, "quorum-too-small", "Too few sites have signed the transcript."},
    {R::kQuorumForged, "quorum-forged",
     "A signature of the quorum is not that site's on this very transcript."},
    {R::kAlreadyReleased, "already-released",
     "This round was already opened for another set of survivors."},
    {R::kSiteSetChanged, "site-set-changed",
     "The same question was answered for another set of sites; the difference would bare a site."},
    {R::kHistoryAltered, "history-altered",
     "A sum that was already made known is given again with other numbers."},
    {R::kSecondSketch, "second-sketch",
     "The same answer was sketched before, as often as the site's policy (norm_checks) allows."},
    {R::kNotSketched, "not-sketched",
     "The plan has norms checked, and no sketch was asked for, or not of every survivor."},
};

using D = DropReason;
constexpr Wording<D> kDrops[] = {
    {D::kMalformed, "malformed", "It sent bytes that are no message."},
    {D::kNotSigned, "not-signed", "It sent a message that its identity did not sign."},
    {D::kOtherFederation, "other-federation", "It sent a message of another federation."},
    {D::kUnexpectedKind, "unexpected-kind", "It sent a message that only a coordinator sends."},
    {D::kWrongPhase, "wrong-phase", "It sent a message out of its phase."},
    {D::kNotInAttempt, "not-in-attempt", "It does not take part in this attempt."},
    {D::kConflictingRepeat, "conflicting-repeat", "It sent one step twice with different content."},
    {D::kStale, "stale", "It sent a message of an earlier round or attempt."},
    {D::kWrongRecipients, "wrong-recipients",
     "Its shares are not for exactly the other participants."},
    {D::kWrongContext, "wrong-context", "It signed for other terms than it was sent."},
    {D::kWrongLength, "wrong-length", "Its vector does not have the query's length."},
    {D::kVectorHashDiffers, "vector-hash-differs", "Its vector is not the one it signed."},
    {D::kWrongTranscript, "wrong-transcript", "It confirmed another transcript."},
    {D::kWrongShares, "wrong-shares", "It did not reveal exactly one right share for each peer."},
    {D::kShareHashDiffers, "share-hash-differs", "It revealed a share that was never dealt."},
    {D::kDealtInconsistently, "dealt-inconsistently",
     "The shares it dealt do not give the secret it committed to."},
    {D::kSilent, "silent", "It did not answer within the deadline."},
    {D::kDisconnected, "disconnected", "Its connection is gone."},
    {D::kRestarted, "restarted", "It restarted and lost the attempt's one-time secrets."},
    {D::kRefused, "refused", "It refused."},
    {D::kRevoked, "revoked", "It was revoked."},
    {D::kNotApproved, "not-approved", "It has not approved the study, or has revoked it."},
    {D::kUnusablePrekey, "unusable-prekey",
     "The one-time keys it offered are of low order, or not its own."},
    {D::kNamedByOthers, "named-by-others",
     "More sites than may collude say that what it dealt them is wrong."},
    {D::kInDispute, "in-dispute",
     "Of it and another site, one says that the other dealt it wrong shares, and one is at fault."},
    {D::kTooLong, "too-long",
     "Its own sketch shows that its vector is longer than the plan allows: its program does not do "
     "what it should."},
};

template <class Table, class Reason>
const auto* Find(const Table& table, Reason reason) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const auto& row) { return row.reason == reason; });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

std::string_view Name(RefusalReason reason) {
  const auto* row = Find(kRefusals, reason);
  return row == nullptr ? "unknown-reason" : row->name;
}
std::string_view Explanation(RefusalReason reason) {
  const auto* row = Find(kRefusals, reason);
  return row == nullptr ? "A reason this version does not know." : row->explanation;
}
std::string_view Name(DropReason reason) {
  const auto* row = Find(kDrops, reason);
  CHECK(row != nullptr);
  return row->name;
}
std::string_view Explanation(DropReason reason) {
  const auto* row = Find(kDrops, reason);
  CHECK(row != nullptr);
  return row->explanation;
}

}  // namespace consilium
