// Also covers simulations/calibration_report.cc. Reference numbers are R's (4.2.2):
//
//   x <-
//   c(-2.2,-1.9,-1.6,-1.4,-1.1,-1.0,-0.7,-0.5,-0.4,-0.1,0.0,0.2,0.3,0.6,0.8,0.9,1.3,1.5,1.9,2.4) y
//   <- c(0,0,1,0,0,0,1,0,0,1,0,1,0,1,1,0,1,1,0,1) a <- glm(y ~ offset(x), family = binomial,
//   control = glm.control(epsilon = 1e-14)) b <- glm(y ~ x, family = binomial, control =
//   glm.control(epsilon = 1e-14)) ci <- function(m, k) coef(m)[k] + c(0,-1,1) * qnorm(.975) *
//   sqrt(vcov(m)[k,k]) ci(a, 1); ci(b, 2); tapply(plogis(x), rep(1:4, each = 5), mean);
//   mean(plogis(x)) prop.test(27, 180, correct = FALSE)$conf.int   # and so on

#include "simulations/calibration.h"

#include <cmath>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/pages/svg_plot.h"
#include "simulations/calibration_report.h"
#include "simulations/campaign.h"
#include "simulations/html_report.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<double> kLogOdds = {-2.2, -1.9, -1.6, -1.4, -1.1, -1.0, -0.7, -0.5, -0.4, -0.1,
                                      0.0,  0.2,  0.3,  0.6,  0.8,  0.9,  1.3,  1.5,  1.9,  2.4};
const std::vector<double> kOutcomes = {0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1};

void ExpectIs(const std::optional<CalibrationNumber>& found,
              double estimate,
              double low,
              double high) {
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->estimate, estimate, 1e-9);
  EXPECT_NEAR(found->limits.low, low, 1e-9);
  EXPECT_NEAR(found->limits.high, high, 1e-9);
}

TEST(CalibrationTest, InterceptSlopeAndGroupsAreThoseOfR) {
  const Calibration found = Calibrate(kLogOdds, kOutcomes, 4);
  ExpectIs(found.intercept, -0.20488877353531, -1.22463904188666, 0.814861494816041);
  ExpectIs(found.slope, 0.704874129265437, -0.138496930790395, 1.54824518932127);
  const double predicted[] = {0.169079316839012, 0.370925494081716, 0.591981460295509,
                              0.820215558200857};
  const std::uint64_t events[] = {1, 2, 3, 3};
  ASSERT_EQ(found.groups.size(), 4u);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(found.groups[k].rows, 5u);
    EXPECT_EQ(found.groups[k].events, events[k]);
    EXPECT_NEAR(found.groups[k].predicted, predicted[k], 1e-12);
  }
  EXPECT_NEAR(found.predicted, 0.488050457354274, 1e-12);
}

TEST(CalibrationTest, EqualPredictionsStayInOneGroup) {
  const std::vector<double> log_odds = {1, 0, 0, 1, 0, 0, 0, 0, 0, 2};
  const std::vector<double> outcomes = {1, 0, 1, 0, 0, 0, 1, 0, 0, 1};
  const Calibration found = Calibrate(log_odds, outcomes, 5);
  ASSERT_EQ(found.groups.size(), 3u);
  EXPECT_EQ(found.groups[0].rows, 7u);
  EXPECT_EQ(found.groups[1].rows, 2u);
  EXPECT_EQ(found.groups[2].rows, 1u);
  EXPECT_EQ(found.groups[0].events, 2u);
}

TEST(CalibrationTest, SaysNothingThatTheRowsDoNotTell) {
  const Calibration none = Calibrate({}, {}, 10);
  EXPECT_TRUE(none.groups.empty());
  EXPECT_FALSE(none.intercept || none.slope);
  const Calibration only_events =
      Calibrate(std::vector<double>{0, 1, 2}, std::vector<double>(3, 1), 3);
  EXPECT_FALSE(only_events.intercept || only_events.slope);
  EXPECT_EQ(only_events.events, 3u);
  const Calibration constant =
      Calibrate(std::vector<double>(4, 0.5), std::vector<double>{0, 1, 1, 0}, 3);
  EXPECT_FALSE(constant.slope.has_value());
  ASSERT_TRUE(constant.intercept.has_value());
  EXPECT_NEAR(constant.intercept->estimate, -0.5, 1e-9);
  const Calibration separated =
      Calibrate(std::vector<double>{-2, -1, 1, 2}, std::vector<double>{0, 0, 1, 1}, 3);
  EXPECT_FALSE(separated.slope.has_value());
}

TEST(CalibrationPlotTest, HoldsEachGroupAndItsLimits) {
  const std::string svg = CalibrationPlot(
      "t", {{Series::kPooled, 0.25, 0.3, 0.3, 0.3}, {Series::kFederated, 0.25, 0.3, 0.2, 0.4}});
  const auto count = [&](const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("class=\"mark pool\""), 1u);
  EXPECT_EQ(count("class=\"mark fed\""), 1u);
  EXPECT_EQ(count("class=\"bar fed\""), 1u);
  EXPECT_EQ(count("class=\"bar pool\""), 0u);
  EXPECT_EQ(count("class=\"truth\""), 1u);
  EXPECT_EQ(CalibrationPlot("t", {}), "");
}

Experiment Example(const std::string& name) {
  return ReadExperiments(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name)
      .value()
      .front();
}

/// The maximum of the likelihood has no residual that goes with the intercept or the predictor.
TEST(CalibrationSectionTest, AFitIsCalibratedOnItsOwnRowsAndHospitalsAreNot) {
  Experiment experiment = Example("heart_generated_experiment.toml");
  experiment.repetitions = 1;
  const VirtualFederation federation = LoadFederation(experiment, 2).value();
  const Comparison comparison = Compare(experiment.plan, federation).value();
  const std::vector<Coefficient> fitted = CoefficientsOf(comparison.federated);
  const Calibration all = CalibrationOf(experiment.plan, fitted, federation.Pooled(), 10).value();
  EXPECT_EQ(all.groups.size(), 10u);
  ASSERT_TRUE(all.intercept && all.slope);
  EXPECT_NEAR(all.intercept->estimate, 0, 1e-6);
  EXPECT_NEAR(all.slope->estimate, 1, 1e-6);
  const Calibration first =
      CalibrationOf(experiment.plan, fitted, federation.Participants()[0], 10).value();
  ASSERT_TRUE(first.intercept.has_value());
  EXPECT_GT(std::abs(first.intercept->estimate), 0.01);
  const std::string section = CalibrationSection(experiment.plan, federation, comparison);
  EXPECT_THAT(section, AllOf(HasSubstr("<h2>Calibration</h2>"), HasSubstr("All hospitals"),
                             HasSubstr("site-01"), Not(HasSubstr("nan"))));
  const std::vector<Coefficient> fewer(fitted.begin(), fitted.begin() + 2);
  EXPECT_FALSE(LogOddsOf(experiment.plan, fewer, federation.Pooled()).has_value());
}

TEST(CalibrationSectionTest, IsOnThePageOfALogisticStudy) {
  Experiment experiment = Example("heart_generated_experiment.toml");
  experiment.repetitions = 1;
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("<h2>Calibration</h2>"));
}

}  // namespace
}  // namespace consilium
