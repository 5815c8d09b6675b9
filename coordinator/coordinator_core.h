#pragma once

// The coordinator's decisions, without sockets, threads, clocks or files: roster, studies, rounds,
// journal and audit log as one state machine. Inputs are commands of an administrator, messages of
// authenticated sites and the passing of time; outputs are effects, carried out in order by the
// runtime (or by a simulator).

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "common/storage.h"
#include "common/time.h"
#include "coordinator/study.h"
#include "protocols/effects.h"
#include "protocols/hash_chain.h"
#include "protocols/roster.h"

namespace consilium {

/// What an administrator sees of a member.
struct SiteView {
  Member member;
  std::string fingerprint;
  bool connected = false;
  bool changes_key = false;  ///< It still connects with the key before its newest.
  std::optional<UtcSeconds> last_seen;
  std::string software;
};

struct OpenInvitation {
  std::string site_name;
  UtcSeconds invited_at;
};

class CoordinatorCore {
 public:
  struct Settings {
    std::string federation_name;
    std::string endpoint;    ///< What invitations tell sites to connect to.
    TransportKey transport;  ///< Our CURVE public key.
  };

  /// `identity` and `random` outlive the core.
  CoordinatorCore(Settings settings, const SigningKey& identity, RandomSource& random);
  ~CoordinatorCore();

  /// Reads what is stored; studies that were running go on where the journal ends. kCorrupt names
  /// the first record that does not hold.
  Status Restore(const RecordStore& store);
  /// After Restore: the first roster of a new home, and what running studies want to do now.
  CoordinatorEffects Begin(const Moment& now);

  // -- Administration. On an error nothing changed and `effects` is untouched.
  // -----------------------
  /// The text of an invitation file for one new site. An open invitation for the name is replaced.
  Result<std::string> Invite(std::string_view site, const Moment& now, CoordinatorEffects& effects);
  /// Admits the site of a join request whose token is that of an open invitation. When that was
  /// for a member's name, the member gets a new number, and studies that run lose it.
  Result<Member> Admit(const JoinRequest& request, const Moment& now, CoordinatorEffects& effects);
  /// Gives a member another transport key, in a new roster; its number and its studies stay. The
  /// key before lets it in until it has connected with the new one, and never again.
  Result<Member> Rotate(const RotationRequest& request,
                        const Moment& now,
                        CoordinatorEffects& effects);
  Status Revoke(std::string_view site, const Moment& now, CoordinatorEffects& effects);
  /// kConflict when the same study was submitted before.
  Result<StudyId> Submit(std::string_view plan_text,
                         std::string_view file_name,
                         const Moment& now,
                         CoordinatorEffects& effects);
  Status Start(const StudyId& study, const Moment& now, CoordinatorEffects& effects);
  Status Pause(const StudyId& study, const Moment& now, CoordinatorEffects& effects);
  Status Resume(const StudyId& study, const Moment& now, CoordinatorEffects& effects);
  Status Stop(const StudyId& study, const Moment& now, CoordinatorEffects& effects);

  // -- What is there
  // --------------------------------------------------------------------------------
  const Roster& roster() const { return roster_.roster; }
  std::vector<SiteView> Sites() const;
  std::vector<OpenInvitation> Invitations() const;
  std::vector<StudyView> Studies() const;  ///< Newest last.
  Result<StudyView> View(const StudyId& study) const;
  Result<StudyState> StateOf(const StudyId& study) const;
  /// A study by the whole or an unambiguous beginning (4 or more digits) of its hexadecimal number.
  Result<StudyId> FindStudy(std::string_view number) const;
  /// result.json as released; kConflict while there is none.
  Result<std::string> ResultJson(const StudyId& study) const;
  Result<std::string> ResultTable(const StudyId& study) const;
  AuditHead audit_head() const { return audit_.head(); }
  /// Set when a site holds a receipt for audit records that this store does not have: the state was
  /// rolled back, and no round is run until an administrator has looked into it.
  const std::optional<std::string>& rollback_found() const { return rollback_; }

  // -- The network
  // ----------------------------------------------------------------------------------
  /// `from` is the member whose CURVE key the transport authenticated.
  CoordinatorEffects OnMessage(const Moment& now, const TransportKey& from, ByteSpan message);
  /// A message could not be delivered: the site has no connection.
  CoordinatorEffects OnUnreachable(const Moment& now, SiteId site);
  CoordinatorEffects OnTick(const Moment& now);
  std::optional<Instant> NextDeadline() const;
  /// CURVE keys that may connect: the active members'.
  std::vector<TransportKey> AdmittedKeys() const;
  /// Changes whenever AdmittedKeys() does.
  std::uint64_t admission_version() const { return admission_version_; }
  /// The key by which the site is reached now.
  std::optional<TransportKey> KeyOf(SiteId site) const;
  /// The active member that connects with this key, its newest or the one before; null for a key
  /// that is not admitted.
  const Member* MemberWithKey(const TransportKey& key) const;

 private:
  void OnHello(const Member& member,
               const OpenedMessage& message,
               const Moment& now,
               CoordinatorEffects& effects);
  void OnLedgerHead(const Member& member,
                    const OpenedMessage& message,
                    CoordinatorEffects& effects);
  void SayLedgerHead(SiteId site, CoordinatorEffects& effects) const;
  void KeepLedgerHeads(CoordinatorEffects& effects);
  RecordBatch TakeHeadsToKeep();
  const SharedBytes& WelcomeMessage();
  void WelcomeAll(CoordinatorEffects& effects);  ///< After a change of the roster.
  void SetRoster(Roster roster, CoordinatorEffects& effects);
  /// A member that was revoked or replaced: out of every study.
  void LeaveStudies(const Member& gone, const Moment& now, CoordinatorEffects& effects);
  Status RestoreSuperseded(const RecordStore& store);
  /// A member has connected with its newest key.
  void RetireSuperseded(const Member& member, const Moment& now, CoordinatorEffects& effects);
  void RetireSupersededOfRevoked(CoordinatorEffects& effects);
  /// Whether a key is, or was, anybody's: the coordinator's or a member's.
  bool IsTaken(const TransportKey& key) const;
  void Record(const Moment& now,
              std::string event,
              std::string detail,
              CoordinatorEffects& effects);
  Result<Study*> Find(const StudyId& study) const;

  Settings settings_;
  const SigningKey& identity_;
  RandomSource& random_;
  SignedRoster roster_;
  /// The newest welcome, and how many audit records there were.
  std::optional<std::pair<std::uint64_t, SharedBytes>> welcome_;
  HashChain audit_;
  std::map<std::string, InvitationRecord> invitations_;  ///< By site name.
  std::map<SiteId, SupersededRecord> superseded_;
  std::uint64_t admission_version_ = 0;
  std::map<SiteId, SiteLink> links_;
  std::map<SiteId, Receipt> ledger_heads_;  ///< The newest of each site, as it signed it.
  std::set<SiteId> heads_to_keep_;          ///< Of which the newest is not durable yet.
  std::map<StudyId, std::unique_ptr<Study>> studies_;
  std::optional<std::string> rollback_;
};

/// Where the audit log lives and what its signatures are bound to.
inline constexpr std::string_view kAuditTable = "audit";
inline constexpr std::string_view kAuditDomain = "consilium/audit/v1";

}  // namespace consilium
