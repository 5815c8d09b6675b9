// Who gets in and who does not.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "common/random.h"
#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

bool Connected(Deployment& federation, const std::string& site) {
  const auto roster =
      nlohmann::json::parse(federation.Coordinator({"roster", "--json"}).out, nullptr,
                            /*allow_exceptions=*/false);
  if (!roster.is_object()) return false;
  for (const auto& row : roster["sites"]) {
    if (row["site"] == site) return row["connected"].get<bool>();
  }
  return false;
}

TEST(IdentityTest, ASiteThatWasNotAdmittedIsToldSo) {
  Deployment federation(GeneratedSites(3));
  const std::string invitation = federation.folder() / "late.invitation";
  Expect(federation.Coordinator({"invite", "--site", "late", "--out", invitation}));
  Expect(federation.Site("late", {"init", "--invite", invitation}));
  federation.StartAll();
  federation.StartSite("late");

  EXPECT_TRUE(Eventually(seconds(15), [&] {
    return federation.WordsOf("late").find("admit") != std::string::npos;
  })) << federation.WordsOf("late");
  EXPECT_FALSE(Connected(federation, "late"));
}

TEST(IdentityTest, ARevokedSiteIsCutWithinFiveSeconds) {
  Deployment federation(GeneratedSites(4));
  federation.StartAll();
  ASSERT_TRUE(Eventually(seconds(15), [&] { return Connected(federation, "alpha"); }));
  const std::string study = federation.ApprovedStudy(SmallPlan());
  Expect(federation.Coordinator({"revoke", "alpha"}));

  EXPECT_TRUE(Eventually(seconds(5), [&] { return !Connected(federation, "alpha"); }));
  Expect(federation.Coordinator({"start", study}));
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(30))) << federation.ReasonOf(study);
  EXPECT_THAT(federation.ResultOf(study), HasSubstr("\"sites\": 3"));
}

TEST(IdentityTest, AnotherCoordinatorsKeyIsNotTrusted) {
  Deployment federation(GeneratedSites(3));
  Deployment impostor({});
  // The site is sent to an endpoint whose key is not the one pinned at joining.
  const std::string settings = ReadText(federation.home("alpha") / "settings.toml");
  const std::string ours = "127.0.0.1:" + std::to_string(federation.port());
  ASSERT_THAT(settings, HasSubstr(ours));
  std::string redirected = settings;
  redirected.replace(redirected.find(ours), ours.size(),
                     "127.0.0.1:" + std::to_string(impostor.port()));
  WriteText(federation.home("alpha") / "settings.toml", redirected);
  impostor.StartCoordinator();
  federation.StartSite("alpha");

  EXPECT_TRUE(Eventually(seconds(20), [&] {
    return federation.WordsOf("alpha").find("key") != std::string::npos;
  })) << federation.WordsOf("alpha");
  EXPECT_THAT(federation.Site("alpha", {"studies", "--json"}).out,
              ::testing::Not(HasSubstr("title")));
}

TEST(IdentityTest, GarbageOnThePortHarmsNobody) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(SmallPlan());
  SeededRandom random(8);
  for (int i = 0; i < 200; ++i) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(federation.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      Bytes garbage(static_cast<std::size_t>(1 + random.Below(2'000)));
      random.Fill(garbage);
      static_cast<void>(::send(socket, garbage.data(), garbage.size(), MSG_NOSIGNAL));
    }
    ::close(socket);
  }
  Expect(federation.Coordinator({"start", study}));

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(30))) << federation.ReasonOf(study);
}

TEST(IdentityTest, AForgedRequestAndASpentInvitationAdmitNobody) {
  Deployment federation(GeneratedSites(3));
  const std::string request = federation.folder() / "alpha.request";

  const CommandOutcome again = federation.Coordinator({"admit", request, "--yes"});
  std::string forged = ReadText(request);
  const std::size_t name = forged.find("alpha");
  ASSERT_NE(name, std::string::npos);
  WriteText(request, forged.replace(name, 5, "beta1"));
  const CommandOutcome altered = federation.Coordinator({"admit", request, "--yes"});

  EXPECT_EQ(again.exit_code, 19) << again.err;
  EXPECT_EQ(altered.exit_code, 13) << altered.err;
}

}  // namespace
}  // namespace consilium::testing
