#include "simulations/experiment.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/result_document.h"
#include "simulations/campaign.h"
#include "simulations/comparison.h"
#include "simulations/html_report.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const char* const kPlan =
    "[study]\ntitle = \"Trial\"\nrequested_by = \"R\"\nexpires = 2027-06-30\nminimum_sites = 3\n"
    "[contract]\npatient = \"id\"\n"
    "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
    "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
    "[[contract.column]]\nname = \"male\"\ntype = \"boolean\"\n"
    "[analysis]\nkind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"age\", \"male\"]\n"
    "[privacy]\nminimum_patients = 10\n";
const char* const kExperiment =
    "[experiment]\nplan = \"plan.toml\"\n[data]\ncsv = \"data.csv\"\nsite_column = \"hospital\"\n";

/// Hospitals north, south and east of 24 patients; in east no man is well, so it separates alone.
/// Hospital small has 4 patients.
std::string Table() {
  std::ostringstream csv;
  csv << "hospital,id,ill,age,male\n";
  int id = 0;
  for (const char* hospital : {"south", "north", "east"}) {
    for (int i = 0; i < 24; ++i) {
      const int male = i % 2;
      int ill = (i * 7 + (hospital[0] == 'n' ? 3 : 1)) % 5 < 2 ? 1 : 0;
      if (hospital[0] == 'e' && male == 1) ill = 1;
      csv << hospital << ",p" << ++id << "," << ill << "," << 30 + (i * 13) % 41 << "," << male
          << "\n";
    }
  }
  for (int i = 0; i < 4; ++i) csv << "small,p" << ++id << "," << i % 2 << ",50," << i / 2 << "\n";
  return csv.str();
}

class ExperimentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("plan.toml", kPlan);
    Write("trial.toml", kExperiment);
    Write("data.csv", Table());
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }
  Result<Experiment> Read() { return ReadExperiment(folder_.path() / "trial.toml"); }
  std::string ReadError() {
    const Result<Experiment> experiment = Read();
    return experiment ? "no error" : Describe(experiment.error());
  }
  /// What is said when the experiment cannot be read or its data cannot be taken.
  std::string LoadError(ErrorCode code) {
    const Result<Experiment> experiment = Read();
    const Result<VirtualFederation> federation =
        experiment ? LoadFederation(*experiment) : tl::make_unexpected(experiment.error());
    if (federation) return "no error";
    EXPECT_EQ(federation.error().code, code);
    return Describe(federation.error());
  }

  TemporaryFolder folder_;
};

TEST_F(ExperimentTest, SplitsTheTableAndNamesWhoIsLeftOut) {
  const Experiment experiment = Read().value();
  const VirtualFederation federation = LoadFederation(experiment).value();
  ASSERT_EQ(federation.sites().size(), 4u);
  EXPECT_EQ(federation.sites()[0].name, "east");
  EXPECT_EQ(federation.sites()[2].name, "small");
  EXPECT_THAT(federation.sites()[2].refusal, AllOf(HasSubstr("4 patients"), HasSubstr("10")));
  EXPECT_EQ(federation.Participants().size(), 3u);
  EXPECT_EQ(federation.Pooled().values.rows(), 72);
  EXPECT_EQ(federation.Pooled().patients, 72u);
}

TEST_F(ExperimentTest, NamesTheProgramThatAPlanLearnsBy) {
  std::string plan = kPlan;
  plan.replace(plan.find("logistic"), 8, "train");
  plan.replace(plan.find("features"), 0,
               "rounds = 1\ntrainer = { command = [\"other\"], parameters = 2 }\n");
  Write("plan.toml", plan);
  EXPECT_THAT(ReadError(), AllOf(HasSubstr("trial.toml:"), HasSubstr("[trainers.other]")));
  const std::string table = std::string(kExperiment) + "[trainers.other]\n";
  Write("trial.toml", table + "program = \"tools/learn\"\n");
  EXPECT_THAT(ReadError(),
              AllOf(HasSubstr("trial.toml:"), HasSubstr("tools/learn does not exist")));
  std::filesystem::create_directory(folder_.path() / "tools");
  Write("tools/learn", "#!/bin/sh\ncat >/dev/null; echo it burns >&2; exit 9\n");
  EXPECT_THAT(ReadError(), HasSubstr("chmod a+x"));
  std::filesystem::permissions(folder_.path() / "tools/learn", std::filesystem::perms::owner_all);
  const Experiment experiment = Read().value();
  const VirtualFederation federation = LoadFederation(experiment).value();
  const auto comparison = Compare(experiment.plan, federation, {});
  ASSERT_FALSE(comparison.has_value());
  EXPECT_THAT(Describe(comparison.error()),
              AllOf(HasSubstr("exit status 9"), HasSubstr("it burns")));
  // A table for a plan that learns by itself is looked at, and not used.
  Write("plan.toml", kPlan);
  EXPECT_EQ(ReadError(), "no error");
  Write("trial.toml", table + "programme = \"tools/learn\"\n");
  EXPECT_THAT(ReadError(), HasSubstr("program"));
}

TEST_F(ExperimentTest, ComparesFederatedPooledAndAlone) {
  const Experiment experiment = Read().value();
  const VirtualFederation federation = LoadFederation(experiment).value();
  const Comparison comparison = Compare(experiment.plan, federation, {.threads = 2}).value();
  ASSERT_TRUE(comparison.largest_difference.has_value());
  EXPECT_LT(*comparison.largest_difference, 1e-12);
  ASSERT_EQ(comparison.alone.size(), 3u);
  EXPECT_FALSE(comparison.alone[0].attempt.run->result.converged);
  EXPECT_TRUE(comparison.alone[1].attempt.run->result.converged);

  const Campaign campaign = RunCampaign({experiment}, 5, 1).value();
  const std::string text = ResultText(campaign);
  EXPECT_THAT(text, AllOf(HasSubstr("east alone: There is no estimate for \"male\""),
                          HasSubstr("separation"), HasSubstr("Left out: small")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  const Json json = Json::parse(ComparisonJson(campaign));
  EXPECT_EQ(json["federated"]["patients"], 72);
  EXPECT_EQ(json["federated"]["rounds"], 1 + json["federated"]["iterations"].get<int>());
  EXPECT_EQ(json["alone"][0]["result"]["separation"]["terms"], Json({"male"}));
  EXPECT_EQ(json["virtual_sites"][2]["takes_part"], false);
  EXPECT_EQ(json["study"], experiment.plan.id.ToHex());
}

/// Scores that follow from the arm without error: everywhere, or in the north alone.
TEST_F(ExperimentTest, AnExactLinearFitIsShownWithoutStandardErrors) {
  std::string plan = kPlan;
  plan.replace(plan.find("kind = \"logistic\""), std::string::npos,
               "kind = \"linear\"\noutcome = \"age\"\nfeatures = [\"male\"]\n"
               "[privacy]\nminimum_patients = 10\n");
  Write("plan.toml", plan);
  for (const bool everywhere : {true, false}) {
    std::ostringstream csv;
    csv << "hospital,id,ill,age,male\n";
    int id = 0;
    for (const char* hospital : {"south", "north", "east"}) {
      for (int i = 0; i < 24; ++i) {
        const bool exact = everywhere || hospital[0] == 'n';
        csv << hospital << ",p" << ++id << ",0," << (exact ? i % 2 : (i * 13) % 41) << "," << i % 2
            << "\n";
      }
    }
    Write("data.csv", csv.str());
    const Campaign campaign =
        RunCampaign(ReadExperiments(folder_.path() / "trial.toml").value(), 1, 1).value();
    for (const std::string& text : {ResultText(campaign), HtmlReport(campaign)}) {
      EXPECT_THAT(text,
                  AllOf(HasSubstr("determined by"), Not(HasSubstr("nan")), Not(HasSubstr(" inf"))));
    }
    EXPECT_TRUE(Json::accept(ComparisonJson(campaign)));
    const Comparison& comparison = campaign.shown.comparison;
    EXPECT_EQ(std::isnan(CoefficientsOf(comparison.federated)[1].std_error), everywhere);
    EXPECT_TRUE(std::isnan(CoefficientsOf(comparison.alone[1].attempt)[1].std_error));
    EXPECT_LT(comparison.largest_difference.value(), 1e-9);
  }
}

TEST_F(ExperimentTest, ReleasesWhatACoordinatorWould) {
  const Experiment experiment = Read().value();
  const VirtualFederation federation = LoadFederation(experiment).value();
  const Comparison comparison = Compare(experiment.plan, federation).value();
  const PlainRun run = RunPlain(*experiment.plan.analysis, federation.Participants()).value();
  EXPECT_EQ(ResultJson(experiment, comparison),
            ResultDocument(experiment.plan, run.result, run.rounds));
}

TEST_F(ExperimentTest, SaysWhereTheSitesAreThatDoNotFitTheTable) {
  std::string table = Table();
  for (const char* hospital : {"west", "centre", "coast"}) {
    for (int i = 0; i < 24; ++i) {
      table += std::string(hospital) + ",p" + std::to_string(1000 + i) + "," +
               (i * 7 % 5 < 2 ? "1" : "0") + "," + std::to_string(30 + i * 13 % 41) + "," +
               (i % 2 == 0 ? "1" : "0") + "\n";
    }
  }
  Write("data.csv", table);
  const Experiment experiment = Read().value();
  const std::string text = ResultText(RunCampaign({experiment}, 1, 1).value());
  EXPECT_THAT(text, AllOf(HasSubstr("more sites alone: see comparison.json"),
                          Not(HasSubstr("result.json")), Not(HasSubstr("\x1b"))));
}

TEST_F(ExperimentTest, TellsTheWatcherTheEndOfAComparisonThatFails) {
  Write("data.csv",
        "hospital,id,ill,age,male\n"
        "a,1,1,30,0\na,2,1,31,1\nb,3,1,32,0\nb,4,1,33,1\nc,5,1,34,0\nc,6,1,35,1\n");
  std::string plan = kPlan;
  plan.replace(plan.find("minimum_patients = 10"), 21, "minimum_patients = 2");
  Write("plan.toml", plan);
  const Experiment experiment = Read().value();
  const VirtualFederation federation = LoadFederation(experiment).value();
  std::string last = "never told";
  std::size_t left = 1;
  CompareOptions options;
  options.watcher = [&](std::size_t done, std::size_t total, const std::string& next) {
    left = total - done;
    last = next;
  };
  const Result<Comparison> comparison = Compare(experiment.plan, federation, options);
  ASSERT_FALSE(comparison.has_value());
  EXPECT_EQ(comparison.error().code, ErrorCode::kNotEstimable);
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(last, "");
}

TEST_F(ExperimentTest, OrderOfRowsBetweenHospitalsChangesNoBit) {
  const VirtualFederation federation = LoadFederation(Read().value()).value();
  const Experiment experiment = Read().value();
  std::istringstream table(Table());
  std::string header;
  std::getline(table, header);
  std::string rows[4];
  for (std::string line; std::getline(table, line);) {
    rows[std::string("ensm").find(line[0] == 's' && line[1] == 'm' ? 'm' : line[0])] += line + "\n";
  }
  Write("data.csv", header + "\n" + rows[3] + rows[1] + rows[0] + rows[2]);
  const VirtualFederation again = LoadFederation(experiment).value();
  EXPECT_EQ(RunPlain(*experiment.plan.analysis, federation.Participants())->result.json,
            RunPlain(*experiment.plan.analysis, again.Participants())->result.json);
}

TEST_F(ExperimentTest, RefusesFewerSitesThanThePlanAsksFor) {
  std::string plan = kPlan;
  plan.replace(plan.find("minimum_sites = 3"), 17, "minimum_sites = 4");
  Write("plan.toml", plan);
  const Result<VirtualFederation> federation = LoadFederation(Read().value());
  ASSERT_FALSE(federation.has_value());
  EXPECT_EQ(federation.error().code, ErrorCode::kRefused);
  EXPECT_THAT(federation.error().message, AllOf(HasSubstr("trial.toml:5:15: only 3 of 4"),
                                                HasSubstr("plan.toml"), HasSubstr("small has 4")));
}

TEST_F(ExperimentTest, SaysWhatLeftNobodyAndNoWayThatCannotBeGone) {
  std::string plan = kPlan;
  plan.insert(plan.find("[analysis]"), "[[contract.eligible]]\ncolumn = \"age\"\nminimum = 109\n");
  Write("plan.toml", plan);
  const std::string nobody = LoadError(ErrorCode::kRefused);
  EXPECT_THAT(nobody,
              AllOf(HasSubstr("north has 0 patients with complete data (of 24 rows: 24 not "
                              "eligible: age at least 109)"),
                    HasSubstr("correct the eligibility rules"), Not(HasSubstr("lower minimum"))));
  Write("plan.toml", kPlan);
  std::string table = Table();
  for (std::size_t at = 0; (at = table.find("south", at)) != std::string::npos;) {
    table.replace(at, 5, "north");
  }
  Write("data.csv", table);
  EXPECT_THAT(LoadError(ErrorCode::kRefused),
              AllOf(HasSubstr("only 2 of 3"), HasSubstr("or lower minimum_patients in the plan."),
                    Not(HasSubstr("lower minimum_sites"))));
}

TEST_F(ExperimentTest, NamesThePlansLineWhenACohortIsTooLarge) {
  std::string plan = kPlan;
  plan.insert(plan.find("[[contract"), "maximum_patients = 20\n");
  Write("plan.toml", plan);
  EXPECT_THAT(LoadError(ErrorCode::kDataQuality),
              AllOf(HasSubstr("plan.toml:8:20: virtual site east: "), HasSubstr("allows (20)")));
}

TEST_F(ExperimentTest, SaysWhereASourceFileIsNamedThatAnExperimentWithACsvDoesNotHave) {
  std::string table = Table();
  table.replace(table.find(",30,"), 4, ",\"30,5\",");
  Write("data.csv", table);
  EXPECT_THAT(LoadError(ErrorCode::kDataQuality),
              AllOf(HasSubstr("Set decimal"), HasSubstr("There is no source file yet"),
                    HasSubstr("by source instead of csv in "), HasSubstr("trial.toml")));
}

TEST_F(ExperimentTest, NamesOnlyAFewOfManySitesThatAreTooSmall) {
  Write("trial.toml",
        "[experiment]\nplan = \"plan.toml\"\n[data]\ncsv = \"data.csv\"\nsite_column = \"id\"\n");
  const Result<VirtualFederation> federation = LoadFederation(Read().value());
  ASSERT_FALSE(federation.has_value());
  EXPECT_THAT(federation.error().message,
              AllOf(HasSubstr("only 0 of 76"), HasSubstr("p1 has 1 patient with"),
                    HasSubstr("and 71 more")));
  EXPECT_LT(federation.error().message.size(), 1000u);
  EXPECT_THAT(federation.error().remedy, HasSubstr("site_column"));
}

TEST_F(ExperimentTest, NamesTheHeadersWhenTheSiteColumnIsMisspelt) {
  Write("trial.toml",
        "[experiment]\nplan = \"plan.toml\"\n[data]\ncsv = \"data.csv\"\n"
        "site_column = \"hopsital\"\n");
  EXPECT_THAT(
      LoadError(ErrorCode::kInvalidArgument),
      AllOf(HasSubstr("trial.toml:5:15: "), HasSubstr("data.csv has no header \"hopsital\""),
            HasSubstr("did you mean \"hospital\""), HasSubstr("hospital, id, ill, age and male")));
}

TEST_F(ExperimentTest, NamesTheKeyWhoseFileDoesNotExist) {
  const std::string head =
      "[experiment]\nplan = \"plan.toml\"\n[data]\nsite_column = \"hospital\"\n";
  Write("far.source.toml", "type = \"csv\"\nfile = \"far.csv\"\n");
  const std::pair<std::string, const char*> cases[] = {
      {"[experiment]\nplan = \"far.toml\"\n", "trial.toml:2:8: "},
      {head + "csv = \"far.csv\"\n", "trial.toml:5:7: "},
      {head + "source = \"far.toml\"\n", "trial.toml:5:10: "},
      {head + "source = \"far.source.toml\"\n", "far.source.toml: "}};
  for (const auto& [text, place] : cases) {
    Write("trial.toml", text);
    EXPECT_THAT(LoadError(ErrorCode::kNotFound),
                AllOf(HasSubstr(place), HasSubstr("does not exist. Correct")))
        << text;
  }
  Write("trial.toml", head + "csv = \".\"\n");
  EXPECT_THAT(LoadError(ErrorCode::kInvalidArgument),
              AllOf(HasSubstr("trial.toml:5:7: "), HasSubstr("is a folder")));
}

TEST_F(ExperimentTest, SaysWhereToRenameTheHeadersOfACsv) {
  std::string table = Table();
  table.replace(table.find("age"), 3, "years");
  Write("data.csv", table);
  EXPECT_THAT(
      LoadError(ErrorCode::kDataQuality),
      AllOf(HasSubstr("data.csv has no column for age"), HasSubstr("hospital, id, ill, years"),
            HasSubstr("source instead of csv in "), HasSubstr("trial.toml")));
}

TEST_F(ExperimentTest, RefusesATableWithoutRows) {
  Write("data.csv", "hospital,id,ill,age,male\n");
  EXPECT_THAT(LoadError(ErrorCode::kDataQuality), HasSubstr("data.csv has no rows"));
}

TEST_F(ExperimentTest, TellsAPlanFromAnExperimentAndShowsWhereToLook) {
  std::filesystem::remove(folder_ / "trial.toml");
  EXPECT_THAT(LoadError(ErrorCode::kNotFound),
              AllOf(HasSubstr("trial.toml"), HasSubstr("run --help")));
  Write("trial.toml", kPlan);
  EXPECT_THAT(LoadError(ErrorCode::kInvalidArgument),
              AllOf(HasSubstr("trial.toml:1:1: this is a plan"), HasSubstr("run --help")));
}

TEST_F(ExperimentTest, ShowsTheQualityReportWhenDataBreakTheContract) {
  Write("data.csv", Table() + "north,p999,1,250,0\n");
  const Result<VirtualFederation> federation = LoadFederation(Read().value());
  ASSERT_FALSE(federation.has_value());
  EXPECT_EQ(federation.error().code, ErrorCode::kDataQuality);
  EXPECT_THAT(federation.error().message,
              AllOf(HasSubstr("plan.toml"), HasSubstr("data.csv:78"), HasSubstr("age"),
                    HasSubstr("out of range"), Not(HasSubstr("250"))));
}

TEST_F(ExperimentTest, TakesASourceFileInsteadOfACsv) {
  Write("trial.toml",
        "[experiment]\nplan = \"plan.toml\"\n[data]\nsource = \"s.toml\"\nsite_column = "
        "\"hospital\"\n");
  Write("s.toml",
        "type = \"csv\"\nfile = \"data.csv\"\n[[column]]\nname = \"age\"\nfrom = \"years\"\n");
  std::string table = Table();
  table.replace(table.find("age"), 3, "years");
  Write("data.csv", table);
  EXPECT_EQ(LoadFederation(Read().value())->sites().size(), 4u);
}

TEST_F(ExperimentTest, NamesTheKeyThatWasMeant) {
  const std::string good = kExperiment;
  const std::pair<const char*, const char*> slips[] = {{"experiment", "expriment"},
                                                       {"plan", "plann"},
                                                       {"data", "daat"},
                                                       {"csv", "cvs"},
                                                       {"site_column", "site_colum"}};
  for (const auto& [key, slip] : slips) {
    std::string text = good;
    const std::size_t at = text.find(key);
    text.replace(at, std::string(key).size(), slip);
    Write("trial.toml", text);
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    EXPECT_THAT(ReadError(),
                AllOf(HasSubstr("trial.toml:" + std::to_string(line) + ":"), HasSubstr(slip),
                      HasSubstr("Did you mean '" + std::string(key) + "'?")))
        << text;
  }
  Write("trial.toml", good + "[partiton]\nkind = \"iid\"\nsites = 4\n");
  EXPECT_THAT(ReadError(), AllOf(HasSubstr("trial.toml:6:2: the key 'partiton'"),
                                 HasSubstr("Did you mean 'partition'?")));
  Write("trial.toml", good + "[partition]\nkind = \"iid\"\nsites = 4\n");
  EXPECT_THAT(ReadError(), HasSubstr("trial.toml:5:15: site_column and [partition] both"));
  Write("trial.toml", good + "[generator]\n");
  EXPECT_THAT(ReadError(), HasSubstr("two sources of patients"));
}

TEST_F(ExperimentTest, DealsTheTableOutWhenAskedTo) {
  Write("trial.toml",
        "[experiment]\nplan = \"plan.toml\"\n[data]\ncsv = \"data.csv\"\n"
        "[partition]\nkind = \"iid\"\nsites = 4\n");
  const VirtualFederation federation = LoadFederation(Read().value(), 3).value();
  ASSERT_EQ(federation.sites().size(), 4u);
  EXPECT_EQ(federation.sites()[0].name, "site-01");
  EXPECT_EQ(federation.Pooled().values.rows(), 76);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(federation.cohort(i).patients, 19u);
}

TEST_F(ExperimentTest, SaysWhatIsWrongAndWhere) {
  const std::string head = "[experiment]\nplan = \"plan.toml\"\n";
  const std::pair<std::string, const char*> cases[] = {
      {"[experiment]\n[data]\ncsv = \"data.csv\"\nsite_column = \"h\"\n", "plan"},
      {head, "data"},
      {head + "[data]\ncsv = \"data.csv\"\n", "site_column"},
      {head + "[data]\nsite_column = \"h\"\n", "either csv or source"},
      {head + "[data]\ncsv = \"a\"\nsource = \"b\"\nsite_column = \"h\"\n", "either csv or source"},
      {kExperiment + std::string("rows = 3\n"), "rows"},
      {kExperiment + std::string("[fault]\n"), "fault"},
      {head + "seeds = 1\n[data]\ncsv = \"data.csv\"\nsite_column = \"h\"\n", "seeds"}};
  for (const auto& [text, expected] : cases) {
    Write("trial.toml", text);
    EXPECT_THAT(ReadError(), AllOf(HasSubstr(expected), HasSubstr("trial.toml:"))) << text;
  }
  Write("trial.toml", kExperiment);
  EXPECT_EQ(ReadError(), "no error");
  Write("plan.toml", "[study]\n");
  EXPECT_THAT(ReadError(), HasSubstr("plan.toml:"));
}

}  // namespace
}  // namespace consilium
