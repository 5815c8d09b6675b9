#include "protocols/header.h"

#include <gtest/gtest.h>

#include "tests/common/hex.h"

namespace consilium {
namespace {

constexpr std::uint16_t kKinds[] = {1,  2,  3,  4,  5,  6,  16, 17, 18, 19, 20, 21,
                                    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33};

Route TestRoute() {
  Route route;
  for (std::size_t i = 0; i < 32; ++i) {
    route.federation.bytes[i] = static_cast<std::byte>(i);
    route.study.bytes[i] = static_cast<std::byte>(0x40 + i);
  }
  route.round = RoundNumber(0x01020304);
  route.attempt = AttemptNumber(0x05060708);
  return route;
}

SigningKey TestKey(std::uint64_t seed = 1) {
  SeededRandom random(seed);
  return SigningKey::Generate(random);
}

Bytes Message(MessageKind kind, ByteSpan body) {
  return IsSigned(kind) ? SealMessage(kind, TestRoute(), body, TestKey())
                        : FrameMessage(kind, TestRoute(), body);
}

TEST(HeaderTest, HasThePublishedBytes) {
  const Bytes message = FrameMessage(MessageKind::kUploadChunk, TestRoute(), Hex("a1b2c3"));
  EXPECT_EQ(ToHex(message),
            "434e534c"                                                          // "CNSL"
            "0100"                                                              // version
            "1500"                                                              // kind 21
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"  // federation
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"  // study
            "04030201"                                                          // round
            "08070605"                                                          // attempt
            "03000000"                                                          // length
            "00000000"                                                          // reserved
            "a1b2c3");
}

TEST(HeaderTest, EveryKindOpensToWhatWasSealed) {
  const SigningKey key = TestKey();
  for (const std::uint16_t number : kKinds) {
    const auto kind = static_cast<MessageKind>(number);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, MaxBodyBytes(kind)}) {
      const Bytes body(size, std::byte{0x5a});
      const Bytes message = Message(kind, body);
      ASSERT_LE(message.size(), kMaxMessageToSiteBytes) << Name(kind);
      const Result<OpenedMessage> opened = OpenMessage(message);
      ASSERT_TRUE(opened.has_value()) << Name(kind) << opened.error().message;
      EXPECT_EQ(opened->kind, kind);
      EXPECT_EQ(opened->route, TestRoute());
      EXPECT_EQ(ToBytes(opened->body), body);
      EXPECT_EQ(opened->signature.has_value(), IsSigned(kind));
      EXPECT_EQ(VerifySender(*opened, key.public_key()), IsSigned(kind));
      EXPECT_FALSE(VerifySender(*opened, TestKey(2).public_key()));
    }
  }
}

TEST(HeaderTest, EveryOtherKindIsRefused) {
  Bytes message = Message(MessageKind::kUploadChunk, {});
  for (std::uint32_t number = 0; number <= UINT16_MAX; ++number) {
    const bool known = std::find(std::begin(kKinds), std::end(kKinds), number) != std::end(kKinds);
    message[6] = static_cast<std::byte>(number & 0xff);
    message[7] = static_cast<std::byte>(number >> 8);
    const Result<OpenedMessage> opened = OpenMessage(message);
    if (!known) {
      ASSERT_FALSE(opened.has_value()) << number;
      EXPECT_EQ(opened.error().message, "message of an unknown kind");
    }
  }
}

TEST(HeaderTest, EveryTruncationAndEveryExtraByteIsRefused) {
  for (const MessageKind kind : {MessageKind::kConfirmation, MessageKind::kUploadChunk}) {
    Bytes message = Message(kind, Bytes(40, std::byte{1}));
    for (std::size_t size = 0; size < message.size(); ++size) {
      EXPECT_FALSE(OpenMessage(ByteSpan(message).first(size)).has_value()) << size;
    }
    message.push_back(std::byte{0});
    EXPECT_FALSE(OpenMessage(message).has_value());
  }
}

TEST(HeaderTest, NoBitOfASignedMessageCanBeChanged) {
  const SigningKey key = TestKey();
  const Bytes message = Message(MessageKind::kConfirmation, Bytes(32, std::byte{7}));
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Bytes changed = message;
    changed[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const Result<OpenedMessage> opened = OpenMessage(changed);
    EXPECT_FALSE(opened.has_value() && VerifySender(*opened, key.public_key())) << bit;
  }
}

TEST(HeaderTest, NamesWhatIsWrong) {
  const Bytes good = Message(MessageKind::kUploadChunk, Bytes(8, std::byte{1}));
  const auto fault = [&](std::size_t at, std::uint8_t value) {
    Bytes message = good;
    message[at] = std::byte{value};
    const Result<OpenedMessage> opened = OpenMessage(message);
    return opened ? std::string("accepted") : opened.error().message;
  };
  EXPECT_EQ(OpenMessage({}).error().message, "message shorter than its header");
  EXPECT_EQ(fault(0, 'X'), "message without the magic number");
  EXPECT_EQ(fault(4, 2), "message of protocol version 2; this program speaks version 1");
  for (std::size_t at = 84; at < 88; ++at) {
    EXPECT_EQ(fault(at, 1), "reserved header bytes are not zero");
  }
  EXPECT_EQ(fault(83, 0xff), "body over the limit of its kind");
  EXPECT_EQ(fault(80, 9), "message length differs from its header");
}

TEST(HeaderTest, ABodyOneByteOverItsLimitIsRefusedEvenWhenItIsThere) {
  Bytes message = Message(MessageKind::kChunkReceived, Bytes(1024, std::byte{0}));
  message.push_back(std::byte{0});
  StoreU32(MutableByteSpan(message).subspan(80, 4), 1025);
  const Result<OpenedMessage> opened = OpenMessage(message);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().message, "body over the limit of its kind");
}

TEST(HeaderTest, AForwardedSignatureIsOfOneKindRouteBodyAndSender) {
  const SigningKey key = TestKey();
  const Bytes body(32, std::byte{3});
  const Bytes message = SealMessage(MessageKind::kConfirmation, TestRoute(), body, key);
  const Signature signature = *OpenMessage(message)->signature;
  const auto verify = [&](MessageKind kind, const Route& route, ByteSpan bytes) {
    return VerifyForwarded(kind, route, bytes, signature, key.public_key());
  };
  EXPECT_TRUE(verify(MessageKind::kConfirmation, TestRoute(), body));
  EXPECT_FALSE(verify(MessageKind::kUploadHeader, TestRoute(), body));
  EXPECT_FALSE(verify(MessageKind::kUploadChunk, TestRoute(), body)) << "an unsigned kind";
  EXPECT_FALSE(verify(MessageKind::kConfirmation, TestRoute(), Bytes(31, std::byte{3})));
  EXPECT_FALSE(verify(MessageKind::kConfirmation, TestRoute(), Bytes(2000)));
  Route other = TestRoute();
  other.federation.bytes[0] ^= std::byte{1};
  EXPECT_FALSE(verify(MessageKind::kConfirmation, other, body));
  other = TestRoute();
  other.study.bytes[31] ^= std::byte{1};
  EXPECT_FALSE(verify(MessageKind::kConfirmation, other, body));
  other = TestRoute();
  other.round = RoundNumber(1);
  EXPECT_FALSE(verify(MessageKind::kConfirmation, other, body));
  other = TestRoute();
  other.attempt = AttemptNumber(1);
  EXPECT_FALSE(verify(MessageKind::kConfirmation, other, body));
  EXPECT_FALSE(VerifyForwarded(MessageKind::kConfirmation, TestRoute(), body, signature,
                               TestKey(2).public_key()));
}

}  // namespace
}  // namespace consilium
