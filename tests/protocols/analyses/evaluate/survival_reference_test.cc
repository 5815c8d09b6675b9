// Given scores over real hospitals against R's survival package: concordance(Surv(time, event) ~
// score + strata(site), reverse = TRUE), its square root of var, and coxph(Surv(time, event) ~
// score + strata(site)) with coxph.control(eps = 1e-14, iter.max = 60), by R 4.2.2 and survival
// 3.5-3 (Debian 12), printed with 17 digits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

struct FromR {
  int rows;
  int events;
  double concordance;
  double std_error;
  double slope;
  double slope_std_error;
};

/// What the project promises.
constexpr double kTolerance = 1e-8;

/// Of a whole result or of a level.
void ExpectMeasures(const Json& result, const FromR& r, const std::string& what) {
  EXPECT_EQ(result["rows"], r.rows) << what;
  EXPECT_EQ(result["events"], r.events) << what;
  ASSERT_TRUE(result["calibration_slope"].is_object()) << what << result.dump(1);
  ExpectClose(result["concordance"]["estimate"], r.concordance, kTolerance, what);
  ExpectClose(result["concordance"]["std_error"], r.std_error, kTolerance, what + " std. error");
  ExpectClose(result["calibration_slope"]["estimate"], r.slope, kTolerance, what + " slope");
  ExpectClose(result["calibration_slope"]["std_error"], r.slope_std_error, kTolerance,
              what + " slope's std. error");
  for (const char* field : {"concordance", "calibration_slope"}) {
    const Json& measure = result[field];
    // qnorm(0.975)
    const double half = 1.9599639845400545 * measure["std_error"].get<double>();
    EXPECT_NEAR(measure["conf_low"].get<double>(), measure["estimate"].get<double>() - half, 1e-12);
    EXPECT_NEAR(measure["conf_high"].get<double>(), measure["estimate"].get<double>() + half,
                1e-12);
  }
}

void ExpectPairs(const Json& result, int concordant, int discordant, int tied) {
  EXPECT_EQ(result["concordance_pairs"]["concordant"], concordant);
  EXPECT_EQ(result["concordance_pairs"]["discordant"], discordant);
  EXPECT_EQ(result["concordance_pairs"]["tied"], tied);
}

class SurvivalEvaluationReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override { REQUIRE_REFERENCE_DATA(); }

  static Rows Table(const std::string& name) {
    return ReadCsv(*DataFolder() / "multisite/csv" / (name + ".csv"));
  }
  static Json Evaluate(const std::string& columns,
                       const std::string& analysis,
                       const Rows& rows,
                       const std::string& site) {
    const Plan plan = PlanOf(columns, "kind = \"evaluate\"\n" + analysis);
    const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, site));
    EXPECT_LE(outcome.queries.size(), 9u);
    return outcome.json;
  }
};

class LungEvaluationTest : public SurvivalEvaluationReferenceTest {
 protected:
  void SetUp() override {
    SurvivalEvaluationReferenceTest::SetUp();
    if (IsSkipped()) return;
    for (Row& row : Table("lung")) {
      row["woman"] = row["sex"] == "2" ? "1" : "0";
      if (!row["inst"].empty()) rows_.push_back(row);
    }
  }
  const std::string columns_ =
      Boolean("death") + Integer("time", 0, 3000) + Number("age", 18, 110) + Number("sex", 1, 2) +
      Number("ph_ecog", 0, 5) + Number("ph_karno", 0, 100) + Boolean("woman");
  const std::string model_ =
      "event = \"death\"\ntime = \"time\"\nfeatures = [\"age\", \"sex\", \"ph_ecog\"]\n"
      "coefficients = { age = 0.02, sex = -0.4, ph_ecog = 0.8 }\n";
  Rows rows_;
};

/// No institution has two events at one time: both ways to treat ties give one slope.
TEST_F(LungEvaluationTest, AModelOverEighteenInstitutionsEqualsR) {
  for (const char* ties : {"efron", "breslow"}) {
    const Json result = Evaluate(columns_, model_ + "ties = \"" + ties + "\"\n", rows_, "inst");
    ExpectMeasures(result,
                   {226, 163, 0.65874035989717217, 0.031617915908287518, 0.76482497472176003,
                    0.14278087916955781},
                   ties);
    ExpectPairs(result, 1017, 523, 16);
    ExpectClose(result["mean_score"], 1.4468141592920354, 1e-12, "mean");
    ExpectClose(result["score_sd"], 0.67191899708452052, 1e-12, "standard deviation");
  }
}

/// concordance and coxph on the rows of one sex.
TEST_F(LungEvaluationTest, SubgroupsEqualRsOnTheirRows) {
  const Json result = Evaluate(columns_, model_ + "subgroups = [\"woman\"]\n", rows_, "inst");
  const Json& levels = result["subgroups"][0]["levels"];
  ExpectMeasures(levels[0],
                 {136, 110, 0.65184049079754602, 0.041772721990334452, 0.71265890672788135,
                  0.18999092370329801},
                 "men");
  ExpectMeasures(
      levels[1],
      {90, 53, 0.63354037267080743, 0.079128325390893747, 0.73928134038811744, 0.31533420996450162},
      "women");
}

/// A score that is no log hazard, with many equal values: Karnofsky's falls with the hazard.
TEST_F(LungEvaluationTest, AColumnOfScoresWithTiesEqualsR) {
  const Json result = Evaluate(
      columns_, "event = \"death\"\ntime = \"time\"\nprediction = \"ph_karno\"\n", rows_, "inst");
  ExpectMeasures(result,
                 {226, 163, 0.36598596043395026, 0.030874182512034446, -0.026308761743447651,
                  0.0068364816342609885},
                 "Karnofsky score");
  ExpectPairs(result, 416, 836, 315);
}

TEST_F(SurvivalEvaluationReferenceTest, ChronicGranulomatousDiseaseOverThirteenHospitalsEqualsR) {
  const std::string columns = Boolean("infection") + Number("time", 0, 600) + Boolean("rIFNg") +
                              Number("age", 0, 60) + Boolean("female") + Boolean("autosomal");
  const Json result = Evaluate(
      columns,
      "event = \"infection\"\ntime = \"time\"\nfeatures = [\"rIFNg\", \"age\", \"female\", "
      "\"autosomal\"]\nsubgroups = [\"rIFNg\"]\n"
      "coefficients = { rIFNg = -1.5, age = -0.03, female = -0.2, autosomal = 0.7 }\n",
      Table("cgd_first_infection"), "hospital");
  ExpectMeasures(result,
                 {128, 44, 0.63030303030303036, 0.052915756061369001, 0.71090717533094039,
                  0.20606853967133765},
                 "model");
  ExpectPairs(result, 311, 182, 2);
  const Json& arms = result["subgroups"][0]["levels"];
  ExpectMeasures(arms[0],
                 {65, 30, 0.5, 0.096843679323185938, 0.49976441348548117, 0.68007320248615055},
                 "placebo");
  ExpectMeasures(
      arms[1],
      {63, 14, 0.54639175257731964, 0.11579523055829773, 0.65641424539514004, 0.89301190252547624},
      "rIFNg");
  ExpectMeasures(Evaluate(columns, "event = \"infection\"\ntime = \"time\"\nprediction = \"age\"\n",
                          Table("cgd_first_infection"), "hospital"),
                 {128, 44, 0.48484848484848486, 0.063411610271442473, -0.013315037016446861,
                  0.018982382772852625},
                 "age");
}

/// Arms as sites: events at one time.
TEST_F(SurvivalEvaluationReferenceTest, TiedEventsEqualRsByEfronAndByBreslow) {
  const FromR efron{137,
                    128,
                    0.29516830776276626,
                    0.024526202694055123,
                    -0.033794863378788544,
                    0.005275357286741173};
  FromR breslow = efron;
  breslow.slope = -0.033529492571581089;
  breslow.slope_std_error = 0.0052692896945182839;
  const std::string analysis =
      "event = \"status\"\ntime = \"time\"\nprediction = \"karno\"\nties = ";
  const std::string columns = Boolean("status") + Number("time", 0, 2000) + Number("karno", 0, 100);
  const Rows rows = Table("veteran");
  ExpectMeasures(Evaluate(columns, analysis + "\"efron\"\n", rows, "trt"), efron, "efron");
  ExpectMeasures(Evaluate(columns, analysis + "\"breslow\"\n", rows, "trt"), breslow, "breslow");
}

}  // namespace
}  // namespace consilium::testing
