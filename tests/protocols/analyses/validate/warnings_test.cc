#include "protocols/analyses/validate/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium::validate {
namespace {

using evaluate::WaldMeasure;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// 40 rows, of which 10 were expected to have the event; standard errors 0.1.
FoldResult FoldOf(double auc, double in_the_large, double slope, double events = 20) {
  evaluate::Evaluation here;
  here.all.rows = 40;
  here.all.events = events;
  here.all.predicted = 0.25;
  here.all.discrimination = evaluate::Discrimination{WaldMeasure(auc, 0.02, 0.95), 0, true};
  here.all.in_the_large = WaldMeasure(in_the_large, 0.1, 0.95);
  here.recalibration.slope = WaldMeasure(slope, 0.1, 0.95);
  FoldResult fold;
  fold.on_held_out = here;
  return fold;
}

ValidatePlan SitesPlan(std::vector<std::string> sites) {
  ValidatePlan plan;
  plan.method = Method::kLeaveOneSiteOut;
  plan.folds = static_cast<std::uint32_t>(sites.size());
  plan.sites = std::move(sites);
  return plan;
}

Validation ValidationOf(std::vector<FoldResult> folds, double auc) {
  Validation validation;
  validation.folds = std::move(folds);
  Validated validated;
  validated.auc = WaldMeasure(auc, 0.01, 0.95);
  validation.validated = validated;
  return validation;
}

TEST(WarningsTest, NamesFirstTheSitesWhoseAucHidesThatCalibrationFails) {
  const ValidatePlan plan = SitesPlan({"north", "south", "west", "far"});
  const Validation validation = ValidationOf({FoldOf(0.75, 0.9, 1), FoldOf(0.9, 4.3, 1),
                                              FoldOf(0.7, 0.1, 0.5), FoldOf(0.85, -0.9, 1.4, 4)},
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
  EXPECT_THAT(WarningsOf(ValidationOf({FoldOf(0.75, 0.19, 1.1), FoldOf(0.9, -0.29, 0.9)}, 0.8),
                         SitesPlan({"north", "south"})),
              IsEmpty());
}

TEST(WarningsTest, AnAucOfChanceLooksNeitherFineNorBad) {
  EXPECT_THAT(WarningsOf(ValidationOf({FoldOf(0.5, 0.9, 1), FoldOf(0.5, 0, 1)}, 0.5),
                         SitesPlan({"north", "south"})),
              ElementsAre(StartsWith("north: the predictions are too low")));
}

TEST(WarningsTest, ASiteWithoutMeasuresIsNotJudged) {
  Validation validation =
      ValidationOf({FoldOf(0.75, 0.9, 1), FoldResult{}, FoldOf(0.8, 0, 1)}, 0.8);
  validation.folds[2].on_held_out->all.discrimination.reset();
  EXPECT_THAT(WarningsOf(validation, SitesPlan({"a", "b", "c"})),
              ElementsAre(StartsWith("a: the predictions are too low")));
  validation.validated.reset();
  EXPECT_THAT(WarningsOf(validation, SitesPlan({"a", "b", "c"})), IsEmpty());
}

/// Folds are patients at random: one that misses its mark by chance is no news.
TEST(WarningsTest, OfFoldsTheMeanCounts) {
  ValidatePlan plan;
  plan.folds = 2;
  Validation validation = ValidationOf({FoldOf(0.9, 2, 0.5), FoldOf(0.9, -2, 1.5)}, 0.9);
  validation.validated->in_the_large = WaldMeasure(0, 0.1, 0.95);
  validation.validated->slope = WaldMeasure(1, 0.1, 0.95);
  EXPECT_THAT(WarningsOf(validation, plan), IsEmpty());
  validation.validated->slope = WaldMeasure(0.6, 0.1, 0.95);
  EXPECT_THAT(WarningsOf(validation, plan),
              ElementsAre(AllOf(HasSubstr("too extreme"), HasSubstr("0.60 [0.40, 0.80]"),
                                HasSubstr("fewer features"))));
  validation.validated->slope = WaldMeasure(1.6, 0.1, 0.95);
  validation.validated->in_the_large = WaldMeasure(-0.6, 0.1, 0.95);
  EXPECT_THAT(WarningsOf(validation, plan),
              ElementsAre(HasSubstr("too high (mean calibration in the large over folds -0.60"),
                          AllOf(HasSubstr("not extreme enough"), HasSubstr("smaller ridge"))));
}

}  // namespace
}  // namespace consilium::validate
