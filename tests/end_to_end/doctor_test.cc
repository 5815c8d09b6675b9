// What `doctor` finds: client/program/doctor.cc, client/program/doctor_connection.cc.

#include "client/program/doctor.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The finding whose name begins so, of a doctor whose exit code fits what it found.
Json FindingOf(Deployment& federation, const std::string& check) {
  const CommandOutcome outcome = federation.Site("alpha", {"doctor", "--json"});
  const Json reply = Json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
  if (!reply.is_object()) return {{"ok", nullptr}, {"words", outcome.out + outcome.err}};
  EXPECT_EQ(outcome.exit_code, reply["ok"].get<bool>() ? 0 : 1);
  for (const Json& finding : reply["findings"]) {
    if (finding["check"].get<std::string>().starts_with(check)) return finding;
  }
  return {{"ok", nullptr}, {"words", "no finding " + check + " in " + reply.dump()}};
}

/// Until it listens, which a process that was just started does not yet.
void StartCoordinator(Deployment& federation) {
  federation.StartCoordinator();
  ASSERT_TRUE(
      Eventually(seconds(20), [&] { return FindingOf(federation, "network")["ok"] == true; }));
}

void ExpectProblem(Deployment& federation, const std::string& check, const std::string& words) {
  const Json finding = FindingOf(federation, check);
  EXPECT_EQ(finding["ok"], false) << finding;
  EXPECT_THAT(finding.value("words", ""), HasSubstr(words));
  EXPECT_FALSE(finding.value("remedy", "").empty()) << finding;
}

void Replace(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = ReadText(file);
  ASSERT_NE(text.find(from), std::string::npos) << text;
  WriteText(file, text.replace(text.find(from), from.size(), to));
}

TEST(DoctorTest, FindsNothingWhereAllIsWellWithAndWithoutTheService) {
  Deployment federation(GeneratedSites(3));
  StartCoordinator(federation);
  const std::vector<std::string> checks = {
      "version", "clock",  "home folder", "identity.key", "transport.key", "disk space",
      "writing", "policy", "data source", "state.db",     "network",       "coordinator at"};
  for (const std::string& check : checks) {
    const Json finding = FindingOf(federation, check);
    EXPECT_EQ(finding["ok"], true) << finding;
    EXPECT_THAT(finding.value("remedy", "?"), IsEmpty());
  }
  federation.StartSite("alpha");
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Site("alpha", {"status"}).out.find("roster epoch") != std::string::npos;
  }));

  EXPECT_EQ(FindingOf(federation, "clock against")["ok"], true);
  EXPECT_THAT(FindingOf(federation, "coordinator at").value("words", ""),
              HasSubstr("the running service says: Connected"));
  EXPECT_EQ(federation.Site("alpha", {"doctor"}).exit_code, 0);
  for (const auto& entry : std::filesystem::directory_iterator(federation.home("alpha"))) {
    EXPECT_NE(entry.path().filename(), ".doctor");
  }
}

TEST(DoctorTest, AClockBeforeTheCoordinatorsSignatureIsFound) {
  const UtcSeconds said{1'800'000'000};
  const auto at = [](std::int64_t utc) { return Moment{Instant{}, UtcSeconds{utc}}; };

  EXPECT_TRUE(CompareClock(said, at(1'800'000'000)).ok);
  EXPECT_TRUE(CompareClock(said, at(1'799'999'701)).ok);
  const Finding behind = CompareClock(said, at(1'799'996'400));
  EXPECT_FALSE(behind.ok);
  EXPECT_THAT(behind.words, AllOf(HasSubstr(ToText(said)), HasSubstr("2027-01-15T07:00:00Z")));
  EXPECT_FALSE(behind.remedy.empty());
}

TEST(DoctorTest, ACoordinatorThatDoesNotServeIsFound) {
  Deployment federation(GeneratedSites(3));

  ExpectProblem(federation, "network", "nobody listens at 127.0.0.1, port ");
}

TEST(DoctorTest, ACoordinatorWithAnotherKeyIsFound) {
  Deployment federation(GeneratedSites(3));
  StartCoordinator(federation);
  const std::filesystem::path settings = federation.home("alpha") / "settings.toml";
  const std::string key = "coordinator_transport = \"";
  const std::size_t at = ReadText(settings).find(key);
  ASSERT_NE(at, std::string::npos);
  const std::string pinned = ReadText(settings).substr(at, key.size() + 64);
  Replace(settings, pinned, key + std::string(62, '1') + "00");

  EXPECT_EQ(FindingOf(federation, "network")["ok"], true);
  ExpectProblem(federation, "coordinator at", "does not hold the coordinator key");
}

TEST(DoctorTest, ASiteThatIsNotAdmittedAnyMoreIsFound) {
  Deployment federation(GeneratedSites(3));
  StartCoordinator(federation);
  Expect(federation.Coordinator({"revoke", "alpha"}));

  ExpectProblem(federation, "coordinator at", "does not know this site's key");
}

TEST(DoctorTest, DataThatCannotBeReadArePolicyAndStateThatDoNotHoldAreFound) {
  Deployment federation(GeneratedSites(3));
  std::filesystem::remove(federation.folder() / "alpha-data" / "data.csv");
  WriteText(federation.home("alpha") / "policy.toml", "preset = \"lenient\"\n");
  std::fstream state(federation.home("alpha") / "state.db",
                     std::ios::in | std::ios::out | std::ios::binary);
  state.seekp(0);
  state.put('\0');
  state.close();

  ExpectProblem(federation, "data source", "data.csv");
  ExpectProblem(federation, "policy", "policy.toml:1");
  ExpectProblem(federation, "state.db", "not a store of this program");
}

TEST(DoctorTest, AProxysPasswordThatOthersMayReadIsFound) {
  Deployment federation(GeneratedSites(3));
  WriteText(federation.home("alpha") / "proxy.password", "secret\n");
  ASSERT_EQ(::chmod((federation.home("alpha") / "proxy.password").c_str(), 0644), 0);
  std::ofstream(federation.home("alpha") / "settings.toml", std::ios::app)
      << "socks_proxy = \"127.0.0.1:1080\"\nsocks_user = \"hospital\"\n"
      << "socks_password_file = \"proxy.password\"\n";

  ExpectProblem(federation, "network and proxy", "proxy.password");
  EXPECT_EQ(federation.Site("alpha", {"run"}).exit_code, 12);
}

TEST(DoctorTest, ProxySettingsThatMakeNoSenseAreNamedByLine) {
  Deployment federation(GeneratedSites(3));
  const std::filesystem::path settings = federation.home("alpha") / "settings.toml";
  const std::string before = ReadText(settings);
  for (const auto& [lines, words] : std::vector<std::pair<std::string, std::string>>{
           {"socks_proxy = \"proxy.example\"\n", "socks_proxy is not of the form HOST:PORT"},
           {"socks_proxy = \"p:1\"\nsocks_user = \"u\"\n", "belong together"},
           {"socks_proxy = \"p:1\"\nsocks_password_file = \"f\"\n", "belong together"},
           {"socks_user = \"u\"\nsocks_password_file = \"f\"\n", "no socks_proxy"}}) {
    WriteText(settings, before + lines);

    ExpectProblem(federation, "settings", words);
    EXPECT_EQ(federation.Site("alpha", {"run"}).exit_code, 10) << lines;
  }
}

}  // namespace
}  // namespace consilium::testing
