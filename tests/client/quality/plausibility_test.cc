// client/quality/plausibility.h and client/quality/units.h: codes among numbers, and other units.

#include "client/quality/plausibility.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/study_data.h"
#include "client/quality/units.h"
#include "common/random.h"
#include "tests/client/study_builder.h"
#include "tests/client/table_builder.h"
#include "tests/client/temporary_folder.h"
#include "tests/support/clinical_data.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Contract OneColumn(const std::string& name, const std::string& unit, const std::string& range) {
  return MakeContract("patient = \"id\"\n[[column]]\nname = \"" + name +
                      "\"\ntype = \"number\"\nunit = \"" + unit + "\"\nrange = " + range + "\n");
}

std::vector<Suspicion> Found(const Contract& contract, std::vector<double> values) {
  DataTable table;
  for (std::size_t i = 0; i < values.size(); ++i) table.patients.push_back("");
  table.columns = {std::move(values)};
  return FindSuspicions(contract, table);
}

/// Values spread evenly around the middle, as laboratories measure them.
std::vector<double> Spread(double lowest, double highest, int count = 100) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(lowest + (highest - lowest) * i / static_cast<double>(count - 1));
  }
  return values;
}

TEST(PlausibilityTest, OrdinaryMeasurementsRaiseNoSuspicion) {
  EXPECT_THAT(Found(OneColumn("chol", "mg/dL", "[0, 700]"), Spread(120, 400)), IsEmpty());
  EXPECT_THAT(Found(OneColumn("creatinine", "umol/L", "[0, 2000]"), Spread(40, 300)), IsEmpty());
  EXPECT_THAT(Found(OneColumn("hgb", "g/dL", "[0, 30]"), Spread(8, 17)), IsEmpty());
  EXPECT_THAT(Found(OneColumn("temp", "Cel", "[20, 45]"), Spread(35, 41)), IsEmpty());
  // Many zeros that the others come close to are no code.
  std::vector<double> oldpeak = Spread(0.1, 4);
  oldpeak.insert(oldpeak.end(), 60, 0.0);
  EXPECT_THAT(Found(OneColumn("oldpeak", "mm", "[-10, 10]"), oldpeak), IsEmpty());
  // Nor are the ends of a scale.
  std::vector<double> scale;
  for (int i = 0; i < 90; ++i) scale.push_back(i % 10);
  EXPECT_THAT(Found(OneColumn("pain", "1", "[0, 10]"), scale), IsEmpty());
}

TEST(PlausibilityTest, CodesFarFromAllOthersAreNamedWithTheirRows) {
  for (const double code : {0.0, -1.0, -9.0, 999.0, 9999.0}) {
    SCOPED_TRACE(code);
    std::vector<double> values = Spread(120, 400);
    values.insert(values.end(), 7, code);
    const auto found = Found(OneColumn("chol", "mg/dL", "[-100, 10000]"), values);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, "code-among-numbers");
    EXPECT_EQ(found[0].rows, 7U);
    EXPECT_THAT(found[0].words, HasSubstr("7 rows are "));
    EXPECT_THAT(found[0].remedy, HasSubstr("missing = [\""));
  }
  const auto zeros = Found(OneColumn("chol", "mg/dL", "[0, 700]"), std::vector<double>(40, 0.0));
  ASSERT_EQ(zeros.size(), 1U);
  EXPECT_EQ(zeros[0].words, "all 40 values are 0");
}

TEST(PlausibilityTest, AnotherUnitIsSuspectedByName) {
  struct Case {
    const char* column;
    const char* unit;
    const char* range;
    double lowest;
    double highest;
    const char* other;
  };
  // Once with a range that the other unit lies beyond, once with one that holds both.
  const Case cases[] = {
      {"chol", "mg/dL", "[80, 700]", 3.1, 10.3, "cholesterol in mmol/L instead of mg/dL"},
      {"chol", "mg/dL", "[0, 1000]", 3.1, 10.3, "cholesterol in mmol/L instead of mg/dL"},
      {"glucose", "mmol/L", "[1, 40]", 65, 280, "glucose in mg/dL instead of mmol/L"},
      {"crea_serum", "mg/dL", "[0.1, 20]", 45, 400, "creatinine in umol/L instead of mg/dL"},
      {"creatinine", "\xC2\xB5mol/L", "[0, 2000]", 0.5, 3, "creatinine in mg/dL"},
      {"hgb", "g/dL", "[2, 25]", 80, 170, "haemoglobin in g/L instead of g/dL"},
      {"temp", "Cel", "[30, 45]", 96, 104, "temperature in [degF] instead of Cel"},
      {"height", "cm", "[50, 230]", 1.4, 1.95, "body height in m instead of cm"},
      {"hba1c", "%", "[0, 200]", 30, 95, "HbA1c in mmol/mol instead of %"},
      {"sbp", "mm[Hg]", "[0, 300]", 12, 24, "blood pressure in kPa instead of mm[Hg]"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.column) + " " + one.unit + " " + one.range);
    const auto found =
        Found(OneColumn(one.column, one.unit, one.range), Spread(one.lowest, one.highest));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, "unit");
    EXPECT_THAT(found[0].words, HasSubstr(one.other));
    EXPECT_THAT(found[0].remedy, HasSubstr("unit = \""));
  }
}

TEST(PlausibilityTest, UnitsThatExplainTheValuesAsWellAreAllNamed) {
  const auto chol = Found(OneColumn("chol", "mg/dL", "[0, 1000]"), Spread(1.3, 3.4));
  ASSERT_EQ(chol.size(), 1U);
  EXPECT_THAT(chol[0].words, AllOf(HasSubstr("cholesterol in mmol/L instead of mg/dL"),
                                   HasSubstr("it may be in g/L, too")));
  EXPECT_THAT(chol[0].remedy, AllOf(HasSubstr("If it is in g/L: unit = \"g/L\""),
                                    HasSubstr("The laboratory knows which.")));
  const auto glucose = Found(OneColumn("glucose", "mg/dL", "[0, 1000]"), Spread(0.7, 2));
  ASSERT_EQ(glucose.size(), 1U);
  EXPECT_THAT(glucose[0].words, HasSubstr("glucose in g/L instead of mg/dL"));
  const auto creatinine = Found(OneColumn("creatinine", "mg/dL", "[0, 100]"), Spread(6.5, 20));
  ASSERT_EQ(creatinine.size(), 1U);
  EXPECT_THAT(creatinine[0].words, HasSubstr("creatinine in mg/L instead of mg/dL"));
}

/// What the report proposes is what the source file understands, and nothing else is computed.
TEST(PlausibilityTest, TheRemedyIsALineOfTheSourceFile) {
  const auto glucose = Found(OneColumn("glucose", "mmol/L", "[1, 40]"), Spread(65, 280));
  ASSERT_EQ(glucose.size(), 1U);
  EXPECT_THAT(glucose[0].remedy, HasSubstr("unit = \"mg/dL\", analyte = \"glucose\"."));
  const auto height = Found(OneColumn("height", "cm", "[50, 230]"), Spread(1.4, 1.95));
  ASSERT_EQ(height.size(), 1U);
  EXPECT_THAT(height[0].remedy, HasSubstr("unit = \"m\"."));
  // A contract that does not write UCUM cannot be converted to.
  const auto pressure = Found(OneColumn("sbp", "mmHg", "[0, 300]"), Spread(12, 24));
  ASSERT_EQ(pressure.size(), 1U);
  EXPECT_THAT(pressure[0].remedy, HasSubstr("factor = 7.50062."));
}

TEST(PlausibilityTest, FindingsSayHowManyPatients) {
  std::vector<double> values = Spread(120, 400);
  values.insert(values.end(), 8, 0.0);
  DataTable table = MakeTable({values});
  for (int i = 0; i < 4; ++i) {
    table.patients.push_back("P100");  // Whose value is a 0, too.
    table.columns[0].push_back(0);
  }
  const auto found = FindSuspicions(OneColumn("chol", "mg/dL", "[0, 700]"), table);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rows, 12U);
  EXPECT_EQ(found[0].patients, 8U);
}

TEST(PlausibilityTest, WhatNoLivingPatientHasIsImpossible) {
  struct Case {
    const char* column;
    const char* unit;
    double lowest;
    double highest;
    double impossible;
  };
  const Case cases[] = {{"age", "a", 20, 95, 130},
                        {"thalach", "/min", 60, 200, 400},
                        {"trestbps", "mm[Hg]", 80, 200, 380},
                        {"temperature", "Cel", 35, 41, 50},
                        {"spo2", "%", 70, 100, 110},
                        {"potassium", "mmol/L", 3, 6, 16},
                        {"ph", "", 7, 7.6, 5},
                        {"weight_hgb", "g/dL", 8, 17, -2}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.column);
    std::vector<double> values = Spread(one.lowest, one.highest);
    values.push_back(one.impossible);
    values.push_back(5'000);  // Beyond the contract's range: a problem already.
    const auto found = Found(OneColumn(one.column, one.unit, "[-10, 1000]"), values);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].kind, "impossible-value");
    EXPECT_EQ(found[0].rows, 1U);
  }
  // Where neither name nor unit tells what is measured, nothing is impossible.
  EXPECT_FALSE(VitalLimitsOf(OneColumn("chronic", "/min", "[0, 1]").columns[0]).has_value());
  EXPECT_FALSE(VitalLimitsOf(OneColumn("age", "d", "[0, 1]").columns[0]).has_value());
}

TEST(PlausibilityTest, AValueFilledInForManyIsFoundAndNotNamed) {
  std::vector<double> values = Spread(120, 400);
  values.insert(values.end(), 40, 246.5);
  const auto found = Found(OneColumn("chol", "mg/dL", "[0, 700]"), values);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, "piled-value");
  EXPECT_EQ(found[0].rows, 40U);
  EXPECT_THAT(found[0].words + found[0].remedy, Not(HasSubstr("246")));
  // Rounded to tens, values pile up everywhere.
  std::vector<double> rounded;
  for (int i = 0; i < 300; ++i) rounded.push_back(i % 3 == 0 ? 120 + i % 60 : 130 + i % 4 * 10);
  EXPECT_THAT(Found(OneColumn("sbp", "mm[Hg]", "[0, 300]"), rounded), IsEmpty());
}

TEST(PlausibilityTest, OneValueInAllRowsAndLevelsOfNobodyAreNotes) {
  const auto constant = Found(OneColumn("age", "a", "[0, 110]"), std::vector<double>(30, 50));
  ASSERT_EQ(constant.size(), 1U);
  EXPECT_EQ(constant[0].kind, "constant");
  EXPECT_EQ(constant[0].severity, Severity::kNote);
  EXPECT_THAT(constant[0].words, Not(HasSubstr("50")));
  const Contract levels = MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"ward\"\ntype = \"category\"\n"
      "levels = [\"a\", \"b\", \"c\"]\n");
  std::vector<double> wards(20, 0);
  wards[3] = 2;
  const auto absent = FindSuspicions(levels, MakeTable({wards}));
  ASSERT_EQ(absent.size(), 1U);
  EXPECT_EQ(absent[0].kind, "absent-level");
  EXPECT_EQ(absent[0].words, "no row has \"b\"");
}

TEST(PlausibilityTest, DatesToComeAndDefaultDatesAreFound) {
  const Contract contract =
      MakeContract("patient = \"id\"\n[[column]]\nname = \"visit\"\ntype = \"date\"\n");
  std::vector<double> days;
  for (unsigned i = 1; i <= 28; ++i) days.push_back(Day(2020, 5, i));
  EXPECT_THAT(FindSuspicions(contract, MakeTable({days}), Date{2020, 5, 28}), IsEmpty());
  days.push_back(Day(2020, 5, 29));
  days.push_back(Day(1812, 9, 7));
  days.insert(days.end(), 4, Day(1970, 1, 1));
  const auto found = FindSuspicions(contract, MakeTable({days}), Date{2020, 5, 28});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].kind, "date-in-future");
  EXPECT_EQ(found[0].rows, 1U);
  EXPECT_EQ(found[1].kind, "date-too-old");
  EXPECT_EQ(found[2].kind, "date-default");
  EXPECT_EQ(found[2].rows, 4U);
  EXPECT_EQ(FindSuspicions(contract, MakeTable({days})).size(), 2U);
}

/// 38.67, 88.4, 18.02, 0.1: what clinical chemistry's tables have.
TEST(UnitsTest, FactorsAreThoseOfClinicalChemistry) {
  const auto factor = [](const char* unit, const char* column) {
    return ConversionsTo(unit, column).at(0).factor;
  };
  EXPECT_NEAR(factor("mg/dL", "chol"), 38.67, 0.01);
  EXPECT_NEAR(factor("umol/L", "creatinine"), 88.4, 0.01);
  EXPECT_NEAR(factor("mg/dL", "glucose"), 18.02, 0.01);
  EXPECT_NEAR(factor("mg/dL", "triglycerides"), 88.57, 0.01);
  EXPECT_NEAR(factor("g/dL", "hgb"), 0.1, 1e-12);
  EXPECT_NEAR(factor("kg", "weight"), 0.45359237, 1e-12);
  const UnitConversion celsius = ConversionsTo("Cel", "temp").at(0);
  EXPECT_NEAR(98.6 * celsius.factor + celsius.offset, 37, 1e-9);
  const UnitConversion fahrenheit = ConversionsTo("[degF]", "temp").at(0);
  EXPECT_NEAR(37 * fahrenheit.factor + fahrenheit.offset, 98.6, 1e-9);
  EXPECT_THAT(ConversionsTo("parsec", "distance"), IsEmpty());
}

/// What another measurement's factor would make of the data is no reason to suspect them.
TEST(UnitsTest, AMeasurementIsNotTakenForItsNeighbour) {
  const auto measured = [](const char* unit, const char* column, const char* analyte = "") {
    std::vector<std::string> names;
    for (const UnitConversion& to : ConversionsTo(unit, column, analyte)) {
      names.emplace_back(to.measurement);
    }
    return names;
  };
  EXPECT_THAT(measured("mg/dL", "urea"), ElementsAre("urea"));
  EXPECT_THAT(measured("mg/dL", "Harnstoff"), ElementsAre("urea"));
  EXPECT_THAT(measured("mg/dL", "bun"), ElementsAre("urea nitrogen"));
  EXPECT_THAT(measured("mg/dL", "blood_urea_nitrogen"), ElementsAre("urea nitrogen"));
  EXPECT_NEAR(ConversionsTo("mg/dL", "urea").at(0).factor, 6.006, 0.001);
  EXPECT_NEAR(ConversionsTo("mg/dL", "bun").at(0).factor, 2.801, 0.001);
  // A unit in a name is no magnesium.
  EXPECT_THAT(measured("mg/dL", "ldl_mg_dl"), ElementsAre("cholesterol"));
  EXPECT_THAT(measured("mg/dL", "mg_serum"), ElementsAre("magnesium"));
  // The contract's analyte says more than a name.
  EXPECT_THAT(measured("mg/dL", "x", "urea"), ElementsAre("urea"));
  EXPECT_THAT(measured("mg/dL", "urea", "urea_nitrogen"), ElementsAre("urea nitrogen"));
  EXPECT_THAT(measured("g/dL", "x", "haemoglobin"), ElementsAre("haemoglobin", "haemoglobin"));
  EXPECT_THAT(measured("g/L", "x", "uric_acid"), IsEmpty());
}

/// Urine has as much creatinine as blood would have in another unit.
TEST(UnitsTest, OtherFluidsThanBloodAreNotJudgedByItsMedians) {
  const auto is_suspected = [](const char* column) {
    const auto found = Found(OneColumn(column, "mg/dL", "[0, 500]"), Spread(60, 200));
    return std::any_of(found.begin(), found.end(),
                       [](const Suspicion& one) { return one.kind == "unit"; });
  };
  EXPECT_FALSE(is_suspected("creatinine_urine"));
  EXPECT_TRUE(is_suspected("creatinine"));
  EXPECT_TRUE(is_suspected("creatinine_during_stay"));
}

/// There and back again is where one was, for every pair.
TEST(UnitsTest, ConversionsGoBothWays) {
  for (const char* unit : {"mg/dL", "g/dL", "mg/L", "%", "cm", "kg", "Cel", "mmHg"}) {
    for (const UnitConversion& there : ConversionsTo(unit, "")) {
      bool found = false;
      for (const UnitConversion& back : ConversionsTo(there.other, "")) {
        if (back.measurement != there.measurement) continue;
        if (std::abs(back.factor * there.factor - 1) > 1e-12) continue;
        found = true;
        EXPECT_NEAR((7 * there.factor + there.offset) * back.factor + back.offset, 7, 1e-12);
      }
      EXPECT_TRUE(found) << there.measurement << " " << there.other;
    }
  }
}

class HeartDataTest : public ::testing::Test {
 protected:
  std::string ReportOf(const std::string& site, const std::string& chol_range) {
    const Contract contract = MakeContract(
        "patient = \"patient_id\"\n[[column]]\nname = \"age\"\ntype = \"number\"\nunit = \"a\"\n"
        "range = [18, 110]\n[[column]]\nname = \"chol\"\ntype = \"number\"\nunit = \"mg/dL\"\n"
        "range = " +
        chol_range + "\n");
    ShapeOnlyAnalysis analysis;
    analysis.names = {"age"};
    Source source;
    source.file = ClinicalData("heart_disease") / "csv" / (site + ".csv");
    const auto report = CheckData(source, MakePlan(contract, analysis));
    EXPECT_TRUE(report.has_value()) << Describe(report.error());
    return report ? RenderText(*report) : "";
  }
};

/// In these files 0 stands for a cholesterol that was not measured, as its documentation does not
/// say: all of Switzerland, and 49 of 200 at VA.
TEST_F(HeartDataTest, CholesterolZeroIsFoundWhateverTheContractsRange) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  for (const char* range : {"[0, 700]", "[80, 700]"}) {
    SCOPED_TRACE(range);
    EXPECT_THAT(ReportOf("switzerland", range),
                AllOf(HasSubstr("chol: all 123 values are 0"), HasSubstr("missing = [\"0\"]")));
    EXPECT_THAT(ReportOf("va", range), HasSubstr("chol: 49 rows are 0, far from all other"));
    EXPECT_THAT(ReportOf("cleveland", range), Not(HasSubstr("Worth a look")));
    EXPECT_THAT(ReportOf("hungarian", range), Not(HasSubstr("Worth a look")));
  }
}

}  // namespace
}  // namespace consilium
