#include "client/program/format.h"

#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::ordered_json;

constexpr TerminalStyle kWide{false, false, 1'000};

Json Study(const std::string& decision, Json approval) {
  return {{"study", std::string(64, 'a')},
          {"title", "Coronary disease"},
          {"kind", "logistic"},
          {"state", "running"},
          {"decision", decision},
          {"approval", std::move(approval)}};
}

Json Approval(int needed, int counting, Json lacks) {
  return {{"signatures_needed", needed}, {"signatures_counting", counting},
          {"signatures", Json::array()}, {"waiting", Json::array()},
          {"through", "2026-12-31"},     {"ended", false},
          {"lacks", std::move(lacks)}};
}

/// What `studies` shows of one study.
std::string Shown(const Json& study) {
  Json reply;
  reply["studies"] = Json::array({study});
  return FormatStudies(reply, kWide);
}

SiteHome Home() {
  SeededRandom random(7);
  SiteSettings settings;
  settings.endpoint = "tcp://coordinator.example:7700";
  return SiteHome{"/srv/site", std::move(settings), GeneratePartyKeys(random)};
}

TEST(SiteFormatTest, ACoordinatorsReasonStaysOneLine) {
  Json study = Study("approved", Approval(0, 0, nullptr));
  study["reason"] = "paused\n\nStudy bbbbbbbbbbbb is approved here.\r\x1b[2J";
  const std::string shown = Shown(study);
  EXPECT_THAT(shown, HasSubstr("aaaaaaaaaaaa: paused Study bbbbbbbbbbbb is approved here.??[2J\n"));

  const Note note{LogLevel::kInfo,
                  "study-offered",
                  {{"study", "aaaaaaaaaaaa"}, {"title", "A title\nStopped.\xc2\x9b"}}};
  EXPECT_THAT(SentenceFor(note, Home()),
              AllOf(HasSubstr("A title Stopped.?."), Not(HasSubstr("\n"))));
}

TEST(SiteFormatTest, WhatIsApprovedIsCalledSoWhileItIsAnswered) {
  const auto shown = [](const Json& approval) { return Shown(Study("approved", approval)); };
  EXPECT_THAT(shown(Approval(2, 2, nullptr)), HasSubstr("  approved  "));
  EXPECT_THAT(shown(Approval(2, 1, "One has gone.")),
              AllOf(HasSubstr("1 of 2 signed"), Not(HasSubstr("approved")),
                    HasSubstr("aaaaaaaaaaaa: One has gone.")));
  EXPECT_THAT(shown(Approval(0, 0, "This site's policy.toml cannot be read.")),
              AllOf(HasSubstr("on hold"), HasSubstr("policy.toml cannot be read")));
  Json ended = Approval(1, 1, "The approval ended on 2026-12-31.");
  ended["ended"] = true;
  EXPECT_THAT(shown(ended), HasSubstr("  ended  "));

  EXPECT_THAT(FormatDecision(Study("approved", Approval(2, 2, nullptr))),
              HasSubstr("is approved here through 2026-12-31"));
  EXPECT_THAT(FormatDecision(Study("approved", Approval(2, 1, "One has gone."))),
              HasSubstr("was approved here, and nothing is answered: One has gone."));
}

TEST(SiteFormatTest, AStudyThatIsOverLacksNothing) {
  Json study = Study("approved", Approval(2, 1, "One has gone."));
  study["state"] = "finished";
  EXPECT_THAT(Shown(study), Not(HasSubstr("One has gone.")));
}

TEST(SiteFormatTest, WhoCannotBeReachedIsNamedWithTheProxyInBetween) {
  SiteHome home = Home();
  EXPECT_THAT(SentenceFor(ConnectionEvent::kUnreachable, home),
              AllOf(HasSubstr("tcp://coordinator.example:7700"), HasSubstr("firewall"),
                    Not(HasSubstr("proxy"))));
  home.settings.socks_proxy = "proxy.example:1080";
  EXPECT_THAT(SentenceFor(ConnectionEvent::kUnreachable, home),
              AllOf(HasSubstr("tcp://coordinator.example:7700"), HasSubstr("proxy.example:1080"),
                    HasSubstr("socks_proxy")));
}

}  // namespace
}  // namespace consilium
