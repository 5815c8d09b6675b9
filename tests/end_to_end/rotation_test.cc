// Another transport key for a site: client/program/key_rotation.cc, and what the services make of
// it.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string Rotation(Deployment& federation) {
  const std::string request = federation.folder() / "alpha.rotation";
  Expect(federation.Site("alpha", {"rotate", "--request", request}));
  return request;
}

bool UsesItsNewKey(Deployment& federation) {
  return Eventually(seconds(20), [&] {
    return federation.WordsOf("alpha").find("The new key is in use") != std::string::npos;
  });
}

TEST(RotationTest, AStudyEndsWithTheSameBitsAndTheOldKeyIsRefused) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(SmallPlan());
  const std::filesystem::path before = federation.folder() / "before";
  std::filesystem::create_directory(before);
  for (const char* file : {"identity.key", "transport.key", "settings.toml", "policy.toml"}) {
    std::filesystem::copy_file(federation.home("alpha") / file, before / file);
  }
  ASSERT_EQ(::chmod(before.c_str(), 0700), 0);

  const std::string request = Rotation(federation);
  Expect(federation.Coordinator({"start", study}));
  const CommandOutcome admitted = Expect(federation.Coordinator({"admit", request, "--yes"}));

  EXPECT_TRUE(UsesItsNewKey(federation)) << federation.WordsOf("alpha");
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
  EXPECT_EQ(federation.Coordinator({"result", study}).out, PlainTable(SmallPlan(), {0, 1, 2}));
  EXPECT_THAT(admitted.out, HasSubstr("between two rounds"));
  EXPECT_FALSE(std::filesystem::exists(federation.home("alpha") / "next"));
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return Json::parse(federation.Coordinator({"roster", "--json"}).out)["sites"][0]["connected"] ==
           true;
  }));

  const CommandOutcome doctor = RunProgram({"consilium-site", "doctor", before, "--json"});
  EXPECT_THAT(doctor.out, HasSubstr("does not know this site's key"));
  EXPECT_EQ(federation.Coordinator({"admit", request, "--yes"}).exit_code, 19);
  EXPECT_EQ(federation.Coordinator({"audit", "--verify"}).exit_code, 0);
}

TEST(RotationTest, ASiteThatIsKilledAtAnyMomentComesBackByOneKeyOrTheOther) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string request = Rotation(federation);
  EXPECT_EQ(ReadText(Rotation(federation)), ReadText(request)) << "the key that waits is kept";
  federation.process("alpha").Kill();
  Expect(federation.Coordinator({"admit", request, "--yes"}));
  EXPECT_THAT(federation.Coordinator({"roster"}).out, HasSubstr("by its old key"));
  federation.process("coordinator").Kill();
  federation.StartCoordinator();

  federation.StartSite("alpha");

  EXPECT_TRUE(UsesItsNewKey(federation)) << federation.WordsOf("alpha");
  federation.process("alpha").Kill();
  federation.StartSite("alpha");
  const std::string study = federation.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
}

TEST(RotationTest, AKeyThatCannotBeTakenUpIsToldOfOnceAndTriedAgain) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::filesystem::path key = federation.home("alpha") / "transport.key";
  const std::filesystem::path aside = federation.folder() / "transport.key";
  const std::string request = Rotation(federation);
  // No file can take a folder's place.
  std::filesystem::rename(key, aside);
  std::filesystem::create_directory(key);
  Expect(federation.Coordinator({"admit", request, "--yes"}));
  const auto times_told = [&] {
    const std::string words = federation.WordsOf("alpha");
    int times = 0;
    for (std::size_t at = 0; (at = words.find("cannot be taken up", at)) != std::string::npos;
         ++at) {
      ++times;
    }
    return times;
  };
  ASSERT_TRUE(Eventually(seconds(20), [&] { return times_told() > 0; }))
      << federation.WordsOf("alpha");
  EXPECT_FALSE(Eventually(seconds(2), [&] { return times_told() > 1; }));

  std::filesystem::remove(key);
  std::filesystem::rename(aside, key);

  EXPECT_TRUE(UsesItsNewKey(federation)) << federation.WordsOf("alpha");
  EXPECT_EQ(times_told(), 1);
}

TEST(RotationTest, ARequestThatWasChangedIsRefused) {
  Deployment federation(GeneratedSites(3));
  const std::string request = Rotation(federation);
  Json json = Json::parse(ReadText(request));
  json["next"] = std::string(64, '7');
  WriteText(request, json.dump());

  const CommandOutcome outcome = federation.Coordinator({"admit", request, "--yes"});

  EXPECT_EQ(outcome.exit_code, 13);
  EXPECT_THAT(outcome.err, HasSubstr("signature"));
}

TEST(RotationTest, TheNextKeyIsUnderThePassphraseOfTheOneInUse) {
  const TemporaryFolder folder;
  const std::string passphrase = folder / "passphrase";
  WriteText(passphrase, "correct horse\n");
  ASSERT_EQ(::chmod(passphrase.c_str(), 0600), 0);
  const std::string coordinator = folder / "coordinator";
  const std::string site = folder / "site";
  Expect(RunProgram({"consilium-coordinator", "init", coordinator, "--name", "test", "--advertise",
                     "tcp://127.0.0.1:7700"}));
  Expect(RunProgram({"consilium-coordinator", "invite", coordinator, "--site", "alpha", "--out",
                     folder / "invitation"}));
  Expect(RunProgram({"consilium-site", "init", site, "--invite", folder / "invitation",
                     "--passphrase-file", passphrase}));

  EXPECT_EQ(RunProgram({"consilium-site", "rotate", site}).exit_code, 12);
  Expect(RunProgram({"consilium-site", "rotate", site, "--passphrase-file", passphrase}));

  EXPECT_THAT(ReadText(std::filesystem::path(site) / "next" / "transport.key"),
              HasSubstr("argon2id"));
}

}  // namespace
}  // namespace consilium::testing
