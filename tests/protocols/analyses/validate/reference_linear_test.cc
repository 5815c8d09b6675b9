// Validations of a linear regression of the highest heart rate on the four heart-disease hospitals,
// against R 4.2.2:
//   f <- lm(thalach ~ age + sex + trestbps + exang, train); e <- q$thalach - predict(f, q)
//   r_squared: 1 - sum(e^2) / sum((q$thalach - mean(q$thalach))^2);  rmse: sqrt(mean(e^2)), its
//   error sd(e^2) / sqrt(n) / (2 rmse);  t.test(e);  summary and confint of lm(thalach ~ p, q)
// where p are the predictions for the held-out rows q. Folds by the documentation's formula, worked
// out by another program.

#include <cmath>

#include <gtest/gtest.h>

#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

/// What the project promises.
constexpr double kTolerance = 1e-8;

struct Expected {
  const char* name;
  std::vector<int> sizes;  ///< Rows of training, then held out.
  std::vector<double> coefficients;
  /// R squared, RMSE, its standard error.
  std::vector<double> training;
  std::vector<double> held_out;
  std::vector<double> means;         ///< Of outcomes and predictions that were held out.
  std::vector<double> in_the_large;  ///< With its standard error and limits, as the next two.
  std::vector<double> intercept;
  std::vector<double> slope;
  std::vector<double> recalibrated;  ///< R squared of lm(thalach ~ p).
};

const std::vector<Expected> kFolds = {
    {"1",
     {678, 183},
     {188.92187726904885, -0.85098607956149364, -7.2670582051392563, 0.04145477196215875,
      -14.630680437526966},
     {0.23275546407340486, 22.413526310263357, 0.60314311671435084},
     {0.22299183233365438, 23.822696775630558, 1.2069063790078278},
     {137.22404371584699, 138.25252732669648},
     {-1.0284836108494761, 1.7642093505476126, -4.5094169895020819, 2.4524497678031287},
     {-6.349424888662841, 19.898937970038119, -45.613154475731797, 32.91430469840612},
     {1.0384871176006765, 0.14336211894246065, 0.75561114303050148, 1.3213630921708515},
     {0.22474875783577516}},
    {"2",
     {712, 149},
     {192.32030415014867, -0.85502302894760451, -6.9834539849774551, 0.015557515845517917,
      -15.614020656993389},
     {0.23955620176285497, 22.857160821054794, 0.60069196150270743},
     {0.18102855035634935, 22.051184011809159, 1.1937307508179458},
     {137.70469798657717, 136.66212178768799},
     {1.0425761988891742, 1.8105691041847114, -2.5353301341323102, 4.6204825319106577},
     {22.448316625467164, 19.749741600072298, -16.581780566671277, 61.478413817605606},
     {0.84336742217545213, 0.14390730661346224, 0.55897300945251616, 1.1277618348983882},
     {0.18939195493987007}},
    {"3",
     {681, 180},
     {193.75592795305721, -0.87031452679724342, -6.7982264836350454, 0.0077224369274666756,
      -14.536074970389448},
     {0.22830905200861373, 22.686356396900464, 0.58928619650243019},
     {0.23963113795601543, 22.832300824557798, 1.2589107514591253},
     {138.06666666666666, 137.92113411705796},
     {0.14553254960870396, 1.7065316212757402, -3.2219755716770093, 3.5130406708944171},
     {3.497412702061641, 18.039519025452702, -32.101429381379596, 39.096254785502872},
     {0.97569712449139145, 0.13020614679341941, 0.71875080283767501, 1.2326434461451079},
     {0.23981081314860794}},
    {"4",
     {704, 157},
     {189.35150205501205, -0.80174469964373452, -7.4872152776935978, 0.014522954280505639,
      -14.155544390390364},
     {0.21606481760842022, 22.837724235669242, 0.59298402744759238},
     {0.29009723202766868, 22.201181080213587, 1.2016547681078089},
     {138.78343949044586, 137.24300352656823},
     {1.5404359638776381, 1.7732331372267836, -1.9622093003322141, 5.0430812280874902},
     {-29.702328403996866, 20.554530846375073, -70.305484122801502, 10.900827314807771},
     {1.2276455889558446, 0.14921378253653161, 0.93289060315712424, 1.522400574754565},
     {0.30396691772299839}},
    {"5",
     {669, 192},
     {195.34723616225745, -0.87426764973427906, -7.4712209228673307, 0.0038310983341962143,
      -14.578257614607569},
     {0.23962741661346554, 22.734835996072665, 0.61186530399631622},
     {0.19566529545135447, 22.666651357027842, 1.1376533507869986},
     {136.67708333333334, 138.01073224489625},
     {-1.3336489115629082, 1.6372599769282183, -4.5630819834209566, 1.8957841602951402},
     {10.472811019816886, 18.373414135460379, -25.769266161960061, 46.714888201593837},
     {0.91445259553851577, 0.13259907810068344, 0.65289717707752404, 1.1760080139995075},
     {0.2002018841216551}},
};

const std::vector<Expected> kSites = {
    {"cleveland",
     {558, 303},
     {192.16224049493346, -0.98346271424302623, -5.4425010578051216, -0.0020678743801465405,
      -11.087771666320922},
     {0.25307974668653133, 21.7286228396644, 0.61743431193017628},
     {-0.40341274080799061, 27.054283063299088, 0.76029455053275496},
     {149.60726072607261, 131.02833155820426},
     {18.578929167868356, 1.1316600111967647, 16.351991757533771, 20.805866578202941},
     {10.735778376229353, 13.577371777317998, -15.98281290089548, 37.454369653354185},
     {1.0598584344192392, 0.1032602933516731, 0.85665492651880548, 1.2630619423196729},
     {0.25925681465422024}},
    {"hungarian",
     {568, 293},
     {198.40668387610279, -0.99111483253251031, -10.721293397562226, 0.066549878984839661,
      -14.668902735024615},
     {0.23558513193017705, 23.608997322015842, 0.72843288797536621},
     {0.14789546848162771, 21.738390138491798, 0.89853062979257148},
     {139.1296928327645, 147.57939091892891},
     {-8.4496980861644158, 1.1721076439444325, -10.756548231531058, -6.1428479407977727},
     {-6.8670720274385113, 13.888054210178156, -34.20083973056996, 20.466695675692939},
     {0.98927610387282761, 0.093768759395668158, 0.80472516186587395, 1.1738270458797813},
     {0.27667005342341666}},
    {"switzerland",
     {740, 121},
     {188.40171276614711, -0.78348773849956566, -5.0982031368198539, 0.022044695790729322,
      -15.405032121114976},
     {0.23519447927423931, 21.787421357751604, 0.5374319058086694},
     {-0.19838538417785356, 28.42518870814294, 1.9729968624098839},
     {121.48760330578513, 136.46434982093848},
     {-14.976746515153346, 2.205463702025757, -19.34341115609978, -10.610081874206911},
     {-5.3553076511222821, 29.507259388676871, -63.782628321223655, 53.072013018979092},
     {0.92949485432161683, 0.21561750495052565, 0.50255065940713162, 1.356439049236102},
     {0.13507028160005935}},
    {"va",
     {717, 144},
     {194.32852871065629, -0.82756259077322847, -6.3155424656584715, -0.005292464924227489,
      -16.175143552082954},
     {0.22199250756810829, 22.619338616263033, 0.59513704295030723},
     {-0.13654338917792286, 23.371143165399971, 1.4398288482719241},
     {123.03472222222223, 128.01607003099127},
     {-4.9813478087690424, 1.9094840713242973, -8.7558100746269929, -1.2068855429110914},
     {80.43714647161714, 21.098573273358529, 38.729254874873718, 122.14503806836056},
     {0.33275178452433857, 0.16420186836706241, 0.0081557259612750621, 0.65734784308740202},
     {0.028107013444811188}},
};

void ExpectMeasures(const Json& ours, const std::vector<double>& r, const std::string& what) {
  ExpectClose(ours["r_squared"]["estimate"], r[0], kTolerance, what + " R squared");
  ExpectClose(ours["rmse"]["estimate"], r[1], kTolerance, what + " RMSE");
  ExpectClose(ours["rmse"]["std_error"], r[2], kTolerance, what + " RMSE's standard error");
}

void ExpectInterval(const Json& ours, const std::vector<double>& r, const std::string& what) {
  // Near 0 an estimate's digits are those of its standard error.
  EXPECT_NEAR(ours["estimate"].get<double>(), r[0], kTolerance * r[1]) << what;
  ExpectClose(ours["std_error"], r[1], kTolerance, what + " standard error");
  EXPECT_NEAR(ours["conf_low"].get<double>(), r[2], kTolerance * r[1]) << what;
  EXPECT_NEAR(ours["conf_high"].get<double>(), r[3], kTolerance * r[1]) << what;
}

void ExpectEqualsR(const Json& fold, const Expected& r) {
  SCOPED_TRACE(r.name);
  EXPECT_EQ(fold["training"]["rows"], r.sizes[0]);
  EXPECT_EQ(fold["held_out"]["rows"], r.sizes[1]);
  EXPECT_FALSE(fold["held_out"].contains("events"));
  ASSERT_EQ(fold["coefficients"].size(), r.coefficients.size());
  for (std::size_t j = 0; j < r.coefficients.size(); ++j) {
    ExpectClose(fold["coefficients"][j]["estimate"], r.coefficients[j], kTolerance,
                fold["coefficients"][j]["name"]);
  }
  ExpectMeasures(fold["training"], r.training, "training");
  const Json& held_out = fold["held_out"];
  ExpectMeasures(held_out, r.held_out, "held out");
  ExpectClose(held_out["mean_observed"], r.means[0], kTolerance, "mean outcome");
  ExpectClose(held_out["mean_predicted"], r.means[1], kTolerance, "mean prediction");
  ExpectInterval(held_out["calibration_in_the_large"], r.in_the_large, "in the large");
  ExpectInterval(held_out["calibration_intercept"], r.intercept, "intercept");
  ExpectInterval(held_out["calibration_slope"], r.slope, "slope");
  ExpectClose(held_out["recalibrated_r_squared"]["estimate"], r.recalibrated[0], kTolerance,
              "R squared after recalibration");
}

class ValidateLinearTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    rows_ = ReadCsv(*DataFolder() / "heart_disease/csv/heart_pooled.csv");
  }

  static Plan PlanWith(const std::string& more) {
    return PlanOf(Number("thalach", 30, 250) + Number("age", 18, 110) + Boolean("sex") +
                      Number("trestbps", 0, 300) + Boolean("exang"),
                  "kind = \"validate\"\nmodel = \"linear\"\noutcome = \"thalach\"\n"
                  "features = [\"age\", \"sex\", \"trestbps\", \"exang\"]\n" +
                      more);
  }

  Rows rows_;
};

TEST_F(ValidateLinearTest, FiveFoldsEqualR) {
  const Plan plan = PlanWith("seed = 1\n");
  const Json result = RunOn(plan, NamedCohorts(plan, rows_)).json;
  ASSERT_EQ(result["folds"].size(), kFolds.size());
  for (std::size_t i = 0; i < kFolds.size(); ++i) ExpectEqualsR(result["folds"][i], kFolds[i]);
  // Sums over folds of R's numbers. All held-out rows are all rows, and so are their outcomes.
  double squares = 0;
  double slope = 0;
  for (const Expected& r : kFolds) {
    squares += r.sizes[1] * r.held_out[1] * r.held_out[1];
    slope += r.slope[0] / 5;
  }
  const Json& validated = result["validated"];
  const double total = result["null_deviance"];
  EXPECT_EQ(validated["rows"], 861);
  ExpectClose(validated["rmse"]["estimate"], std::sqrt(squares / 861), kTolerance, "RMSE");
  ExpectClose(validated["r_squared"]["estimate"], 1 - squares / total, kTolerance, "R squared");
  ExpectClose(validated["calibration_slope"]["estimate"], slope, kTolerance, "slope");
  ExpectClose(result["apparent"]["r_squared"]["estimate"], result["r_squared"], kTolerance,
              "apparent R squared");
  ExpectClose(result["optimism"]["r_squared"],
              result["r_squared"].get<double>() - (1 - squares / total), 1e-6, "optimism");
  EXPECT_GT(result["optimism"]["r_squared"].get<double>(), 0);
  EXPECT_LT(result["optimism"]["rmse"].get<double>(), 0);
}

TEST_F(ValidateLinearTest, LeavingOneSiteOutEqualsR) {
  const Plan plan = PlanWith(
      "method = \"leave-one-site-out\"\n"
      "sites = [\"cleveland\", \"hungarian\", \"switzerland\", \"va\"]\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows_));
  ASSERT_EQ(outcome.json["folds"].size(), kSites.size());
  for (std::size_t i = 0; i < kSites.size(); ++i) {
    EXPECT_EQ(outcome.json["folds"][i]["site"], kSites[i].name);
    ExpectEqualsR(outcome.json["folds"][i], kSites[i]);
  }
  // Heart rates differ between hospitals by more than these features tell.
  EXPECT_EQ(outcome.json["warnings"].size(), 4u);
}

TEST_F(ValidateLinearTest, TheModelOfAllRowsIsTheRegressionOfAStudyOfItsOwn) {
  const Plan plan = PlanWith("");
  const Json result = RunOn(plan, NamedCohorts(plan, rows_)).json;
  const Json reference = ReadJson(*DataFolder() / "heart_disease/reference/heart_models.json");
  ::consilium::testing::ExpectEqualsR(result, reference["linear_thalach_pooled"]);
}

}  // namespace
}  // namespace consilium::testing
