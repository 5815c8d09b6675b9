// Studies that learn by a program of each site: real processes of coordinator, sites and programs,
// and the simulator beside them.

#include <cmath>
#include <cstdlib>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/safetensors.h"
#include "simulations/experiment.h"
#include "simulations/plain_federation.h"
#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

bool HasNumPy() {
  return std::filesystem::exists("/usr/bin/python3") &&
         RunProgram({"/usr/bin/python3", "-c", "import numpy"}).exit_code == 0;
}

std::string Example(const std::string& name) {
  return ReadText(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name);
}

/// The small study with a training in place of its analysis.
std::string TrainingPlan(const std::string& learner) {
  std::string plan = SmallPlan();
  const std::size_t at = plan.find("kind = \"logistic\"");
  return plan.replace(at, 17,
                      "kind = \"train\"\nrounds = 3\nbatch_size = 100000\nlearning_rate = 1.5\n"
                      "l2 = 0.01\nvalidation = 0.2\n" +
                          learner);
}

const std::string kByNumPy =
    TrainingPlan("trainer = { command = [\"numpy-logistic\"], parameters = 3 }");

/// A program in a folder that nobody else can change.
std::filesystem::path Install(const TemporaryFolder& folder, const std::string& text) {
  const std::filesystem::path file = folder / "learn";
  WriteText(file, text);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  return file;
}

std::map<std::string, SiteData> SitesWith(const std::filesystem::path& program) {
  std::map<std::string, SiteData> sites = GeneratedSites(3);
  for (auto& [name, data] : sites) {
    data.policy = "preset = \"research\"\n[trainers.numpy-logistic]\nprogram = \"" +
                  program.string() + "\"\nseconds = 50\n";
  }
  return sites;
}

/// The rows of GeneratedSites in one table.
std::string PooledCsv() {
  std::string pooled = "hospital,id,ill,age,dose\n";
  for (const auto& [name, data] : GeneratedSites(3)) {
    std::istringstream lines(data.csv);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) pooled += name + "," + line + "\n";
  }
  return pooled;
}

std::string ExperimentWith(const std::string& trainer) {
  return "[experiment]\nplan = \"plan.toml\"\n[data]\ncsv = \"data.csv\"\n"
         "site_column = \"hospital\"\n[trainers.numpy-logistic]\n" +
         trainer;
}

Json Finished(Deployment& federation, const std::string& plan) {
  const std::string study = federation.RunningStudy(plan);
  EXPECT_TRUE(federation.Reaches(study, "finished", seconds(60)))
      << federation.ReasonOf(study) << federation.WordsOf("alpha");
  return Json::parse(federation.ResultOf(study));
}

std::vector<double> NumbersOf(const Json& result) {
  std::vector<double> numbers;
  for (const Json& tensor : result["parameters"]) {
    for (const Json& value : tensor["values"]) numbers.push_back(value.get<double>());
  }
  return numbers;
}

/// All rows in each step: the program then computes what our own model does. It does so in double
/// precision, ours in single, and both return single; 1e-5 is some hundred of its units.
TEST(TrainerTest, AProgramAtEachSiteEqualsTheBuiltInModel) {
  if (!HasNumPy()) GTEST_SKIP() << "no python3 with NumPy; scripts/packages lists it";
  const TemporaryFolder tools;
  const std::filesystem::path program = Install(tools, Example("trainers/numpy_logistic.py"));
  Deployment federation(SitesWith(program));
  federation.StartAll();
  const Json found = Finished(federation, kByNumPy);
  const Json expected = Finished(federation, TrainingPlan("model = \"logistic\""));
  const std::vector<double> ours = NumbersOf(expected);
  const std::vector<double> theirs = NumbersOf(found);
  ASSERT_EQ(theirs.size(), 3u);
  EXPECT_GT(std::abs(ours[0]), 0.1) << "it has learned something";
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(theirs[j], ours[j], 1e-5);
  }
  for (std::size_t i = 0; i < found["curve"].size(); ++i) {
    for (const char* field : {"training_loss", "validation_loss"}) {
      EXPECT_NEAR(found["curve"][i][field].get<double>(), expected["curve"][i][field].get<double>(),
                  1e-5);
    }
  }

  // The same rows in the simulator: the same program gives the same bits.
  WriteText(tools / "plan.toml", kByNumPy);
  WriteText(tools / "data.csv", PooledCsv());
  WriteText(tools / "trial.toml", ExperimentWith("program = \"learn\"\n"));
  const Experiment experiment = ReadExperiment(tools / "trial.toml").value();
  EXPECT_EQ(experiment.plan.id.ToHex(), found["study"].get<std::string>());
  const VirtualFederation virtual_sites = LoadFederation(experiment).value();
  const Result<PlainRun> run = RunPlain(*experiment.plan.analysis, virtual_sites.Participants());
  ASSERT_TRUE(run.has_value()) << Describe(run.error());
  const Json simulated = Json::parse(run->result.json);
  EXPECT_EQ(simulated["parameters"], found["parameters"]);
  EXPECT_EQ(simulated["curve"], found["curve"]);
}

/// A program that always says the same, from a file that it is allowed to read.
TEST(TrainerTest, TheSimulatorRunsProgramsInBothModes) {
  const TemporaryFolder folder;
  const Bytes reply = train::EncodeTensors({{},
                                            {{"parameters", {3}, train::BytesOf({0.5F, -0.25F, 2})},
                                             {"loss", {}, train::BytesOf({0.75F})},
                                             {"held_out_loss", {1}, train::BytesOf({0.875F})}}});
  std::string frame(8, '\0');
  frame[0] = static_cast<char>(reply.size());
  ASSERT_LT(reply.size(), 256u);
  WriteText(folder / "reply", frame + std::string(AsText(reply)));
  Install(folder, "#!/bin/sh\ncat >/dev/null\ncat \"$1\"\n");
  WriteText(folder / "plan.toml", kByNumPy);
  WriteText(folder / "data.csv", PooledCsv());
  WriteText(folder / "trial.toml",
            ExperimentWith("program = \"learn\"\nreadable = [\"reply\"]\narguments = [\"" +
                           (folder / "reply").string() + "\"]\n"));
  std::string results;
  for (const char* mode : {"plain", "protocol"}) {
    Expect(RunProgram(
        {"consilium-sim", "run", folder / "trial.toml", "--out", folder / "out", "--mode", mode}));
    const std::string written = ReadText(folder / "out" / "result.json");
    if (results.empty()) results = written;
    EXPECT_EQ(written, results) << mode;
    EXPECT_THAT(ReadText(folder / "out" / "report.html"), HasSubstr("Loss on held-out rows"));
  }
  const Json result = Json::parse(results);
  EXPECT_EQ(result["parameters"][0]["name"], "parameters");
  EXPECT_EQ(result["curve"][1]["training_loss"], 0.75);
  EXPECT_EQ(result["curve"][1]["validation_loss"], 0.875);
  const CommandOutcome model = RunProgram(
      {"consilium-sim", "model", folder / "out" / "result.json", folder / "model.safetensors"});
  EXPECT_EQ(model.exit_code, 0) << model.err;
  const std::string file = ReadText(folder / "model.safetensors");
  const auto tensors = train::DecodeTensors(AsBytes(file));
  ASSERT_TRUE(tensors.has_value());
  EXPECT_EQ(tensors->front().shape, std::vector<std::size_t>{3});
}

/// examples/heart_trainer_experiment.toml as a scientist runs it: with the table beside it.
TEST(TrainerTest, TheExampleLearnsOnFourHospitals) {
  const char* named = std::getenv("CONSILIUM_TEST_DATA");
  const std::filesystem::path source(CONSILIUM_SOURCE_FOLDER);
  const std::filesystem::path table =
      (named != nullptr ? std::filesystem::path(named) : source / "../shared/data") /
      "heart_disease/csv/heart_pooled.csv";
  if (!std::filesystem::exists(table)) {
    GTEST_SKIP() << "no " << table << "; set CONSILIUM_TEST_DATA to the folder of heart_disease/";
  }
  if (!HasNumPy()) GTEST_SKIP() << "no python3 with NumPy; scripts/packages lists it";
  const TemporaryFolder folder;
  std::filesystem::copy_file(table, folder / "heart_pooled.csv");
  std::filesystem::copy(source / "examples/trainers", folder / "trainers");
  for (const char* name :
       {"heart_trainer.toml", "heart_trainer_experiment.toml", "heart.source.toml"}) {
    std::filesystem::copy_file(source / "examples" / name, folder / name);
  }
  const Experiment experiment = ReadExperiment(folder / "heart_trainer_experiment.toml").value();
  const VirtualFederation federation = LoadFederation(experiment).value();
  const Result<PlainRun> run = RunPlain(*experiment.plan.analysis, federation.Participants());
  ASSERT_TRUE(run.has_value()) << Describe(run.error());
  const Json result = Json::parse(run->result.json);
  const Json& curve = result["curve"];
  EXPECT_EQ(result["model"]["trainer"], "numpy-logistic");
  EXPECT_EQ(run->result.sites, 4u);
  // A model that knows nothing has a loss of log 2.
  EXPECT_NEAR(curve.front()["validation_loss"].get<double>(), std::log(2.0), 1e-6);
  EXPECT_LT(curve.back()["validation_loss"].get<double>(), 0.5);
}

TEST(TrainerTest, APolicyThatDoesNotNameTheProgramRefusesIt) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.Submit(kByNumPy);
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos;
  }));
  const CommandOutcome review = federation.Site("alpha", {"review", study});
  EXPECT_THAT(review.out, HasSubstr("What learns at each hospital"));
  EXPECT_THAT(review.out, HasSubstr("names: none"));
  const CommandOutcome approval = federation.Site("alpha", {"approve", study, "--yes"});
  EXPECT_NE(approval.exit_code, 0);
  EXPECT_THAT(approval.err, HasSubstr("learns by a program called \"numpy-logistic\""));
  EXPECT_THAT(approval.err, HasSubstr("[trainers.numpy-logistic]"));
}

TEST(TrainerTest, ReviewAndDoctorNameTheProgram) {
  const TemporaryFolder tools;
  const std::filesystem::path program = Install(tools, "#!/bin/sh\n");
  Deployment federation(SitesWith(program));
  federation.StartAll();
  const std::string study = federation.ApprovedStudy(kByNumPy);
  const CommandOutcome review = federation.Site("alpha", {"review", study});
  EXPECT_THAT(review.out, HasSubstr(program.string()));
  EXPECT_THAT(review.out, HasSubstr("the coordinator cannot change"));
  EXPECT_THAT(federation.Site("alpha", {"doctor"}).out, HasSubstr("trainer numpy-logistic"));
  std::filesystem::permissions(program, std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(federation.Site("alpha", {"doctor"}).out, HasSubstr("chmod go-w"));
  EXPECT_THAT(federation.Site("alpha", {"review", study}).out, HasSubstr("No: others than"));
}

/// What a program says of patients stays in its own site's log.
TEST(TrainerTest, AProgramThatFailsIsNamedAtItsSiteAlone) {
  const TemporaryFolder tools;
  const std::filesystem::path program =
      Install(tools, "#!/bin/sh\ncat >/dev/null\necho PATIENT-CANARY >&2\nexit 7\n");
  Deployment federation(SitesWith(program));
  federation.StartAll();
  const std::string study = federation.RunningStudy(kByNumPy);
  ASSERT_TRUE(federation.Reaches(study, "paused", seconds(40))) << federation.StateOf(study);
  // The first that refuses ends the round.
  std::string refusing;
  for (const std::string site : {"alpha", "beta", "gamma"}) {
    if (federation.ReasonOf(study).find(site) != std::string::npos) refusing = site;
  }
  ASSERT_NE(refusing, "") << federation.ReasonOf(study);
  EXPECT_THAT(federation.WordsOf(refusing), HasSubstr("exit status 7"));
  EXPECT_THAT(ReadText(federation.home(refusing) / "logs" / "site.log"),
              HasSubstr("PATIENT-CANARY"));
  EXPECT_THAT(ReadText(federation.folder() / (refusing + ".out")), Not(HasSubstr("CANARY")));
  EXPECT_THAT(federation.Site(refusing, {"studies"}).out, Not(HasSubstr("CANARY")));
  EXPECT_THAT(federation.WordsOf("coordinator"), Not(HasSubstr("CANARY")));
}

TEST(TrainerTest, ASiteStopsAlthoughItsProgramRuns) {
  const TemporaryFolder tools;
  const std::filesystem::path program = Install(tools, "#!/bin/sh\nsleep 600\n");
  Deployment federation(SitesWith(program));
  federation.StartAll();
  federation.RunningStudy(TrainingPlan(
      "standardise = \"none\"\ntrainer = { command = [\"numpy-logistic\"], parameters = 3 }"));
  const std::filesystem::path folder = federation.home("alpha") / "trainers";
  const auto works = [&] {
    return std::filesystem::exists(folder) && !std::filesystem::is_empty(folder);
  };
  ASSERT_TRUE(Eventually(seconds(20), works));
  EXPECT_EQ(federation.process("alpha").Stop(), 0);
  EXPECT_FALSE(works());
}

}  // namespace
}  // namespace consilium::testing
