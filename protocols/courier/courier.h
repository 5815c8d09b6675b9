#pragma once

// The conversation of a site without a network: the very messages that a connection would carry, in
// letters that people carry. A letter may be lost, come twice, late or out of order; what was not
// acknowledged is in the next one again, so each side hands every message on once and in order.
//
// Either side's service may start anew, which is what a broken connection is elsewhere. Each start
// has a conversation number, and a letter is believed only if it names the reader's present one;
// an opening, the first letter of a site that has not heard from this coordinator, names none. So
// an old letter cannot be played back to a service that has started since.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/shared_bytes.h"
#include "common/time.h"
#include "common/wire.h"
#include "protocols/header.h"

namespace consilium {

/// What one letter holds at most: small enough to pass through a service's control socket.
inline constexpr std::size_t kMostBytesInLetter = 4U << 20;
inline constexpr std::size_t kMostMessagesInLetter = 1'024;
/// What the coordinator keeps for a site whose messages are carried: some letters full.
inline constexpr std::size_t kMostBytesWaiting = 8 * kMostBytesInLetter;
inline constexpr std::size_t kMostMessagesWaiting = 4 * kMostMessagesInLetter;

using ConversationId = ByteArray<16>;

struct CarriedMessage {
  Bytes message;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxMessageToSiteBytes>(message));
  }
};

struct Letter {
  ConversationId conversation{};  ///< The writer's.
  UtcSeconds started_at;          ///< When that began.
  ConversationId answers{};       ///< The newest of the reader's that the writer knows; zero: none.
  std::uint64_t received = 0;     ///< The number of the last message of `answers` taken in.
  std::uint64_t first = 1;        ///< Number of the first message below.
  std::vector<CarriedMessage> messages;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(conversation, started_at, answers, received, first,
            AtMost<kMostMessagesInLetter>(messages));
  }
};

class Courier {
 public:
  enum class Side { kSite, kCoordinator };

  /// A conversation that begins now; `id` is random and used for nothing else. Each begins later
  /// than the writer's one before, whatever its clock says (conversation_starts.h).
  struct Start {
    ConversationId id{};
    UtcSeconds at;
  };

  Courier(Side side, const Start& start);

  /// Waits for the next letter. A message that waits already, byte for byte, is not added again.
  void Send(SharedBytes message);

  /// What was not acknowledged, as far as a letter holds it.
  Letter Write() const;
  /// Messages that were not acknowledged yet.
  std::size_t waiting() const { return unacknowledged_.size(); }
  /// More waits than is kept for a side that fetches nothing.
  bool overflows() const {
    return waiting() > kMostMessagesWaiting || waiting_bytes_ > kMostBytesWaiting;
  }
  /// As if the service had started again: what waits is dropped, and the next letter tells the
  /// other side to begin anew, as a connection that was cut does.
  void BeginAnew(const Start& next);
  /// When the present conversation began.
  UtcSeconds started_at() const { return own_.at; }
  /// Whether a letter would tell the other side anything that keeps it waiting.
  bool has_news() const { return !unacknowledged_.empty() || owes_greeting_; }

  struct Taken {
    /// The coordinator has started anew: a connection would have broken, and the site says hello
    /// again. Always false at the coordinator, which hears of it by that hello.
    bool anew = false;
    std::vector<Bytes> messages;  ///< In order, each for the first time.
  };
  /// kRefused for a letter of an earlier conversation of either side, kCorrupt for one that no
  /// sound writer makes; nothing changes then. `next` is begun where the site has to start anew.
  Result<Taken> Take(Letter letter, const Start& next);

 private:
  struct Peer {
    ConversationId conversation{};
    UtcSeconds started_at;
    std::optional<std::uint64_t> received;  ///< None until one of its letters was believed.
    bool cut = false;                       ///< We have begun anew since: its openings are past.
  };
  Status CheckLetter(const Letter& letter, bool believed) const;
  void SetStart(const Start& next);
  void Acknowledge(std::uint64_t received);
  void DropWaiting();

  Side side_;
  Start own_;
  std::optional<Peer> peer_;
  std::uint64_t acknowledged_ = 0;  ///< The number of the last of our messages that came.
  std::deque<SharedBytes> unacknowledged_;
  std::size_t waiting_bytes_ = 0;  ///< Of all of these.
  bool owes_greeting_ = false;     ///< The site answers a conversation that we know nothing of.
};

}  // namespace consilium
