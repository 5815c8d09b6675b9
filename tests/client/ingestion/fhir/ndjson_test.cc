#include "client/ingestion/fhir/ndjson.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/byte_stream.h"
#include "client/ingestion/fhir/fhir_export.h"
#include "tests/client/ingestion/fhir/gzip.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class NdjsonTest : public ::testing::Test {
 protected:
  // The lines; the last is "error: ..." if there is one.
  std::vector<std::string> LinesOf(const std::string& content) {
    std::vector<std::string> lines;
    auto file = NdjsonFile::Open(folder_.Write("a.ndjson", content));
    EXPECT_TRUE(file.has_value());
    for (;;) {
      std::string_view line;
      const auto any = file->Next(line);
      if (!any) lines.push_back("error: " + any.error().message);
      if (!any || !*any) return lines;
      lines.push_back(std::to_string(file->line()) + ":" + std::string(line));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(NdjsonTest, GivesLinesWithTheirNumbers) {
  EXPECT_THAT(LinesOf(""), ElementsAre());
  EXPECT_THAT(LinesOf("\n\r\n  \n"), ElementsAre());
  EXPECT_THAT(LinesOf("\xEF\xBB\xBF{1}\r\n\n{2}\t\n{3}"), ElementsAre("1:{1}", "3:{2}", "4:{3}"));
}

TEST_F(NdjsonTest, UnpacksWhatIsPackedWhateverItsName) {
  EXPECT_THAT(LinesOf(Gzipped("{1}\n{2}\n")), ElementsAre("1:{1}", "2:{2}"));
  EXPECT_THAT(LinesOf(Gzipped("{1}\n{2") + Gzipped("}\n{3}")),
              ElementsAre("1:{1}", "2:{2}", "3:{3}"));
  EXPECT_THAT(LinesOf(Gzipped("")), ElementsAre());
  std::string long_lines;
  for (int i = 0; i < 2000; ++i) long_lines += std::string(997, 'x') + "\n";
  EXPECT_EQ(LinesOf(Gzipped(long_lines)), LinesOf(long_lines));
}

TEST_F(NdjsonTest, NoticesPackedFilesThatAreCutOffOrDamaged) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
  const std::string packed = Gzipped(text);
  for (const std::size_t size :
       {std::size_t{2}, std::size_t{9}, packed.size() / 2, packed.size() - 9, packed.size() - 1}) {
    EXPECT_THAT(LinesOf(packed.substr(0, size)).back(),
                HasSubstr("a.ndjson ends in the middle of what gzip packed"))
        << size;
  }
  std::string damaged = packed;
  damaged[packed.size() - 5] = static_cast<char>(damaged[packed.size() - 5] ^ 1);
  EXPECT_THAT(LinesOf(damaged).back(), HasSubstr("damaged"));
  EXPECT_THAT(LinesOf(packed + "{1}\n").back(), HasSubstr("damaged"));
}

TEST_F(NdjsonTest, BoundsALine) {
  const std::string fits(kMostNdjsonLineBytes - 1, 'x');
  EXPECT_EQ(LinesOf(fits + "\n{2}\n").back(), "2:{2}");
  // As many zeros as one likes, in a small file.
  const std::string bomb = Gzipped("{1}\n" + std::string(4 * kMostNdjsonLineBytes, '0'));
  EXPECT_THAT(
      LinesOf(bomb).back(),
      AllOf(HasSubstr("a.ndjson:2: a line of more than 16777216 bytes"), Not(HasSubstr("00"))));
}

TEST_F(NdjsonTest, SaysWhyAFileCannotBeOpened) {
  EXPECT_THAT(NdjsonFile::Open(folder_.path() / "none").error().message,
              HasSubstr("does not exist"));
  EXPECT_THAT(NdjsonFile::Open(folder_.path()).error().message, HasSubstr("not a regular file"));
}

TEST(PeekResourceTypeTest, PeeksAtTheTypeOfALine) {
  EXPECT_EQ(PeekResourceType(R"({"resourceType":"Patient","id":"1"})"), "Patient");
  EXPECT_EQ(PeekResourceType(R"( { "resourceType" : "Patient" })"), "Patient");
  EXPECT_EQ(PeekResourceType(R"({"id":"1","resourceType":"Patient"})"), "");
  EXPECT_EQ(PeekResourceType(R"({"resourceType":"Pat\u0069ent"})"), "");
  EXPECT_EQ(PeekResourceType(R"({"resourceType":"Patient)"), "");
  EXPECT_EQ(PeekResourceType(""), "");
}

class FhirExportTest : public NdjsonTest {
 protected:
  // "Patient.ndjson:1 p1" for each patient; the last is "error: ..." if there is one.
  static std::vector<std::string> PatientsOf(std::vector<std::filesystem::path> files,
                                             FhirFileChoice choice) {
    FhirExport data(std::move(files), choice, {"Patient"});
    std::vector<std::string> found;
    for (;;) {
      const auto any = data.Next();
      if (!any) found.push_back("error: " + any.error().message);
      if (!any || !*any) return found;
      found.push_back(std::filesystem::path(data.Place()).filename().string() + " " +
                      std::string(FindMember(data.resource(), "id")->text));
    }
  }
};

TEST_F(FhirExportTest, ReadsOneTypeOutOfAllFiles) {
  const std::string patient = R"({"resourceType":"Patient","id":"p1"})";
  const auto files = std::vector<std::filesystem::path>{
      folder_.Write("Patient.ndjson", patient + "\n"),
      // The type may stand anywhere, and files may be mixed.
      folder_.Write("all.ndjson",
                    "{\"resourceType\":\"Observation\"}\n"
                    "{\"id\":\"p2\",\"resourceType\":\"Patient\"}\n"),
      folder_.Write("Observation.ndjson", "{\"resourceType\":\"Observation\"}\nnot even JSON\n"),
      folder_.Write("log.ndjson", "{\"done\":true}\n")};
  EXPECT_THAT(PatientsOf(files, FhirFileChoice::kFolder),
              ElementsAre("Patient.ndjson:1 p1", "all.ndjson:2 p2"));
  EXPECT_THAT(PatientsOf({files[3]}, FhirFileChoice::kNamed),
              ElementsAre(HasSubstr("log.ndjson:1: it is no FHIR resource")));
}

TEST_F(FhirExportTest, NamesFileAndLineOfGarbage) {
  const auto file = folder_.Write("Patient.ndjson",
                                  "{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n"
                                  "{\"resourceType\":\"Patient\",\"id\":\"Mustermann\"\n");
  EXPECT_THAT(
      PatientsOf({file}, FhirFileChoice::kFolder),
      ElementsAre("Patient.ndjson:1 p1", AllOf(HasSubstr("Patient.ndjson:2: not valid JSON"),
                                               Not(HasSubstr("Mustermann")))));
  const auto garbage = folder_.Write("x.ndjson", std::string("\x00\xff\x01garbage", 10));
  EXPECT_THAT(PatientsOf({garbage}, FhirFileChoice::kFolder),
              ElementsAre(HasSubstr("x.ndjson:1: not valid JSON")));
}

}  // namespace
}  // namespace consilium
