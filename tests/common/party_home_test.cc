#include "common/party_home.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

TEST(PartyHomeTest, ParsesEndpointsAndRefusesWhatIsNone) {
  EXPECT_EQ(ParseEndpoint("tcp://host.example:7700")->ToText(), "tcp://host.example:7700");
  EXPECT_EQ(ParseEndpoint("tcp://[::1]:1")->port, 1);
  for (const char* wrong : {"", "host:1", "tcp://host", "tcp://host:0", "tcp://host:65536",
                            "tcp://:7700", "udp://host:1", "tcp://host:1x"}) {
    EXPECT_FALSE(ParseEndpoint(wrong)) << wrong;
  }
}

TEST(PartyHomeTest, AnUnfinishedHomeLeavesNothingBehind) {
  const TemporaryFolder folder;
  const std::filesystem::path home = folder / "home";
  {
    auto unfinished = NewHome::Begin(home);
    ASSERT_TRUE(unfinished);
    ASSERT_TRUE(WriteFileAtomically(unfinished->folder() / "file", AsBytes("x"), 0600));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  auto finished = NewHome::Begin(home);
  ASSERT_TRUE(finished && finished->Finish());
  ASSERT_TRUE(WriteFileAtomically(home / "file", AsBytes("x"), 0600));
  EXPECT_EQ(NewHome::Begin(home).error().code, ErrorCode::kConflict);
}

TEST(PartyHomeTest, KeysComeBackAsTheyWereSaved) {
  const TemporaryFolder folder;
  SeededRandom random(3);
  const PartyKeys keys = GeneratePartyKeys(random);
  ASSERT_TRUE(SavePartyKeys(folder.path(), keys, {}, random));

  const Result<PartyKeys> loaded = LoadPartyKeys(folder.path(), NobodyToAsk());

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->identity.public_key(), keys.identity.public_key());
  EXPECT_EQ(loaded->transport, keys.transport);
  EXPECT_TRUE(
      EqualInConstantTime(loaded->transport_secret.Expose(), keys.transport_secret.Expose()));
}

}  // namespace
}  // namespace consilium
