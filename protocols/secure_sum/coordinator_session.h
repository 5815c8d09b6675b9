#pragma once

// The coordinator's side of one attempt of a secure sum. It collects, checks, and opens nothing but
// the sum. Phases follow the steps; each closes when every site it waits for has answered, or when
// whoever owns the session says that the deadline has passed.
//
//   Dealing ──▶ Uploading ──▶ Confirming ──▶ Unmasking ──▶ Finished
//      └──────────────┴── too few sites ──────────┴──────▶ Failed
//
// Where the plan has norms checked, Committing (every header) and Sketching come before Uploading.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/crypto/mask_stream.h"
#include "common/crypto/scalar.h"
#include "common/fixed_point.h"
#include "protocols/messages.h"
#include "protocols/reasons.h"
#include "protocols/secure_sum/chunks.h"
#include "protocols/secure_sum/session_setup.h"
#include "protocols/secure_sum/sketch_collection.h"
#include "protocols/secure_sum/transcript.h"

namespace consilium {

enum class SumPhase {
  kDealing,
  kCommitting,
  kSketching,
  kUploading,
  kConfirming,
  kUnmasking,
  kFinished,
  kFailed
};

std::string_view Name(SumPhase phase);

/// How far a vector is on its way up.
struct UploadProgress {
  std::uint64_t chunks = 0;    ///< That are here.
  std::uint64_t of = 0;        ///< Of how many.
  std::uint64_t repeated = 0;  ///< Chunks that came in vain: twice, or out of turn.
  bool granted = false;        ///< Its turn has come.
};

class CoordinatorSession {
 public:
  /// With `everyone`, a phase never closes without all participants (on_loss = "wait").
  CoordinatorSession(SessionSetup setup, bool everyone);

  SumPhase phase() const { return phase_; }
  const Digest& context() const { return context_; }
  const SessionSetup& setup() const { return setup_; }

  // One function a message. A reason means that the site is out of this attempt (or, for
  // kWrongPhase and an identical repeat, that the message was left aside); the state is otherwise
  // unchanged.
  std::optional<DropReason> OnShares(SiteId site, const Shares& shares);
  std::optional<DropReason> OnUploadHeader(SiteId site,
                                           const UploadHeader& header,
                                           const Signature& signature);
  std::optional<DropReason> OnSketch(SiteId site, const Sketch& sketch);
  std::optional<DropReason> OnChunk(SiteId site, const Chunk& chunk);
  std::optional<DropReason> OnConfirmation(SiteId site,
                                           const Confirmation& confirmation,
                                           const Signature& signature);
  std::optional<DropReason> OnUnmasking(SiteId site, const Unmasking& unmasking);
  /// The site is lost to this attempt: silent, gone, refusing or misbehaving.
  void Drop(SiteId site, DropReason reason);

  /// True when nobody is left to wait for in this phase, or enough have answered where that is
  /// enough.
  bool ReadyToClose() const;
  /// Whether this phase ends for a site that has not answered, instead of waiting for enough.
  bool WaitsForEach() const { return phase_ < SumPhase::kConfirming; }
  /// Closes the phase with whoever has answered; sites that have not are dropped as silent. Moves
  /// to the next phase, to kFinished or to kFailed.
  void Close();

  // What to send in the phase just entered.
  Delivery DeliveryFor(SiteId site) const;  ///< In kCommitting or else kUploading, to each of U2.
  const SketchRequest& sketch_request() const { return sketches_->request(); }  ///< In kSketching.
  Survivors SurvivorList() const;  ///< In kConfirming, to each of U3.
  Quorum QuorumList() const;       ///< In kUnmasking, to each of U3.
  /// The chunk to ask the site for, in kUploading: none before its header has come and its turn is
  /// there; ChunkCount when all have come.
  std::optional<std::uint64_t> NextChunk(SiteId site) const;
  /// Sites whose turn it is now to send a long vector, for kUploadsAtATime; each is named once. A
  /// vector of one chunk needs no turn.
  std::vector<SiteId> GrantNext();
  /// Whose turn it is and whose vector has not come yet.
  std::vector<SiteId> Sending() const { return {sending_.begin(), sending_.end()}; }
  /// Whose header has come and whose turn has not.
  std::vector<SiteId> AwaitingTurn() const {
    return {awaiting_turn_.begin(), awaiting_turn_.end()};
  }
  /// Its header has come.
  bool HasCommitted(SiteId site) const { return uploads_.contains(site); }
  bool HasUploaded(SiteId site) const;  ///< All of its vector: it is in the sum.

  /// None before the site's header has come.
  std::optional<UploadProgress> ProgressOf(SiteId site) const;

  /// Who is still expected to answer in this phase, ascending.
  std::vector<SiteId> Awaited() const { return {awaited_.begin(), awaited_.end()}; }
  /// Who takes part in this phase, ascending.
  std::vector<SiteId> Members() const { return {members_.begin(), members_.end()}; }
  const std::vector<SiteId>& survivors() const { return survivors_; }
  const std::map<SiteId, DropReason>& dropped() const { return dropped_; }
  const std::string& failure() const { return failure_; }
  /// In kFailed: the dealer that the opened shares prove to be at fault, if that is why.
  const std::optional<SiteId>& culprit() const { return culprit_; }
  /// In kFailed: whether some survivor gave the sketch of another vector than its own. Nobody can
  /// say who, and a new attempt would end alike.
  bool sketches_disagree() const { return sketches_disagree_; }
  /// Only in kFinished.
  const RingVector& sum() const;

 private:
  struct Dealer {
    Shares shares;
    Digest digest;
  };
  struct Upload {
    UploadHeader header;
    Signature signature;
    IncomingVector vector;
    bool granted = false;
    std::unique_ptr<VectorHasher> hasher =
        nullptr;                 ///< Of the words so far; there while they come.
    std::uint64_t repeated = 0;  ///< Chunks that came out of turn.
  };

  /// Shares that a site holds, and where among its dealer's they stand.
  struct DealtShare {
    SiteId dealer;
    const SealedShare* share = nullptr;  ///< Null for its own, which never left it.
  };

  bool TakesPart(SiteId site) const { return members_.contains(site); }
  void Enter(SumPhase phase, const std::vector<SiteId>& sites);
  std::optional<DropReason> DropFor(SiteId site, DropReason reason);
  bool EnoughToGoOn(std::size_t count) const;
  void Fail(std::string why);
  void CloseDealing();
  void CloseCommitting();
  void CloseSketching();
  void CloseUploading();
  void CloseConfirming();
  void CloseUnmasking();
  bool AreRightShares(const std::vector<DealtShare>& dealt, const Unmasking& unmasking) const;
  bool SharesAreDealt(SiteId site, const Unmasking& unmasking) const;
  Survivors HeadersOf(const std::vector<SiteId>& sites) const;
  void Admit(SiteId site);
  void TakeIn(Upload& upload);
  void Blame(SiteId dealer);
  // What is left of a dealer in the sum, to be taken away.
  bool FindSelfMask(SiteId survivor, std::vector<MaskTerm>& masks);
  bool FindMasksOf(SiteId lost, std::vector<MaskTerm>& masks);
  std::vector<SiteId> MaskPartnersOf(SiteId lost) const;
  std::optional<Scalar> Reconstruct(SiteId dealer);

  SessionSetup setup_;
  bool everyone_;
  Digest context_;
  SumPhase phase_ = SumPhase::kDealing;
  std::set<SiteId> members_;  ///< Of this phase, without those dropped.
  std::set<SiteId> awaited_;  ///< Those of them that have not answered.
  std::map<SiteId, DropReason> dropped_;
  std::optional<SiteId> culprit_;
  std::map<SiteId, Dealer> dealers_;
  std::vector<SiteId> delivered_;  ///< U2
  /// By site of U2: the shares it holds, ascending by dealer.
  std::map<SiteId, std::vector<DealtShare>> dealt_to_;
  std::vector<DeliveredShare> dealers_in_brief_;  ///< U2 without shares: what goes to everybody.
  Digest delivery_root_;
  std::map<SiteId, Upload> uploads_;
  std::optional<SketchCollection> sketches_;  ///< From kSketching on.
  bool sketches_disagree_ = false;
  std::set<SiteId> sending_;          ///< Of those: granted, not whole, not lost.
  std::set<SiteId> awaiting_turn_;    ///< Not granted, not lost.
  std::vector<RingVector> finished_;  ///< Memory of vectors that are in the sum.
  std::vector<SiteId> survivors_;     ///< U3
  Digest transcript_;
  std::map<SiteId, Signature> cosignatures_;
  /// By dealer: who has revealed a share of its secret, and that share.
  std::map<SiteId, std::vector<std::pair<SiteId, ByteArray<32>>>> revealed_;
  std::size_t closed_secrets_ = 0;  ///< Dealers of U2 of whom fewer than t shares are here.
  /// By the points of t shares: what these count for. All dealers of a complete graph have the
  /// same.
  std::map<std::vector<std::uint32_t>, std::vector<Scalar>> weights_;
  RingVector sum_;  ///< Of the whole vectors so far, masked until kFinished.
  std::string failure_;
};

}  // namespace consilium
