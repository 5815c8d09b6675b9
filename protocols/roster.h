#pragma once

// The roster: the signed list of a federation's members and their keys. Rotation and revocation
// make a new epoch. Joining: the coordinator writes an invitation for one site; the site makes its
// keys, writes a request signed by its new identity; an administrator compares fingerprints and
// admits it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/signing.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/time.h"
#include "common/wire.h"
#include "protocols/secure_sum/limits.h"

namespace consilium {

inline constexpr std::size_t kMaxNameLength = 64;
/// Members a roster may hold, the revoked included.
inline constexpr std::size_t kMaxMembers = 12'000;

enum class MemberState : std::uint8_t { kActive = 1, kRevoked = 2 };

struct Member {
  SiteId id;
  std::string name;
  IdentityKey identity;
  TransportKey transport;
  MemberState state = MemberState::kActive;
  bool operator==(const Member&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, AtMost<kMaxNameLength>(name), identity, transport,
            EnumBetween<MemberState::kActive, MemberState::kRevoked>(state));
  }
};

struct Roster {
  FederationId federation;
  std::string federation_name;
  RosterEpoch epoch;
  UtcSeconds issued_at;
  std::vector<Member> members;  ///< Ascending by id.

  const Member* Find(SiteId id) const;
  /// The active member of that name or key; if there is none, the revoked one with the highest id.
  const Member* FindByName(std::string_view name) const;
  const Member* FindByTransportKey(const TransportKey& key) const;
  bool IsActive(SiteId id) const;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(federation, AtMost<kMaxNameLength>(federation_name), epoch, issued_at,
            AtMost<kMaxMembers>(members));
  }
};

struct SignedRoster {
  Roster roster;
  Signature signature;  ///< The coordinator's, on the domain "consilium/roster/v1" and the roster.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(roster, signature);
  }
};

/// Signs whatever it is given: whether a roster makes sense is the reader's to check.
SignedRoster SignRoster(Roster roster, const SigningKey& coordinator);
/// True if the coordinator signed it and it makes sense: the coordinator's own federation, an epoch
/// of at least 1, ids ascending from 1 or more, valid names, and no name or key shared by two
/// active members.
bool VerifyRoster(const SignedRoster& roster, const IdentityKey& coordinator);

/// BLAKE2b-256 of a domain and the coordinator's identity key.
FederationId FederationOf(const IdentityKey& coordinator);

/// What people compare by telephone: 128 bits of the hash of both public keys, in groups of four
/// hex digits ("3f2a-...").
std::string Fingerprint(const IdentityKey& identity, const TransportKey& transport);
/// Whether a text has a fingerprint's form, in small letters or capitals. A site's name may have
/// it, too: where both are meant by one text, this decides which it is.
bool IsFingerprint(std::string_view text);

/// 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit.
Status CheckName(std::string_view what, std::string_view name);

struct Invitation {
  FederationId federation;
  std::string federation_name;
  std::string site_name;
  std::string endpoint;              ///< "tcp://host:port"
  IdentityKey coordinator_identity;  ///< To be pinned.
  TransportKey coordinator_transport;
  ByteArray<32> token{};  ///< Admits one request, once.
};

struct JoinRequest {
  FederationId federation;
  std::string site_name;
  IdentityKey identity;
  TransportKey transport;
  ByteArray<32> token{};
};

/// A member asks to connect with another key from now on; its identity stays. It names the key that
/// it replaces, so that a request is of use once.
struct RotationRequest {
  FederationId federation;
  std::string site_name;
  IdentityKey identity;
  TransportKey present;
  TransportKey next;
};

/// Text files people can read: JSON with hexadecimal keys and the signature of the writer. Readers
/// take exactly the fields that are written; errors name the file and the field. An invitation is a
/// secret of its site as long as its token is unused.
std::string WriteInvitation(const Invitation& invitation, const SigningKey& coordinator);
Result<Invitation> ReadInvitation(std::string_view text, std::string_view file_name);
std::string WriteJoinRequest(const JoinRequest& request, const SigningKey& site);
/// kCorrupt unless the request is signed by the identity it names.
Result<JoinRequest> ReadJoinRequest(std::string_view text, std::string_view file_name);
std::string WriteRotationRequest(const RotationRequest& request, const SigningKey& site);
/// kCorrupt unless the request is signed by the identity it names.
Result<RotationRequest> ReadRotationRequest(std::string_view text, std::string_view file_name);
/// Whether a file says of itself that it is one: which reader to give it to.
bool IsRotationRequest(std::string_view text);

}  // namespace consilium
