// Validations of a Poisson regression of the grade of disease on the four heart-disease hospitals,
// against R 4.2.2, with epsilon = 1e-14:
//   f <- glm(num ~ age + sex + thalach + exang + oldpeak, poisson, train)
//   mu <- predict(f, q, type = "response"); d <- 2 (y log(y / mu) - (y - mu)); mean(d),
//   sd(d) / sqrt(n); 1 - sum(d) / (the same with mean(y)); glm(num ~ 1 + offset(lp), poisson, q),
//   its standard error 1 / sqrt(sum(y)), where R's is of the step before the maximum;
//   glm(num ~ lp, poisson, q) and 1 - deviance / null.deviance of that
// where q are the held-out rows and lp <- predict(f, q). Folds by the documentation's formula,
// worked out by another program.

#include <cmath>

#include <gtest/gtest.h>

#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

/// What the project promises; R's own last step leaves less.
constexpr double kTolerance = 1e-8;

struct Expected {
  const char* name;
  std::vector<int> sizes;  ///< Rows, and those with a count above 0, of training, then held out.
  std::vector<double> coefficients;
  /// Counts observed and expected, mean deviance, its standard error, D squared.
  std::vector<double> training;
  std::vector<double> held_out;
  std::vector<double> in_the_large;  ///< With its standard error, as the next two.
  std::vector<double> intercept;
  std::vector<double> slope;
  std::vector<double> recalibrated;  ///< D squared of glm(num ~ lp).
};

const std::vector<Expected> kFolds = {
    {"1",
     {674, 370, 183, 98},
     {-1.1363489907273456, 0.023884731059678119, 0.61776843430131867, -0.0091011630352344393,
      0.29218722063040914, 0.28324985362046445},
     {664, 663.99999999999966, 0.96598031957757702, 0.040825273549429837, 0.32852347527790393},
     {165, 168.02570589394912, 0.94212125764557753, 0.075396237856146103, 0.31755136317471178},
     {-0.018171505071154097, 0.077849894416152296},
     {-0.026725738013299281, 0.080179972157271767},
     {1.0586643665204369, 0.12152803460127333},
     {0.31869419488453443}},
    {"2",
     {712, 392, 145, 76},
     {-1.2000188272365384, 0.026764087002105877, 0.60342347865801593, -0.0096836090179330675,
      0.29327279446106402, 0.26896254780669099},
     {688, 688.00000000000034, 0.93365727457382741, 0.038821274029842319, 0.33802473131791222},
     {141, 138.57749336774395, 1.0948467140826867, 0.099376212931719846, 0.27536843823806234},
     {0.017330202322433475, 0.084215192106651904},
     {0.017369160741374831, 0.087313531893422877},
     {0.99976922807861079, 0.13659269701263538},
     {0.2755606352184542}},
    {"3",
     {677, 369, 180, 99},
     {-1.4073136044190246, 0.025653982381145995, 0.60405154123585236, -0.0080403574709117364,
      0.37973511173649427, 0.2751591233417765},
     {652, 652.00000000000148, 0.97341733045674361, 0.041463983297832005, 0.31822542785714025},
     {177, 174.53295274621871, 0.91106706962155037, 0.075427926536418805, 0.36099750582296142},
     {0.014036167807012841, 0.075164602800282893},
     {0.018647481451116891, 0.079005032550678436},
     {0.98045480102704263, 0.10535194703975687},
     {0.36126661989132769}},
    {"4",
     {701, 379, 156, 89},
     {-1.4339880484256575, 0.023463117504305093, 0.78129645072406939, -0.0081193302320399178,
      0.45517230297679578, 0.24366950382951216},
     {666, 665.99999999999841, 0.95700337455137419, 0.041078746217200264, 0.3274779740539534},
     {163, 160.99046006804301, 0.99162794533067367, 0.094752241479318947, 0.31127269580505912},
     {0.01240509181365866, 0.078326044998795738},
     {0.043803668308386778, 0.082965870525547006},
     {0.88540717869817287, 0.11119207556510467},
     {0.31603658787301803}},
    {"5",
     {664, 362, 193, 106},
     {-1.4598868997674117, 0.02821674161107161, 0.66702101915936485, -0.0087184588987388994,
      0.38611068649480418, 0.23124090903728828},
     {646, 645.99999999999864, 0.96014416328863639, 0.042028485992071152, 0.33226165477084879},
     {183, 184.59912305333788, 0.96420330478921878, 0.077165046078064153, 0.3067535818740359},
     {-0.0087004186924168388, 0.073922127095457285},
     {-0.010805125221996214, 0.076923369509127287},
     {1.0118116291894912, 0.11786947616113046},
     {0.30684280478740344}},
};

const std::vector<Expected> kSites = {
    {"cleveland",
     {554, 329, 303, 139},
     {-1.6659591297021008, 0.028657210209368157, 0.84544282401647064, -0.0083922363096698271,
      0.31975398150867029, 0.20658702733493794},
     {545, 545.00000000000148, 0.85385372634225731, 0.040790901545958595, 0.33504564489519939},
     {284, 243.79445035750825, 1.1816025166212158, 0.077960817753937248, 0.30001938605622414},
     {0.15264878446783395, 0.059339082909692663},
     {0.14854468184403002, 0.059617682988926161},
     {1.09555999130115, 0.090179857968662555},
     {0.31454052073228322}},
    {"hungarian",
     {564, 362, 293, 106},
     {0.18525394915490931, 0.0094917159057963853, 0.5477353765944547, -0.010571774410604634,
      0.2776777610321588, 0.23866473272115421},
     {723, 723.00000000000011, 1.0181442511524612, 0.045293384233165021, 0.29028285259531084},
     {106, 284.76801554110801, 1.0321698467153995, 0.045951334222840916, -0.40305852699765232},
     {-0.9882357741370118, 0.097128586235726413},
     {-1.044260200842867, 0.10550689601179526},
     {1.2674166475756927, 0.15850366562866333},
     {0.29697402949564777}},
    {"switzerland",
     {740, 359, 117, 109},
     {-2.5602281199436301, 0.033535278512581701, 0.63270868186414875, -0.0049371833029539479,
      0.5072800238575732, 0.32208938497810646},
     {622, 621.99999999999886, 0.89402866756175348, 0.039972167208942325, 0.38258426942749924},
     {207, 104.79815612464634, 1.6521366678025908, 0.17438318589751498, -1.524158588330784},
     {0.68068261576368128, 0.06950480468569159},
     {0.62902440763888867, 0.073236679716333394},
     {0.23355640184047421, 0.11252228457350548},
     {0.057160626093194389}},
    {"va",
     {713, 354, 144, 114},
     {-1.18578638545402, 0.026042962318871123, 0.6309985647816958, -0.0099402254819469828,
      0.36149973797385149, 0.26650416993074272},
     {597, 597.00000000000011, 0.97923760793329317, 0.040569968047954361, 0.30144991845840041},
     {232, 232.35951347078071, 0.86747067222597196, 0.091047605892572658, 0.21657503888220919},
     {-0.0015484275962177789, 0.065653216429861272},
     {0.12007058880228001, 0.098665454719402981},
     {0.78963686277923639, 0.13320990647685005},
     {0.23203028457567887}},
};

void ExpectEstimate(const Json& ours, double estimate, double std_error, const std::string& what) {
  // Near 0 an estimate's digits are those of its standard error.
  EXPECT_NEAR(ours["estimate"].get<double>(), estimate, kTolerance * std_error) << what;
  ExpectClose(ours["std_error"], std_error, kTolerance, what + " standard error");
}

void ExpectMeasures(const Json& ours, const std::vector<double>& r, const std::string& what) {
  EXPECT_EQ(ours["observed"].get<double>(), r[0]);
  ExpectClose(ours["expected"], r[1], kTolerance, what + " expected");
  ExpectClose(ours["deviance"]["estimate"], r[2], kTolerance, what + " deviance");
  ExpectClose(ours["deviance"]["std_error"], r[3], kTolerance, what + " deviance's error");
  ExpectClose(ours["d_squared"]["estimate"], r[4], kTolerance, what + " D squared");
  ExpectClose(ours["observed_over_expected"]["estimate"], r[0] / r[1], kTolerance, what + " O/E");
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
  ExpectEstimate(held_out["calibration_intercept"], r.intercept[0], r.intercept[1], "intercept");
  ExpectEstimate(held_out["calibration_slope"], r.slope[0], r.slope[1], "slope");
  ExpectClose(held_out["recalibrated_d_squared"]["estimate"], r.recalibrated[0], kTolerance,
              "D squared after recalibration");
  // The limits of calibration in the large, as a ratio.
  const Json& ratio = held_out["observed_over_expected"];
  const Json& log = held_out["calibration_in_the_large"];
  for (const char* field : {"estimate", "conf_low", "conf_high"}) {
    ExpectClose(ratio[field], std::exp(log[field].get<double>()), 1e-14, field);
  }
}

class ValidatePoissonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    rows_ = ReadCsv(*DataFolder() / "heart_disease/csv/heart_pooled.csv");
  }

  static Plan PlanWith(const std::string& more) {
    return PlanOf(Integer("num", 0, 4) + Number("age", 18, 110) + Boolean("sex") +
                      Number("thalach", 30, 250) + Boolean("exang") + Number("oldpeak", -10, 10),
                  "kind = \"validate\"\nmodel = \"poisson\"\noutcome = \"num\"\n"
                  "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]\n" +
                      more);
  }

  Rows rows_;
};

TEST_F(ValidatePoissonTest, FiveFoldsEqualR) {
  const Plan plan = PlanWith("seed = 1\n");
  const Json result = RunOn(plan, NamedCohorts(plan, rows_)).json;
  ASSERT_EQ(result["folds"].size(), kFolds.size());
  for (std::size_t i = 0; i < kFolds.size(); ++i) ExpectEqualsR(result["folds"][i], kFolds[i]);
  // Sums over folds of R's numbers. All held-out rows are all rows, and so are their counts.
  double deviance = 0;
  double expected = 0;
  double slope = 0;
  for (const Expected& r : kFolds) {
    deviance += r.sizes[2] * r.held_out[2];
    expected += r.held_out[1];
    slope += r.slope[0] / 5;
  }
  const Json& validated = result["validated"];
  EXPECT_EQ(validated["rows"], 857);
  EXPECT_EQ(validated["observed"], 829);
  ExpectClose(validated["deviance"]["estimate"], deviance / 857, kTolerance, "deviance");
  ExpectClose(validated["d_squared"]["estimate"],
              1 - deviance / result["null_deviance"].get<double>(), kTolerance, "D squared");
  ExpectClose(validated["expected"], expected, kTolerance, "expected");
  ExpectClose(validated["calibration_slope"]["estimate"], slope, kTolerance, "slope");
  const double apparent = result["deviance"].get<double>() / 857;
  ExpectClose(result["apparent"]["deviance"]["estimate"], apparent, 1e-12, "apparent deviance");
  ExpectClose(result["optimism"]["deviance"], apparent - deviance / 857, 1e-6, "optimism");
  EXPECT_LT(result["optimism"]["deviance"].get<double>(), 0);
  EXPECT_GT(result["optimism"]["d_squared"].get<double>(), 0);
}

TEST_F(ValidatePoissonTest, LeavingOneSiteOutEqualsR) {
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

}  // namespace
}  // namespace consilium::testing
