// protocols/joining_files.cc: the text files of joining, declared in protocols/roster.h.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/roster.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

SigningKey KeyOf(std::uint64_t seed) {
  SeededRandom random(seed);
  return SigningKey::Generate(random);
}

Invitation AnInvitation() {
  Invitation invitation;
  invitation.coordinator_identity = KeyOf(1).public_key();
  invitation.federation = FederationOf(invitation.coordinator_identity);
  invitation.federation_name = "cardio";
  invitation.site_name = "basel";
  invitation.endpoint = "tcp://127.0.0.1:7000";
  invitation.coordinator_transport.bytes.fill(std::byte{7});
  invitation.token.fill(std::byte{9});
  return invitation;
}

JoinRequest ARequest() {
  JoinRequest request;
  request.federation = AnInvitation().federation;
  request.site_name = "basel";
  request.identity = KeyOf(2).public_key();
  request.transport.bytes.fill(std::byte{3});
  request.token.fill(std::byte{9});
  return request;
}

RotationRequest ARotation() {
  RotationRequest request{AnInvitation().federation, "basel", KeyOf(2).public_key(), {}, {}};
  request.present.bytes.fill(std::byte{3});
  request.next.bytes.fill(std::byte{4});
  return request;
}

std::string WithField(const std::string& text, const char* field, const Json& value) {
  Json json = Json::parse(text);
  json[field] = value;
  return json.dump();
}

std::string WithoutField(const std::string& text, const char* field) {
  Json json = Json::parse(text);
  json.erase(field);
  return json.dump();
}

TEST(InvitationTest, ReadsBackWhatWasWritten) {
  const Invitation sent = AnInvitation();

  const Result<Invitation> read = ReadInvitation(WriteInvitation(sent, KeyOf(1)), "basel.invite");

  ASSERT_TRUE(read.has_value()) << Describe(read.error());
  EXPECT_EQ(read->federation, sent.federation);
  EXPECT_EQ(read->federation_name, "cardio");
  EXPECT_EQ(read->site_name, "basel");
  EXPECT_EQ(read->endpoint, "tcp://127.0.0.1:7000");
  EXPECT_EQ(read->coordinator_identity, sent.coordinator_identity);
  EXPECT_EQ(read->coordinator_transport, sent.coordinator_transport);
  EXPECT_EQ(read->token, sent.token);
}

TEST(InvitationTest, NamesFileAndFieldOfWhateverIsDamaged) {
  const std::string good = WriteInvitation(AnInvitation(), KeyOf(1));
  const Json fields = Json::parse(good);
  for (const auto& item : fields.items()) {
    const Result<Invitation> read =
        ReadInvitation(WithoutField(good, item.key().c_str()), "basel.invite");
    ASSERT_FALSE(read.has_value()) << item.key();
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr("basel.invite"));
    EXPECT_FALSE(ReadInvitation(WithField(good, item.key().c_str(), 17), "f")) << item.key();
    EXPECT_FALSE(ReadInvitation(WithField(good, item.key().c_str(), ""), "f")) << item.key();
  }
}

TEST(InvitationTest, RefusesFieldsChangedAfterSigning) {
  const std::string good = WriteInvitation(AnInvitation(), KeyOf(1));
  const Result<Invitation> moved =
      ReadInvitation(WithField(good, "endpoint", "tcp://10.0.0.1:7000"), "f");
  ASSERT_FALSE(moved.has_value());
  EXPECT_THAT(moved.error().message, HasSubstr("\"signature\""));
  EXPECT_FALSE(ReadInvitation(WithField(good, "site_name", "bern"), "f"));
  EXPECT_FALSE(ReadInvitation(WithField(good, "token", std::string(64, '0')), "f"));
  EXPECT_FALSE(ReadInvitation(WithField(good, "extra", "1"), "f"));
}

TEST(InvitationTest, RefusesAForeignFederationOrSigner) {
  Invitation foreign = AnInvitation();
  foreign.federation = FederationOf(KeyOf(5).public_key());
  EXPECT_FALSE(ReadInvitation(WriteInvitation(foreign, KeyOf(1)), "f"));
  EXPECT_FALSE(ReadInvitation(WriteInvitation(AnInvitation(), KeyOf(5)), "f"));
}

TEST(InvitationTest, TakesOnlyTcpEndpointsWithAPort) {
  const auto accepted = [](const std::string& endpoint) {
    Invitation invitation = AnInvitation();
    invitation.endpoint = endpoint;
    return ReadInvitation(WriteInvitation(invitation, KeyOf(1)), "f").has_value();
  };
  for (const char* good :
       {"tcp://a:1", "tcp://[::1]:7000", "tcp://coordinator.example.org:65535"}) {
    EXPECT_TRUE(accepted(good)) << good;
  }
  for (const char* bad : {"", "ipc:///tmp/x", "tcp://a", "tcp://a:0", "tcp://a:65536", "tcp://:1",
                          "tcp://a b:1", "tcp://*:1", "tcp://::1:7000", "tcp://a:1x"}) {
    EXPECT_FALSE(accepted(bad)) << bad;
  }
}

TEST(InvitationTest, RefusesWhatIsNoJsonObjectOrTooLong) {
  for (const char* text : {"", "[]", "{", "17", "\xff\xfe", "null"}) {
    EXPECT_FALSE(ReadInvitation(text, "f")) << text;
  }
  EXPECT_FALSE(ReadInvitation(std::string(20'000, ' '), "f"));
  EXPECT_FALSE(ReadInvitation(std::string(16'000, '['), "f"));
}

TEST(JoinRequestTest, ReadsBackWhatWasWritten) {
  const JoinRequest sent = ARequest();

  const Result<JoinRequest> read =
      ReadJoinRequest(WriteJoinRequest(sent, KeyOf(2)), "basel.request");

  ASSERT_TRUE(read.has_value()) << Describe(read.error());
  EXPECT_EQ(read->federation, sent.federation);
  EXPECT_EQ(read->site_name, "basel");
  EXPECT_EQ(read->identity, sent.identity);
  EXPECT_EQ(read->transport, sent.transport);
  EXPECT_EQ(read->token, sent.token);
}

TEST(JoinRequestTest, RefusesAnotherIdentitysSignature) {
  const Result<JoinRequest> read =
      ReadJoinRequest(WriteJoinRequest(ARequest(), KeyOf(3)), "basel.request");

  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(read.error().message, HasSubstr("basel.request"));
}

TEST(JoinRequestTest, RefusesAnyFieldChangedAfterSigning) {
  const std::string good = WriteJoinRequest(ARequest(), KeyOf(2));
  const Json fields = Json::parse(good);
  for (const auto& item : fields.items()) {
    EXPECT_FALSE(ReadJoinRequest(WithoutField(good, item.key().c_str()), "f")) << item.key();
  }
  EXPECT_FALSE(ReadJoinRequest(WithField(good, "transport", std::string(64, '1')), "f"));
  EXPECT_FALSE(ReadJoinRequest(WithField(good, "site_name", "bern"), "f"));
}

TEST(JoinRequestTest, IsNotAnInvitation) {
  EXPECT_FALSE(ReadJoinRequest(WriteInvitation(AnInvitation(), KeyOf(1)), "f"));
  EXPECT_FALSE(ReadInvitation(WriteJoinRequest(ARequest(), KeyOf(2)), "f"));
}

TEST(RotationRequestTest, IsReadAsItWasWritten) {
  const RotationRequest sent = ARotation();
  const std::string text = WriteRotationRequest(sent, KeyOf(2));
  const Result<RotationRequest> read = ReadRotationRequest(text, "basel.rotation");

  ASSERT_TRUE(read) << Describe(read.error());
  EXPECT_EQ(read->federation, sent.federation);
  EXPECT_EQ(read->site_name, "basel");
  EXPECT_EQ(read->identity, sent.identity);
  EXPECT_EQ(read->present, sent.present);
  EXPECT_EQ(read->next, sent.next);
  EXPECT_TRUE(IsRotationRequest(text));
  EXPECT_FALSE(IsRotationRequest(WriteJoinRequest(ARequest(), KeyOf(2))));
  EXPECT_FALSE(IsRotationRequest("[1, 2"));
}

TEST(RotationRequestTest, NamesFileAndFieldOfWhateverIsDamagedOrWasChanged) {
  const std::string good = WriteRotationRequest(ARotation(), KeyOf(2));
  const Json fields = Json::parse(good);
  for (const auto& item : fields.items()) {
    const auto without = ReadRotationRequest(WithoutField(good, item.key().c_str()), "basel.r");
    ASSERT_FALSE(without) << item.key();
    EXPECT_EQ(without.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(without.error().message, HasSubstr("basel.r"));
    EXPECT_FALSE(ReadRotationRequest(WithField(good, item.key().c_str(), 17), "f")) << item.key();
  }
  for (const char* key : {"federation", "identity", "present", "next"}) {
    EXPECT_FALSE(ReadRotationRequest(WithField(good, key, std::string(64, '0')), "f")) << key;
  }
  EXPECT_FALSE(ReadRotationRequest(WithField(good, "site_name", "bern"), "f"));
  EXPECT_FALSE(ReadRotationRequest(WithField(good, "extra", "1"), "f"));
  EXPECT_FALSE(ReadRotationRequest(WriteRotationRequest(ARotation(), KeyOf(3)), "f"));
}

}  // namespace
}  // namespace consilium
