#include "protocols/analyses/validate/choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::validate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ValidatePlan PlanWith(Method method,
                      std::uint32_t folds,
                      std::uint32_t minimum_sites = 3,
                      const std::string& model = "logistic") {
  std::string sites;
  for (std::uint32_t i = 0; i < folds; ++i) {
    sites += (i == 0 ? "\"site-" : ", \"site-") + std::to_string(i) + "\"";
  }
  return testing::ParsedPlan(model,
                             method == Method::kFolds
                                 ? "folds = " + std::to_string(folds) + "\n"
                                 : "method = \"leave-one-site-out\"\nsites = [" + sites + "]\n",
                             minimum_sites);
}

/// Rows, as many patients, events and sites.
FoldSizes Held(double rows, double events, double sites = 5, double training_sites = 5) {
  return {{rows, rows, events}, sites, training_sites};
}

Sizes Sum(const std::vector<FoldSizes>& folds) {
  Sizes all;
  for (const FoldSizes& fold : folds) {
    all.rows += fold.held_out.rows;
    all.patients += fold.held_out.patients;
    all.events += fold.held_out.events;
  }
  return all;
}

std::vector<std::string> Reasons(const ValidatePlan& plan, const std::vector<FoldSizes>& folds) {
  return ReasonsToLeaveOut(plan, Sum(folds), folds);
}

const auto kLooked = IsEmpty();

TEST(ChoiceTest, LargeFoldsAreAllLookedAt) {
  EXPECT_THAT(Reasons(PlanWith(Method::kFolds, 3), {Held(40, 10), Held(30, 8), Held(35, 0)}),
              ElementsAre(kLooked, kLooked, kLooked));
}

/// Of a fold that is left out, the rest would tell: the smallest goes with it.
TEST(ChoiceTest, ASmallFoldTakesTheSmallestOtherWithIt) {
  EXPECT_THAT(
      Reasons(PlanWith(Method::kFolds, 3), {Held(40, 10), Held(30, 4), Held(35, 9)}),
      ElementsAre(kLooked, HasSubstr("Fewer than 5 patients, events or others are held out"),
                  HasSubstr("as a difference")));
  EXPECT_THAT(Reasons(PlanWith(Method::kFolds, 3), {Held(40, 10), Held(30, 28), Held(35, 9)}),
              ElementsAre(kLooked, HasSubstr("held out"), HasSubstr("as a difference")));
}

TEST(ChoiceTest, TwoSmallFoldsThatAreLargeTogetherTakeNobodyWithThem) {
  EXPECT_THAT(
      Reasons(PlanWith(Method::kFolds, 4), {Held(40, 10), Held(30, 4), Held(35, 4), Held(50, 20)}),
      ElementsAre(kLooked, HasSubstr("held out"), HasSubstr("held out"), kLooked));
}

TEST(ChoiceTest, AFoldAtTooFewSitesIsLeftOutAndHiddenAmongOthers) {
  EXPECT_THAT(
      Reasons(PlanWith(Method::kFolds, 3, 4), {Held(40, 10, 5), Held(30, 9, 3), Held(35, 9, 5)}),
      ElementsAre(kLooked, HasSubstr("fewer than 4 sites"), HasSubstr("as a difference")));
}

TEST(ChoiceTest, TrainingRowsAtTooFewSitesAreNotLookedAt) {
  EXPECT_THAT(
      Reasons(PlanWith(Method::kFolds, 3), {Held(40, 10), Held(30, 9, 5, 2), Held(35, 9)}),
      ElementsAre(kLooked, HasSubstr("What is left to fit a model to lies at fewer than 3 sites"),
                  kLooked));
}

/// Many rows may be of one patient.
TEST(ChoiceTest, PatientsAreCountedNotRows) {
  const std::vector<FoldSizes> folds = {Held(40, 10), {{30, 4, 9}, 5, 5}, Held(35, 9)};
  EXPECT_THAT(Reasons(PlanWith(Method::kFolds, 3), folds),
              ElementsAre(kLooked, HasSubstr("held out"), HasSubstr("as a difference")));
}

TEST(ChoiceTest, WithoutEventsPatientsAloneCount) {
  EXPECT_THAT(
      Reasons(PlanWith(Method::kFolds, 3, 3, "linear"), {Held(40, 0), Held(4, 0), Held(35, 0)}),
      ElementsAre(kLooked, HasSubstr("Fewer than 5 patients are held out"),
                  HasSubstr("as a difference")));
}

TEST(ChoiceTest, OneSiteAloneIsWhatLeavingOutMeans) {
  EXPECT_THAT(Reasons(PlanWith(Method::kLeaveOneSiteOut, 2), {Held(40, 10, 1), Held(30, 9, 1)}),
              ElementsAre(kLooked, kLooked));
}

TEST(ChoiceTest, TheRestOfTheSitesCountsAsLeftOut) {
  const ValidatePlan plan = PlanWith(Method::kLeaveOneSiteOut, 2);
  const std::vector<FoldSizes> folds = {Held(40, 10, 1), Held(30, 9, 1)};
  // The third site has three rows, which all less the two others would tell.
  EXPECT_THAT(ReasonsToLeaveOut(plan, {73, 73, 20}, folds),
              ElementsAre(kLooked, HasSubstr("as a difference")));
  EXPECT_THAT(ReasonsToLeaveOut(plan, {170, 170, 39}, folds), ElementsAre(kLooked, kLooked));
}

TEST(ChoiceTest, WhatIsLeftToFitAModelToMustBeLargeToo) {
  // Without the first there are three events, and its own rows tell so.
  EXPECT_THAT(Reasons(PlanWith(Method::kLeaveOneSiteOut, 2), {Held(40, 10, 1), Held(30, 3, 1)}),
              ElementsAre(HasSubstr("left to fit a model to"), HasSubstr("held out")));
}

TEST(ChoiceTest, AnEmptyFoldHidesNothing) {
  EXPECT_THAT(Reasons(PlanWith(Method::kFolds, 3), {Held(40, 10), Held(0, 0, 0), Held(35, 9)}),
              ElementsAre(kLooked, HasSubstr("No row"), kLooked));
  EXPECT_THAT(Reasons(PlanWith(Method::kLeaveOneSiteOut, 2), {Held(40, 10, 1), Held(0, 0, 0)}),
              ElementsAre(HasSubstr("left to fit"), HasSubstr("No site of this name")));
}

}  // namespace
}  // namespace consilium::validate
