#include "client/ingestion/stat/stat_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/file_descriptor.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;

TEST(StatExchangeTest, QuestionsSurviveACommandLine) {
  StatQuestion question;
  question.format = StatFormat::kDta;
  question.encoding = "WINDOWS-1252";
  question.keep_missing = true;
  question.wanted = {true, false, false, true, true, false, false, false};
  question.labelled = {false, false, true, false, false, false, false, true};
  question.days = std::vector<bool>(8);
  const auto arguments = ArgumentsOf(question);
  EXPECT_THAT(arguments, ElementsAre("dta", "WINDOWS-1252", "keep", "91", "48", "00"));
  const auto read = QuestionOf(arguments);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->format, StatFormat::kDta);
  EXPECT_EQ(read->encoding, "WINDOWS-1252");
  EXPECT_TRUE(read->keep_missing);
  EXPECT_EQ(read->wanted, question.wanted);
  EXPECT_EQ(read->labelled, question.labelled);
  EXPECT_EQ(read->days, question.days);
}

TEST(StatExchangeTest, RefusesOtherCommandLines) {
  using Arguments = std::vector<std::string>;
  for (const Arguments& arguments :
       {Arguments{}, Arguments{"--help"}, Arguments{"sav", ""}, Arguments{"doc", "", "keep"},
        Arguments{"sav", "", "all"}, Arguments{"sav", "", "keep", "f", "f"},
        Arguments{"sav", "", "keep", "f", "f", "ff"}, Arguments{"sav", "", "keep", "", "", ""},
        Arguments{"sav", "", "keep", "g", "f", "f"}}) {
    EXPECT_FALSE(QuestionOf(arguments).has_value()) << ::testing::PrintToString(arguments);
  }
}

TEST(StatExchangeTest, NamesOfTypesAreTheirFilesEndings) {
  for (const StatFormat format : {StatFormat::kSas7bdat, StatFormat::kXpt, StatFormat::kSav,
                                  StatFormat::kPor, StatFormat::kDta}) {
    EXPECT_EQ(FindStatFormat(NameOf(format)), format);
  }
  EXPECT_EQ(FindStatFormat("xlsx"), std::nullopt);
}

TEST(StatExchangeTest, LengthsAreLittleEndian) {
  std::string bytes;
  PutLength(0x01020384, bytes);
  EXPECT_EQ(bytes, "\x84\x03\x02\x01");
  EXPECT_EQ(LengthAt(bytes, 0), 0x01020384u);
}

TEST(StatFrameWriterTest, WritesKindLengthAndContent) {
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  StatFrameWriter frames(writing.get());
  EXPECT_TRUE(frames.Put(StatFrame::kRow, "ab"));
  EXPECT_TRUE(frames.Put(StatFrame::kEnd, {}));
  EXPECT_TRUE(frames.Flush());
  writing = FileDescriptor();
  std::string bytes(64, '\0');
  const ::ssize_t got = ::read(reading.get(), bytes.data(), bytes.size());
  ASSERT_GE(got, 0);
  bytes.resize(static_cast<std::size_t>(got));
  EXPECT_EQ(bytes, std::string("\x03\x02\x00\x00\x00"
                               "ab"
                               "\x04\x00\x00\x00\x00",
                               12));
}

}  // namespace
}  // namespace consilium
