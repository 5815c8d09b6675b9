#include "protocols/chain_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/crypto/hash.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const ChainOwner kBasel{"consilium-site", "1.2", "basel"};

class ChainExportTest : public ::testing::Test {
 protected:
  void Write(const std::string& event, const std::string& detail) {
    ASSERT_TRUE(store_.Apply({chain_.Append(UtcSeconds{1'780'272'000}, event, detail, key_)}));
  }
  std::vector<ChainRecord> Records() {
    return HashChain::ReadAll(store_, "ledger", "test/v1", key_.public_key()).value();
  }

  SeededRandom random_{1};
  SigningKey key_ = SigningKey::Generate(random_);
  MemoryStore store_;
  HashChain chain_{"ledger", "test/v1"};
};

/// With what a line says anybody can compute the hash and check the signature.
TEST_F(ChainExportTest, JsonLinesHaveAllThatTheSignatureCovers) {
  Write("approved", R"({"study":"ab"})");
  Write("answered", R"({"study":"ab","round":1})");
  Digest previous;
  for (const ChainRecord& record : Records()) {
    const auto line = nlohmann::json::parse(ExportRecord(record, kBasel, ChainFormat::kJsonLines));
    EXPECT_EQ(line["party"], "basel");
    EXPECT_EQ(line["at"], "2026-06-01T00:00:00Z");
    EXPECT_EQ(line["previous"].get<std::string>(), previous.ToHex());
    const Digest hash = Hasher("test/v1")
                            .Add(line["number"].get<std::uint64_t>())
                            .Add(std::uint64_t{1'780'272'000})
                            .Add(line["event"].get<std::string>())
                            .Add(line["detail"].get<std::string>())
                            .Add(previous)
                            .Finish();
    Signature signature;
    const Bytes bytes = FromHex(line["signature"].get<std::string>()).value();
    std::copy(bytes.begin(), bytes.end(), signature.bytes.begin());
    EXPECT_TRUE(Verify(key_.public_key(), hash.span(), signature));
    previous = hash;
  }
}

TEST_F(ChainExportTest, CefEscapesWhatSeparatesItsFields) {
  Write("study|approved", "a=b\\c\nd");
  const std::string line = ExportRecord(Records().front(), kBasel, ChainFormat::kCef);
  EXPECT_THAT(line, StartsWith("CEF:0|Consilium|consilium-site|1.2|study\\|approved|"
                               "study\\|approved|3|rt=1780272000000 dvchost=basel "
                               "cn1Label=record cn1=1 cs1Label=detail cs1=a\\=b\\\\c\\nd "
                               "cs2Label=signature cs2="));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(ChainExportTest, ALongLogComesInParts) {
  const std::string detail(16'000, 'x');
  for (int i = 0; i < 600; ++i) Write("event", detail);
  const std::vector<ChainRecord> records = Records();
  std::uint64_t after = 10;
  std::size_t parts = 0;
  std::string lines;
  for (bool more = true; more; ++parts) {
    const ChainExport part = ExportRecords(records, after, kBasel, ChainFormat::kJsonLines);
    EXPECT_GT(part.last, after);
    after = part.last;
    more = part.more;
    lines += part.lines;
  }
  EXPECT_GT(parts, 1U);
  EXPECT_EQ(after, 600U);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 590);
  const ChainExport none = ExportRecords(records, 600, kBasel, ChainFormat::kJsonLines);
  EXPECT_EQ(none.lines, "");
  EXPECT_EQ(none.last, 600U);
  EXPECT_EQ(ExportRecords(records, 5'000, kBasel, ChainFormat::kCef).lines, "");
}

TEST(ChainFormatTest, AnUnknownNameNamesTheKnownOnes) {
  EXPECT_EQ(FindChainFormat("jsonl").value(), ChainFormat::kJsonLines);
  EXPECT_EQ(FindChainFormat("cef").value(), ChainFormat::kCef);
  EXPECT_THAT(FindChainFormat("xml").error().remedy, HasSubstr("jsonl"));
}

}  // namespace
}  // namespace consilium
