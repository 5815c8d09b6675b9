// Validations of a Cox regression of disease-free survival on the four hospitals of the bone-marrow
// transplants, against R 4.2.2 and survival 3.5-3, with eps = 1e-15:
//   f <- coxph(Surv(time_dfs, dfs_event) ~ factor(group) + age + donor_age + fab45 +
//              strata(hospital), train); q$lp <- drop(X(q) %*% coef(f))
//   concordance(Surv(time_dfs, dfs_event) ~ lp + strata(hospital), q, reverse = TRUE);
//   coxph(Surv(time_dfs, dfs_event) ~ lp + strata(hospital), q): with init = 1 and iter.max = 0 its
//   loglik, which at 0 is that without features; and its maximum
// where q are the held-out rows. Folds by the documentation's formula, worked out by another
// program.

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

/// What the project promises.
constexpr double kTolerance = 1e-8;

struct Expected {
  const char* name;
  std::vector<int> sizes;  ///< Rows and events of training, then held out.
  std::vector<double> coefficients;
  /// Concordance, its standard error, log partial likelihood, that without features.
  std::vector<double> training;
  std::vector<double> held_out;
  std::vector<double> slope;  ///< With its standard error.
};

const std::vector<Expected> kEfronFolds = {
    {"1",
     {85, 50, 52, 33},
     {-0.66344986286300256, 0.38466163293023575, 0.03791783476294687, -0.01721448076217539,
      0.92904736191467285},
     {0.70434070434070439, 0.043180354467671073, -139.80751691109646, -149.58367854292271},
     {0.6151685393258427, 0.067415455132335378, -79.468228565693906, -76.016738692620407},
     {0.28290619823576885, 0.2499606375823413}},
    {"2",
     {94, 57, 43, 26},
     {-0.95656476633475429, -0.55527423132525566, 0.02187888624161587, 4.8133339251202246e-05,
      0.98736628070732846},
     {0.69388544891640869, 0.037592049628202194, -161.61982852541149, -168.03069590079127},
     {0.67682926829268286, 0.056023345564562649, -60.386230055901876, -63.517766838361162},
     {1.1030783254175889, 0.46227699290234747}},
    {"3",
     {95, 59, 42, 24},
     {-0.95865608555556148, -0.21220682433612506, 0.010698362438350872, 0.010355398983282573,
      0.93466152732196484},
     {0.68985507246376809, 0.037254688823762004, -170.25695925402732, -177.40633882439178},
     {0.67253521126760563, 0.062498188552851927, -51.478783446428572, -55.277205883210115},
     {1.1200772430267583, 0.43583856054598424}},
};

const std::vector<Expected> kEfronSites = {
    {"alfred_melbourne",
     {120, 70, 17, 13},
     {-1.2132211367314569, -0.18783011560115392, 0.03314301984812297, -0.021623302372682052,
      1.2315714661633648},
     {0.71466905187835417, 0.03498920254665807, -233.56930048762047, -249.39630095511427},
     {0.36923076923076925, 0.090472889035513884, -36.879753050444457, -30.327019619788942},
     {-0.53419210381733506, 0.39061154567542111}},
    {"hahnemann_philadelphia",
     {116, 76, 21, 7},
     {-0.82345649208498217, -0.19035347708464256, 0.022548995131626892, 0.0043137454838935926,
      0.9836225807450002},
     {0.68799002138275123, 0.032652211589062383, -249.4471483399096, -259.53440285916497},
     {0.6470588235294118, 0.084529374172817431, -19.381742324420742, -20.188917715738228},
     {0.72984801869874971, 0.53207616011804604}},
    {"ohio_state",
     {61, 33, 76, 50},
     {-0.43417623146703915, 0.32566985226746809, -0.018444118429650894, 0.036168948091267049,
      -0.27368240183147052},
     {0.58991228070175439, 0.059175369705482324, -83.809479090659281, -86.922890150411718},
     {0.52956662616443906, 0.043772647544434877, -196.88473689826347, -192.80043042449154},
     {0.0037139012088457449, 0.34115111257258102}},
    {"st_vincent_sydney",
     {114, 70, 23, 13},
     {-0.62297773470537388, 0.0038076252834977359, 0.024436304589232218, -0.0029935892506325551,
      0.97354383816460921},
     {0.69113318616629871, 0.033769789829980516, -233.17771390504078, -243.31636776001869},
     {0.60869565217391308, 0.094231402999351802, -35.829340463639937, -36.406952814884541},
     {0.65420638095188455, 0.49961695182270277}},
};

const std::vector<Expected> kBreslowFolds = {
    {"1",
     {85, 50, 52, 33},
     {-0.66251447815390119, 0.38319642861721603, 0.037901177975056974, -0.017036739441370814,
      0.92696261536932156},
     {0.70352170352170351, 0.043213864722046622, -139.85442580257893, -149.60388125024025},
     {0.6151685393258427, 0.067415455132335378, -79.445746628505958, -76.016738692620407},
     {0.28362190550708405, 0.25039349241669256}},
    {"2",
     {94, 57, 43, 26},
     {-0.95810406594150999, -0.55753606020351199, 0.021911157727255142, -1.8110932181682757e-05,
      0.98686964227502072},
     {0.69465944272445823, 0.037895015367567501, -161.68761930820381, -168.08877673882722},
     {0.68292682926829262, 0.055801795630254586, -60.450886174816603, -63.556987551514446},
     {1.0998259377624755, 0.4630678080014502}},
    {"3",
     {95, 59, 42, 24},
     {-0.95817139979816834, -0.21288635535117773, 0.010711878629632922, 0.010439335546507405,
      0.93356620687353498},
     {0.69057971014492758, 0.037217270905667857, -170.28736697580902, -177.42654153170929},
     {0.67253521126760563, 0.062498188552851927, -51.481211938602861, -55.277205883210115},
     {1.1208800063806439, 0.43633811668463685}},
};

const std::vector<Expected> kBreslowSites = {
    {"alfred_melbourne",
     {120, 70, 17, 13},
     {-1.2134673401007894, -0.1901062967668701, 0.033227959982322683, -0.021615024267271896,
      1.2301032977405597},
     {0.71395348837209305, 0.034957932083125504, -233.65789717835744, -249.44788364955801},
     {0.36923076923076925, 0.090472889035513884, -36.862613089479829, -30.327019619788942},
     {-0.53446146972588393, 0.3909382558802883}},
    {"hahnemann_philadelphia",
     {116, 76, 21, 7},
     {-0.82359619114855065, -0.19189207073930123, 0.022587963913780595, 0.0043246149231020584,
      0.98267809075952217},
     {0.68834640057020668, 0.032636435133235914, -249.51961422118623, -259.58598555360868},
     {0.6470588235294118, 0.084529374172817431, -19.383998884049831, -20.188917715738228},
     {0.72964883637480438, 0.53259350679159323}},
    {"ohio_state",
     {61, 33, 76, 50},
     {-0.43417623146703915, 0.32566985226746809, -0.018444118429650894, 0.036168948091267049,
      -0.27368240183147052},
     {0.58991228070175439, 0.059175369705482324, -83.809479090659281, -86.922890150411718},
     {0.52956662616443906, 0.043772647544434877, -196.93403753823213, -192.8520131189353},
     {0.0036271866776187512, 0.34127765500489893}},
    {"st_vincent_sydney",
     {114, 70, 23, 13},
     {-0.62310412088837164, 0.00218980409615903, 0.02446430618680695, -0.0029695573977145885,
      0.97254924242449681},
     {0.69113318616629871, 0.033769789829980516, -233.25466119934069, -243.36795045446246},
     {0.60869565217391308, 0.094231402999351802, -35.826912433959542, -36.406952814884541},
     {0.6551180594938254, 0.5001622746528811}},
};

void ExpectEstimate(const Json& ours, double estimate, double std_error, const std::string& what) {
  // Near 0 an estimate's digits are those of its standard error.
  EXPECT_NEAR(ours["estimate"].get<double>(), estimate, kTolerance * std_error) << what;
  ExpectClose(ours["std_error"], std_error, kTolerance, what + " standard error");
}

void ExpectMeasures(const Json& ours, const std::vector<double>& r, const std::string& what) {
  ExpectClose(ours["concordance"]["estimate"], r[0], 1e-14, what + " concordance");
  ExpectClose(ours["concordance"]["std_error"], r[1], kTolerance, what + " concordance's error");
  ExpectClose(ours["log_likelihood"], r[2], kTolerance, what + " log-likelihood");
  ExpectClose(ours["null_log_likelihood"], r[3], kTolerance, what + " null log-likelihood");
}

void ExpectEqualsR(const Json& fold, const Expected& r) {
  SCOPED_TRACE(r.name);
  EXPECT_EQ(fold["training"]["rows"], r.sizes[0]);
  EXPECT_EQ(fold["training"]["events"], r.sizes[1]);
  EXPECT_EQ(fold["held_out"]["rows"], r.sizes[2]);
  EXPECT_EQ(fold["held_out"]["events"], r.sizes[3]);
  ASSERT_EQ(fold["coefficients"].size(), r.coefficients.size());
  for (std::size_t j = 0; j < r.coefficients.size(); ++j) {
    // Some are near 0: those of R are good to its last step.
    EXPECT_NEAR(fold["coefficients"][j]["estimate"].get<double>(), r.coefficients[j],
                kTolerance * std::max(0.01, std::abs(r.coefficients[j])))
        << fold["coefficients"][j]["name"];
  }
  ExpectMeasures(fold["training"], r.training, "training");
  ExpectMeasures(fold["held_out"], r.held_out, "held out");
  ExpectEstimate(fold["held_out"]["calibration_slope"], r.slope[0], r.slope[1], "slope");
  EXPECT_FALSE(fold["held_out"].contains("calibration_in_the_large"));
}

class ValidateCoxTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    rows_ = ReadCsv(*DataFolder() / "multisite/csv/bmt.csv");
    for (Row& row : rows_) row["site"] = row["hospital"];
  }

  Plan PlanWith(const std::string& more) const {
    return PlanOf(Boolean("dfs_event") + Integer("time_dfs", 0, 5000) +
                      Category("group", {"1", "2", "3"}) + Number("age", 0, 80) +
                      Number("donor_age", 0, 80) + Boolean("fab45"),
                  "kind = \"validate\"\nmodel = \"cox\"\nevent = \"dfs_event\"\n"
                  "time = \"time_dfs\"\nties = \"" +
                      std::string(GetParam()) +
                      "\"\nfeatures = [\"group\", \"age\", \"donor_age\", \"fab45\"]\n" + more);
  }
  bool efron() const { return std::string(GetParam()) == "efron"; }

  Rows rows_;
};

TEST_P(ValidateCoxTest, ThreeFoldsEqualR) {
  const Plan plan = PlanWith("folds = 3\n");
  const Json result = RunOn(plan, NamedCohorts(plan, rows_)).json;
  const std::vector<Expected>& expected = efron() ? kEfronFolds : kBreslowFolds;
  ASSERT_EQ(result["folds"].size(), expected.size());
  double concordance = 0;
  double variance = 0;
  double likelihood = 0;
  double null = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ExpectEqualsR(result["folds"][i], expected[i]);
    concordance += expected[i].held_out[0] / 3;
    variance += expected[i].held_out[1] * expected[i].held_out[1] / 9;
    likelihood += expected[i].held_out[2];
    null += expected[i].held_out[3];
  }
  const Json& validated = result["validated"];
  EXPECT_EQ(validated["events"], 83);
  ExpectClose(validated["concordance"]["estimate"], concordance, 1e-14, "concordance");
  ExpectClose(validated["concordance"]["std_error"], std::sqrt(variance), kTolerance, "its error");
  ExpectClose(validated["log_likelihood"], likelihood, kTolerance, "log-likelihood");
  ExpectClose(validated["log_likelihood_gain"], (likelihood - null) / 83, 1e-7, "gain an event");
  ExpectClose(result["apparent"]["concordance"]["estimate"], result["concordance"], 1e-14,
              "apparent");
  ExpectClose(result["apparent"]["log_likelihood"], result["log_likelihood"], 1e-11, "apparent");
  ExpectClose(result["optimism"]["concordance"], result["concordance"].get<double>() - concordance,
              1e-12, "optimism");
  EXPECT_GT(result["optimism"]["concordance"].get<double>(), 0);
}

TEST_P(ValidateCoxTest, LeavingOneSiteOutEqualsR) {
  const Plan plan = PlanWith(
      "minimum_count = 1\nmethod = \"leave-one-site-out\"\nsites = [\"alfred_melbourne\", "
      "\"hahnemann_philadelphia\", \"ohio_state\", \"st_vincent_sydney\"]\n");
  const Outcome outcome = RunOn(plan, NamedCohorts(plan, rows_));
  const std::vector<Expected>& expected = efron() ? kEfronSites : kBreslowSites;
  ASSERT_EQ(outcome.json["folds"].size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(outcome.json["folds"][i]["site"], expected[i].name);
    ExpectEqualsR(outcome.json["folds"][i], expected[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Ties,
                         ValidateCoxTest,
                         ::testing::Values("efron", "breslow"),
                         [](const auto& ties) { return std::string(ties.param); });

}  // namespace
}  // namespace consilium::testing
