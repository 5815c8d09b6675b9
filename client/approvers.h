#pragma once

// People who approve studies at a site by a signature of their own: who they are, what they sign,
// and how many of them the site's policy asks for. A person's key is not the site's: who can use
// the site's account cannot sign for a person without that person's passphrase.

#include <cstdint>
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
/// How far a signature's time may be from the one at which it is taken. It is made on the same
/// machine a moment before: an older one is somebody's who was not asked again.
inline constexpr std::int64_t kSignatureSeconds = 300;
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxReasonBytes = 500;

/// A person's name, which is part of a file's name and stands in the ledger: 1 to 64 bytes of
/// UTF-8, no control characters, no '/', no quotes, no blank or dot at its ends.
Status CheckPersonName(std::string_view name);
/// At most 500 bytes without control characters; may be empty.
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
