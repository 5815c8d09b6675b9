// Validations of a logistic regression on the four heart-disease hospitals, against R 4.2.2: glm
// with epsilon = 1e-14 on the training rows, and on the rows that were held out ranks, means, glm
// with the predicted log odds as offset, and glm on them. Folds by the documentation's formula,
// worked out by another program.

#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/evaluate/evaluate_testing.h"
#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What the project promises; R's own last step leaves less.
constexpr double kTolerance = 1e-8;

struct Expected {
  const char* name;
  std::vector<int> sizes;  ///< Rows and events of training, then held out.
  std::vector<double> coefficients;
  /// AUC, Brier score, log-loss.
  std::vector<double> training;
  std::vector<double> held_out;
  std::vector<double> in_the_large;  ///< With its standard error.
  std::vector<double> slope;         ///< Intercept and slope, then their standard errors.
};

const std::vector<Expected> kFolds = {
    {"1",
     {674, 370, 183, 98},
     {-0.35293951497645448, 0.027196232279798758, 1.4213187063345341, -0.021361065885073915,
      1.2508751526968818, 0.65497993148930145},
     {0.85313833570412523, 0.15322510397397979, 0.47428550551730142},
     {0.85108043217286911, 0.15697057832570635, 0.47195010004036542},
     {0.018132835889770802, 0.18209756289706014},
     {0.013806574472325871, 1.123457573352896, 0.18835814027358272, 0.16735562751794766}},
    {"2",
     {712, 392, 145, 76},
     {-0.12170133333403885, 0.03287326290679949, 1.4004317757826086, -0.024797562246245637,
      1.3300117976062404, 0.62235823984236027},
     {0.85939891581632655, 0.15117209526785436, 0.46480863595200061},
     {0.82847063310450042, 0.16854543433840052, 0.51991121112340122},
     {-0.20041394446058736, 0.21260208587986432},
     {-0.16850550421529448, 0.84776932071951816, 0.20438587268218367, 0.14270421117794843}},
    {"3",
     {677, 369, 180, 99},
     {-0.87221143055666495, 0.030682459393811756, 1.305626218131352, -0.01851120555793527,
      1.3427679407887829, 0.64135271138287597},
     {0.84335075493612077, 0.16011295299719636, 0.48798675465899821},
     {0.8897618156877416, 0.13136731060183438, 0.42195363891809956},
     {0.080892585444199055, 0.19137583805317984},
     {0.086705000156941103, 1.2007094663512266, 0.20481574858052745, 0.16745145056539626}},
    {"4",
     {701, 379, 156, 89},
     {-0.60948713749109595, 0.026741805330808659, 1.5791747578888069, -0.020541360108922869,
      1.5507858767473399, 0.57376283847731169},
     {0.85519264491387925, 0.15378500405334827, 0.47285865898680679},
     {0.84823075633070599, 0.1559567700271228, 0.48096184902315764},
     {0.084915616374105954, 0.2117773811607841},
     {0.091966343574612627, 0.87804437734196206, 0.20301149152140191, 0.13901633616984876}},
    {"5",
     {664, 362, 193, 106},
     {-0.60636654476589091, 0.033711191527549526, 1.398589074128886, -0.02196736715565702,
      1.4560012501515922, 0.5879708847932652},
     {0.86057956166989868, 0.14999468143100772, 0.46450012429989535},
     {0.82986337020169165, 0.16728591642812185, 0.50511489485841221},
     {0.0053336514558596469, 0.1804802567628899},
     {0.010951888126152304, 0.92041247692642547, 0.17658144895254829, 0.13687175729184167}},
};

const std::vector<Expected> kSites = {
    {"cleveland",
     {554, 329, 303, 139},
     {-1.334529989268977, 0.0360031295171796, 1.3661554593450962, -0.016442871270241407,
      1.342212183750187, 0.63485511332218236},
     {0.84862546437014519, 0.15340394803449606, 0.47231941341179778},
     {0.85361466924021756, 0.15757925874361725, 0.48312906867424538},
     {-0.36607834867415445, 0.14291852936078642},
     {-0.37977867172325419, 1.0883542678446136, 0.14783200345836026, 0.12426709950784881}},
    {"hungarian",
     {564, 362, 293, 106},
     {1.7757443209455419, 0.016682715858121491, 1.3280865710054555, -0.028193001159307885,
      1.1296846818304187, 0.43420914032157121},
     {0.83711914009080468, 0.15326095966647785, 0.47309105524681438},
     {0.85289072747452321, 0.17600297129682874, 0.52320312898180943},
     {-0.98816356505694924, 0.14746715769320864},
     {-1.0908545066076893, 1.1905083699889412, 0.17311461061913386, 0.1392878921799918}},
    {"switzerland",
     {740, 359, 117, 109},
     {-1.8938399762542051, 0.031799656861998496, 1.4286549429236988, -0.01549376817102094,
      1.5101498683707186, 0.7830340068845546},
     {0.86815227483751156, 0.14489187287067695, 0.45211379651758515},
     {0.63188073394495414, 0.24180652770952651, 0.69241661557086032},
     {2.9685350507860204, 0.39656813895779663},
     {2.5647463975970584, 0.35402350608704769, 0.37238168423188467, 0.25828544836873507}},
    {"va",
     {713, 354, 144, 114},
     {-0.072963976310250964, 0.029333807631579438, 1.4692907581536938, -0.024633390169599728,
      1.4711081266499773, 0.62600789524663625},
     {0.85317422847520574, 0.15472462661816691, 0.47431934087804889},
     {0.74342105263157898, 0.15031288014676245, 0.47298929804630208},
     {-0.11697308680618393, 0.23688500051250277},
     {0.34754973486697266, 0.62620906240024732, 0.3130287459334507, 0.16781329180501883}},
};

void ExpectMeasures(const Json& ours, const std::vector<double>& r, const std::string& what) {
  EXPECT_LE(std::abs(ours["auc"]["estimate"].get<double>() - r[0]),
            ours["auc"]["bin_error"].get<double>() + 1e-14)
      << what;
  ExpectClose(ours["brier"]["estimate"], r[1], 1e-10, what + " Brier score");
  ExpectClose(ours["log_loss"]["estimate"], r[2], 1e-10, what + " log-loss");
}

void ExpectEstimate(const Json& ours, double estimate, double std_error, const std::string& what) {
  // Near 0 an estimate's digits are those of its standard error.
  EXPECT_NEAR(ours["estimate"].get<double>(), estimate, kTolerance * std_error) << what;
  ExpectClose(ours["std_error"], std_error, kTolerance, what + " standard error");
}

void ExpectEqualsR(const Json& fold, const Expected& r) {
  SCOPED_TRACE(r.name);
  EXPECT_EQ(fold["training"]["rows"], r.sizes[0]);
  EXPECT_EQ(fold["training"]["events"], r.sizes[1]);
  EXPECT_EQ(fold["held_out"]["rows"], r.sizes[2]);
  EXPECT_EQ(fold["held_out"]["events"], r.sizes[3]);
  ASSERT_EQ(fold["coefficients"].size(), r.coefficients.size());
  for (std::size_t j = 0; j < r.coefficients.size(); ++j) {
    ExpectClose(fold["coefficients"][j]["estimate"], r.coefficients[j], kTolerance,
                fold["coefficients"][j]["name"]);
  }
  ExpectMeasures(fold["training"], r.training, "training");
  const Json& held_out = fold["held_out"];
  ExpectMeasures(held_out, r.held_out, "held out");
  ExpectEstimate(held_out["calibration_in_the_large"], r.in_the_large[0], r.in_the_large[1],
                 "in the large");
  ExpectEstimate(held_out["calibration_intercept"], r.slope[0], r.slope[2], "intercept");
  ExpectEstimate(held_out["calibration_slope"], r.slope[1], r.slope[3], "slope");
}

class ValidateReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    rows_ = ReadCsv(*DataFolder() / "heart_disease/csv/heart_pooled.csv");
    for (Row& row : rows_) row["disease"] = row["num"] == "0" ? "0" : "1";
  }

  static Plan PlanWith(const std::string& more) {
    return PlanOf(Boolean("disease") + Number("age", 18, 110) + Boolean("sex") +
                      Number("thalach", 30, 250) + Boolean("exang") + Number("oldpeak", -10, 10),
                  "kind = \"validate\"\nmodel = \"logistic\"\noutcome = \"disease\"\n"
                  "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]\n" +
                      more);
  }

  Rows rows_;
};

TEST_F(ValidateReferenceTest, FiveFoldsEqualR) {
  const Plan plan = PlanWith("seed = 1\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows_));
  ASSERT_EQ(outcome.json["folds"].size(), kFolds.size());
  for (std::size_t i = 0; i < kFolds.size(); ++i) {
    EXPECT_EQ(outcome.json["folds"][i]["fold"], i + 1);
    ExpectEqualsR(outcome.json["folds"][i], kFolds[i]);
  }
}

TEST_F(ValidateReferenceTest, TheModelOfAllRowsIsTheRegressionOfAStudyOfItsOwn) {
  const Plan plan = PlanWith("");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows_));
  const Json reference = ReadJson(*DataFolder() / "heart_disease/reference/heart_models.json");
  ::consilium::testing::ExpectEqualsR(outcome.json, reference["logistic_basic5_pooled"]);
}

TEST_F(ValidateReferenceTest, LeavingOneSiteOutEqualsR) {
  const Plan plan = PlanWith(
      "method = \"leave-one-site-out\"\n"
      "sites = [\"cleveland\", \"hungarian\", \"switzerland\", \"va\"]\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows_));
  ASSERT_EQ(outcome.json["folds"].size(), kSites.size());
  for (std::size_t i = 0; i < kSites.size(); ++i) {
    EXPECT_EQ(outcome.json["folds"][i]["site"], kSites[i].name);
    ExpectEqualsR(outcome.json["folds"][i], kSites[i]);
  }
}

/// Of independent folds: means by hand from R's numbers.
TEST_F(ValidateReferenceTest, WhatIsValidatedIsOverAllFolds) {
  const Plan plan = PlanWith("");
  const Json result = RunOn(plan, NamedCohorts(plan, rows_)).json;
  const Json& validated = result["validated"];
  double brier = 0;
  double loss = 0;
  double slope = 0;
  double slope_variance = 0;
  double auc = 0;
  double auc_variance = 0;
  for (std::size_t i = 0; i < kFolds.size(); ++i) {
    brier += kFolds[i].held_out[1] * kFolds[i].sizes[2];
    loss += kFolds[i].held_out[2] * kFolds[i].sizes[2];
    slope += kFolds[i].slope[1] / 5;
    slope_variance += kFolds[i].slope[3] * kFolds[i].slope[3] / 25;
    const Json& ours = result["folds"][i]["held_out"]["auc"];
    auc += ours["estimate"].get<double>() / 5;
    auc_variance += std::pow(ours["std_error"].get<double>(), 2) / 25;
  }
  EXPECT_EQ(validated["folds"], 5);
  EXPECT_EQ(validated["rows"], 857);
  ExpectClose(validated["brier"]["estimate"], brier / 857, 1e-10, "Brier score");
  ExpectClose(validated["log_loss"]["estimate"], loss / 857, 1e-10, "log-loss");
  ExpectClose(validated["calibration_slope"]["estimate"], slope, kTolerance, "slope");
  ExpectClose(validated["calibration_slope"]["std_error"], std::sqrt(slope_variance), kTolerance,
              "its standard error");
  ExpectClose(validated["auc"]["estimate"], auc, 1e-12, "AUC");
  ExpectClose(validated["auc"]["std_error"], std::sqrt(auc_variance), 1e-12, "its standard error");
  ExpectClose(result["optimism"]["auc"], result["apparent"]["auc"]["estimate"].get<double>() - auc,
              1e-12, "optimism");
  ExpectClose(result["optimism"]["brier"],
              result["apparent"]["brier"]["estimate"].get<double>() - brier / 857, 1e-7,
              "optimism of the Brier score");
  EXPECT_GT(result["optimism"]["auc"].get<double>(), 0);
  EXPECT_LT(result["optimism"]["brier"].get<double>(), 0);
  // Everybody is in one group of the curve, with the prediction of a model that has not seen them.
  double curve_rows = 0;
  for (const Json& group : validated["calibration_curve"])
    curve_rows += group["rows"].get<double>();
  EXPECT_EQ(curve_rows, 857);
}

/// The known figures of thirteen features on 740 patients. By its AUC Switzerland is the best of
/// all: the words have to say what is wrong there, and with the slope at the VA.
TEST_F(ValidateReferenceTest, SitesWhereAModelFailsAreNamedHoweverGoodTheAuc) {
  const Rows rows = ReadCsv(*DataFolder() / "heart_disease/csv/heart_flamby740.csv");
  std::string columns = Number("age", 18, 110) + Number("trestbps", 0, 300) +
                        Number("chol", 0, 700) + Number("thalach", 30, 250) +
                        Number("oldpeak", -10, 10);
  for (const char* name :
       {"sex", "fbs", "exang", "cp_2", "cp_3", "cp_4", "restecg_1", "restecg_2", "y"}) {
    columns += Boolean(name);
  }
  const Plan plan =
      PlanOf(columns,
             "kind = \"validate\"\nmodel = \"logistic\"\noutcome = \"y\"\nfeatures = [\"age\", "
             "\"sex\", \"trestbps\", \"chol\", \"fbs\", \"thalach\", \"exang\", \"oldpeak\", "
             "\"cp_2\", \"cp_3\", \"cp_4\", \"restecg_1\", \"restecg_2\"]\nminimum_count = 1\n"
             "method = \"leave-one-site-out\"\n"
             "sites = [\"cleveland\", \"hungarian\", \"switzerland\", \"va\"]\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows));
  const std::map<std::string, std::vector<double>> known = {{"cleveland", {0.847, -0.14, 0.88}},
                                                            {"hungarian", {0.864, -0.29, 0.99}},
                                                            {"switzerland", {0.911, 4.28, 1.05}},
                                                            {"va", {0.714, -0.21, 0.51}}};
  for (const Json& site : outcome.json["folds"]) {
    const std::vector<double>& figures = known.at(site["site"]);
    const Json& held_out = site["held_out"];
    EXPECT_NEAR(held_out["auc"]["estimate"].get<double>(), figures[0], 0.0006);
    EXPECT_NEAR(held_out["calibration_in_the_large"]["estimate"].get<double>(), figures[1], 0.0051);
    EXPECT_NEAR(held_out["calibration_slope"]["estimate"].get<double>(), figures[2], 0.0051);
  }
  const std::vector<std::string> warnings = outcome.json["warnings"];
  EXPECT_THAT(warnings, Contains(AllOf(StartsWith("switzerland: the AUC looks fine (0.911"),
                                       HasSubstr("the predictions are too low"),
                                       HasSubstr("calibration in the large 4.28"))));
  EXPECT_THAT(warnings, Contains(AllOf(StartsWith("va: "), HasSubstr("too extreme"),
                                       HasSubstr("calibration slope 0.51"))));
  EXPECT_THAT(outcome.result.table,
              AllOf(HasSubstr("switzerland: the AUC looks fine"), HasSubstr("va: ")));
}

}  // namespace
}  // namespace consilium::testing
