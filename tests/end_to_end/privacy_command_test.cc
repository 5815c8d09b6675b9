// consilium-sim privacy as a process: what it prints, for people and for programs, and what it
// says when too much or too little was given. The numbers themselves are tested in
// tests/protocols/privacy/.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/process.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

CommandOutcome Privacy(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"consilium-sim", "privacy"});
  return RunProgram(arguments);
}

TEST(PrivacyCommandTest, FindsEpsilonByBothAccountants) {
  const CommandOutcome text =
      Privacy({"--noise", "1.5", "--rate", "0.04", "--rounds", "2250", "--delta", "1e-5"});

  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out, AllOf(HasSubstr("noise multiplier 1.5, sampling rate 0.04, rounds 2250"),
                              HasSubstr("RDP         7.329112  at order 3.9"),
                              HasSubstr("PLD         6.7687"), HasSubstr("upper bounds")));
}

TEST(PrivacyCommandTest, WhatItFindsLeadsBackToWhatWasGiven) {
  const CommandOutcome noise =
      Privacy({"--epsilon", "2", "--delta", "1e-6", "--rounds", "50", "--rate", "0.1", "--json"});
  ASSERT_EQ(noise.exit_code, 0) << noise.err << noise.out;
  const Json found = Json::parse(noise.out);
  EXPECT_EQ(found["solved_for"], "noise");
  EXPECT_EQ(found["given"]["rounds"], 50);
  EXPECT_LT(found["pld"]["noise"], found["rdp"]["noise"]);
  const std::string multiplier = found["rdp"]["noise"].dump();

  const CommandOutcome back = Privacy(
      {"--noise", multiplier, "--delta", "1e-6", "--rounds", "50", "--rate", "0.1", "--json"});
  ASSERT_EQ(back.exit_code, 0) << back.err << back.out;
  const double epsilon = Json::parse(back.out)["rdp"]["epsilon"];
  EXPECT_LE(epsilon, 2);
  EXPECT_GT(epsilon, 2 - 1e-4);  // Noise is rounded up by at most a millionth.

  const CommandOutcome rounds = Privacy(
      {"--noise", multiplier, "--delta", "1e-6", "--epsilon", "2", "--rate", "0.1", "--json"});
  ASSERT_EQ(rounds.exit_code, 0) << rounds.err << rounds.out;
  EXPECT_EQ(Json::parse(rounds.out)["rdp"]["rounds"], 50);

  const CommandOutcome delta = Privacy(
      {"--noise", multiplier, "--rounds", "50", "--epsilon", "2", "--rate", "0.1", "--json"});
  ASSERT_EQ(delta.exit_code, 0) << delta.err << delta.out;
  EXPECT_LE(Json::parse(delta.out)["rdp"]["delta"], 1e-6);
}

TEST(PrivacyCommandTest, SaysWhoseEpsilonItIs) {
  const CommandOutcome site =
      Privacy({"--noise", "4", "--rounds", "3", "--delta", "1e-6", "--unit", "site"});
  EXPECT_EQ(site.exit_code, 0) << site.err;
  EXPECT_THAT(site.out, HasSubstr("for a site: all that it has, exchanged for anything else"));
  const CommandOutcome patient = Privacy({"--noise", "4", "--rounds", "3", "--delta", "1e-6"});
  EXPECT_THAT(patient.out, HasSubstr("for a patient: one more or one less"));
  const CommandOutcome json =
      Privacy({"--noise", "4", "--rounds", "3", "--delta", "1e-6", "--unit", "site", "--json"});
  EXPECT_EQ(Json::parse(json.out)["given"]["unit"], "site");
  const CommandOutcome sampled = Privacy(
      {"--noise", "4", "--rounds", "3", "--delta", "1e-6", "--unit", "site", "--rate", "0.1"});
  EXPECT_EQ(sampled.exit_code, 2);
  EXPECT_THAT(sampled.err, HasSubstr("all sites take part in every round"));
  EXPECT_EQ(Privacy({"--noise", "4", "--rounds", "3", "--delta", "1e-6", "--unit", "x"}).exit_code,
            2);
}

TEST(PrivacyCommandTest, ExactlyOneIsLeftOut) {
  const CommandOutcome few = Privacy({"--epsilon", "1"});
  EXPECT_EQ(few.exit_code, 2);
  EXPECT_THAT(few.err, AllOf(HasSubstr("--noise, --rounds and --delta are missing"),
                             HasSubstr("Give all but one of")));
  const CommandOutcome all =
      Privacy({"--epsilon", "1", "--delta", "1e-5", "--noise", "2", "--rounds", "3", "--json"});
  EXPECT_EQ(all.exit_code, 2);
  EXPECT_THAT(std::string(Json::parse(all.out)["error"]["remedy"]), HasSubstr("Leave out the one"));
}

TEST(PrivacyCommandTest, ErrorsNameTheNumberAndHaveTheirExitCode) {
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    std::string words;
  };
  const Case cases[] = {
      {{"--noise", "0", "--rounds", "1", "--delta", "1e-5"}, 10, "noise multiplier 0 is not in"},
      {{"--noise", "1", "--rounds", "1", "--delta", "1"}, 10, "delta 1 is not in"},
      {{"--noise", "1", "--rounds", "1", "--delta", "1e-5", "--rate", "2"}, 10, "sampling rate 2"},
      {{"--noise", "1", "--rounds", "0", "--delta", "1e-5"}, 2, "--rounds"},
      {{"--noise", "1", "--rounds", "-3", "--delta", "1e-5"}, 2, "--rounds"},
      {{"--noise", "one", "--rounds", "3", "--delta", "1e-5"}, 2, "--noise"},
      {{"--noise", "0.5", "--epsilon", "0.001", "--delta", "1e-9"}, 21, "already one round"}};
  for (const Case& c : cases) {
    const CommandOutcome outcome = Privacy(c.arguments);
    EXPECT_EQ(outcome.exit_code, c.exit_code) << c.words;
    EXPECT_EQ(outcome.out, "") << c.words;
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("consilium-sim: "), HasSubstr(c.words)));
  }
}

TEST(PrivacyCommandTest, HelpHasExamples) {
  const CommandOutcome help = Privacy({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("Examples:\n  consilium-sim privacy --noise"),
                              HasSubstr("--json"), HasSubstr("docs/privacy.md")));
}

}  // namespace
}  // namespace consilium::testing
