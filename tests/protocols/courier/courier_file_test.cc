// Of courier_file.cc, courier_desk.cc and carried_request.cc.

#include "protocols/courier/courier_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/key_exchange.h"
#include "protocols/courier/carried_request.h"
#include "protocols/courier/courier_desk.h"
#include "protocols/roster.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

/// A party's keys. CURVE's are Curve25519 keys like those of an exchange.
struct Party {
  explicit Party(std::uint64_t seed)
      : random(seed),
        identity(SigningKey::Generate(random)),
        exchange(GenerateExchangeKey(random)),
        transport{exchange.public_key.bytes} {}

  SeededRandom random;
  SigningKey identity;
  ExchangeKeyPair exchange;
  TransportKey transport;
};

CourierKeys KeysOf(const Party& own, const Party& peer, const Party& coordinator) {
  return {FederationOf(coordinator.identity.public_key()),
          own.identity,
          own.transport,
          own.exchange.secret,
          peer.identity.public_key(),
          peer.transport};
}

class CourierFileTest : public ::testing::Test {
 protected:
  CourierKeys at_site() const { return KeysOf(site_, coordinator_, coordinator_); }
  CourierKeys at_coordinator() const { return KeysOf(coordinator_, site_, coordinator_); }
  Bytes FileOf(const Letter& letter) {
    return WriteCourierFile(letter, at_site(), site_.random).value();
  }
  static Letter SomeLetter() {
    Letter letter;
    letter.conversation.fill(std::byte{0x11});
    letter.started_at = UtcSeconds(1'790'000'000);
    letter.first = 3;
    letter.messages = {{ToBytes("a message that nobody on the way may read")}, {ToBytes("two")}};
    return letter;
  }

  Party coordinator_{1};
  Party site_{2};
  Party other_{3};
};

TEST_F(CourierFileTest, OpensToWhatWasWritten) {
  const Bytes file = FileOf(SomeLetter());
  const Result<Letter> letter = ReadCourierFile(file, at_coordinator());
  ASSERT_TRUE(letter.has_value()) << letter.error().message;
  EXPECT_EQ(Encode(*letter), Encode(SomeLetter()));
  EXPECT_EQ(WriterOf(file, at_site().federation, coordinator_.transport).value(), site_.transport);
}

TEST_F(CourierFileTest, HasThePublishedEnvelope) {
  const Bytes file = FileOf(SomeLetter());
  const std::string hex = ToHex(file);
  EXPECT_EQ(hex.substr(0, 20), "434e534c46494c450100");  // "CNSLFILE", version 1
  EXPECT_EQ(hex.substr(20, 64), at_site().federation.ToHex());
  EXPECT_EQ(hex.substr(84, 64), site_.transport.ToHex());
  EXPECT_EQ(hex.substr(148, 64), coordinator_.transport.ToHex());
  const std::size_t sealed = 24 + Encode(SomeLetter()).size() + 16;
  EXPECT_EQ(LoadU32(ByteSpan(file).subspan(106, 4)), sealed);
  EXPECT_EQ(file.size(), 110 + sealed + 64);
}

TEST_F(CourierFileTest, ShowsNothingOfItsMessages) {
  const Bytes file = FileOf(SomeLetter());
  EXPECT_EQ(std::string(AsText(file)).find("nobody on the way"), std::string::npos);
  EXPECT_NE(FileOf(SomeLetter()), file);  // Another nonce.
}

TEST_F(CourierFileTest, AnyChangedBitIsRefused) {
  Letter letter = SomeLetter();
  letter.messages.resize(1);
  const Bytes file = FileOf(letter);
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes changed = file;
    changed[i] ^= std::byte{0x10};
    const Result<Letter> read = ReadCourierFile(changed, at_coordinator());
    ASSERT_FALSE(read.has_value()) << i;
    ASSERT_TRUE(read.error().code == ErrorCode::kRefused ||
                read.error().code == ErrorCode::kCorrupt)
        << i;
  }
  for (std::size_t size = 0; size < file.size(); ++size) {
    ASSERT_FALSE(ReadCourierFile(ByteSpan(file).first(size), at_coordinator()).has_value()) << size;
  }
  Bytes longer = file;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(ReadCourierFile(longer, at_coordinator()).has_value());
}

TEST_F(CourierFileTest, IsOfItsWriterToItsReaderAlone) {
  const Bytes file = FileOf(SomeLetter());
  // Back to its writer, to another site, and from another who claims the site's transport key.
  EXPECT_THAT(ReadCourierFile(file, at_site()).error().message, HasSubstr("somebody else"));
  EXPECT_THAT(ReadCourierFile(file, KeysOf(other_, site_, coordinator_)).error().message,
              HasSubstr("somebody else"));
  EXPECT_THAT(ReadCourierFile(file, KeysOf(coordinator_, other_, coordinator_)).error().message,
              HasSubstr("not signed"));
  const CourierKeys forged{at_site().federation,  other_.identity,         site_.transport,
                           site_.exchange.secret, at_site().peer_identity, at_site().peer};
  const Bytes forgery = WriteCourierFile(SomeLetter(), forged, other_.random).value();
  EXPECT_THAT(ReadCourierFile(forgery, at_coordinator()).error().message, HasSubstr("not signed"));
  EXPECT_THAT(ReadCourierFile(file, KeysOf(coordinator_, site_, other_)).error().message,
              HasSubstr("another federation"));
}

TEST_F(CourierFileTest, ALowOrderKeyGetsNoFile) {
  CourierKeys keys = at_site();
  keys.peer = TransportKey{};
  const Result<Bytes> file = WriteCourierFile(SomeLetter(), keys, site_.random);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, ErrorCode::kRefused);
}

TEST_F(CourierFileTest, DesksTalkThroughFiles) {
  CourierDesk site(Courier::Side::kSite, at_site(), site_.random, UtcSeconds(10));
  CourierDesk coordinator(Courier::Side::kCoordinator, at_coordinator(), coordinator_.random,
                          UtcSeconds(20));
  site.Send(ToBytes("hello"));
  const Result<Courier::Taken> taken =
      coordinator.TakeFile(site.WriteFile().value(), UtcSeconds(30));
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  ASSERT_EQ(taken->messages.size(), 1U);
  EXPECT_EQ(AsText(taken->messages[0]), "hello");
  EXPECT_FALSE(site.TakeFile(site.WriteFile().value(), UtcSeconds(30)).has_value());
  ASSERT_TRUE(site.TakeFile(coordinator.WriteFile().value(), UtcSeconds(30)).has_value());
  EXPECT_FALSE(site.courier().has_news());
}

TEST(CourierDeskTest, NamesFilesSoThatTheySortByTime) {
  EXPECT_EQ(CourierFileName("from", "basel", UtcSeconds(1'798'578'857)),
            "from-basel-20261229T211417Z.courier");
}

TEST(CarriedRequestTest, IsReadAsItWasWritten) {
  const CarriedRequest take{CarriedRequest::Kind::kTake, ToBytes("file"), ""};
  const auto read = CarriedRequestIn(RequestText(take));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, CarriedRequest::Kind::kTake);
  EXPECT_EQ(read->file, take.file);
  const auto write = CarriedRequestIn(RequestText({CarriedRequest::Kind::kWrite, {}, "basel"}));
  ASSERT_TRUE(write.has_value());
  EXPECT_EQ(write->site, "basel");
  EXPECT_FALSE(CarriedRequestIn("{\"command\": \"status\"}").has_value());
  EXPECT_FALSE(CarriedRequestIn("[]").has_value());
  EXPECT_FALSE(CarriedRequestIn("no json").has_value());
  EXPECT_TRUE(CarriedRequestIn("{\"command\": \"take-file\", \"file\": \"xyz\"}")->file.empty());
}

}  // namespace
}  // namespace consilium
