#pragma once

// People who approve studies at a site by a signature of their own: who they are, what they sign,
// and how many of them the site's policy asks for. A person's key is not the site's: who can use
// the site's account cannot sign for a person without that person's passphrase.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/signing.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/time.h"
#include "common/wire.h"

namespace consilium {

inline constexpr std::size_t kMaxApprovers = 100;  ///< Registered at one site.
inline constexpr std::size_t kMaxSignatures = 10;  ///< That a policy may ask for.
/// How much older than now a signature may be when it is taken. It is made on the same machine a
/// moment before: an older one is somebody's who was not asked again.
inline constexpr std::int64_t kSignatureSeconds = 300;
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxReasonBytes = 500;

/// A person's name, which is part of a file's name and stands in the ledger: 1 to 64 bytes of
/// UTF-8, nothing that common/code_points.h calls a control, no '/', no quotes, no blank or dot at
/// its ends.
Status CheckPersonName(std::string_view name);
/// At most 500 bytes of UTF-8 without such controls; may be empty.
Status CheckReason(std::string_view reason);

/// A day by its number since 1970-01-01: DaysSinceEpoch turned around.
Date DayOf(std::int64_t days);

/// Where and for which study somebody signs: a signature holds for nothing else.
struct ApprovalPlace {
  FederationId federation;
  IdentityKey site;
  StudyId study;
};

enum class ApprovalKind : std::uint8_t { kApprove = 1, kRenew = 2 };

/// What a signature says, in the words that its owner is shown before giving it.
std::string_view MeaningOf(ApprovalKind kind);
/// The kind with this meaning; kCorrupt for other words.
Result<ApprovalKind> KindOfMeaning(std::string_view meaning);

/// One person's electronic signature under an approval.
struct ApprovalSignature {
  ApprovalKind kind = ApprovalKind::kApprove;
  std::string name;
  IdentityKey key;  ///< The person's.
  UtcSeconds at;
  std::string reason;
  std::int64_t last_day = 0;  ///< Through which the study may be answered; days since 1970-01-01.
  Signature signature;        ///< By `key`, on DigestToSign.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<ApprovalKind::kApprove, ApprovalKind::kRenew>(kind),
            AtMost<kMaxNameBytes>(name), key, at, AtMost<kMaxReasonBytes>(reason), last_day,
            signature);
  }
};

/// H(consilium/approval/v1; federation, site, study, meaning, name, key, time, reason, last day).
Digest DigestToSign(const ApprovalPlace& place, const ApprovalSignature& unsigned_approval);
/// Fills in key and signature.
void SignApproval(const ApprovalPlace& place,
                  const SigningKey& person,
                  ApprovalSignature& approval);
bool VerifyApproval(const ApprovalPlace& place, const ApprovalSignature& approval);

/// Whether a signature that was given at `given` may be taken at `taken`: at most kSignatureSeconds
/// old, and given after the last decision on the study (`decided`; none while there is none). None
/// is taken ahead of its time, but for the second after the last decision, which may have been
/// taken within this very second: what is dated ahead could be kept back, and would still be newer
/// than a revocation that came after it.
bool IsTimely(UtcSeconds given, UtcSeconds taken, std::optional<UtcSeconds> decided);
/// The time of the newest; none where there is none.
std::optional<UtcSeconds> NewestOf(const std::vector<ApprovalSignature>& signatures);
/// The time that a decision made now counts from: later than the last one, and not before the
/// newest signature that it takes or discards, so that none of these approves anything again. It is
/// ahead of `now` only within a second, or after a clock was set back.
UtcSeconds DecisionTime(UtcSeconds now,
                        std::optional<UtcSeconds> last,
                        std::optional<UtcSeconds> newest_signature);

/// Table "approver", key: the public key. Somebody who may sign at this site.
struct ApproverRecord {
  std::string name;
  IdentityKey key;
  UtcSeconds added_at;
  Signature proof;  ///< By `key`, that its owner wants to be this name at this site.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxNameBytes>(name), key, added_at, proof);
  }
};

Signature ProveApprover(const FederationId& federation,
                        const IdentityKey& site,
                        std::string_view name,
                        const SigningKey& person);
bool VerifyApprover(const FederationId& federation,
                    const IdentityKey& site,
                    const ApproverRecord& approver);

/// What a policy asks of approvals.
struct ApprovalRules {
  struct Person {
    std::string name;
    IdentityKey key;
  };
  std::uint32_t needed = 0;   ///< Signatures of different people; 0: none has to sign.
  std::vector<Person> named;  ///< Who of the registered may sign; empty: all of them.

  bool MaySign(const std::string& name, const IdentityKey& key) const;
};

/// The keys `approvers` and [[approver]] of a policy.
Result<ApprovalRules> ParseApprovalRules(const Settings& settings);

}  // namespace consilium
