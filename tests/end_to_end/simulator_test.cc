// consilium-sim as a process: its result.json is, byte for byte, the one that a coordinator
// releases, and what it does when something is wrong.

#include <cstdlib>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "common/random.h"
#include "tests/end_to_end/small_study.h"
#include "tests/support/wide_plan.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// All sites' rows in one table whose first column names the site, as a scientist has them.
std::string PooledCsv(const std::map<std::string, SiteData>& sites) {
  std::string pooled;
  for (const auto& [name, data] : sites) {
    std::istringstream lines(data.csv);
    std::string line;
    std::getline(lines, line);
    if (pooled.empty()) pooled = "hospital," + line + "\n";
    while (std::getline(lines, line)) pooled += name + "," + line + "\n";
  }
  return pooled;
}

/// An experiment over the rows of these sites, in a folder of its own.
class Simulation {
 public:
  Simulation(const std::string& plan, const std::map<std::string, SiteData>& sites) {
    WriteText(folder_ / "plan.toml", plan);
    WriteText(folder_ / "data.csv", PooledCsv(sites));
    WriteText(folder_ / "source.toml", sites.begin()->second.source);
    WriteText(experiment(),
              "[experiment]\nplan = \"plan.toml\"\n"
              "[data]\nsource = \"source.toml\"\nsite_column = \"hospital\"\n");
  }
  CommandOutcome Run(const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments = {"consilium-sim", "run", experiment(), "--out", out()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return RunProgram(arguments);
  }
  std::filesystem::path experiment() const { return folder_ / "trial.toml"; }
  std::filesystem::path out() const { return folder_ / "out"; }
  std::string Result() const { return ReadText(out() / "result.json"); }
  std::string Comparison() const { return ReadText(out() / "comparison.json"); }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

std::string Replaced(std::string text, const std::string& part, const std::string& by) {
  const std::size_t at = text.find(part);
  if (at == std::string::npos) throw std::runtime_error("no \"" + part + "\" in " + text);
  return text.replace(at, part.size(), by);
}

/// SmallPlan with another analysis of the same columns.
std::string PlanFor(const std::string& kind,
                    const std::string& outcome,
                    const std::string& features) {
  std::string plan = Replaced(SmallPlan(), "name = \"age\"\ntype = \"number\"",
                              "name = \"age\"\ntype = \"integer\"");
  plan = Replaced(plan, "kind = \"logistic\"", "kind = \"" + kind + "\"");
  plan = Replaced(plan, "outcome = \"ill\"", "outcome = \"" + outcome + "\"");
  return Replaced(plan, "[\"age\", \"dose\"]", features);
}

/// What the coordinator of real processes releases, and what the simulator writes.
void ExpectEqualResults(Deployment& federation,
                        const std::string& plan,
                        const std::map<std::string, SiteData>& sites) {
  const std::string study = federation.RunningStudy(plan);
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60))) << federation.ReasonOf(study);
  const std::string released = federation.folder() / (study + ".json");
  Expect(federation.Coordinator({"result", study, "--out", released}));
  const Simulation simulation(plan, sites);
  Expect(simulation.Run());
  const std::string expected = ReadText(released);
  EXPECT_EQ(simulation.Result(), expected);
  Expect(simulation.Run({"--mode", "protocol"}));
  EXPECT_EQ(simulation.Result(), expected) << "over the protocol";
  EXPECT_EQ(Json::parse(simulation.Comparison())["mode"], "protocol");
  const Json result = Json::parse(expected);
  EXPECT_EQ(result["study"], study);
  EXPECT_EQ(result["sites"], sites.size());
  EXPECT_EQ(result["converged"], true);
}

TEST(SimulatorTest, GivesTheBytesThatACoordinatorReleases) {
  const std::map<std::string, SiteData> sites = GeneratedSites(4);
  Deployment federation(sites);
  federation.StartAll();
  ExpectEqualResults(federation, SmallPlan(), sites);
  ExpectEqualResults(federation, PlanFor("linear", "dose", "[\"age\", \"ill\"]"), sites);
  ExpectEqualResults(federation, PlanFor("poisson", "age", "[\"dose\", \"ill\"]"), sites);
}

TEST(SimulatorTest, GivesTheBytesThatACoordinatorReleasesWhereSumsAreLong) {
  // A sum takes two chunks, and there are patients enough for the standard policy.
  WidePlan plan;
  plan.outcome = "type = \"integer\"\nrange = [0, 1000]";
  plan.analysis = "kind = \"linear\"";
  const std::map<std::string, SiteData> sites = WideSites(plan.features, 1'100, 1'000);
  Deployment federation(sites);
  federation.StartAll();
  ExpectEqualResults(federation, TextOf(plan), sites);
}

std::filesystem::path HeartData() {
  const char* folder = std::getenv("CONSILIUM_TEST_DATA");
  return (folder != nullptr ? std::filesystem::path(folder)
                            : std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "../shared/data") /
         "heart_disease";
}

TEST(SimulatorTest, GivesTheBytesThatACoordinatorReleasesOverFourHospitals) {
  if (!std::filesystem::exists(HeartData())) {
    GTEST_SKIP() << "no clinical test data at " << HeartData()
                 << "; set CONSILIUM_TEST_DATA to the folder that holds heart_disease/";
  }
  const std::filesystem::path examples =
      std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";
  std::map<std::string, SiteData> sites;
  for (const char* hospital : {"cleveland", "hungarian", "switzerland", "va"}) {
    SiteData& data = sites[hospital];
    data.csv = ReadText(HeartData() / "csv" / (std::string(hospital) + ".csv"));
    data.source =
        Replaced(ReadText(examples / "heart.source.toml"), "heart_pooled.csv", "data.csv");
    // Complete cases of the three models differ by one or two patients at Switzerland.
    data.policy = "preset = \"standard\"\nminimum_difference = 1\n";
  }
  Deployment federation(sites);
  federation.StartAll();
  for (const char* plan : {"heart.toml", "heart_linear.toml", "heart_poisson.toml"}) {
    SCOPED_TRACE(plan);
    ExpectEqualResults(federation, ReadText(examples / plan), sites);
  }
}

TEST(SimulatorTest, SaysWhatItWroteAndPrintsTheComparisonForPrograms) {
  const Simulation simulation(SmallPlan(), GeneratedSites(4));
  const CommandOutcome text = simulation.Run();
  const std::string written = simulation.Comparison();
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out, AllOf(HasSubstr((simulation.out() / "result.json").string()),
                              HasSubstr((simulation.out() / "comparison.json").string()),
                              HasSubstr("Two features"), HasSubstr("Federated and pooled differ"),
                              Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));

  const CommandOutcome json = simulation.Run({"--json", "--threads", "3"});

  EXPECT_EQ(json.out, written);
  EXPECT_EQ(json.err, "");
  const Json comparison = Json::parse(json.out);
  for (const char* field : {"experiment", "virtual_sites", "federated", "pooled", "alone",
                            "largest_relative_difference"}) {
    EXPECT_TRUE(comparison.contains(field)) << field;
  }
  EXPECT_EQ(comparison["alone"].size(), 4u);
  EXPECT_EQ(comparison["federated"]["coefficients"],
            Json::parse(simulation.Result())["coefficients"]);
}

TEST(SimulatorTest, HelpHasAnExampleAndNamesItsFiles) {
  const CommandOutcome help = RunProgram({"consilium-sim", "run", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out,
              AllOf(HasSubstr("Example:\n  consilium-sim run"), HasSubstr("--json"),
                    HasSubstr("result.json"), HasSubstr("comparison.json"),
                    HasSubstr("report.html"), HasSubstr("rounds.csv"), HasSubstr("site_column")));
  EXPECT_EQ(RunProgram({"consilium-sim"}).exit_code, 2);
  EXPECT_EQ(RunProgram({"consilium-sim", "run"}).exit_code, 2);
}

/// Errors end the program with this code and these words, as text and as JSON; nothing is written.
void ExpectError(const Simulation& simulation,
                 int code,
                 const std::string& name,
                 const std::string& words) {
  const CommandOutcome text = simulation.Run();
  EXPECT_EQ(text.exit_code, code) << text.err;
  EXPECT_THAT(text.err, AllOf(HasSubstr("consilium-sim: "), HasSubstr(words)));
  EXPECT_EQ(text.out, "");
  const CommandOutcome json = simulation.Run({"--json"});
  EXPECT_EQ(json.exit_code, code);
  EXPECT_EQ(Json::parse(json.out)["error"]["code"], name);
  EXPECT_FALSE(std::filesystem::exists(simulation.out()));
}

TEST(SimulatorTest, ErrorsNameThePlaceAndHaveTheirExitCode) {
  const std::map<std::string, SiteData> sites = GeneratedSites(4);
  ExpectError(Simulation(Replaced(SmallPlan(), "logistic", "logistik"), sites), 10, "invalid-input",
              "plan.toml:22:8: ");
  ExpectError(Simulation(Replaced(SmallPlan(), "minimum_sites = 3", "minimum_sites = 5"), sites),
              19, "refused", "trial.toml:5:15: only 4 of 4");
  ExpectError(Simulation(Replaced(SmallPlan(), "range = [0, 120]", "range = [0, 30]"), sites), 20,
              "data-quality", "data.csv:");
  const Simulation misspelt(SmallPlan(), sites);
  WriteText(misspelt.experiment(),
            Replaced(ReadText(misspelt.experiment()), "\"hospital\"", "\"hopsital\""));
  ExpectError(misspelt, 10, "invalid-input", "trial.toml:5:15: ");
  const Simulation absent(SmallPlan(), sites);
  std::filesystem::remove(absent.experiment());
  ExpectError(absent, 11, "not-found", "trial.toml");
}

TEST(SimulatorTest, RemarksOnAPlanThatHasExpiredAndRunsItAllTheSame) {
  const Simulation simulation(Replaced(SmallPlan(), "2090-01-01", "2020-01-01"), GeneratedSites(4));
  const CommandOutcome outcome = simulation.Run({"--json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("consilium-sim: warning: "), HasSubstr("expired on 2020-01-01")));
  EXPECT_TRUE(Json::accept(outcome.out));
}

TEST(SimulatorTest, WritesTheSamePageAndRoundsWhateverTheThreads) {
  const Simulation simulation(SmallPlan(), GeneratedSites(4));
  WriteText(simulation.experiment(),
            "[experiment]\nplan = \"plan.toml\"\nrepetitions = 2\n"
            "[data]\nsource = \"source.toml\"\n"
            "[partition]\nkind = \"quantity\"\nsites = 4\nalpha = 5\n"
            "[sweep]\nanalysis.ridge = [0, 1]\n");
  Expect(simulation.Run({"--threads", "1"}));
  const std::string page = ReadText(simulation.out() / "report.html");
  const std::string rounds = ReadText(simulation.out() / "rounds.csv");
  EXPECT_THAT(page,
              AllOf(HasSubstr("4 runs: 2 combinations with 2 seeds each"), HasSubstr("</html>")));
  EXPECT_THAT(rounds, HasSubstr("run,seed,analysis.ridge,round,"));

  Expect(simulation.Run({"--threads", "4"}));

  EXPECT_EQ(ReadText(simulation.out() / "report.html"), page);
  EXPECT_EQ(ReadText(simulation.out() / "rounds.csv"), rounds);
}

TEST(SimulatorTest, RefusesSeedsThatAreNoNumbersOfItsRange) {
  const Simulation simulation(SmallPlan(), GeneratedSites(3));
  for (const char* seed : {"-1", "99999999999999999999", "one"}) {
    const CommandOutcome outcome = simulation.Run({"--seed", seed});
    EXPECT_EQ(outcome.exit_code, 2) << seed;
    EXPECT_THAT(outcome.err, HasSubstr("18446744073709551615")) << seed;
  }
  Expect(simulation.Run({"--seed", "18446744073709551615"}));
  EXPECT_EQ(Json::parse(simulation.Comparison())["seed"], 18446744073709551615U);
}

TEST(SimulatorTest, AFolderThatCannotBeWrittenIsSaidBeforeAnythingIsComputed) {
  std::map<std::string, SiteData> sites;
  for (const char* site : {"alpha", "beta", "gamma"}) {
    sites[site].csv = "id,ill,age,dose\n";
    for (int i = 0; i < 30; ++i) {
      sites[site].csv += site + std::to_string(i) + ",1,40,0." + std::to_string(i) + "\n";
    }
  }
  const Simulation everybody_is_ill(SmallPlan(), sites);
  const CommandOutcome computed = everybody_is_ill.Run();
  ASSERT_EQ(computed.exit_code, 21) << computed.err;
  EXPECT_THAT(computed.err, HasSubstr("trial.toml: "));
  std::filesystem::remove(everybody_is_ill.out());
  WriteText(everybody_is_ill.out(), "a file where the folder should be");

  const CommandOutcome outcome = everybody_is_ill.Run();

  EXPECT_EQ(outcome.exit_code, 17);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(everybody_is_ill.out().string()), HasSubstr("--out")));
  EXPECT_EQ(ReadText(everybody_is_ill.out()), "a file where the folder should be");
}

TEST(SimulatorTest, ADiskThatFillsUpHalfwayLeavesTheEarlierFilesWhole) {
  const Simulation simulation(SmallPlan(), GeneratedSites(3));
  Expect(simulation.Run());
  const std::string comparison = simulation.Comparison();
  const std::string result = simulation.Result();
  ASSERT_GT(result.size(), 1'000u);

  CommandOutcome outcome;
  {
    const ResourceLimit longest_file(RLIMIT_FSIZE, 1'000);
    outcome = simulation.Run({"--seed", "2"});
  }

  EXPECT_EQ(outcome.exit_code, 16) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("Free space"));
  EXPECT_EQ(simulation.Comparison(), comparison);
  EXPECT_EQ(simulation.Result(), result);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(simulation.out())) {
    EXPECT_TRUE(entry.is_regular_file());
    ++files;
  }
  EXPECT_EQ(files, 4u);
}

}  // namespace
}  // namespace consilium::testing
