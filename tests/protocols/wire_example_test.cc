// The worked example of docs/spec/wire.md is the bytes that this program sends.

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "protocols/hash_chain.h"
#include "protocols/messages.h"
#include "protocols/roster.h"

namespace consilium {
namespace {

SigningKey KeyOfSeedByte(unsigned char fill) {
  ByteArray<32> seed;
  seed.fill(std::byte{fill});
  return SigningKey::FromSeed(SecretKey32(seed));
}

/// The hexadecimal digits between "```hex" and "```", without what follows a '#'.
std::string DigitsOfTheDocument() {
  std::ifstream document(CONSILIUM_SOURCE_DIR "/docs/spec/wire.md");
  std::string digits;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line == "```hex") {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      for (const char c : line.substr(0, line.find('#'))) {
        if (c != ' ') digits += c;
      }
    }
  }
  return digits;
}

Hello TheHello() {
  Hello hello;
  for (unsigned i = 0; i < hello.boot.size(); ++i) hello.boot[i] = static_cast<std::byte>(i);
  hello.roster_epoch = RosterEpoch(3);
  AuditHead head;
  head.records = 258;
  head.hash.bytes.fill(std::byte{0xaa});
  hello.receipt = SignReceipt(head, KeyOfSeedByte(1));
  hello.software = "consilium-site 0.1.0";
  return hello;
}

TEST(WireExampleTest, TheDocumentShowsTheBytesThatAreSent) {
  Route route;
  route.federation = FederationOf(KeyOfSeedByte(1).public_key());

  const Bytes message =
      SealMessage(MessageKind::kHello, route, Encode(TheHello()), KeyOfSeedByte(2));

  EXPECT_EQ(ToHex(message), DigitsOfTheDocument());
}

TEST(WireExampleTest, TheDocumentsBytesAreAccepted) {
  const Result<Bytes> message = FromHex(DigitsOfTheDocument());
  ASSERT_TRUE(message.has_value());

  const Result<OpenedMessage> opened = OpenMessage(*message);

  ASSERT_TRUE(opened.has_value()) << Describe(opened.error());
  EXPECT_EQ(opened->kind, MessageKind::kHello);
  EXPECT_TRUE(VerifySender(*opened, KeyOfSeedByte(2).public_key()));
  EXPECT_FALSE(VerifySender(*opened, KeyOfSeedByte(1).public_key()));
  const Result<Hello> hello = Decode<Hello>(opened->body);
  ASSERT_TRUE(hello.has_value()) << Describe(hello.error());
  EXPECT_EQ(hello->software, "consilium-site 0.1.0");
  EXPECT_EQ(hello->receipt.head.records, 258u);
}

}  // namespace
}  // namespace consilium
