#pragma once

// A site's side of one attempt of a secure sum (design section 6; Bonawitz et al. 2017, CCS, figure
// 4, in the malicious-coordinator form). One object is one attempt; its secrets live here only, and
// are wiped with it. It decides; whoever owns it persists what must be durable before an answer is
// sent.
//
//   Begin ──▶ Dealt ──Delivery──▶ Delivered ──Mask──▶ Uploaded ──Survivors──▶ Confirmed ──Quorum──▶
//   Released
//
// Where the plan has norms checked, Uploaded is left only after a SketchRequest was answered.
//
// A message that is refused leaves the state as it was. A message that is repeated to the byte is
// answered with the same bytes; a different one for the same step is a lie.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "common/fixed_point.h"
#include "common/random.h"
#include "protocols/messages.h"
#include "protocols/reasons.h"
#include "protocols/secure_sum/session_setup.h"
#include "protocols/secure_sum/transcript.h"

namespace consilium {

class SiteSession {
 public:
  /// Steps A1 and A1'. Checks the start, agrees on keys with each participant, deals shares.
  static Judged<SiteSession> Begin(SessionSetup setup,
                                   SiteId self,
                                   const PrekeySecrets& prekey,
                                   RandomSource& random);
  static Judged<SiteSession> Begin(std::shared_ptr<const SessionSetup> setup,
                                   SiteId self,
                                   const PrekeySecrets& prekey,
                                   RandomSource& random);

  const Digest& context() const { return context_; }
  const Route& route() const { return setup_->route; }
  const RoundStart& start() const { return setup_->start; }
  /// The answer to A1.
  const Shares& shares() const { return shares_; }

  /// Step A2. After this the vector can be masked.
  Judged<void> OnDelivery(const Delivery& delivery);
  /// Step A2'. Consumes the contribution; the length must be the setup's.
  Judged<void> Mask(RingVector contribution);
  /// What Mask made; only after Mask.
  const UploadHeader& upload_header() const;
  const RingVector& masked_vector() const;

  /// Whether this attempt has norms checked: then the vector waits until it was sketched.
  bool checks_norm() const { return setup_->check.has_value(); }
  /// The sketch of the vector that was masked; for one request in a session, ever.
  Judged<Sketch> OnSketchRequest(const SketchRequest& request);
  /// Whether a sketch was given.
  bool HasSketched() const { return sketch_seed().has_value(); }

  /// Steps A3 and A3'. The first transcript that passes is the only one this session ever signs.
  Judged<Confirmation> OnSurvivors(const Survivors& survivors);
  /// The confirmed survivors, ascending; only after OnSurvivors.
  std::vector<SiteId> survivors() const;

  /// Steps A4 and A4'. Gives one kind of share per peer and wipes the other.
  Judged<Unmasking> OnQuorum(const Quorum& quorum);

  bool CanMask() const { return std::holds_alternative<Delivered>(phase_); }
  bool HasUploaded() const { return std::holds_alternative<Uploaded>(phase_); }
  bool HasReleased() const { return std::holds_alternative<Released>(phase_); }

 private:
  struct PeerKeys {
    SecretKey32 share_key;
    SecretKey32 mask_key;
  };
  struct HeldShares {
    SecretKey32 self;     ///< Of the dealer's b.
    SecretKey32 masking;  ///< Of the dealer's seed_s.
  };
  using Held = std::map<SiteId, HeldShares>;

  struct Dealt {
    SecretKey32 encryption;  ///< Of the prekey, until it is known who deals to this site.
    SecretKey32 masking;
    Scalar self_seed;
    std::map<SiteId, PeerKeys> chosen;  ///< The neighbours this site deals to.
    std::optional<HeldShares> own;
  };
  struct View {
    std::vector<SiteId> delivered;  ///< U2, ascending.
    std::set<SiteId> chosen;        ///< The neighbours this site dealt to.
    std::set<SiteId> partners;      ///< The sites of U2 it shares masks with.
    Digest root;                    ///< root(U2)
  };
  struct Delivered {
    View view;
    Scalar self_seed;
    std::map<SiteId, SecretKey32> mask_keys;  ///< Of the partners.
    Held held;  ///< From every site of U2 that dealt to this one, the own share if it is kept.
  };
  struct Sketched {
    std::map<SiteId, Bytes> committed;  ///< The headers of the request, encoded.
    Sketch sketch;
  };
  struct Uploaded {
    View view;
    Held held;
    UploadHeader header;
    RingVector masked;
    RingVector plain;  ///< What was masked, where it is still to be sketched.
    std::optional<Sketched> sketched;
  };
  struct Confirmed {
    Held held;
    std::vector<SiteId> survivors;  ///< U3, ascending.
    Digest transcript;
    std::optional<Digest> sketch_seed;
  };
  struct Released {
    std::vector<SiteId> survivors;  ///< U3, ascending.
    Digest transcript;
    std::optional<Digest> sketch_seed;
    Unmasking unmasking;
  };
  using Phase = std::variant<Dealt, Delivered, Uploaded, Confirmed, Released>;

  SiteSession(std::shared_ptr<const SessionSetup> setup, SiteId self, Digest context);
  Judged<PeerKeys> AgreeWith(SiteId peer,
                             const SecretKey32& encryption,
                             const SecretKey32& masking) const;
  void Deal(const PrekeySecrets& prekey, Dealt& dealt, RandomSource& random);
  Judged<void> CheckDelivery(const Dealt& dealt, const Delivery& delivery) const;
  Judged<HeldShares> OpenShare(const SecretKey32& key, const DeliveredShare& share) const;
  Judged<void> CheckSurvivors(const Uploaded& uploaded, const Survivors& survivors) const;
  Judged<void> CheckSketched(const Uploaded& uploaded, const Survivors& survivors) const;
  Judged<void> CheckQuorum(const Digest& transcript,
                           const std::vector<SiteId>& survivors,
                           const Quorum& quorum) const;
  const Digest* delivery_root() const;
  const Digest* confirmed_transcript() const;
  std::optional<Digest> sketch_seed() const;

  std::shared_ptr<const SessionSetup> setup_;
  SiteId self_;
  Digest context_;
  Shares shares_;
  Digest shares_digest_;
  Phase phase_;
};

}  // namespace consilium
