#include "protocols/courier/courier.h"

#include <algorithm>
#include <utility>

namespace consilium {
namespace {

constexpr ConversationId kNoConversation{};
/// Far beyond what anybody counts to, and far from overflow.
constexpr std::uint64_t kMostMessages = std::uint64_t{1} << 62;

}  // namespace

Courier::Courier(Side side, const Start& start) : side_(side), own_(start) {}

void Courier::Send(SharedBytes message) {
  const bool waits =
      std::any_of(unacknowledged_.begin(), unacknowledged_.end(),
                  [&](const SharedBytes& other) { return other.get() == message.get(); });
  if (waits) return;
  waiting_bytes_ += message.size();
  unacknowledged_.push_back(std::move(message));
}

void Courier::BeginAnew(const Start& next) {
  DropWaiting();
  SetStart(next);
  owes_greeting_ = true;
  if (!peer_) return;
  peer_->cut = true;
  // Of a site that has heard nothing yet, the hello is to come once more.
  peer_->received.reset();
}

/// A clock that was set back makes no conversation older than the one before.
void Courier::SetStart(const Start& next) {
  own_ = Start{next.id, std::max(next.at, UtcSeconds{own_.at.seconds + 1})};
}

Letter Courier::Write() const {
  Letter letter;
  letter.conversation = own_.id;
  letter.started_at = own_.at;
  if (peer_) {
    letter.answers = peer_->conversation;
    letter.received = peer_->received.value_or(0);
  }
  letter.first = acknowledged_ + 1;
  std::size_t bytes = 0;
  for (const SharedBytes& message : unacknowledged_) {
    bytes += message.size();
    if (bytes > kMostBytesInLetter && !letter.messages.empty()) break;
    letter.messages.push_back({message.get()});
    if (letter.messages.size() == kMostMessagesInLetter) break;
  }
  return letter;
}

Status Courier::CheckLetter(const Letter& letter, bool believed) const {
  const bool known = peer_ && peer_->conversation == letter.conversation;
  if (peer_ && !known && letter.started_at < peer_->started_at) {
    return Fail(ErrorCode::kRefused,
                "it was written before the other side's service started the last time",
                "Take a newer one. If there is none, the other side's folder was restored from an "
                "old copy and its clock set back: restart the service here.");
  }
  if (side_ == Side::kSite && !believed) {
    return Fail(ErrorCode::kRefused,
                "it answers an earlier start of this site's service, or none of it",
                "First let the coordinator take the newest file of this site.");
  }
  const bool counts =
      letter.first >= 1 && letter.first < kMostMessages && letter.received < kMostMessages;
  // What was acknowledged is not sent again, so there is no gap but by a writer that lost count.
  const bool gap = known && believed && peer_->received && letter.first > *peer_->received + 1;
  if (!counts || gap) {
    return Fail(ErrorCode::kCorrupt, "its messages are not those that follow the last ones",
                "Restart the service that wrote it.");
  }
  return {};
}

Result<Courier::Taken> Courier::Take(Letter letter, const Start& next) {
  const bool known = peer_ && peer_->conversation == letter.conversation;
  const bool opening =
      side_ == Side::kCoordinator && letter.answers == kNoConversation && !(known && peer_->cut);
  const bool believed = letter.answers == own_.id || opening;
  TRY_STATUS(CheckLetter(letter, believed));
  Taken taken;
  if (!known) {
    taken.anew = side_ == Side::kSite && peer_;
    // At its first contact a site's hello waits; everything else was meant for who has gone.
    if (peer_ || side_ == Side::kCoordinator) DropWaiting();
    peer_ = Peer{letter.conversation, letter.started_at, std::nullopt, false};
  }
  if (taken.anew) SetStart(next);
  owes_greeting_ = !believed;
  if (taken.anew || !believed) return taken;

  if (letter.answers == own_.id) Acknowledge(letter.received);
  if (!peer_->received) peer_->received = letter.first - 1;
  std::uint64_t number = letter.first;
  for (CarriedMessage& carried : letter.messages) {
    if (number++ <= *peer_->received) continue;
    taken.messages.push_back(std::move(carried.message));
    ++*peer_->received;
  }
  return taken;
}

void Courier::Acknowledge(std::uint64_t received) {
  while (acknowledged_ < received && !unacknowledged_.empty()) {
    waiting_bytes_ -= unacknowledged_.front().size();
    unacknowledged_.pop_front();
    ++acknowledged_;
  }
}

void Courier::DropWaiting() {
  acknowledged_ += unacknowledged_.size();
  unacknowledged_.clear();
  waiting_bytes_ = 0;
}

}  // namespace consilium
