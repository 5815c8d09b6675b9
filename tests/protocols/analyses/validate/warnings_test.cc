#include "protocols/analyses/validate/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::validate {
namespace {

using evaluate::WaldMeasure;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// By the places in a layout; standard errors 0.1.
Judged JudgedBy(const ValidatePlan& plan,
                double discrimination,
                double in_the_large,
                double slope) {
  const Layout& layout = plan.model->layout();
  Judged judged;
  judged.measures.resize(layout.measures.size());
  judged.measures[layout.discrimination] = WaldMeasure(discrimination, 0.02, 0.95);
  if (layout.in_the_large) {
    judged.measures[*layout.in_the_large] = WaldMeasure(in_the_large, 0.1, 0.95);
  }
  judged.measures[layout.slope] = WaldMeasure(slope, 0.1, 0.95);
  judged.mismatch = "10.0 events were expected and 20 happened";
  return judged;
}

ValidatePlan SitesPlan(const std::vector<std::string>& sites,
                       const std::string& model = "logistic") {
  std::string names;
  for (const std::string& site : sites) names += (names.empty() ? "\"" : ", \"") + site + "\"";
  return testing::ParsedPlan(model, "method = \"leave-one-site-out\"\nsites = [" + names + "]\n",
                             3);
}

/// What was found at sites, and the mean discrimination.
Validation ValidationOf(const ValidatePlan& plan, std::vector<Judged> sites, double mean) {
  Validation validation;
  for (Judged& site : sites) {
    validation.folds.emplace_back().on_held_out = std::move(site);
  }
  validation.validated = Validated{1, {}, JudgedBy(plan, mean, 0, 1)};
  return validation;
}

TEST(WarningsTest, NamesFirstTheSitesWhoseAucHidesThatCalibrationFails) {
  const ValidatePlan plan = SitesPlan({"north", "south", "west", "far"});
  const Validation validation =
      ValidationOf(plan,
                   {JudgedBy(plan, 0.75, 0.9, 1), JudgedBy(plan, 0.9, 4.3, 1),
                    JudgedBy(plan, 0.7, 0.1, 0.5), JudgedBy(plan, 0.85, -0.9, 1.4)},
                   0.8);
  EXPECT_THAT(
      WarningsOf(validation, plan),
      ElementsAre(AllOf(StartsWith("south: the AUC looks fine (0.900, mean 0.800), but the "
                                   "predictions are too low: 10.0 events were expected and 20 "
                                   "happened"),
                        HasSubstr("calibration in the large 4.30 [4.10, 4.50]")),
                  AllOf(StartsWith("far: the AUC looks fine"), HasSubstr("too high: 10.0 events"),
                        HasSubstr("and they are not extreme enough")),
                  AllOf(StartsWith("north: the predictions are too low"), Not(HasSubstr("AUC"))),
                  AllOf(StartsWith("west: the predictions are too extreme"),
                        HasSubstr("calibration slope 0.50 [0.30, 0.70]"))));
}

/// The first interval holds 0, the second misses it by less than what matters.
TEST(WarningsTest, WarnsOfNobodyWithoutCause) {
  for (const char* model : {"logistic", "linear", "poisson", "cox"}) {
    const ValidatePlan plan = SitesPlan({"north", "south"}, model);
    const Validation validation =
        ValidationOf(plan, {JudgedBy(plan, 0.75, 0.19, 1.1), JudgedBy(plan, 0.9, -0.29, 0.9)}, 0.8);
    EXPECT_THAT(WarningsOf(validation, plan), IsEmpty()) << model;
  }
}

TEST(WarningsTest, AnAucOfChanceLooksNeitherFineNorBad) {
  const ValidatePlan plan = SitesPlan({"north", "south"});
  const Validation validation =
      ValidationOf(plan, {JudgedBy(plan, 0.5, 0.9, 1), JudgedBy(plan, 0.5, 0, 1)}, 0.5);
  EXPECT_THAT(WarningsOf(validation, plan),
              ElementsAre(StartsWith("north: the predictions are too low")));
}

TEST(WarningsTest, ASiteWithoutMeasuresIsNotJudged) {
  const ValidatePlan plan = SitesPlan({"a", "b", "c"});
  Validation validation = ValidationOf(plan, {JudgedBy(plan, 0.75, 0.9, 1)}, 0.8);
  validation.folds.emplace_back();
  validation.folds.emplace_back().on_held_out = Judged{};
  validation.folds.back().on_held_out->measures.resize(plan.model->layout().measures.size());
  EXPECT_THAT(WarningsOf(validation, plan),
              ElementsAre(StartsWith("a: the predictions are too low")));
  validation.validated.reset();
  EXPECT_THAT(WarningsOf(validation, plan), IsEmpty());
}

/// What an outcome's unit is decides what matters: 0.9 of a number that varies by 20 does not.
TEST(WarningsTest, OfANumberTheMeanErrorIsHeldAgainstItsSpread) {
  const ValidatePlan plan = SitesPlan({"near", "far"}, "linear");
  Judged near = JudgedBy(plan, 0.5, 0.9, 1);
  near.unit = 20;
  Judged far = JudgedBy(plan, 0.5, 9, 1);
  far.unit = 20;
  far.mismatch = "by 9 on average";
  EXPECT_THAT(WarningsOf(ValidationOf(plan, {near, far}, 0.4), plan),
              ElementsAre(AllOf(StartsWith("far: the R squared after recalibration looks fine"),
                                HasSubstr("predictions are too low: by 9 on average "
                                          "(calibration in the large 9 [8.8, 9.2])"))));
}

/// A stratified Cox regression has no baseline, and so nothing in the large.
TEST(WarningsTest, OfACoxRegressionTheSlopeIsJudged) {
  const ValidatePlan plan = SitesPlan({"north", "south"}, "cox");
  const Validation validation =
      ValidationOf(plan, {JudgedBy(plan, 0.7, 9, 0.4), JudgedBy(plan, 0.6, 9, 1.6)}, 0.65);
  EXPECT_THAT(WarningsOf(validation, plan),
              ElementsAre("north: the concordance looks fine (0.700, mean 0.650), but the "
                          "predictions are too extreme (calibration slope 0.40 [0.20, 0.60]).",
                          StartsWith("south: the predictions are not extreme enough")));
}

/// A fit without errors has a slope of 1 but for rounding, and limits as narrow.
TEST(WarningsTest, RoundingIsNoLackOfCalibration) {
  const ValidatePlan plan = SitesPlan({"north"}, "linear");
  Judged here = JudgedBy(plan, 1, 0, 1);
  here.measures[plan.model->layout().slope] = WaldMeasure(1 + 1e-14, 1e-16, 0.95);
  EXPECT_THAT(WarningsOf(ValidationOf(plan, {here}, 1), plan), IsEmpty());
}

/// Folds are patients at random: one that misses its mark by chance is no news.
TEST(WarningsTest, OfFoldsTheMeanCounts) {
  for (const char* model : {"logistic", "linear", "poisson", "cox"}) {
    const ValidatePlan plan = testing::ParsedPlan(model, "folds = 2\n", 3);
    const Layout& layout = plan.model->layout();
    Validation validation =
        ValidationOf(plan, {JudgedBy(plan, 0.9, 2, 0.5), JudgedBy(plan, 0.9, -2, 1.5)}, 0.9);
    EXPECT_THAT(WarningsOf(validation, plan), IsEmpty());
    std::vector<std::optional<Measure>>& means = validation.validated->judged.measures;
    means[layout.slope] = WaldMeasure(0.6, 0.1, 0.95);
    EXPECT_THAT(WarningsOf(validation, plan),
                ElementsAre(AllOf(HasSubstr("too extreme"), HasSubstr("0.60 [0.40, 0.80]"),
                                  HasSubstr("fewer features"))));
    means[layout.slope] = WaldMeasure(1.6, 0.1, 0.95);
    EXPECT_THAT(WarningsOf(validation, plan),
                ElementsAre(AllOf(HasSubstr("not extreme enough"), HasSubstr("smaller ridge"))));
    if (!layout.in_the_large) continue;
    means[*layout.in_the_large] = WaldMeasure(-0.625, 0.1, 0.95);
    EXPECT_THAT(WarningsOf(validation, plan)[0],
                HasSubstr("too high (mean calibration in the large over folds -0.62"));
  }
}

}  // namespace
}  // namespace consilium::validate
