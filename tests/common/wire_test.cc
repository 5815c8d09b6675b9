#include "common/wire.h"

#include <bit>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "common/fixed_point.h"
#include "common/ids.h"
#include "common/secret.h"
#include "tests/common/hex.h"

namespace consilium {
namespace {

using testing::HasSubstr;

enum class Colour : std::uint8_t { kRed = 1, kGreen = 2, kBlue = 3 };

struct Inner {
  std::uint16_t number = 0;
  std::optional<double> real;
  auto operator<=>(const Inner&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, real);
  }
};

struct Message {
  bool flag = false;
  std::uint8_t small = 0;
  std::int32_t whole = 0;
  std::int64_t wide = 0;
  std::array<std::byte, 3> fixed{};
  Colour colour = Colour::kRed;
  std::string text;
  Bytes bytes;
  std::vector<std::uint64_t> words;
  std::vector<std::string> names;
  std::vector<Inner> inners;
  std::optional<std::string> remark;
  std::array<SiteId, 2> sites{};
  bool operator==(const Message&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(flag, small, whole, wide, fixed, EnumBetween<Colour::kRed, Colour::kBlue>(colour));
    archive(AtMost<10>(text), AtMost<1000>(bytes), AtMost<1000>(words), AtMost<4, 8>(names));
    archive(AtMost<5>(inners), AtMost<6>(remark), sites);
  }
};

/// One field, so that a test can hand over its bytes alone.
template <class Field, std::size_t... Caps>
struct Capped {
  Field field{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<Caps...>(field));
  }
};
template <class Field>
struct Plain {
  Field field{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(field);
  }
};

// What must not compile as a field of a message.
template <class T>
constexpr bool kIsField = WireField<T, WireWriter> || WireField<T, WireReader>;
static_assert(!kIsField<std::string> && !kIsField<Bytes> && !kIsField<std::vector<Inner>>);
static_assert(!kIsField<std::optional<std::string>> && !kIsField<std::array<std::string, 2>>);
static_assert(!kIsField<Colour> && !kIsField<int*> && !kIsField<std::unique_ptr<Inner>>);
static_assert(!kIsField<float> && !kIsField<char> && !kIsField<const char*>);
static_assert(!kIsField<SecretKey32>);
static_assert(!kIsField<CappedField<std::vector<std::string>, 4>>);
static_assert(!kIsField<CappedField<std::vector<bool>, 4>>);
static_assert(!kIsField<CappedField<std::uint64_t, 4>>);
static_assert(kIsField<CappedField<std::vector<std::string>, 4, 8>>);
static_assert(kIsField<Inner> && kIsField<std::optional<Inner>> && kIsField<double>);

static_assert(WireEncodable<Message> && WireEncodable<Digest> && WireEncodable<SiteId>);
static_assert(!WireEncodable<RingVector> && !WireEncodable<std::string> && !WireEncodable<double>);
static_assert(!WireEncodable<SecretKey32>);

Message Example() {
  Message message;
  message.flag = true;
  message.small = 7;
  message.whole = -2;
  message.wide = -3;
  message.fixed = HexArray<3>("aabbcc");
  message.colour = Colour::kBlue;
  message.text = "h\xc3\xa9";
  message.bytes = Hex("0102");
  message.words = {1, 0x0102030405060708u};
  message.names = {"a", ""};
  message.inners = {{258, 1.0}, {3, std::nullopt}};
  message.remark = "r";
  message.sites = {SiteId(1), SiteId(2)};
  return message;
}

template <class T>
void ExpectRefused(std::string_view hex, WireFault fault) {
  const Result<T> decoded = Decode<T>(Hex(hex));
  ASSERT_FALSE(decoded.has_value()) << hex;
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decoded.error().message, WireError(fault).what()) << hex;
}

TEST(WireTest, WritesLittleEndianFieldsInOrder) {
  EXPECT_EQ(ToHex(Encode(Example())),
            "01"
            "07"
            "feffffff"
            "fdffffffffffffff"
            "aabbcc"
            "03"
            "03000000"
            "68c3a9"
            "02000000"
            "0102"
            "02000000"
            "0100000000000000"
            "0807060504030201"
            "02000000"
            "01000000"
            "61"
            "00000000"
            "02000000"
            "0201"
            "01"
            "000000000000f03f"
            "0300"
            "00"
            "01"
            "01000000"
            "72"
            "01000000"
            "02000000");
}

TEST(WireTest, GivesBackTheMessage) {
  EXPECT_EQ(Decode<Message>(Encode(Example())).value(), Example());
  EXPECT_EQ(Decode<Message>(Encode(Message{})).value(), Message{});
}

TEST(WireTest, OverwritesWhatWasThere) {
  Capped<std::optional<std::string>, 5> message;
  message.field = "old";
  const Bytes absent = Hex("00");
  WireReader reader(absent);
  message.serialize(reader);
  EXPECT_EQ(message.field, std::nullopt);
}

TEST(WireTest, KeepsEveryBitOfADouble) {
  for (const double value : {-0.0, 5e-324, std::numeric_limits<double>::infinity()}) {
    const Bytes bytes = Encode(Plain<double>{value});
    const double back = Decode<Plain<double>>(bytes).value().field;
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(value));
  }
  const Bytes payload = Hex("0100000000000ff0");
  EXPECT_EQ(Encode(Decode<Plain<double>>(payload).value()), payload);
}

TEST(WireTest, RefusesEveryTruncationAndAnyTail) {
  const Bytes bytes = Encode(Example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Decode<Message>(ByteSpan(bytes).first(size)).has_value()) << size;
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  const Result<Message> decoded = Decode<Message>(longer);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_THAT(decoded.error().message, HasSubstr("left over"));
}

TEST(WireTest, RefusesBooleansOtherThanZeroAndOne) {
  ExpectRefused<Plain<bool>>("02", WireFault::kBoolean);
  ExpectRefused<Plain<bool>>("ff", WireFault::kBoolean);
  ExpectRefused<Plain<std::optional<bool>>>("0201", WireFault::kBoolean);
  ExpectRefused<Plain<bool>>("", WireFault::kTruncated);
}

TEST(WireTest, RefusesLengthsOverTheCap) {
  ExpectRefused<Capped<std::string, 2>>("03000000616161", WireFault::kCap);
  ExpectRefused<Capped<Bytes, 2>>("03000000616161", WireFault::kCap);
  ExpectRefused<Capped<std::vector<std::string>, 4, 1>>("01000000020000006161", WireFault::kCap);
  EXPECT_TRUE((Decode<Capped<std::string, 3>>(Hex("03000000616161")).has_value()));
}

TEST(WireTest, RefusesLengthsThatTheBytesLeftCannotHold) {
  ExpectRefused<Capped<Bytes, UINT32_MAX>>("ffffffff00", WireFault::kLength);
  ExpectRefused<Capped<std::vector<std::uint64_t>, UINT32_MAX>>(
      "0200000001000000000000000200000000", WireFault::kLength);
  ExpectRefused<Capped<std::vector<Inner>, UINT32_MAX>>("ffffffff0000000000", WireFault::kLength);
}

TEST(WireTest, RefusesEnumerationValuesOutsideTheirRange) {
  Bytes bytes = Encode(Example());
  constexpr std::size_t kColourAt = 17;
  for (const int value : {0, 4, 255}) {
    bytes[kColourAt] = static_cast<std::byte>(value);
    const Result<Message> decoded = Decode<Message>(bytes);
    ASSERT_FALSE(decoded.has_value()) << value;
    EXPECT_EQ(decoded.error().message, WireError(WireFault::kEnum).what());
  }
  bytes[kColourAt] = std::byte{2};
  EXPECT_EQ(Decode<Message>(bytes).value().colour, Colour::kGreen);
}

TEST(WireTest, RefusesTextThatIsNotUtf8) {
  ExpectRefused<Capped<std::string, 9>>("0200000061ff", WireFault::kText);
  ExpectRefused<Capped<std::string, 9>>("01000000c3", WireFault::kText);
}

TEST(ValidUtf8Test, FollowsRfc3629) {
  for (const char* good : {"", "00", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf",
                           "f0908080", "f48fbfbf"}) {
    EXPECT_TRUE(ValidUtf8(AsText(Hex(good)))) << good;
  }
  for (const char* bad : {"80", "c0af", "c1bf", "c2", "c27f", "e09fbf", "eda080", "edbfbf", "e1a0",
                          "f08fbfbf", "f4908080", "f5808080", "f09080", "ff", "e28228"}) {
    EXPECT_FALSE(ValidUtf8(AsText(Hex(bad)))) << bad;
  }
}

struct Sparse {
  std::array<std::optional<Digest>, 40> digests{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(digests[0]);
  }
};

TEST(WireTest, RefusesElementsThatTakeFarMoreMemoryThanBytes) {
  static_assert(sizeof(Sparse) > 1000);
  Bytes bytes(4 + 1'000'000, std::byte{0});
  StoreU32(MutableByteSpan(bytes).first(4), 1'000'000);
  using ManySparse = Capped<std::vector<Sparse>, 1'000'000>;
  const Result<ManySparse> decoded = Decode<ManySparse>(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().message, WireError(WireFault::kMemory).what());
}

TEST(WireDeathTest, WriterStopsAtAFieldOverItsCap) {
  EXPECT_DEATH(Encode(Capped<std::string, 2>{"abc"}), "broken invariant");
  EXPECT_DEATH(Encode(Capped<Bytes, 2>{Bytes(3)}), "broken invariant");
  EXPECT_DEATH(Encode(Capped<std::string, 2>{"\xff"}), "broken invariant");
  Message message;
  message.colour = static_cast<Colour>(4);
  EXPECT_DEATH(Encode(message), "broken invariant");
}

TEST(WireTest, CarriesAChunkOfWords) {
  Capped<std::vector<std::uint64_t>, 32768> chunk;
  for (std::uint64_t i = 0; i < 32768; ++i) chunk.field.push_back(i * 0x9e3779b97f4a7c15u);
  const Bytes bytes = Encode(chunk);
  EXPECT_EQ(bytes.size(), 4u + 262144u);
  EXPECT_EQ(LoadU64(ByteSpan(bytes).subspan(4 + 8 * 777, 8)), chunk.field[777]);
  EXPECT_EQ((Decode<Capped<std::vector<std::uint64_t>, 32768>>(bytes).value().field), chunk.field);
}

RC_GTEST_PROP(WireTest, DecodesOnlyWhatItWouldEncode, (std::vector<std::uint8_t> changes)) {
  Bytes bytes = Encode(Example());
  for (const std::uint8_t change : changes) {
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = static_cast<std::byte>(change);
  }
  const Result<Message> decoded = Decode<Message>(bytes);
  if (decoded.has_value()) RC_ASSERT(Encode(*decoded) == bytes);
}

RC_GTEST_PROP(WireTest, ReadsAnyBytesWithoutHarm, (std::vector<std::uint8_t> numbers)) {
  const Bytes bytes = ToBytes(std::as_bytes(std::span(numbers)));
  const auto decoded = Decode<Capped<std::vector<std::string>, 1000, 1000>>(bytes);
  if (decoded.has_value()) RC_ASSERT(Encode(*decoded) == bytes);
}

}  // namespace
}  // namespace consilium
