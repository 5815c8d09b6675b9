// Approvals as people give them: client/program/commands_approval.cc,
// client/program/commands_review.cc, client/program/approval_requests.cc, client/program/review.cc.

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAnnasWords = "CANARY-anna-correct-horse";
constexpr const char* kBertasWords = "CANARY-berta-battery-staple";

std::string PrivateFile(const std::filesystem::path& file, const std::string& text) {
  WriteText(file, text);
  EXPECT_EQ(::chmod(file.c_str(), 0600), 0);
  return file;
}

std::map<std::string, SiteData> SitesWhereAlphaSigns() {
  std::map<std::string, SiteData> sites = GeneratedSites(3);
  sites["alpha"].policy = "preset = \"standard\"\napprovers = 2\n";
  return sites;
}

class ApprovalTest : public ::testing::Test {
 protected:
  ApprovalTest() {
    PrivateFile(federation_.folder() / "anna.words", std::string(kAnnasWords) + "\n");
    PrivateFile(federation_.folder() / "berta.words", std::string(kBertasWords) + "\n");
    federation_.StartAll();
    study_ = Offered(SmallPlan());
  }

  std::string Offered(const std::string& plan) {
    const std::string study = federation_.Submit(plan);
    EXPECT_TRUE(Eventually(std::chrono::seconds(20), [&] {
      return federation_.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos;
    }));
    return study;
  }
  std::string Words(const std::string& person) {
    return federation_.folder() / (person + ".words");
  }
  void Add(const std::string& name, const std::string& words) {
    Expect(federation_.Site("alpha",
                            {"approver", "add", name, "--signing-passphrase-file", Words(words)}));
  }
  CommandOutcome Sign(const std::string& command,
                      const std::string& name,
                      const std::string& words,
                      std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {
        command, study_, "--as", name, "--signing-passphrase-file", Words(words)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return federation_.Site("alpha", arguments);
  }
  Json Study() {
    const Json reply = Json::parse(federation_.Site("alpha", {"studies", "--json"}).out);
    for (const Json& study : reply["studies"]) {
      if (study["study"] == study_) return study;
    }
    return nullptr;
  }

  Deployment federation_{SitesWhereAlphaSigns()};
  std::string study_;
};

TEST_F(ApprovalTest, TwoPeopleSignAndTheirPassphrasesAreNowhere) {
  Add("Anna Keller", "anna");
  Add("Berta Huber", "berta");
  const CommandOutcome unsigned_approval = federation_.Site("alpha", {"approve", study_, "--yes"});
  EXPECT_EQ(unsigned_approval.exit_code, 19);
  EXPECT_THAT(unsigned_approval.err, AllOf(HasSubstr("2 signatures"), HasSubstr("--as NAME")));

  const CommandOutcome first =
      Expect(Sign("approve", "Anna Keller", "anna", {"--reason", "The board agreed"}));
  EXPECT_THAT(first.out, AllOf(HasSubstr("1 of 2"), HasSubstr("Nothing is answered")));
  EXPECT_THAT(first.err, HasSubstr("I have reviewed this study and approve it."));
  EXPECT_TRUE(Study()["decision"].is_null());
  EXPECT_EQ(Sign("approve", "Anna Keller", "anna").exit_code, 14);
  const CommandOutcome second = Expect(Sign("approve", "Berta Huber", "berta"));
  EXPECT_THAT(second.out, AllOf(HasSubstr("is approved here"), HasSubstr("Anna Keller"),
                                HasSubstr("Berta Huber")));

  const CommandOutcome ledger = Expect(federation_.Site("alpha", {"ledger"}));
  EXPECT_THAT(ledger.out, AllOf(HasSubstr("signed by Anna Keller"), HasSubstr("The board agreed")));
  EXPECT_THAT(Expect(federation_.Site("alpha", {"ledger", "--verify"})).out,
              HasSubstr("The 2 signatures"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(federation_.folder())) {
    if (!entry.is_regular_file() || entry.path().extension() == ".words") continue;
    EXPECT_THAT(ReadText(entry.path()), Not(HasSubstr("CANARY"))) << entry.path();
  }
}

TEST_F(ApprovalTest, AWrongPassphraseAnAlteredKeyAndAStrangerSignNothing) {
  Add("Anna Keller", "anna");
  const std::filesystem::path key = federation_.home("alpha") / "approvers" / "Anna Keller.key";
  const std::string honest = ReadText(key);

  const CommandOutcome wrong = Sign("approve", "Anna Keller", "berta");
  EXPECT_EQ(wrong.exit_code, 19);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("does not open"), Not(HasSubstr("CANARY"))));
  std::string altered = honest;
  altered[altered.size() / 2] = altered[altered.size() / 2] == '0' ? '1' : '0';
  WriteText(key, altered);
  EXPECT_EQ(Sign("approve", "Anna Keller", "anna").exit_code, 13);
  WriteText(key, honest);
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  EXPECT_EQ(Sign("approve", "Anna Keller", "anna").exit_code, 12);
  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  EXPECT_EQ(Sign("approve", "Nobody", "anna").exit_code, 11);
  EXPECT_EQ(federation_
                .Site("alpha", {"approve", study_, "--as", "Mallory", "--key-file", key.string(),
                                "--signing-passphrase-file", Words("anna")})
                .exit_code,
            19);
  EXPECT_EQ(federation_.Site("alpha", {"approve", study_, "--as", "Anna Keller"}).exit_code, 12)
      << "there is nobody to ask";
  EXPECT_TRUE(Study()["decision"].is_null());
  EXPECT_TRUE(Study()["approval"]["waiting"].empty());
}

TEST_F(ApprovalTest, APassphraseMayComeOverADescriptorAndMustNotBeShort) {
  const std::string site = std::string(CONSILIUM_BIN_FOLDER) + "/consilium-site";
  const std::string home = federation_.home("alpha");
  Expect(RunProgram({"/bin/sh", "-c",
                     "exec '" + site + "' approver '" + home +
                         "' add Anna --signing-passphrase-fd 3 3< '" + Words("anna") + "'"}));
  const CommandOutcome list = Expect(federation_.Site("alpha", {"approver", "list"}));
  EXPECT_THAT(list.out, AllOf(HasSubstr("Anna, since"), HasSubstr("asks for 2")));
  PrivateFile(federation_.folder() / "short.words", "short\n");
  EXPECT_EQ(
      federation_
          .Site("alpha", {"approver", "add", "Berta", "--signing-passphrase-file", Words("short")})
          .exit_code,
      10);
  EXPECT_FALSE(std::filesystem::exists(federation_.home("alpha") / "approvers" / "Berta.key"));
  EXPECT_EQ(federation_.Site("alpha", {"approver", "add"}).exit_code, 10);
  EXPECT_EQ(federation_.Site("alpha", {"approver", "rename", "Anna"}).exit_code, 2);
  Expect(federation_.Site("alpha", {"approver", "remove", "Anna"}));
  EXPECT_EQ(federation_.Site("alpha", {"approver", "remove", "Anna"}).exit_code, 11);
}

TEST_F(ApprovalTest, AnApprovalHasItsOwnLastDayAndIsRenewedWithinThePlans) {
  const auto approve = [&](const std::string& command, const std::string& until) {
    return federation_.Site("beta", {command, study_, "--until", until, "--yes"});
  };
  ASSERT_TRUE(Eventually(std::chrono::seconds(20), [&] {
    return federation_.Site("beta", {"studies", "--json"}).out.find(study_) != std::string::npos;
  }));
  EXPECT_EQ(approve("renew", "2999-01-01").exit_code, 14);
  EXPECT_EQ(approve("approve", "2999-01-01").exit_code, 10);
  EXPECT_EQ(approve("approve", "2020-01-01").exit_code, 10);
  EXPECT_EQ(approve("approve", "soon").exit_code, 10);
  const CommandOutcome through = Expect(federation_.Site("beta", {"approve", study_, "--yes"}));
  EXPECT_THAT(through.out, HasSubstr("approved here through"));
  EXPECT_EQ(approve("renew", "2999-01-01").exit_code, 10);
  Expect(federation_.Site("beta", {"renew", study_, "--yes", "--reason", "Once more"}));
  Expect(federation_.Site("beta", {"revoke", study_, "--reason", "Patients objected"}));
  EXPECT_THAT(Expect(federation_.Site("beta", {"ledger"})).out,
              AllOf(HasSubstr("renewed here until"), HasSubstr("Once more"),
                    HasSubstr("revoked here: Patients objected")));
}

TEST_F(ApprovalTest, AReviewIsAPageOfItsOwnAndTellsWhatChanged) {
  const std::filesystem::path page = federation_.folder() / "review.html";
  Add("Anna Keller", "anna");
  Add("Berta Huber", "berta");
  Expect(Sign("approve", "Anna Keller", "anna"));
  Expect(Sign("approve", "Berta Huber", "berta"));
  const std::string first = study_;
  study_ = Offered(SmallPlan("continue"));

  Expect(federation_.Site("alpha", {"review", study_, "--html", page.string()}));

  struct stat status {};
  ASSERT_EQ(::stat(page.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const std::string html = ReadText(page);
  EXPECT_THAT(html, AllOf(HasSubstr("What changed since an earlier study"),
                          HasSubstr("When a hospital is lost"), HasSubstr("Rounds without a hosp"),
                          HasSubstr("alpha"), Not(HasSubstr("PATIENT-"))));
  const CommandOutcome text = Expect(federation_.Site("alpha", {"review", study_}));
  EXPECT_THAT(text.out, AllOf(HasSubstr("continue instead of wait"), HasSubstr("--as NAME"),
                              Not(HasSubstr("PATIENT-"))));
  EXPECT_THAT(Expect(federation_.Site("alpha", {"review", study_, "--since", first})).out,
              HasSubstr("continue instead of wait"));
  EXPECT_EQ(federation_.Site("alpha", {"review", first, "--since", study_}).exit_code, 14);
  EXPECT_EQ(
      federation_.Site("alpha", {"review", study_, "--html", "/nowhere/review.html"}).exit_code,
      11);
}

}  // namespace
}  // namespace consilium::testing
