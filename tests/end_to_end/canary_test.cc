// Marked values, keys and passphrases are looked for wherever they must not be: in every log and
// terminal output, in each database, in what is released and exported, in what goes over the wire,
// in processes' command lines and environments. Needles are looked for as text and as the bytes
// that memory holds. Also of common/core_dumps.cc, in the services.

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/home.h"
#include "tests/end_to_end/relay.h"
#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPassphrase = "CANARY correct horse battery 7731";
constexpr const char* kPatient = "CANARY-PATIENT-7731";
constexpr double kAge = 41.7319041;
constexpr double kDose = -7.31826403;

/// A needle and what it is.
struct Needle {
  std::string what;
  std::string bytes;
};

std::string BytesOf(double value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::vector<Needle> PatientNeedles() {
  return {{"a patient's identifier", kPatient},
          {"an age as text", "41.7319"},
          {"a dose as text", "7.31826"},
          {"an age as a number", BytesOf(kAge)},
          {"a dose as a number", BytesOf(kDose)}};
}

/// A generated table whose every seventh patient is marked.
std::string MarkedCsv(std::uint32_t site) {
  std::string csv = GeneratedCsv(site, 60);
  std::string marked = csv.substr(0, csv.find('\n') + 1);
  std::size_t row = 0;
  for (std::size_t at = marked.size(); at < csv.size(); ++row) {
    const std::size_t end = csv.find('\n', at) + 1;
    std::string line = csv.substr(at, end - at);
    if (row % 7 == 0) {
      line = std::string(kPatient) + "-" + std::to_string(row) + "," + std::to_string(row / 7 % 2) +
             ",41.7319041,-7.31826403\n";
    }
    marked += line;
    at = end;
  }
  return marked;
}

/// Everything below a folder but the files that are to hold secrets.
std::string FilesOf(const std::filesystem::path& folder) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() != ".key") {
      all += entry.path().string() + "\n" + ReadText(entry.path());
    }
  }
  return all;
}

class CanaryTest : public ::testing::Test {
 protected:
  CanaryTest() : federation_(Data()), relay_(federation_.port(), 1) {
    relay_.KeepFromNowOn();
    WriteText(passphrase_file_, std::string(kPassphrase) + "\n");
    std::filesystem::permissions(
        passphrase_file_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    JoinGamma();
    for (const std::string site : {"alpha", "beta", "gamma"}) SendThroughRelay(site);
    federation_.StartAll();
    gamma_ = Process(
        {"consilium-site", "run", federation_.home("gamma"), "--passphrase-file", passphrase_file_},
        federation_.folder() / "gamma.out");
  }

  static std::map<std::string, SiteData> Data() {
    std::map<std::string, SiteData> data = GeneratedSites(2);
    data["alpha"].csv = MarkedCsv(0);
    data["beta"].csv = MarkedCsv(1);
    return data;
  }

  CommandOutcome Gamma(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--passphrase-file", passphrase_file_});
    return federation_.Site("gamma", std::move(arguments));
  }

  /// A site whose keys have a passphrase.
  void JoinGamma() {
    const std::string invitation = federation_.folder() / "gamma.invitation";
    const std::string request = federation_.folder() / "gamma.request";
    const std::filesystem::path data = federation_.folder() / "gamma-data";
    Expect(federation_.Coordinator({"invite", "--site", "gamma", "--out", invitation}));
    Expect(Gamma({"init", "--invite", invitation, "--request", request}));
    Expect(federation_.Coordinator({"admit", request, "--yes"}));
    std::filesystem::create_directory(data);
    WriteText(data / "data.csv", MarkedCsv(2));
    WriteText(data / "source.toml", SiteData().source);
    Expect(Gamma({"source", data / "source.toml"}));
  }

  void SendThroughRelay(const std::string& site) {
    const std::filesystem::path file = federation_.home(site) / "settings.toml";
    std::string settings = ReadText(file);
    const std::string direct = ":" + std::to_string(federation_.port());
    settings.replace(settings.find(direct), direct.size(), ":" + std::to_string(relay_.port()));
    WriteText(file, settings);
  }

  void RunAStudy() {
    const std::string study = federation_.Submit(SmallPlan());
    for (const std::string site : {"alpha", "beta", "gamma"}) {
      // Argon2id takes its time before gamma answers.
      ASSERT_TRUE(Eventually(seconds(60), [&] {
        return federation_.Site(site, {"studies", "--json"}).out.find(study) != std::string::npos;
      })) << federation_.WordsOf(site);
      words_ += Expect(federation_.Site(site, {"review", study})).out;
      Expect(federation_.Site(site, {"approve", study, "--yes"}));
    }
    ASSERT_TRUE(Eventually(seconds(20), [&] {
      return federation_.Coordinator({"start", study}).exit_code == 0;
    }));
    ASSERT_TRUE(federation_.Reaches(study, "finished", seconds(60)))
        << federation_.ReasonOf(study) << federation_.WordsOf("alpha");
    released_ = federation_.ResultOf(study) + federation_.Coordinator({"result", study}).out;
    for (const std::string site : {"alpha", "beta", "gamma"}) {
      for (const char* format : {"jsonl", "cef"}) {
        released_ += Expect(federation_.Site(site, {"ledger", "--format", format})).out;
      }
      words_ += federation_.Site(site, {"doctor"}).out + federation_.Site(site, {"status"}).out;
    }
    released_ += Expect(federation_.Coordinator({"audit", "--format", "jsonl"})).out;
  }

  /// What anybody but the site's own people may come to see, by where it is.
  std::map<std::string, std::string> Places() {
    std::map<std::string, std::string> places;
    places["what was released and exported"] = released_;
    places["the reports on the terminal"] = words_;
    places["the wire"] = relay_.kept();
    for (const std::string party : {"coordinator", "alpha", "beta", "gamma"}) {
      places["the words of " + party] = federation_.WordsOf(party);
      places["the folder of " + party] = FilesOf(federation_.home(party));
      const pid_t pid = party == "gamma" ? gamma_.pid() : federation_.process(party).pid();
      const std::string process = "/proc/" + std::to_string(pid) + "/";
      places["the command line of " + party] = ReadText(process + "cmdline");
    }
    return places;
  }

  /// The secrets of a party, as the key file's text and as bytes.
  std::vector<Needle> KeysOf(const std::string& party) {
    const PassphraseProvider ask = [](const std::filesystem::path&) -> Result<Passphrase> {
      return Passphrase(kPassphrase);
    };
    const std::filesystem::path home = federation_.home(party);
    const SecretKey32 seed = LoadIdentity(home, ask).value().Seed();
    const SecretKey32 transport = LoadTransportSecret(home, ask).value();
    std::vector<Needle> needles;
    for (const SecretKey32* secret : {&seed, &transport}) {
      needles.push_back({"a key of " + party + " as text", ToHex(secret->Expose())});
      needles.push_back({"a key of " + party, std::string(AsText(secret->Expose()))});
    }
    return needles;
  }

  Deployment federation_;
  CuttingRelay relay_;
  std::string passphrase_file_ = federation_.folder() / "passphrase.txt";
  Process gamma_;
  std::string released_;
  std::string words_;
};

TEST_F(CanaryTest, MarkedValuesKeysAndPassphrasesAreNowhereElse) {
  RunAStudy();
  ASSERT_FALSE(HasFatalFailure());
  std::vector<Needle> needles = PatientNeedles();
  for (const std::string party : {"coordinator", "alpha", "beta", "gamma"}) {
    for (Needle& needle : KeysOf(party)) needles.push_back(std::move(needle));
  }
  needles.push_back({"the passphrase", kPassphrase});
  for (const auto& [place, content] : Places()) {
    EXPECT_FALSE(content.empty()) << place;
    for (const Needle& needle : needles) {
      EXPECT_EQ(content.find(needle.bytes), std::string::npos) << needle.what << " in " << place;
    }
  }
  EXPECT_GT(relay_.kept().size(), 20'000U);
}

TEST_F(CanaryTest, TheNeedlesAreWhereTheyBelong) {
  // Else the search above would find nothing whatever was written.
  const std::string table = ReadText(federation_.folder() / "alpha-data" / "data.csv");
  EXPECT_THAT(table, HasSubstr(kPatient));
  EXPECT_THAT(table, HasSubstr("41.7319"));
  EXPECT_THAT(ReadText(federation_.home("alpha") / "identity.key"),
              HasSubstr(KeysOf("alpha")[0].bytes));
  EXPECT_THAT(ReadText(federation_.home("gamma") / "identity.key"),
              Not(HasSubstr(KeysOf("gamma")[0].bytes)));
}

TEST_F(CanaryTest, TheServicesLeaveNoCoreDump) {
  for (const std::string party : {"coordinator", "alpha", "beta"}) {
    const std::string process = "/proc/" + std::to_string(federation_.process(party).pid());
    ASSERT_TRUE(Eventually(seconds(20), [&] {
      return ReadText(process + "/limits").find("Max core file size        0 ") !=
             std::string::npos;
    })) << ReadText(process + "/limits");
  }
}

}  // namespace
}  // namespace consilium::testing
