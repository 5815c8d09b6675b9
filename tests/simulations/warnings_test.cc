#include "simulations/warnings.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulations/campaign.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kPlan =
    "[study]\ntitle = \"Trial\"\nrequested_by = \"R\"\nexpires = 2027-06-30\nminimum_sites = 3\n"
    "[contract]\npatient = \"id\"\n"
    "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
    "[analysis]\nkind = \"summary\"\nvariables = [\"age\"]\n"
    "[privacy]\nminimum_patients = 2\n";

class WarningsTest : public ::testing::Test {
 protected:
  /// With so many rows, two patients each, of these hospitals.
  std::vector<std::string> Of(const std::vector<std::string>& hospitals) {
    std::ofstream(folder_.path() / "plan.toml") << kPlan;
    std::ofstream(folder_.path() / "trial.toml")
        << "[experiment]\nplan = \"plan.toml\"\n"
           "[data]\ncsv = \"data.csv\"\nsite_column = \"hospital\"\n";
    std::ofstream csv(folder_.path() / "data.csv");
    csv << "hospital,id,age\n";
    int id = 0;
    for (const std::string& hospital : hospitals) csv << hospital << ",p" << ++id << ",50\n";
    csv.close();
    const Experiment experiment = ReadExperiment(folder_.path() / "trial.toml").value();
    return SiteNameWarnings(experiment, LoadTable(experiment).value());
  }

  TemporaryFolder folder_;
};

TEST_F(WarningsTest, CountRowsWithoutAHospital) {
  EXPECT_THAT(Of({"north", "", "south", ""}),
              ElementsAre(HasSubstr("2 rows have no text in \"hospital\" and take part as a "
                                    "hospital called (no name)")));
  EXPECT_THAT(Of({"north", ""}), ElementsAre(HasSubstr("1 row has no text")));
}

TEST_F(WarningsTest, NameHospitalsThatDifferInCapitalsOrBlanksAlone) {
  EXPECT_THAT(Of({"VA", "va", "St Ann", "StAnn", "north", "north"}),
              ElementsAre(AllOf(HasSubstr("\"St Ann\" and \"StAnn\""), HasSubstr("blanks alone")),
                          HasSubstr("\"VA\" and \"va\"")));
  EXPECT_THAT(Of({"north", "north", "south"}), IsEmpty());
}

TEST_F(WarningsTest, SayThatAPlanHasExpiredFromTheDayAfter) {
  const Plan plan = ParsePlan(kPlan, "plan.toml").value();
  EXPECT_THAT(ExpiryWarnings(plan, "plan.toml", Date{2027, 6, 30}), IsEmpty());
  EXPECT_THAT(ExpiryWarnings(plan, "plan.toml", Date{2027, 7, 1}),
              ElementsAre(HasSubstr("plan.toml expired on 2027-06-30: no site would answer it")));
}

TEST_F(WarningsTest, ACampaignShowsItsTableBeforeItComputes) {
  Of({"a", "a", "A", "A", "b", "b"});
  std::vector<std::string> warnings;
  CampaignOptions options;
  options.on_table = [&](const Experiment& experiment, const LoadedTable& table) {
    warnings = SiteNameWarnings(experiment, table);
  };
  options.before_first = [&] {
    EXPECT_EQ(warnings.size(), 1u);
    return Status();
  };
  EXPECT_TRUE(RunCampaign({ReadExperiment(folder_.path() / "trial.toml").value()}, 1, 1, options));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("\"A\" and \"a\"")));
}

}  // namespace
}  // namespace consilium
