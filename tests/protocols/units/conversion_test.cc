// From unit to unit, against published factors: protocols/units/conversion.h.

#include "protocols/units/conversion.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

double Converted(double value,
                 std::string_view from,
                 std::string_view to,
                 std::string_view analyte = {}) {
  const Result<Conversion> conversion = ConversionBetween({from, {}}, {to, analyte});
  EXPECT_TRUE(conversion.has_value())
      << from << " to " << to << ": " << (conversion ? "" : Describe(conversion.error()));
  return conversion ? (*conversion)(value) : std::nan("");
}

std::string ErrorFor(const Measure& from, const Measure& to) {
  const Result<Conversion> conversion = ConversionBetween(from, to);
  return conversion ? "no error" : Describe(conversion.error());
}

/// One unit in the other, as published: a value is right to half a unit of the last digit that is
/// printed.
struct Published {
  const char* analyte;
  const char* from;
  const char* to;
  double factor;
  double half_digit;
};

/// Conventional to SI units as in the AMA Manual of Style (11th edition, section 17.5) and the
/// tables of laboratories that follow it.
constexpr Published kPublished[] = {
    {"glucose", "mg/dL", "mmol/L", 0.0555, 0.00005},
    {"cholesterol", "mg/dL", "mmol/L", 0.0259, 0.00005},
    {"triglycerides", "mg/dL", "mmol/L", 0.0113, 0.00005},
    {"triglycerides", "mmol/L", "mg/dL", 88.57, 0.005},
    {"creatinine", "mg/dL", "umol/L", 88.4, 0.05},
    {"bilirubin", "mg/dL", "umol/L", 17.104, 0.0005},
    {"urea_nitrogen", "mg/dL", "mmol/L", 0.357, 0.0005},
    {"urea", "mg/dL", "mmol/L", 0.1665, 0.00005},
    {"uric_acid", "mg/dL", "umol/L", 59.48, 0.005},
    {"calcium", "mg/dL", "mmol/L", 0.2495, 0.00005},
    {"calcium", "meq/L", "mmol/L", 0.5, 1e-15},
    {"calcium", "mg/dL", "meq/L", 0.499, 0.0005},
    {"magnesium", "mg/dL", "mmol/L", 0.4114, 0.00005},
    {"magnesium", "meq/L", "mmol/L", 0.5, 1e-15},
    {"phosphate", "mg/dL", "mmol/L", 0.323, 0.0005},
    {"sodium", "meq/L", "mmol/L", 1, 1e-15},
    {"potassium", "mg/dL", "mmol/L", 0.2558, 0.00005},
    {"iron", "ug/dL", "umol/L", 0.179, 0.0005},
    {"copper", "ug/dL", "umol/L", 0.157, 0.0005},
    {"zinc", "ug/dL", "umol/L", 0.153, 0.0005},
    {"haemoglobin", "g/dL", "mmol/L", 0.6206, 0.00005},
    {"lactate", "mg/dL", "mmol/L", 0.111, 0.0005},
    {"ammonia", "ug/dL", "umol/L", 0.587, 0.0005},
    {"ethanol", "mg/dL", "mmol/L", 0.217, 0.0005},
    {"cortisol", "ug/dL", "nmol/L", 27.59, 0.005},
    {"testosterone", "ng/dL", "nmol/L", 0.0347, 0.00005},
    {"estradiol", "pg/mL", "pmol/L", 3.671, 0.0005},
    {"progesterone", "ng/mL", "nmol/L", 3.18, 0.005},
    {"thyroxine", "ug/dL", "nmol/L", 12.87, 0.005},
    {"thyroxine", "ng/dL", "pmol/L", 12.87, 0.005},
    {"triiodothyronine", "ng/dL", "nmol/L", 0.0154, 0.00005},
    {"vitamin_d", "ng/mL", "nmol/L", 2.496, 0.0005},
    {"cobalamin", "pg/mL", "pmol/L", 0.7378, 0.00005},
    {"folate", "ng/mL", "nmol/L", 2.265, 0.0005},
    {"homocysteine", "mg/L", "umol/L", 7.397, 0.0006},
    {"digoxin", "ng/mL", "nmol/L", 1.28, 0.005},
    {"albumin_creatinine_ratio", "mg/g", "mg/mmol", 0.113, 0.0005},
    {"albumin_creatinine_ratio", "mg/mmol", "mg/g", 8.84, 0.005},
    // Of one dimension: exact.
    {"", "mg/dL", "g/L", 0.01, 0},
    {"", "g/dL", "g/L", 10, 0},
    {"", "mg/L", "mg/dL", 0.1, 0},
    {"troponin", "ng/mL", "ng/L", 1000, 0},
    {"troponin", "ug/L", "pg/mL", 1000, 0},
    {"", "10*3/uL", "10*9/L", 1, 0},
    {"", "10*6/uL", "10*12/L", 1, 0},
    {"", "/uL", "10*9/L", 0.001, 0},
    {"", "L/L", "%", 100, 0},
    {"", "U/L", "ukat/L", 1 / 60.0, 1e-17},
    {"", "[in_i]", "cm", 2.54, 0},
    {"", "[ft_i]", "m", 0.3048, 0},
    {"", "[lb_av]", "kg", 0.45359237, 0},
    {"", "wk", "d", 7, 0},
    {"", "a", "d", 365.25, 0},
    {"", "a", "mo", 12, 0},
    {"", "mo", "d", 30.4375, 0},
    {"", "h", "min", 60, 0},
    {"", "mm[Hg]", "kPa", 0.133322387415, 1e-16},
    {"", "cm[H2O]", "Pa", 98.0665, 0},
    {"", "kcal", "kJ", 4.184, 0},
};

TEST(ConversionTest, EqualsPublishedFactors) {
  for (const Published& one : kPublished) {
    EXPECT_NEAR(Converted(1, one.from, one.to, one.analyte), one.factor, one.half_digit)
        << one.analyte << " " << one.from << " to " << one.to;
    const double there = Converted(7, one.from, one.to, one.analyte);
    EXPECT_NEAR(Converted(there, one.to, one.from, one.analyte), 7, 1e-14);
  }
}

/// As in the tables of ngsp.org, which print whole mmol/mol.
TEST(ConversionTest, HbA1cFollowsTheMasterEquation) {
  const std::pair<double, double> published[] = {{5, 31},  {5.5, 37}, {6, 42},  {6.5, 48},
                                                 {7, 53},  {7.5, 58}, {8, 64},  {9, 75},
                                                 {10, 86}, {11, 97},  {12, 108}};
  for (const auto& [percent, per_mole] : published) {
    EXPECT_EQ(std::round(Converted(percent, "%", "mmol/mol", "hba1c")), per_mole);
    EXPECT_NEAR(Converted(per_mole, "mmol/mol", "%", "hba1c"), percent, 0.05);
  }
  EXPECT_NEAR(Converted(48, "mmol/mol", "%", "hba1c"), 0.09148 * 48 + 2.152, 1e-14);
  EXPECT_NEAR(Converted(0.048, "mol/mol", "10*-2", "hba1c"), 0.09148 * 48 + 2.152, 1e-14);
  EXPECT_THAT(ErrorFor({"%", ""}, {"mmol/mol", ""}), HasSubstr("analyte = \"hba1c\""));
}

TEST(ConversionTest, TemperaturesGoByTheirScales) {
  EXPECT_EQ(Converted(98.6, "[degF]", "Cel"), 37);
  EXPECT_EQ(Converted(212, "[degF]", "Cel"), 100);
  EXPECT_EQ(Converted(-40, "[degF]", "Cel"), -40);
  EXPECT_EQ(Converted(37, "Cel", "[degF]"), 98.6);
  EXPECT_EQ(Converted(0, "Cel", "K"), 273.15);
  EXPECT_EQ(Converted(310.15, "K", "Cel"), 310.15 - 273.15);
  EXPECT_NEAR(Converted(310'150, "mK", "[degF]"), 98.6, 1e-10);
  EXPECT_NEAR(Converted(98.6, "[degF]", "mK"), 310'150, 1e-9);
  EXPECT_EQ(Converted(38.5, "Cel", "Cel"), 38.5);
}

/// What the United States call BUN is urea elsewhere.
TEST(ConversionTest, AnalytesOfOneSubstanceBecomeOneAnother) {
  const auto urea = ConversionBetween({"mg/dL", "urea_nitrogen"}, {"mmol/L", "urea"});
  ASSERT_TRUE(urea.has_value()) << Describe(urea.error());
  EXPECT_NEAR((*urea)(1), 0.357, 0.0005);
  const auto mass = ConversionBetween({"mg/dL", "urea_nitrogen"}, {"mg/dL", "urea"});
  ASSERT_TRUE(mass.has_value()) << Describe(mass.error());
  EXPECT_NEAR((*mass)(1), 2.14, 0.005);
  EXPECT_THAT(ErrorFor({"mg/dL", "urea"}, {"mmol/L", "creatinine"}),
              HasSubstr("the one is urea, the other creatinine"));
}

TEST(ConversionTest, RefusesInWordsWhatItCannotKnow) {
  EXPECT_THAT(ErrorFor({"mg/dL", ""}, {"mmol/L", ""}),
              AllOf(HasSubstr("\"mg/dL\" is mass concentration"),
                    HasSubstr("\"mmol/L\" is amount concentration"), HasSubstr("Add analyte")));
  EXPECT_THAT(ErrorFor({"mg/dL", ""}, {"mm[Hg]", ""}),
              AllOf(HasSubstr("mass concentration"), HasSubstr("pressure")));
  EXPECT_THAT(ErrorFor({"ng/L", ""}, {"pmol/L", "troponin"}), HasSubstr("no molar mass"));
  EXPECT_THAT(ErrorFor({"meq/L", ""}, {"mmol/L", "glucose"}), HasSubstr("valence"));
  EXPECT_THAT(ErrorFor({"mg/dL", "glukose"}, {"mmol/L", ""}),
              HasSubstr("Did you mean \"glucose\"?"));
  EXPECT_THAT(ErrorFor({"ug/L{FEU}", ""}, {"ug/L{DDU}", ""}), HasSubstr("braces"));
  EXPECT_THAT(ErrorFor({"mL/min", ""}, {"mL/min/{1.73_m2}", ""}), HasSubstr("braces"));
  EXPECT_THAT(ErrorFor({"mg/g", ""}, {"mL/L", ""}), HasSubstr("shares of different things"));
  EXPECT_THAT(ErrorFor({"10*9/L", ""}, {"mmol/L", "glucose"}), HasSubstr("cannot become"));
  EXPECT_THAT(ErrorFor({"[IU]/L", ""}, {"U/L", ""}), HasSubstr("cannot become"));
  EXPECT_THAT(ErrorFor({"mg/mmol", ""}, {"mg/g", "glucose"}), HasSubstr("cannot become"));
  EXPECT_THAT(ErrorFor({"mg2/L", ""}, {"mmol2/L", "glucose"}), HasSubstr("cannot become"));
  EXPECT_EQ(ErrorFor({"{cells}/uL", ""}, {"10*9/L", ""}), "no error");
}

TEST(ConversionTest, AnAnalyteFitsItsUnits) {
  EXPECT_TRUE(CheckMeasure({"mg/dL", "glucose"}).has_value());
  EXPECT_TRUE(CheckMeasure({"mmol/L", "glucose"}).has_value());
  EXPECT_TRUE(CheckMeasure({"%", "hba1c"}).has_value());
  EXPECT_TRUE(CheckMeasure({"mmol/mol", "hba1c"}).has_value());
  EXPECT_TRUE(CheckMeasure({"mg/mmol", "albumin_creatinine_ratio"}).has_value());
  EXPECT_TRUE(CheckMeasure({"meq/L", "sodium"}).has_value());
  EXPECT_FALSE(CheckMeasure({"mm[Hg]", "glucose"}).has_value());
  EXPECT_FALSE(CheckMeasure({"meq/L", "glucose"}).has_value());
  EXPECT_FALSE(CheckMeasure({"mmol/L", "troponin"}).has_value());
  EXPECT_FALSE(CheckMeasure({"mg/dL", "hba1c"}).has_value());
}

const std::vector<std::string>& SomeUnits() {
  static const std::vector<std::string> units = {
      "mg/dL",   "g/L",      "ug/mL",   "mmol/L", "umol/L",  "pmol/mL", "meq/L",  "10*9/L", "/uL",
      "mm[Hg]",  "kPa",      "cm[H2O]", "Cel",    "[degF]",  "K",       "%",      "1",      "mg/g",
      "L/L",     "mmol/mol", "mg/mmol", "kg",     "[lb_av]", "cm",      "[in_i]", "d",      "a",
      "min",     "/min",     "Hz",      "U/L",    "kat/L",   "[IU]/L",  "kg/m2",  "mL/min", "L/h",
      "mosm/kg", "Bq",       "Sv",      "Gy",     "mV",      "g",       "mmol",   "eq"};
  return units;
}

RC_GTEST_PROP(ConversionPropertyTest, NeverMeetsAnotherDimensionWithoutAnAnalyte, ()) {
  const std::string from = *rc::gen::elementOf(SomeUnits());
  const std::string to = *rc::gen::elementOf(SomeUnits());
  const Result<Conversion> there = ConversionBetween({from, {}}, {to, {}});
  const bool same = ParseUnit(from)->dimension == ParseUnit(to)->dimension;
  RC_ASSERT(same || !there);
  const Result<Conversion> back = ConversionBetween({to, {}}, {from, {}});
  RC_ASSERT(there.has_value() == back.has_value());
  if (!there) return;
  const double value = *rc::gen::inRange(-1000, 1000) / 7.0;
  RC_ASSERT(std::abs((*back)((*there)(value)) - value) < 1e-12 * std::max(1.0, std::abs(value)) +
                                                             1e-12 * std::abs(there->before) +
                                                             1e-12 * std::abs(back->before));
}

RC_GTEST_PROP(ConversionPropertyTest, AnAnalyteJoinsOnlyMassAmountAndEquivalents, ()) {
  const std::string from = *rc::gen::elementOf(SomeUnits());
  const std::string to = *rc::gen::elementOf(SomeUnits());
  const std::span<const Analyte> analytes = Analytes();
  const Analyte& analyte = analytes[*rc::gen::inRange<std::size_t>(0, analytes.size())];
  if (!ConversionBetween({from, {}}, {to, analyte.name})) return;
  Dimension a = ParseUnit(from)->dimension;
  Dimension b = ParseUnit(to)->dimension;
  for (const BaseUnit base : {BaseUnit::kGram, BaseUnit::kMole, BaseUnit::kEquivalent}) {
    a[static_cast<std::size_t>(base)] = b[static_cast<std::size_t>(base)] = 0;
  }
  RC_ASSERT(a == b);
}

/// Through a third unit is as far as straight ahead.
RC_GTEST_PROP(ConversionPropertyTest, ThroughAThirdUnitIsTheSame, ()) {
  const std::string from = *rc::gen::elementOf(SomeUnits());
  const std::string by = *rc::gen::elementOf(SomeUnits());
  const std::string to = *rc::gen::elementOf(SomeUnits());
  const auto first = ConversionBetween({from, {}}, {by, "glucose"});
  const auto second = ConversionBetween({by, {}}, {to, "glucose"});
  const auto straight = ConversionBetween({from, {}}, {to, "glucose"});
  if (!first || !second || !straight) return;
  RC_ASSERT(std::abs((*second)((*first)(5.5)) - (*straight)(5.5)) <
            1e-11 * std::max(1.0, std::abs((*straight)(5.5))));
}

}  // namespace
}  // namespace consilium
