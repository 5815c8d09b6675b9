#include "protocols/courier/courier.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/random.h"
#include "protocols/courier/conversation_starts.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Courier::Start StartOf(std::uint8_t number) {
  Courier::Start start;
  start.id.fill(static_cast<std::byte>(number));
  start.at = UtcSeconds(1'000 + number);
  return start;
}

SharedBytes Words(std::string_view text) { return SharedBytes(ToBytes(text)); }

std::vector<std::string> Texts(const std::vector<Bytes>& messages) {
  std::vector<std::string> texts;
  for (const Bytes& message : messages) texts.emplace_back(AsText(message));
  return texts;
}

struct Pair {
  Courier site{Courier::Side::kSite, StartOf(1)};
  Courier coordinator{Courier::Side::kCoordinator, StartOf(2)};
};

/// What `to` takes in of a letter by `from`.
std::vector<std::string> Carry(const Courier& from, Courier& to, std::uint8_t next = 9) {
  const Result<Courier::Taken> taken = to.Take(from.Write(), StartOf(next));
  EXPECT_TRUE(taken.has_value()) << taken.error().message;
  return taken ? Texts(taken->messages) : std::vector<std::string>();
}

TEST(CourierTest, HandsMessagesOnOnceAndInOrder) {
  Pair pair;
  pair.site.Send(Words("hello"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("hello"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), IsEmpty());
  pair.site.Send(Words("more"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("more"));
  pair.coordinator.Send(Words("welcome"));
  EXPECT_THAT(Carry(pair.coordinator, pair.site), ElementsAre("welcome"));
  EXPECT_EQ(pair.site.waiting(), 0U);
  EXPECT_TRUE(pair.coordinator.has_news());
  Carry(pair.site, pair.coordinator);
  EXPECT_FALSE(pair.coordinator.has_news());
}

TEST(CourierTest, WhatWasLostComesWithTheNextLetter) {
  Pair pair;
  pair.site.Send(Words("hello"));
  const Letter lost = pair.site.Write();
  pair.site.Send(Words("shares"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("hello", "shares"));
  const Result<Courier::Taken> late = pair.coordinator.Take(lost, StartOf(9));
  ASSERT_TRUE(late.has_value());
  EXPECT_THAT(late->messages, IsEmpty());
}

TEST(CourierTest, TheSameMessageWaitsOnce) {
  Pair pair;
  for (int i = 0; i < 3; ++i) pair.site.Send(Words("hello"));
  EXPECT_EQ(pair.site.waiting(), 1U);
}

TEST(CourierTest, ALetterHoldsNoMoreThanFitsOne) {
  Pair pair;
  const std::size_t large = kMaxMessageToSiteBytes;
  for (std::size_t i = 0; i < 5; ++i) {
    pair.site.Send(SharedBytes(Bytes(large, static_cast<std::byte>(i))));
  }
  const Letter letter = pair.site.Write();
  EXPECT_EQ(letter.messages.size(), kMostBytesInLetter / large);
  EXPECT_LT(Encode(letter).size(), kMostBytesInLetter + 16'384);
  EXPECT_EQ(Carry(pair.site, pair.coordinator).size(), letter.messages.size());
  Carry(pair.coordinator, pair.site);
  EXPECT_EQ(Carry(pair.site, pair.coordinator).size(), letter.messages.size());
}

TEST(CourierTest, ASiteSaysHelloAgainToACoordinatorThatHasStartedAnew) {
  Pair pair;
  pair.site.Send(Words("hello"));
  Carry(pair.site, pair.coordinator);
  pair.coordinator.Send(Words("welcome"));
  Carry(pair.coordinator, pair.site);
  pair.site.Send(Words("shares"));

  Courier restarted(Courier::Side::kCoordinator, StartOf(3));
  EXPECT_THAT(Carry(pair.site, restarted), IsEmpty());  // It answers who is gone.
  EXPECT_TRUE(restarted.has_news());
  const Result<Courier::Taken> taken = pair.site.Take(restarted.Write(), StartOf(4));
  ASSERT_TRUE(taken.has_value());
  EXPECT_TRUE(taken->anew);
  EXPECT_EQ(pair.site.waiting(), 0U);
  pair.site.Send(Words("hello again"));
  EXPECT_THAT(Carry(pair.site, restarted), ElementsAre("hello again"));
}

TEST(CourierTest, RefusesWhatEarlierStartsHaveWritten) {
  Pair pair;
  pair.site.Send(Words("old"));
  const Letter old_letter = pair.site.Write();
  Courier restarted(Courier::Side::kSite, StartOf(5));
  restarted.Send(Words("new"));
  Carry(restarted, pair.coordinator);
  const Result<Courier::Taken> old = pair.coordinator.Take(old_letter, StartOf(9));
  ASSERT_FALSE(old.has_value());
  EXPECT_EQ(old.error().code, ErrorCode::kRefused);
  EXPECT_THAT(old.error().message, HasSubstr("before the other side's service started"));

  // A letter to the site's earlier start, and one to nobody.
  Pair other;
  other.site.Send(Words("hello"));
  Carry(other.site, other.coordinator);
  other.coordinator.Send(Words("welcome"));
  for (const Courier& writer :
       {other.coordinator, Courier(Courier::Side::kCoordinator, StartOf(7))}) {
    const Result<Courier::Taken> taken = restarted.Take(writer.Write(), StartOf(9));
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().code, ErrorCode::kRefused);
  }
  EXPECT_EQ(restarted.waiting(), 1U);
}

TEST(CourierTest, AConversationThatBeginsAnewIsYoungerThanTheLastWhateverTheClockSays) {
  Pair pair;
  pair.site.Send(Words("hello"));
  const Letter opening = pair.site.Write();
  Carry(pair.site, pair.coordinator);
  Carry(pair.coordinator, pair.site);
  pair.coordinator.BeginAnew(StartOf(3));
  Courier::Start set_back = StartOf(4);
  set_back.at = UtcSeconds(5);
  const Result<Courier::Taken> taken = pair.site.Take(pair.coordinator.Write(), set_back);
  ASSERT_TRUE(taken.has_value() && taken->anew);
  pair.site.Send(Words("hello again"));

  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("hello again"));
  const Result<Courier::Taken> old = pair.coordinator.Take(opening, StartOf(9));
  ASSERT_FALSE(old.has_value());
  EXPECT_THAT(old.error().remedy, HasSubstr("restart the service here"));
}

TEST(CourierTest, BeginningAnewDropsWhatWaitsAndLosesNoLaterMessage) {
  Pair pair;
  pair.site.Send(Words("hello"));
  Carry(pair.site, pair.coordinator);
  pair.coordinator.Send(Words("welcome"));
  Carry(pair.coordinator, pair.site);
  pair.site.Send(Words("more"));
  const Letter under_way = pair.site.Write();
  pair.coordinator.Send(Words("dropped"));

  pair.coordinator.BeginAnew(StartOf(3));

  EXPECT_EQ(pair.coordinator.waiting(), 0U);
  EXPECT_TRUE(pair.coordinator.has_news());
  const Result<Courier::Taken> unheard = pair.coordinator.Take(under_way, StartOf(9));
  ASSERT_TRUE(unheard.has_value());
  EXPECT_THAT(unheard->messages, IsEmpty());
  EXPECT_THAT(Carry(pair.coordinator, pair.site), IsEmpty());
  pair.site.Send(Words("hello again"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("hello again"));
  pair.coordinator.Send(Words("welcome again"));
  EXPECT_THAT(Carry(pair.coordinator, pair.site), ElementsAre("welcome again"));
}

TEST(CourierTest, ASiteThatHasHeardNothingYetSaysItsHelloToTheNewConversation) {
  Pair pair;
  pair.site.Send(Words("hello"));
  pair.site.Send(Words("more"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("hello", "more"));
  pair.coordinator.BeginAnew(StartOf(3));

  Carry(pair.coordinator, pair.site);

  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("hello", "more"));
}

TEST(CourierTest, RefusesLettersThatNoSoundWriterMakes) {
  Pair pair;
  pair.site.Send(Words("hello"));
  Carry(pair.site, pair.coordinator);
  Letter gap = pair.site.Write();
  gap.first = 7;
  Letter none = pair.site.Write();
  none.first = 0;
  Letter beyond = pair.site.Write();
  beyond.received = UINT64_MAX;
  for (const Letter& letter : {gap, none, beyond}) {
    const Result<Courier::Taken> taken = pair.coordinator.Take(letter, StartOf(9));
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().code, ErrorCode::kCorrupt);
  }
  pair.site.Send(Words("still"));
  EXPECT_THAT(Carry(pair.site, pair.coordinator), ElementsAre("still"));
}

// -- Any order of writing, losing, repeating and restarting ------------------------------------

/// What either side does with the conversation: a site says hello, numbered, whenever it starts or
/// is told that the other side has; then numbered messages follow, and so they must arrive.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) { RestartSite(), RestartCoordinator(); }

  void Step() {
    switch (random_.Below(13)) {
      case 0:
        return random_.Below(4) == 0 ? RestartSite() : SendFromSite();
      case 1:
        return random_.Below(4) == 0 ? RestartCoordinator() : SendFromCoordinator();
      case 2:
      case 3:
        return SendFromSite();
      case 4:
      case 5:
        return SendFromCoordinator();
      case 6:
        return to_coordinator_.push_back(site_->Write());
      case 7:
        return to_site_.push_back(coordinator_->Write());
      case 8:
      case 9:
        if (!to_coordinator_.empty()) AtCoordinator(Any(to_coordinator_));
        return;
      case 10:
        return random_.Below(8) == 0 ? CoordinatorBeginsAnew() : SendFromCoordinator();
      default:
        if (!to_site_.empty()) AtSite(Any(to_site_));
    }
  }

  /// Letters in turn, none lost: then all has arrived, whatever was before.
  void Settle() {
    for (int i = 0; i < 5; ++i) {
      AtCoordinator(site_->Write());
      if (welcome_owed_) SendFromCoordinator();
      AtSite(coordinator_->Write());
    }
    RC_ASSERT(at_coordinator_ == site_sent_);
    RC_ASSERT(at_site_ == coordinator_sent_);
    RC_ASSERT(site_->waiting() + coordinator_->waiting() <= coordinator_sent_.size());
  }

 private:
  using Sent = std::vector<std::string>;

  const Letter& Any(const std::vector<Letter>& letters) {
    return letters[static_cast<std::size_t>(random_.Below(letters.size()))];
  }
  /// Clocks are set to anything at any time; a service that starts again remembers its last start.
  Courier::Start Next(const std::optional<Courier>& before = std::nullopt) {
    Courier::Start start;
    random_.Fill(start.id);
    start.at = UtcSeconds(static_cast<std::int64_t>(random_.Below(1'000)));
    if (before) start.at = NextStart(before->started_at(), start.at);
    return start;
  }
  void SayHello() {
    site_sent_ = {"hello " + std::to_string(++hellos_)};
    at_site_.clear();
    site_->Send(Words(site_sent_.back()));
  }
  void RestartSite() {
    site_.emplace(Courier::Side::kSite, Next(site_));
    SayHello();
  }
  void RestartCoordinator() {
    coordinator_.emplace(Courier::Side::kCoordinator, Next(coordinator_));
    at_coordinator_.clear();
    coordinator_sent_.clear();
    welcome_owed_ = false;
  }
  void CoordinatorBeginsAnew() {
    coordinator_->BeginAnew(Next(coordinator_));
    at_coordinator_.clear();
    coordinator_sent_.clear();
    welcome_owed_ = false;
  }
  void SendFromSite() {
    site_sent_.push_back(site_sent_.front() + "." + std::to_string(site_sent_.size()));
    site_->Send(Words(site_sent_.back()));
  }
  /// It speaks to nobody who has not said hello.
  void SendFromCoordinator() {
    if (at_coordinator_.empty()) return;
    welcome_owed_ = false;
    coordinator_sent_.push_back("to " + at_coordinator_.front() + "." +
                                std::to_string(coordinator_sent_.size()));
    coordinator_->Send(Words(coordinator_sent_.back()));
  }
  void AtCoordinator(const Letter& letter) {
    const Result<Courier::Taken> taken = coordinator_->Take(letter, Next());
    if (!taken) return;
    for (const std::string& text : Texts(taken->messages)) {
      if (text.find('.') == std::string::npos) {  // A hello: a conversation from its beginning.
        at_coordinator_.clear();
        coordinator_sent_.clear();
        welcome_owed_ = true;
      } else {
        RC_ASSERT(text == at_coordinator_.front() + "." + std::to_string(at_coordinator_.size()));
      }
      at_coordinator_.push_back(text);
    }
  }
  void AtSite(const Letter& letter) {
    const Result<Courier::Taken> taken = site_->Take(letter, Next());
    if (!taken) return;
    if (taken->anew) SayHello();
    for (const std::string& text : Texts(taken->messages)) {
      RC_ASSERT(text == "to " + site_sent_.front() + "." + std::to_string(at_site_.size()));
      at_site_.push_back(text);
    }
  }

  SeededRandom random_;
  int hellos_ = 0;
  std::optional<Courier> site_;
  std::optional<Courier> coordinator_;
  std::vector<Letter> to_coordinator_;
  std::vector<Letter> to_site_;
  Sent site_sent_;
  Sent coordinator_sent_;
  Sent at_site_;
  Sent at_coordinator_;
  bool welcome_owed_ = false;
};

RC_GTEST_PROP(CourierPropertyTest,
              MessagesArriveOnceAndInOrderHoweverLettersTravel,
              (std::uint64_t seed)) {
  World world(seed);
  for (int i = 0; i < 200; ++i) world.Step();
  world.Settle();
}

}  // namespace
}  // namespace consilium
