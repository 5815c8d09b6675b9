#pragma once

// The protocol, told by its messages in the order they are sent. The envelope (header.h) says which
// federation, study, round and attempt a message belongs to, and carries the sender's signature;
// the bodies stand here. docs/spec/wire.md has their bytes, docs/spec/secure-sum.md the reasons.

#include <cstdint>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "common/wire.h"
#include "protocols/header.h"
#include "protocols/reasons.h"
#include "protocols/secure_sum/limits.h"
#include "protocols/secure_sum/sketch.h"

namespace consilium {

// -- Meeting
// -----------------------------------------------------------------------------------------
//
// A site connects (outbound, CURVE, pinned server key) and says hello. The coordinator knows who it
// is from its CURVE key, and checks that the hello is signed by the identity admitted with that
// key. The hello carries a receipt: the newest head of the coordinator's audit log that this site
// has seen, as the coordinator signed it. A coordinator whose log does not contain it has been
// rolled back, and says so instead of serving. Without the signature a site could make that up.

struct AuditHead {
  std::uint64_t records = 0;
  Digest hash;
  bool operator==(const AuditHead&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(records, hash);
  }
};

struct Receipt {
  AuditHead head;       ///< No records: the site has seen none yet, and nothing is signed.
  Signature signature;  ///< The log's owner's, see SignReceipt.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(head, signature);
  }
};

struct Hello {
  ByteArray<16> boot{};      ///< Random, drawn when the process starts: a new one means a restart.
  RosterEpoch roster_epoch;  ///< The newest roster the site holds; 0 for none.
  Receipt receipt;
  std::string software;  ///< "consilium-site 0.1.0", for the roster page.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(boot, roster_epoch, receipt, AtMost<64>(software));
  }
};

// The answer: the signed roster (see roster.h) and the audit log's head as a receipt.
struct Welcome {
  Bytes roster;  ///< An encoded SignedRoster.
  Receipt receipt;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxRosterBytes>(roster), receipt);
  }
};

// -- The site's own record
// --------------------------------------------------------------------------
//
// A site tells the coordinator its ledger's head, as a receipt that it has signed itself: after
// each welcome, decision and exclusion, and before each answer; the body is the Receipt. At the
// next hello the coordinator gives the newest back, before the welcome. A site whose ledger does
// not contain it goes on from an old copy of its state, in which answers and privacy spent are
// forgotten, and answers nothing. Only the site would be harmed by a head that it did not sign, so
// only it checks the signature.

// -- Approving
// ---------------------------------------------------------------------------------------
//
// The coordinator offers a study: the plan's text. The site parses it itself and computes the
// StudyId; nothing runs until a person at the site has approved that number. The decision is
// signed.

struct StudyOffer {
  std::string plan_text;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<204'800>(plan_text));
  }
};

enum class DecisionKind : std::uint8_t { kApproved = 1, kDeclined = 2, kRevoked = 3 };

struct Decision {
  DecisionKind kind = DecisionKind::kDeclined;
  UtcSeconds decided_at;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<DecisionKind::kApproved, DecisionKind::kRevoked>(kind), decided_at);
  }
};

enum class StudyState : std::uint8_t {
  kOffered = 1,  ///< Waiting for sites' decisions and the coordinator's start.
  kRunning = 2,
  kPaused = 3,  ///< By hand or for a reason that is said; goes on where it was.
  kFinished = 4,
  kFailed = 5,  ///< The analysis has no answer; the reason is said.
  kStopped = 6  ///< By hand, for good.
};

struct StudyNotice {
  StudyState state = StudyState::kOffered;
  std::string reason;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<StudyState::kOffered, StudyState::kStopped>(state), AtMost<2'000>(reason));
  }
};

// -- ROUND, step A0: one-time keys
// -------------------------------------------------------------------
//
// For each study it has approved a site keeps one unused prekey with the coordinator: sent with its
// approval, after a restart, and with the last message of a round. `masking` is derived from a seed
// that will be shared among the peers, so that they can take a lost site's masks away. Route: study
// set, round and attempt zero, since it is not known yet which round will use it.

struct Prekey {
  ByteArray<16> id{};
  ExchangeKey encryption;        ///< c_i: peers encrypt shares with it.
  ExchangeKey masking;           ///< s_i: agrees on pairwise masks.
  std::uint32_t known_sums = 0;  ///< How many of the study's sums this site holds, from round 1 on.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, encryption, masking, known_sums);
  }
};

// -- ROUND, step A1: start
// ---------------------------------------------------------------------------
//
// The coordinator asks: the query, who takes part (U1) with their prekeys as signed, the roster's
// epoch and the thresholds. Of the query it sends the hash alone: a site answers no question but
// the one that it derives itself from the plan and the sums made known, a model of any size
// included. A site checks everything against the roster, the plan, its policy and the published
// rule for n, and hashes all of it into the context. A site that was told anything else has another
// context, and its shares and masks fit nobody's.

struct Participant {
  SiteId site;
  Prekey prekey;
  Signature signature;  ///< The site's, on its Prekey message.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(site, prekey, signature);
  }
};

struct Thresholds {
  std::uint32_t sites = 0;       ///< n = |U1|.
  std::uint32_t neighbours = 0;  ///< k: chosen by each site; n - 1 in the complete graph.
  std::uint32_t shares = 0;      ///< t: shares that open a secret.
  std::uint32_t quorum = 0;      ///< q: signatures on one transcript before anything is opened.
  std::uint32_t colluding = 0;   ///< T: sites that may collude with the coordinator.
  std::uint32_t minimum = 0;     ///< n_min: fewest sites in a sum.
  bool operator==(const Thresholds&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(sites, neighbours, shares, quorum, colluding, minimum);
  }
};

struct RoundStart {
  Digest query_hash;  ///< Of what every site's own run of the analysis asks next.
  RosterEpoch roster_epoch;
  Thresholds thresholds;
  std::vector<Participant> participants;  ///< U1, ascending by site.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(query_hash, roster_epoch, thresholds, AtMost<kMaxSites>(participants));
  }
};

// -- ROUND, step A1': shares, while the site computes its answer
// -------------------------------------
//
// Shamir shares of the self-mask seed b_i and of the masking key's seed, encrypted for each
// neighbour: every other participant, or, of many, those that the site has just drawn for itself.
// The commitment to b_i and the hashes of the shares let the coordinator name whoever lies later.

struct SealedShare {
  SiteId recipient;
  Bytes sealed;  ///< share of b_i || share of seed_s_i, for the recipient only.
  Digest self_hash;
  Digest masking_hash;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(recipient, AtMost<kSealedShareBytes>(sealed), self_hash, masking_hash);
  }
};

struct Shares {
  Digest context;
  Digest commitment;                ///< To b_i.
  std::vector<SealedShare> shares;  ///< One for each neighbour chosen, ascending.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(context, commitment, AtMost<kMaxNeighbours>(shares));
  }
};

// -- ROUND, step A2: delivery
// ------------------------------------------------------------------------
//
// U2: the sites whose shares have come, with each one's digest, and the share of those that have
// chosen this recipient. Two sites of U2 share a mask if one has chosen the other.

struct DeliveredShare {
  SiteId dealer;
  Digest shares_digest;  ///< Of the dealer's whole Shares body.
  Bytes sealed;          ///< Empty where the dealer has not chosen the recipient,
  Digest self_hash;      ///< and then there are no hashes either.
  Digest masking_hash;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(dealer, shares_digest, AtMost<kSealedShareBytes>(sealed));
    if (!sealed.empty()) archive(self_hash, masking_hash);
  }
};

struct Delivery {
  std::vector<DeliveredShare> shares;  ///< All of U2, ascending by dealer.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxSites>(shares));
  }
};

// -- ROUND, step A2': the masked vector
// --------------------------------------------------------------
//
// The signed header commits to the vector and to the view of U2 it was masked for. The vector
// follows in chunks of at most 256 KiB, each acknowledged, resumable at the first that was not. A
// vector of one chunk follows its header at once; a longer one waits until the coordinator asks for
// its first chunk, so that few are under way at a time.

struct UploadHeader {
  Digest context;
  Digest delivery_root;  ///< root(U2).
  Digest vector_hash;    ///< Of the masked words, little-endian.
  std::uint64_t words = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(context, delivery_root, vector_hash, words);
  }
};

/// Also of a sum on its way down.
struct Chunk {
  std::uint64_t index = 0;  ///< All but the last hold kChunkWords words.
  std::vector<std::uint64_t> words;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(index, AtMost<kChunkWords>(words));
  }
};

struct ChunkReceived {
  std::uint64_t next = 0;  ///< The first chunk that has not come.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

// -- ROUND, steps A3 and A3': who survived, and one signature on it
// ----------------------------------
//
// The coordinator names U3, the sites whose whole vector came, with their signed headers. A site
// signs one transcript in a session, ever.

struct SurvivorHeader {
  SiteId site;
  UploadHeader header;
  Signature signature;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(site, header, signature);
  }
};

struct Survivors {
  std::vector<SurvivorHeader> headers;  ///< U3, ascending.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxSites>(headers));
  }
};

struct Confirmation {
  Digest
      transcript;  ///< D = H(context, root(U2), U3, headers), and the seed if there are sketches.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(transcript);
  }
};

// -- ROUND, within A2', where the plan has norms checked: sketches
// ---------------------------------
//
// Headers then come alone. Once they are there the coordinator makes them known with a fresh nonce,
// and thereby the projection: no vector can be chosen to suit it any more. Each site answers with
// the projection of its vector in the clear; only then are vectors asked for, of those whose sketch
// may be that of a vector within the bound. A site sketches a vector for one request, ever.

struct SketchRequest {
  Survivors committed;    ///< The sites of U2 whose header has come, ascending.
  ByteArray<32> nonce{};  ///< Drawn by the coordinator for this attempt.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(committed, nonce);
  }
};

struct Sketch {
  Digest seed;                         ///< Of the projection, see SketchSeed.
  std::vector<std::uint64_t> numbers;  ///< As SketchWords has them.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seed, AtMost<2 * kSketchRows>(numbers));
  }
};

// -- ROUND, steps A4 and A4': quorum, then unmasking
// -------------------------------------------------
//
// With q signatures on its own transcript a site knows that no other view of this session can reach
// a quorum. Only then does it give one share for each site that has dealt it shares: of b_u if u
// survived, of seed_s_u otherwise.

struct Cosignature {
  SiteId site;
  Signature signature;  ///< On its Confirmation message.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(site, signature);
  }
};

struct Quorum {
  std::vector<Cosignature> signatures;  ///< Ascending.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxSites>(signatures));
  }
};

enum class ShareKind : std::uint8_t { kSelf = 1, kMasking = 2 };

struct RevealedShare {
  SiteId dealer;
  ShareKind kind = ShareKind::kSelf;
  ByteArray<32> share{};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(dealer, EnumBetween<ShareKind::kSelf, ShareKind::kMasking>(kind), share);
  }
};

struct Unmasking {
  /// One for each site of U2 that dealt to this one, in the complete graph also its own; ascending.
  std::vector<RevealedShare> shares;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxSites>(shares));
  }
};

// -- ROUND, step A5: the sum
// -------------------------------------------------------------------------
//
// Every site learns the sum and who is in it, keeps it, and runs the analysis's coordinator half on
// its own: the next query must be the one that this gives. A sum of several chunks goes down as
// vectors come up: the signed hash vouches for the chunks that follow, each is acknowledged, and a
// site that lost its connection says which one it needs. Bodies of `sum-chunk` and `sum-received`
// are Chunk and ChunkReceived.

struct RoundClosed {
  std::vector<SiteId> survivors;
  std::uint32_t capacity = 0;      ///< n the encoding was scaled for.
  std::vector<std::uint64_t> sum;  ///< The first chunk of it.
  std::uint64_t more_words = 0;    ///< Words that follow; none unless `sum` is a whole chunk.
  Digest more_hash = {};           ///< Of those, see MoreWordsHash; zero if there are none.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxSites>(survivors), capacity, AtMost<kChunkWords>(sum), more_words,
            more_hash);
  }
};

// An attempt that cannot end: its secrets are to be wiped. The round is tried again with fresh
// keys.
struct AttemptEnded {
  std::string reason;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<400>(reason));
  }
};

// -- Refusing
// ----------------------------------------------------------------------------------------
//
// A site that finds a lie says which, and its state stays as it was.

struct RefusalMessage {
  std::uint16_t refused_kind = 0;
  std::uint16_t reason = 0;  ///< A RefusalReason.
  SiteId about;              ///< 0 for nobody.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(refused_kind, reason, about);
  }
};

}  // namespace consilium
