#include "protocols/analyses/validate/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Mistake {
  const char* name;
  const char* table;
  const char* words;
};

class ValidateSettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(ValidateSettingsTest, NamesTheMistake) {
  const Result<Plan> plan =
      ParsePlan(PlanText(kValidateColumns, std::string("kind = \"validate\"\noutcome = \"ill\"\n"
                                                       "features = [\"x\"]\n") +
                                               GetParam().table),
                "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), AllOf(HasSubstr("plan.toml:"), HasSubstr(GetParam().words)));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    ValidateSettingsTest,
    ::testing::Values(
        Mistake{"NoModel", "", "model"},
        Mistake{"OtherModel", "model = \"ridge\"\n", "model"},
        Mistake{"OutcomeOfAnotherModel", "model = \"cox\"\n", "no 'outcome'"},
        Mistake{"NoCount", "model = \"poisson\"\nminimum_count = 1000001\n", "1 and 1000000"},
        Mistake{"BinsOfNoBinnedModel", "model = \"linear\"\nscore_bins = 100\n", "score_bins"},
        Mistake{"TiesOfNoCox", "model = \"linear\"\nties = \"efron\"\n", "ties"},
        Mistake{"Method", "model = \"logistic\"\nmethod = \"bootstrap\"\n", "method"},
        Mistake{"OneFold", "model = \"logistic\"\nfolds = 1\n", "between 2 and 20"},
        Mistake{"ManyFolds", "model = \"logistic\"\nfolds = 21\n", "between 2 and 20"},
        Mistake{"Seed", "model = \"logistic\"\nseed = -1\n", "at least 0"},
        Mistake{"SitesOfFolds", "model = \"logistic\"\nsites = [\"a\"]\n",
                "does nothing with method = \"folds\""},
        Mistake{"FoldsOfSites",
                "model = \"logistic\"\nmethod = \"leave-one-site-out\"\nsites = [\"a\"]\n"
                "folds = 3\n",
                "does nothing with method = \"leave-one-site-out\""},
        Mistake{"SeedOfSites",
                "model = \"logistic\"\nmethod = \"leave-one-site-out\"\nsites = [\"a\"]\n"
                "seed = 3\n",
                "does nothing"},
        Mistake{"NoSites", "model = \"logistic\"\nmethod = \"leave-one-site-out\"\n", "sites"},
        Mistake{"EmptySites", "model = \"logistic\"\nmethod = \"leave-one-site-out\"\nsites = []\n",
                "1 to 100"},
        Mistake{"SiteTwice",
                "model = \"logistic\"\nmethod = \"leave-one-site-out\"\nsites = [\"a\", \"a\"]\n",
                "named twice"},
        Mistake{"NoName",
                "model = \"logistic\"\nmethod = \"leave-one-site-out\"\nsites = [\"a b\"]\n",
                "roster"},
        Mistake{"Count", "model = \"logistic\"\nminimum_count = 0\n", "1 and 1000000"},
        Mistake{"Ridge", "model = \"logistic\"\nridge = -1\n", "between 0 and 1e9"},
        Mistake{"Subgroups", "model = \"logistic\"\nsubgroups = [\"stage\"]\n", "subgroups"},
        Mistake{"Key", "model = \"logistic\"\nfold = 3\n", "Did you mean 'folds'?"}),
    [](const auto& mistake) { return mistake.param.name; });

/// Twenty fits of 500 terms at once would be 5.3 million words, one hundred 25 million.
TEST(ValidateRoomTest, RefusesMoreModelsAtOnceThanARoundCarries) {
  std::string columns = Boolean("ill");
  std::string features;
  for (int i = 0; i < 499; ++i) {
    columns += Boolean("x" + std::to_string(i));
    features += (i == 0 ? "\"x" : ", \"x") + std::to_string(i) + "\"";
  }
  std::string sites;
  for (int i = 0; i < 100; ++i) sites += (i == 0 ? "\"s" : ", \"s") + std::to_string(i) + "\"";
  const auto plan_with = [&](const std::string& more) {
    return ParsePlan(PlanText(columns,
                              "kind = \"validate\"\nmodel = \"logistic\"\noutcome = "
                              "\"ill\"\nfeatures = [" +
                                  features + "]\n" + more),
                     "plan.toml");
  };
  EXPECT_TRUE(plan_with("folds = 20\n").has_value());
  const Result<Plan> many = plan_with("method = \"leave-one-site-out\"\nsites = [" + sites + "]\n");
  ASSERT_FALSE(many.has_value());
  EXPECT_THAT(Describe(many.error()), AllOf(HasSubstr("words a round"), HasSubstr("fewer folds")));
}

}  // namespace
}  // namespace consilium::testing
