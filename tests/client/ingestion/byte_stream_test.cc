#include "client/ingestion/byte_stream.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "client/ingestion/csv.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Packed(std::string_view text) {
  z_stream packer{};
  EXPECT_EQ(deflateInit2(&packer, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&packer, text.size()) + 64, '\0');
  std::string copy(text);
  packer.next_in = reinterpret_cast<Bytef*>(copy.data());
  packer.avail_in = static_cast<uInt>(copy.size());
  packer.next_out = reinterpret_cast<Bytef*>(packed.data());
  packer.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&packer, Z_FINISH), Z_STREAM_END);
  packed.resize(packer.total_out);
  deflateEnd(&packer);
  return packed;
}

/// Everything, `step` bytes at a time; "error: ..." if it fails.
std::string AllOfIt(ByteStream& bytes, std::size_t step = 1000) {
  std::string text;
  std::string buffer(step, '\0');
  for (;;) {
    const auto count = bytes.Read(std::span(buffer.data(), buffer.size()));
    if (!count) return "error: " + Describe(count.error());
    text += buffer.substr(0, *count);
    if (*count < step) return text;
  }
}

std::string Unpack(const std::string& packed, std::size_t step = 1000) {
  const auto bytes =
      Unpacked(StreamOf(std::make_unique<std::istringstream>(packed), "p.gz"), "p.gz");
  return AllOfIt(*bytes, step);
}

std::string LongText(std::size_t size = 300'000) {
  std::string text = "id,x\n";
  for (std::uint64_t i = 0; text.size() < size; ++i) text += std::to_string(i * i) + ",1.5\n";
  return text;
}

TEST(ByteStreamTest, GivesAFileAsItIs) {
  TemporaryFolder folder;
  const std::string text = LongText();
  const auto bytes = OpenByteStream(folder.Write("a.csv", text));
  ASSERT_TRUE(bytes.has_value()) << Describe(bytes.error());
  EXPECT_EQ((*bytes)->Progress(), 0.0);
  EXPECT_EQ(AllOfIt(**bytes), text);
  EXPECT_EQ((*bytes)->Progress(), 1.0);
}

/// As one in a folder that may not be entered, which does not stop a test that runs as root.
TEST(ByteStreamTest, AFileThatCannotBeLookedAtIsNotSaidToBeAbsent) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop.csv", folder.path() / "loop.csv");
  const auto stream = OpenByteStream(folder.path() / "loop.csv");
  ASSERT_FALSE(stream.has_value());
  EXPECT_THAT(Describe(stream.error()), HasSubstr("loop.csv cannot be looked at: Too many levels"));
}

TEST(ByteStreamTest, UnpacksWhatGzipPackedWhateverItsName) {
  TemporaryFolder folder;
  const std::string text = LongText();
  for (const char* name : {"a.csv.gz", "a.csv"}) {
    const auto bytes = OpenByteStream(folder.Write(name, Packed(text)));
    ASSERT_TRUE(bytes.has_value()) << Describe(bytes.error());
    EXPECT_EQ(AllOfIt(**bytes, 77), text);
    EXPECT_EQ((*bytes)->Progress(), 1.0);
  }
}

TEST(ByteStreamTest, MembersThatFollowOneAnotherAreOneText) {
  EXPECT_EQ(Unpack(Packed("id,x\n") + Packed("") + Packed("1,2\n")), "id,x\n1,2\n");
  EXPECT_EQ(Unpack(Packed("id,x\n") + std::string(512, '\0')), "id,x\n");
}

TEST(ByteStreamTest, EveryCutIsNoticed) {
  const std::string packed = Packed(LongText());
  for (std::size_t size = 1; size < packed.size(); size += 997) {
    EXPECT_THAT(Unpack(packed.substr(0, size)),
                AllOf(HasSubstr("error: "), HasSubstr("p.gz ends in the middle")));
  }
  EXPECT_THAT(Unpack(packed.substr(0, packed.size() - 1)), HasSubstr("it was cut off"));
  EXPECT_THAT(Unpack(packed + "\x1f"), HasSubstr("it was cut off"));
}

TEST(ByteStreamTest, EveryDamageIsNoticed) {
  const std::string packed = Packed(LongText());
  constexpr std::size_t kHeader = 10;  // Its flags and time may change without harm.
  for (std::size_t at = kHeader; at < packed.size(); at += 1'009) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_THAT(Unpack(damaged), HasSubstr("error: p.gz ")) << at;
  }
  EXPECT_THAT(Unpack(packed + "more"), HasSubstr("p.gz is damaged: gzip cannot unpack it"));
}

TEST(ByteStreamTest, ANameThatPromisesGzipMustKeepIt) {
  TemporaryFolder folder;
  EXPECT_THAT(OpenByteStream(folder.Write("a.csv.gz", "id,x\n1,2\n")).error().message,
              HasSubstr("a.csv.gz is not what gzip makes"));
}

TEST(ByteStreamTest, APackedTableIsReadAsAPlainOne) {
  TemporaryFolder folder;
  const auto reader = CsvReader::Open(folder.Write("a.csv.gz", Packed("id;x\n1;\"a;b\"\n")), {});
  ASSERT_TRUE(reader.has_value()) << Describe(reader.error());
  TableRow row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.fields[1], "a;b");
  EXPECT_FALSE(*(*reader)->Next(row));
}

TEST(ByteStreamTest, ATableOfWhichTheEndIsMissingIsNotATable) {
  TemporaryFolder folder;
  const std::string packed = Packed(LongText(2'000'000));
  const auto file = folder.Write("a.csv.gz", packed.substr(0, packed.size() / 2));
  const auto reader = CsvReader::Open(file, {});
  ASSERT_TRUE(reader.has_value()) << Describe(reader.error());
  TableRow row;
  for (;;) {
    const auto any = (*reader)->Next(row);
    if (any && *any) continue;
    ASSERT_FALSE(any.has_value());
    EXPECT_THAT(any.error().message, HasSubstr("a.csv.gz ends in the middle"));
    break;
  }
}

}  // namespace
}  // namespace consilium
