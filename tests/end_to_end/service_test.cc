// The programs as services: their manager, a machine that sleeps, a proxy on the way. Covers
// tests/end_to_end/sleeping_clock.cc, client/program/runtime_connection.cc,
// client/program/runtime.cc and coordinator/runtime.cc by use.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/end_to_end/small_study.h"
#include "tests/support/fake_manager.h"
#include "tests/support/socks_proxy.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanPreload = false;
#else
constexpr bool kCanPreload = true;
#endif

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

bool Says(Deployment& federation, const std::string& party, const std::string& words) {
  return Eventually(seconds(20),
                    [&] { return federation.WordsOf(party).find(words) != std::string::npos; });
}

/// How often a party has said that on its terminal.
std::size_t Times(Deployment& federation, const std::string& party, const std::string& words) {
  const std::string text = ReadText(federation.folder() / (party + ".out"));
  std::size_t times = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++times;
  return times;
}

void AddSettings(Deployment& federation, const std::string& site, const std::string& lines) {
  std::ofstream(federation.home(site) / "settings.toml", std::ios::app) << lines;
}

TEST(ServiceTest, TellsItsManagerThatItIsReadyLivesAndStops) {
  Deployment federation(GeneratedSites(3));
  for (const std::string party : {"coordinator", "alpha"}) {
    std::vector<std::string> heard;
    const FakeManager manager(federation.folder() / (party + ".notify"));
    ::setenv("WATCHDOG_USEC", "400000", 1);
    if (party == "alpha") {
      federation.StartSite(party);
    } else {
      federation.StartCoordinator();
    }
    const auto listen = [&] {
      for (std::string& message : manager.Heard()) heard.push_back(std::move(message));
    };

    EXPECT_TRUE(Eventually(seconds(20), [&] {
      listen();
      return std::count(heard.begin(), heard.end(), "WATCHDOG=1") >= 3;
    })) << federation.WordsOf(party);
    EXPECT_EQ(federation.process(party).Stop(), 0);
    listen();

    EXPECT_EQ(std::count(heard.begin(), heard.end(), "READY=1"), 1);
    EXPECT_LT(std::find(heard.begin(), heard.end(), "READY=1"),
              std::find(heard.begin(), heard.end(), "WATCHDOG=1"));
    EXPECT_THAT(heard, Contains(HasSubstr("STATUS=")));
    EXPECT_THAT(heard, Contains("STOPPING=1"));
  }
}

TEST(ServiceTest, AHungLoopTellsItsManagerNothing) {
  Deployment federation(GeneratedSites(3));
  const FakeManager manager(federation.folder() / "notify");
  ::setenv("WATCHDOG_USEC", "400000", 1);
  federation.StartSite("alpha");
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    const std::vector<std::string> heard = manager.Heard();
    return std::count(heard.begin(), heard.end(), "WATCHDOG=1") > 0;
  }));

  federation.process("alpha").Pause();
  manager.Heard();  // What it said before it stood still.

  EXPECT_FALSE(
      Eventually(std::chrono::milliseconds(1'000), [&] { return !manager.Heard().empty(); }));
  federation.process("alpha").Signal(SIGCONT);
  EXPECT_TRUE(Eventually(seconds(20), [&] { return !manager.Heard().empty(); }));
}

TEST(ServiceTest, AMachineThatSleptConnectsAnewAndItsStudyEnds) {
  if (!kCanPreload) GTEST_SKIP() << "a sanitizer's library must be loaded before any other";
  Deployment federation(GeneratedSites(3));
  const std::string slept = federation.folder() / "slept";
  WriteText(slept, "0");
  federation.StartCoordinator();
  {
    const Variable preload("LD_PRELOAD", CONSILIUM_SLEEPING_CLOCK);
    const Variable file("CONSILIUM_TEST_SLEEP", slept);
    federation.StartSite("alpha");
  }
  federation.StartSite("beta");
  federation.StartSite("gamma");
  const std::string study = federation.ApprovedStudy(SmallPlan());
  ASSERT_EQ(Times(federation, "alpha", "Connected"), 1U) << federation.WordsOf("alpha");

  // Longer than any deadline of a round.
  const std::string whole = slept + ".new";
  WriteText(whole, "36000000");
  std::filesystem::rename(whole, slept);
  ASSERT_TRUE(Says(federation, "alpha", "slept for 36000 s")) << federation.WordsOf("alpha");
  Expect(federation.Coordinator({"start", study}));

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
  EXPECT_EQ(Times(federation, "alpha", "Connected"), 2U) << federation.WordsOf("alpha");
  EXPECT_EQ(federation.Coordinator({"result", study}).out, PlainTable(SmallPlan(), {0, 1, 2}));
}

TEST(ServiceTest, AStudyRunsThroughAProxyThatAsksForAPassword) {
  Deployment federation(GeneratedSites(3));
  const SocksProxy proxy("hospital", "correct horse");
  const std::string password = federation.folder() / "proxy.password";
  WriteText(password, "correct horse\n");
  ASSERT_EQ(::chmod(password.c_str(), 0600), 0);
  for (const char* site : {"alpha", "beta"}) {
    AddSettings(federation, site,
                "socks_proxy = \"" + proxy.address() + "\"\nsocks_user = \"hospital\"\n" +
                    "socks_password_file = \"" + password + "\"\n");
  }
  federation.StartAll();

  const std::string study = federation.RunningStudy(SmallPlan());

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60)))
      << federation.ReasonOf(study) << federation.WordsOf("alpha");
  EXPECT_EQ(proxy.connections(), 2);
  const CommandOutcome doctor = federation.Site("alpha", {"doctor"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("network and proxy"));
  EXPECT_THAT(federation.WordsOf("alpha") + doctor.out, Not(HasSubstr("correct horse")));
  for (const char* party : {"alpha", "beta", "gamma", "coordinator"}) {
    EXPECT_EQ(federation.process(party).Stop(), 0) << federation.WordsOf(party);
  }
}

TEST(ServiceTest, ASiteWhoseProxyIsDownStopsInPeaceAndTheDoctorNamesIt) {
  Deployment federation(GeneratedSites(3));
  std::string dead;
  {
    const Listener listener;
    dead = listener.address();
  }
  AddSettings(federation, "alpha", "reconnect_after = \"50ms\"\nsocks_proxy = \"" + dead + "\"\n");
  federation.StartCoordinator();

  const CommandOutcome alone = federation.Site("alpha", {"doctor"});
  federation.StartSite("alpha");
  ASSERT_TRUE(Says(federation, "alpha", "Nobody answers")) << federation.WordsOf("alpha");
  const CommandOutcome beside = federation.Site("alpha", {"doctor"});

  EXPECT_EQ(federation.process("alpha").Stop(), 0) << federation.WordsOf("alpha");
  for (const CommandOutcome& doctor : {alone, beside}) {
    EXPECT_EQ(doctor.exit_code, 1) << doctor.out << doctor.err;
    EXPECT_THAT(doctor.out, HasSubstr("the proxy at " + dead + " cannot be used"));
  }
}

}  // namespace
}  // namespace consilium::testing
