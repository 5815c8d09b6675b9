#include "coordinator/courier_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/key_exchange.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr UtcSeconds kNow{1'000'000};

SharedBytes Words(std::string_view text) { return SharedBytes(ToBytes(text)); }

std::vector<std::string> Texts(const std::vector<Bytes>& messages) {
  std::vector<std::string> texts;
  for (const Bytes& message : messages) texts.emplace_back(AsText(message));
  return texts;
}

/// A federation of one member, north, whose messages are carried.
class CourierRoomTest : public ::testing::Test {
 protected:
  CourierRoomTest() {
    EXPECT_TRUE(core_.Restore(store_));
    core_.Begin(Now());
    CoordinatorEffects effects;
    const auto invitation =
        ReadInvitation(core_.Invite("north", Now(), effects).value(), "invitation");
    const JoinRequest request{invitation->federation, "north", site_.identity.public_key(),
                              site_.transport, invitation->token};
    north_ = core_.Admit(request, Now(), effects).value().id;
  }

  static Moment Now() { return Moment{Instant{1}, kNow}; }

  CourierRoom Room(UtcSeconds last_start = {}) { return {coordinator_, random_, last_start}; }

  CourierKeys SiteKeys(const TransportKey& own, const SecretKey32& secret) const {
    return {core_.roster().federation,          site_.identity,        own, secret,
            coordinator_.identity.public_key(), coordinator_.transport};
  }
  CourierDesk SiteDesk(UtcSeconds start = kNow) {
    return {Courier::Side::kSite, SiteKeys(site_.transport, site_.transport_secret), random_,
            start};
  }
  CourierDesk SiteDeskWith(const ExchangeKeyPair& key) {
    return {Courier::Side::kSite, SiteKeys(TransportKey{key.public_key.bytes}, key.secret), random_,
            kNow};
  }

  void Rotate(const TransportKey& next) {
    CoordinatorEffects effects;
    const RotationRequest request{core_.roster().federation, "north", site_.identity.public_key(),
                                  site_.transport, next};
    ASSERT_TRUE(core_.Rotate(request, Now(), effects));
  }

  std::vector<std::string> TakeFrom(const CourierDesk& desk, CourierRoom& room) {
    const auto taken = room.Take(desk.WriteFile().value(), core_, kNow);
    EXPECT_TRUE(taken) << Describe(taken.error());
    return taken ? Texts(taken->messages) : std::vector<std::string>();
  }
  Courier::Taken TakeAt(CourierDesk& desk, const CourierRoom& room) {
    const auto reply = room.Write("north", core_.roster(), kNow);
    EXPECT_TRUE(reply) << Describe(reply.error());
    const auto taken = desk.TakeFile(reply->file, kNow);
    EXPECT_TRUE(taken) << Describe(taken.error());
    return taken ? *taken : Courier::Taken();
  }

  SeededRandom random_{7};
  PartyKeys coordinator_ = GeneratePartyKeys(random_);
  PartyKeys site_ = GeneratePartyKeys(random_);
  MemoryStore store_;
  CoordinatorCore core_{
      {"heart", "tcp://127.0.0.1:1", coordinator_.transport}, coordinator_.identity, random_};
  SiteId north_;
};

TEST_F(CourierRoomTest, ASiteIsKnownByTheKeyThatItConnectsWithAndNotByTheRostersAlone) {
  const ExchangeKeyPair next = GenerateExchangeKey(random_);
  Rotate(TransportKey{next.public_key.bytes});
  CourierRoom room = Room();
  CourierDesk site = SiteDesk();
  site.Send(Words("hello"));

  EXPECT_THAT(TakeFrom(site, room), ElementsAre("hello"));

  EXPECT_TRUE(room.Carries(north_));
  EXPECT_TRUE(room.Send(north_, Words("welcome"), kNow));
  EXPECT_THAT(Texts(TakeAt(site, room).messages), ElementsAre("welcome"));
  EXPECT_THAT(room.ListText(core_.roster()), HasSubstr(R"("site":"north","waiting":1)"));
}

TEST_F(CourierRoomTest, AFileByTheNewestKeyTakesTheConversationOver) {
  const ExchangeKeyPair next = GenerateExchangeKey(random_);
  Rotate(TransportKey{next.public_key.bytes});
  CourierRoom room = Room();
  CourierDesk before = SiteDesk();
  before.Send(Words("hello"));
  TakeFrom(before, room);
  CourierDesk after = SiteDeskWith(next);
  after.Send(Words("hello again"));

  EXPECT_THAT(TakeFrom(after, room), ElementsAre("hello again"));

  room.Send(north_, Words("welcome"), kNow);
  EXPECT_THAT(Texts(TakeAt(after, room).messages), ElementsAre("welcome"));
  room.ForgetKey(site_.transport);
  EXPECT_TRUE(room.Carries(north_));
  room.ForgetKey(TransportKey{next.public_key.bytes});
  EXPECT_FALSE(room.Carries(north_));
}

TEST_F(CourierRoomTest, NobodyElsesFileIsTaken) {
  CourierRoom room = Room();
  const CourierDesk stranger = SiteDeskWith(GenerateExchangeKey(random_));
  const CourierDesk member = SiteDesk();
  const Bytes of_a_stranger = stranger.WriteFile().value();
  const Bytes of_a_member = member.WriteFile().value();
  CoordinatorEffects effects;
  ASSERT_TRUE(core_.Revoke("north", Now(), effects));

  for (const Bytes& file : {of_a_stranger, of_a_member}) {
    const auto taken = room.Take(file, core_, kNow);
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr("nobody on the roster"));
  }
  EXPECT_TRUE(room.empty());
}

TEST_F(CourierRoomTest, WhatWaitsIsBoundedAndASiteThatFetchedNothingBeginsAnew) {
  CourierRoom room = Room();
  CourierDesk site = SiteDesk();
  site.Send(Words("hello"));
  TakeFrom(site, room);
  room.Send(north_, Words("welcome"), kNow);
  TakeAt(site, room);
  std::size_t sent = 0;
  const Bytes large(kMaxMessageToSiteBytes);
  while (true) {
    Bytes message = large;
    StoreU64(MutableByteSpan(message).first(8), ++sent);
    if (!room.Send(north_, SharedBytes(std::move(message)), kNow)) break;
    ASSERT_LE(sent * large.size(), kMostBytesWaiting);
  }
  EXPECT_EQ(room.Waiting(north_), 0U);
  sent = 0;
  while (room.Send(north_, Words(std::to_string(sent)), kNow)) {
    ASSERT_LE(++sent, kMostMessagesWaiting);
  }

  const Courier::Taken taken = TakeAt(site, room);

  EXPECT_TRUE(taken.anew);
  site.Send(Words("hello again"));
  EXPECT_THAT(TakeFrom(site, room), ElementsAre("hello again"));
  room.Send(north_, Words("welcome"), kNow);
  EXPECT_THAT(Texts(TakeAt(site, room).messages), ElementsAre("welcome"));
}

TEST_F(CourierRoomTest, ANewRoomIsBelievedThoughTheClockWasSetBack) {
  CourierRoom before = Room();
  CourierDesk site = SiteDesk();
  site.Send(Words("hello"));
  TakeFrom(site, before);
  before.Send(north_, Words("welcome"), kNow);
  TakeAt(site, before);
  ASSERT_GE(before.last_start(), kNow);
  CourierRoom room = Room(before.last_start());
  const UtcSeconds long_ago{1};

  ASSERT_TRUE(room.Take(site.WriteFile().value(), core_, long_ago));

  EXPECT_GT(room.last_start(), before.last_start());
  EXPECT_TRUE(TakeAt(site, room).anew);
}

}  // namespace
}  // namespace consilium
