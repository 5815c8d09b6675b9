// The command lines as people and programs meet them: coordinator/commands_cli.cc,
// coordinator/commands_client.cc, coordinator/commands_watch.cc, coordinator/commands.cc,
// coordinator/format.cc, coordinator/home.cc, client/program/commands_cli.cc,
// client/program/commands_client.cc, client/program/commands.cc, client/program/format.cc,
// client/program/home.cc, client/program/review.cc.

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
using ::testing::Not;

Json JsonOf(const CommandOutcome& outcome) {
  return Json::parse(Expect(outcome).out, nullptr, /*allow_exceptions=*/false);
}

TEST(CommandsTest, EveryCommandHasHelpWithAnExample) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> programs = {
      {"consilium-coordinator",
       {"init", "invite", "admit", "revoke", "roster", "submit", "start", "pause", "resume", "stop",
        "inbox", "outbox", "status", "result", "audit", "serve"}},
      {"consilium-site",
       {"init", "rotate", "source", "check", "studies", "review", "preview", "approve", "renew",
        "decline", "revoke", "approver", "run", "inbox", "outbox", "status", "ledger", "exclude",
        "doctor"}}};
  for (const auto& [program, commands] : programs) {
    for (const std::string& command : commands) {
      const CommandOutcome help = RunProgram({program, command, "--help"});
      EXPECT_EQ(help.exit_code, 0) << program << " " << command;
      EXPECT_THAT(help.out, HasSubstr("Example:\n  " + program + " " + command)) << command;
      EXPECT_THAT(help.out, HasSubstr("--json"));
      EXPECT_EQ(RunProgram({program, command}).exit_code, 2) << program << " " << command;
    }
  }
}

TEST(CommandsTest, ErrorsNameTheProblemAndTheRemedyAndHaveTheirExitCode) {
  Deployment federation({});

  const CommandOutcome words = federation.Coordinator({"revoke", "nobody"});
  EXPECT_EQ(words.exit_code, 11);
  EXPECT_THAT(words.err, AllOf(HasSubstr("consilium-coordinator: "), HasSubstr("nobody"),
                               HasSubstr("roster")));
  const CommandOutcome json = federation.Coordinator({"revoke", "nobody", "--json"});
  EXPECT_EQ(json.exit_code, 11);
  EXPECT_EQ(Json::parse(json.out)["error"]["code"], "not-found");
  EXPECT_EQ(federation.Coordinator({"init", "--name", "again"}).exit_code, 14);
  EXPECT_EQ(federation.Site("absent", {"status"}).exit_code, 11);
}

TEST(CommandsTest, RepliesAreTheSameWhetherOrNotTheServiceRuns) {
  Deployment federation(GeneratedSites(3));
  const std::string plan = federation.folder() / "plan.toml";
  WriteText(plan, SmallPlan());
  const Json submitted = JsonOf(federation.Coordinator({"submit", plan, "--json"}));
  const Json roster = JsonOf(federation.Coordinator({"roster", "--json"}));
  const std::string study = submitted["study"];
  const Json status = JsonOf(federation.Coordinator({"status", study, "--json"}));

  federation.StartCoordinator();
  ASSERT_TRUE(Eventually(seconds(10), [&] {
    return federation.WordsOf("coordinator").find("listening") != std::string::npos;
  }));

  EXPECT_EQ(JsonOf(federation.Coordinator({"roster", "--json"})), roster);
  EXPECT_EQ(JsonOf(federation.Coordinator({"status", study, "--json"})), status);
  EXPECT_EQ(federation.Coordinator({"submit", plan}).exit_code, 14);
  Expect(federation.Coordinator({"stop", study}));
  EXPECT_EQ(federation.process("coordinator").Stop(), 0);
  EXPECT_EQ(federation.StateOf(study), "stopped");
}

TEST(CommandsTest, HomeFoldersThatOthersMayUseAreRefused) {
  Deployment federation(GeneratedSites(3));
  ASSERT_EQ(::chmod((federation.home("alpha") / "identity.key").c_str(), 0640), 0);
  ASSERT_EQ(::chmod(federation.home("coordinator").c_str(), 0755), 0);

  for (const CommandOutcome& outcome :
       {federation.Coordinator({"roster"}), federation.Coordinator({"serve"}),
        federation.Site("alpha", {"run"}), federation.Site("alpha", {"status"})}) {
    EXPECT_EQ(outcome.exit_code, 12) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("chmod"));
  }
  const CommandOutcome doctor = federation.Site("alpha", {"doctor"});
  EXPECT_EQ(doctor.exit_code, 1);
  EXPECT_THAT(doctor.out, HasSubstr("chmod 600"));
}

/// Each query: of the cohort, and of rows that become values of patients.
TEST(CommandsTest, WhatADatabaseWouldBeAskedIsShownInFull) {
  const TemporaryFolder folder;
  WriteText(folder / "source.toml",
            "type = \"omop\"\nserver = \"sqlite\"\nfile = \"cdm.db\"\n[index]\n"
            "event = \"condition\"\nconcepts = [201826]\n[[feature]]\nname = \"glucose\"\n"
            "kind = \"measurement\"\nconcepts = [3004501]\nunit = \"mmol/L\"\n"
            "analyte = \"glucose\"\n");
  const std::string home = folder.path();
  const std::string source = folder / "source.toml";
  const CommandOutcome text = RunProgram({"consilium-site", "source", home, source, "--show-sql"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("AS index_date"),
                              HasSubstr("-- the measurements of \"glucose\" in cdm.db"),
                              HasSubstr("AS unit_code")));
  const Json json =
      JsonOf(RunProgram({"consilium-site", "source", home, source, "--show-sql", "--json"}));
  EXPECT_EQ(json["queries_of_rows"].size(), 1U);
}

TEST(CommandsTest, KeysCanBeKeptUnderAPassphrase) {
  const TemporaryFolder folder;
  const std::string home = folder / "coordinator";
  WriteText(folder / "right", "correct horse\n");
  WriteText(folder / "wrong", "battery staple\n");
  for (const char* name : {"right", "wrong"}) ASSERT_EQ(::chmod((folder / name).c_str(), 0600), 0);
  const std::string right = folder / "right";
  Expect(RunProgram(
      {"consilium-coordinator", "init", home, "--name", "locked", "--passphrase-file", right}));

  EXPECT_EQ(RunProgram({"consilium-coordinator", "roster", home}).exit_code, 12);
  EXPECT_EQ(
      RunProgram({"consilium-coordinator", "roster", home, "--passphrase-file", folder / "wrong"})
          .exit_code,
      19);
  Expect(RunProgram({"consilium-coordinator", "roster", home, "--passphrase-file", right}));
}

TEST(CommandsTest, NobodyIsAdmittedWithoutAFingerprintThatWasCompared) {
  Deployment federation({});
  const std::string invitation = federation.folder() / "new.invitation";
  const std::string request = federation.folder() / "new.request";
  Expect(federation.Coordinator({"invite", "--site", "new", "--out", invitation}));
  Expect(federation.Site("new", {"init", "--invite", invitation, "--request", request}));

  const CommandOutcome wrong = federation.Coordinator(
      {"admit", request, "--fingerprint", "0000-0000-0000-0000-0000-0000-0000-0000"});

  // There is no terminal to ask on.
  const CommandOutcome unasked = federation.Coordinator({"admit", request});

  EXPECT_EQ(wrong.exit_code, 19);
  EXPECT_EQ(unasked.exit_code, 10);
  EXPECT_THAT(unasked.err, HasSubstr("--yes"));
  EXPECT_TRUE(JsonOf(federation.Coordinator({"roster", "--json"}))["sites"].empty());
  Expect(federation.Coordinator({"admit", request, "--yes"}));
}

TEST(CommandsTest, AReviewedApprovedAndFinishedStudyIsShownToEverybody) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(SmallPlan());
  const CommandOutcome review = Expect(federation.Site("alpha", {"review", study.substr(0, 8)}));
  EXPECT_THAT(review.out, AllOf(HasSubstr("Two features"), HasSubstr("Test consortium"),
                                HasSubstr("60"), Not(HasSubstr("PATIENT-"))));
  EXPECT_EQ(federation.Site("alpha", {"approve", study, "--yes"}).exit_code, 14);
  EXPECT_EQ(federation.Coordinator({"result", study}).exit_code, 14);
  Expect(federation.Coordinator({"start", study}));

  const CommandOutcome watched = federation.Coordinator({"status", study, "--watch"});

  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  EXPECT_THAT(watched.out, AllOf(HasSubstr("finished"), Not(HasSubstr("\x1b"))));
  const std::string file = federation.folder() / "result.json";
  Expect(federation.Coordinator({"result", study, "--out", file}));
  EXPECT_EQ(ReadText(file), federation.ResultOf(study));
  EXPECT_THAT(Expect(federation.Site("alpha", {"ledger"})).out, HasSubstr("60"));
  EXPECT_EQ(federation.Site("alpha", {"ledger", "--verify"}).exit_code, 0);
  EXPECT_EQ(federation.Coordinator({"audit", "--verify"}).exit_code, 0);
  const CommandOutcome doctor = federation.Site("alpha", {"doctor"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.out;
  federation.process("coordinator").Kill();
  ASSERT_TRUE(
      Eventually(seconds(10), [&] { return federation.Site("alpha", {"doctor"}).exit_code == 1; }));
  federation.process("alpha").Kill();
  const CommandOutcome alone = federation.Site("alpha", {"doctor"});
  EXPECT_EQ(alone.exit_code, 1) << alone.out;
  EXPECT_THAT(alone.out, HasSubstr("coordinator"));
}

/// Everything that anybody but a site itself keeps, and what sites write beside their data.
TEST(CommandsTest, NoPatientIsNamedInAnyFileOfAnyHomeFolder) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(30)));

  std::size_t files = 0;
  for (const char* party : {"coordinator", "alpha", "beta", "gamma"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(federation.home(party))) {
      if (!entry.is_regular_file()) continue;
      ++files;
      EXPECT_THAT(ReadText(entry.path()), Not(HasSubstr("PATIENT-"))) << entry.path();
    }
    EXPECT_THAT(federation.WordsOf(party), Not(HasSubstr("PATIENT-"))) << party;
  }
  EXPECT_GE(files, 20u);
}

}  // namespace
}  // namespace consilium::testing
