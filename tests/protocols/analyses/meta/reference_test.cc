// Meta-analyses of real hospitals' own regressions, against R's fits and the header's formulas in
// 40 decimal digits on R's printed estimates and standard errors.

#include <gtest/gtest.h>

#include "protocols/analyses/meta/pooling.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

/// R prints 15 digits, and stops where another step changes the deviance by 1e-14 of it.
constexpr double kTolerance = 1e-8;

struct Expected {
  const char* name;
  double fixed, fixed_error, q, q_p, i_squared, h_squared, tau_squared;
  double random, random_error, random_p;
  double knapp_error, knapp_p, knapp_low, knapp_high;
  double prediction_low, prediction_high;
};

class MetaReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_REFERENCE_DATA();
    const std::filesystem::path folder = *DataFolder() / "heart_disease";
    rows_ = ReadCsv(folder / "csv/heart_pooled.csv");
    for (Row& row : rows_) row["disease"] = row["num"] == "0" ? "0" : "1";
    reference_ = ReadJson(folder / "reference/heart_models.json");
  }

  static Plan PlanFor(const std::string& analysis) {
    return PlanOf(Boolean("disease") + Number("age", 18, 110) + Boolean("sex") +
                      Number("trestbps", 0, 300) + Number("thalach", 30, 250) + Boolean("exang") +
                      Number("oldpeak", -10, 10),
                  "kind = \"meta\"\n" + analysis);
  }
  static Plan Logistic(const std::string& more = {}) {
    return PlanFor(
        "model = \"logistic\"\noutcome = \"disease\"\n"
        "features = [\"age\", \"sex\", \"thalach\", \"exang\", \"oldpeak\"]\n" +
        more);
  }

  static void Compare(const Json& line, const Expected& r) {
    SCOPED_TRACE(r.name);
    EXPECT_EQ(line["name"], r.name);
    const Json& spread = line["heterogeneity"];
    ExpectClose(line["fixed"]["estimate"], r.fixed, kTolerance, "fixed effect");
    ExpectClose(line["fixed"]["std_error"], r.fixed_error, kTolerance, "its standard error");
    ExpectClose(spread["q"], r.q, kTolerance, "Q");
    ExpectClose(spread["p_value"], r.q_p, kTolerance, "p of Q");
    ExpectClose(spread["i_squared"], r.i_squared, kTolerance, "I^2");
    ExpectClose(spread["h_squared"], r.h_squared, kTolerance, "H^2");
    ExpectClose(spread["tau_squared"], r.tau_squared, kTolerance, "tau^2");
    ExpectClose(line["random"]["estimate"], r.random, kTolerance, "random effect");
    ExpectClose(line["random"]["std_error"], r.random_error, kTolerance, "its standard error");
    // A p value multiplies the relative error of z by about z^2, 300 at most here.
    ExpectClose(line["random"]["p_value"], r.random_p, 300 * kTolerance, "its p");
    const Json& knapp = line["hartung_knapp"];
    ExpectClose(knapp["std_error"], r.knapp_error, kTolerance, "Hartung and Knapp's error");
    ExpectClose(knapp["p_value"], r.knapp_p, kTolerance, "its p");
    ExpectClose(knapp["conf_low"], r.knapp_low, kTolerance, "its lower limit");
    ExpectClose(knapp["conf_high"], r.knapp_high, kTolerance, "its upper limit");
    ExpectClose(line["prediction_low"], r.prediction_low, kTolerance, "lower prediction limit");
    ExpectClose(line["prediction_high"], r.prediction_high, kTolerance, "upper prediction limit");
  }

  Rows rows_;
  Json reference_;
};

/// Switzerland's own fit is separated: R's reference of three hospitals is the other three's.
TEST_F(MetaReferenceTest, TheFixedEffectOfFiveFeaturesEqualsR) {
  const Plan plan = Logistic("effects = \"fixed\"\n");
  const Outcome outcome = RunOn(plan, CohortsBy(plan, rows_, "site"));
  EXPECT_EQ(outcome.json["sites"], 4);
  EXPECT_EQ(outcome.json["fits"], 3);
  EXPECT_EQ(outcome.json["without_a_fit"], 1);
  EXPECT_EQ(outcome.json["patients"], 857);
  EXPECT_EQ(outcome.json["patients_in_fits"], 303 + 293 + 144);
  const Json& r = reference_["logistic_basic5_fixed_effect_meta_3sites"];
  for (std::size_t j = 0; j < r.size(); ++j) {
    const Json& line = outcome.json["coefficients"][j];
    const std::string name = r[j]["term"];
    EXPECT_EQ(line["name"], name);
    ExpectClose(line["estimate"], r[j]["estimate"], kTolerance, name);
    ExpectClose(line["std_error"], r[j]["se"], kTolerance, name + " standard error");
    ExpectClose(line["heterogeneity"]["q"], r[j]["Q"], kTolerance, name + " Q");
    ExpectClose(line["heterogeneity"]["i_squared"], r[j]["I2"], kTolerance, name + " I^2");
  }
}

TEST_F(MetaReferenceTest, RandomEffectsOfThreeHospitalsAreTheFormulasOnRsFits) {
  const Expected expected[] = {
      {"(Intercept)", -0.99303953066148257, 1.172735107140678, 0.73011332181932257,
       0.69415731817858005, 0, 0.36505666090966128, 0, -0.99303953066148257, 1.172735107140678,
       0.39712208550716992, 0.70856560154043609, 0.29609855731787631, -4.0417512503360108,
       2.0556721890130457, -15.894051903290715, 13.90797284196775},
      {"age", 0.022157523168060821, 0.012836809912864475, 2.5178949835380571, 0.28395273186476239,
       0.20568569655368604, 1.2589474917690286, 0.00013645002299016263, 0.021750465982050867,
       0.014650824319186959, 0.13765248947868037, 0.014694593901496651, 0.27696805580463891,
       -0.041475268580783521, 0.084976200544885255, -0.21633298444174051, 0.25983391640584225},
      {"sex", 1.4181158772646626, 0.25473977849411915, 0.62874318520566035, 0.73024762312150937, 0,
       0.31437159260283017, 0, 1.4181158772646626, 0.25473977849411915, 2.5928188580201577e-8,
       0.142829663969483, 0.0099923070099092162, 0.80356943369716793, 2.0326623208321573,
       -1.8186599027294093, 4.6548916572587345},
      {"thalach", -0.015382229818651089, 0.0049730701776587646, 3.5192127376211551,
       0.17211259937797013, 0.43169107720611435, 1.7596063688105776, 5.7607346466613473e-5,
       -0.014542447020021435, 0.0066652040216827794, 0.029120919313497549, 0.0067801833422509301,
       0.16514290785477332, -0.043715221385759243, 0.014630327345716373, -0.14288913564887297,
       0.1138042416088301},
      {"exang", 1.4045936284997384, 0.22400312540192359, 1.4501529754699711, 0.48428752548278893, 0,
       0.72507648773498556, 0, 1.4045936284997384, 0.22400312540192359, 3.600760220682879e-10,
       0.19074184934962402, 0.017946328878793528, 0.58389768971811758, 2.2252895672813591,
       -1.4416359444001194, 4.2508232013995961},
      {"oldpeak", 0.70181590169487477, 0.11153971563474388, 3.4128251875626096, 0.18151579690391483,
       0.41397525800951702, 1.7064125937813048, 0.030710504742608495, 0.72227769542574344,
       0.15557535462434841, 3.440139757207899e-6, 0.16163424301896392, 0.046606148318754475,
       0.026821678479210112, 1.4177337123722768, -2.25526613023038, 3.6998215210818669}};
  const Plan plan = Logistic();
  const Json lines = RunOn(plan, CohortsBy(plan, rows_, "site")).json["coefficients"];
  ASSERT_EQ(lines.size(), std::size(expected));
  for (std::size_t j = 0; j < lines.size(); ++j) Compare(lines[j], expected[j]);
}

TEST_F(MetaReferenceTest, LeastSquaresOfFourHospitalsAreTheFormulasOnRsFits) {
  const Expected expected[] = {
      {"(Intercept)", 192.95539009320364, 6.3355235315919703, 7.5999509622930546,
       0.055045142893552045, 0.60526061090598918, 2.5333169874310182, 272.39605713543052,
       188.71433349967059, 10.819971255452967, 4.0087153327328606e-68, 12.053648260869315,
       0.00056633017875048935, 150.35424512667762, 227.07442187266355, 103.8017424026965,
       273.62692459664467},
      {"age", -0.94596400745741355, 0.087403439510160971, 6.2714962673311094, 0.099123091001543167,
       0.52164525463766616, 2.0904987557770365, 0.037185876480559816, -0.89778314805867107,
       0.13564381911091164, 3.62418336360033e-11, 0.14223131907758254, 0.0080358188858148642,
       -1.350426683952752, -0.44513961216459012, -1.9121979495214709, 0.11663165340412876},
      {"sex", -2.5763228248890623, 1.7247220828143796, 1.7058235501954365, 0.63563986413965411, 0,
       0.56860785006514549, 0, -2.5763228248890623, 1.7247220828143796, 0.13523806176801905,
       1.3005454964882772, 0.14192553655748226, -6.7152390350415478, 1.5625933852634231,
       -9.9972030025695334, 4.8445573527914087},
      {"trestbps", 0.021786059203497484, 0.039256978096972366, 3.9754563494866265,
       0.26412662625345764, 0.24536965413105159, 1.3251521164955422, 0.0020920412360711741,
       0.017938330554599307, 0.045996610320212236, 0.69654213297324828, 0.045745351050765579,
       0.72115675774077724, -0.12764379288081587, 0.16352045399001448, -0.26116190071288171,
       0.29703856182208032},
      {"exang", -13.496102928170578, 1.5360591546328977, 9.0790721959649662, 0.028257843782530206,
       0.669569760516576, 3.0263573986549887, 20.699794416042173, -12.187597790844466,
       2.8233182588563479, 1.5833349535662724e-5, 2.9487567558579689, 0.02569944980740659,
       -21.571857833705037, -2.8033377479838953, -35.226252339864408, 10.851056758175475}};
  const Plan plan = PlanFor(
      "model = \"linear\"\noutcome = \"thalach\"\n"
      "features = [\"age\", \"sex\", \"trestbps\", \"exang\"]\n");
  const Json json = RunOn(plan, CohortsBy(plan, rows_, "site")).json;
  EXPECT_EQ(json["fits"], 4);
  ASSERT_EQ(json["coefficients"].size(), std::size(expected));
  for (std::size_t j = 0; j < std::size(expected); ++j) {
    Compare(json["coefficients"][j], expected[j]);
  }
}

}  // namespace
}  // namespace consilium::testing
