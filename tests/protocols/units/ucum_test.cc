// Units in UCUM's notation: protocols/units/ucum.h, exact_factor.h.

#include "protocols/units/ucum.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "protocols/units/exact_factor.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Unit Parsed(const std::string& text) {
  const Result<Unit> unit = ParseUnit(text);
  EXPECT_TRUE(unit.has_value()) << text << ": " << (unit ? "" : Describe(unit.error()));
  return unit ? *unit : Unit{};
}

double FactorOf(const std::string& text) { return Parsed(text).factor.AsDouble(); }

std::string ErrorFor(const std::string& text) {
  const Result<Unit> unit = ParseUnit(text);
  return unit ? "no error" : Describe(unit.error());
}

TEST(ExactFactorTest, StaysExactWhereDoublesDoNot) {
  ExactFactor tenth{1, 1, -1};
  ExactFactor three = *Product({3, 1, 0}, tenth);
  EXPECT_EQ(three.AsDouble(), 0.3);
  EXPECT_EQ(Product(*Quotient({1, 1, 0}, {3, 1, 0}), {3, 1, 0})->AsDouble(), 1.0);
  EXPECT_FALSE(Product({18446744073709551557U, 1, 0}, {3, 1, 0}).has_value());
  EXPECT_FALSE(Product({1, 1, 90}, {1, 1, 90}).has_value());
}

TEST(UcumTest, ReadsTheUnitsOfLaboratoriesAndWards) {
  EXPECT_EQ(FactorOf("mg/dL"), 10.0);  // g/m3
  EXPECT_EQ(FactorOf("g/L"), 1000.0);
  EXPECT_EQ(FactorOf("10*9/L"), 1e12);
  EXPECT_EQ(FactorOf("10^3/uL"), 1e12);
  EXPECT_EQ(FactorOf("/uL"), 1e9);
  EXPECT_EQ(FactorOf("{cells}/uL"), 1e9);
  EXPECT_EQ(FactorOf("mm[Hg]"), 133322.387415);
  EXPECT_EQ(FactorOf("%"), 0.01);
  EXPECT_EQ(FactorOf("kg/m2"), 1000.0);
  EXPECT_EQ(FactorOf("kg.m-2"), 1000.0);
  EXPECT_EQ(FactorOf("mL/min/{1.73_m2}"), 1e-6 / 60);
  EXPECT_EQ(FactorOf("mL/(min.kg)"), 1e-6 / 60 / 1000);
  EXPECT_EQ(FactorOf("[in_i]"), 0.0254);
  EXPECT_EQ(FactorOf("a"), 365.25 * 86400);
  EXPECT_EQ(FactorOf("1"), 1.0);
  EXPECT_EQ(FactorOf("{INR}"), 1.0);
  EXPECT_EQ(FactorOf("\xC2\xB5mol/L"), FactorOf("umol/L"));
  EXPECT_EQ(FactorOf("mg/dl"), FactorOf("mg/dL"));
  EXPECT_EQ(Parsed("meq/L").Power(BaseUnit::kEquivalent), 1);
  EXPECT_EQ(Parsed("mm[Hg]").Power(BaseUnit::kMetre), -1);
  EXPECT_EQ(Parsed("Cel").scale, UnitScale::kCelsius);
  EXPECT_EQ(Parsed("%{HbA1c}").annotation, "HbA1c");
}

/// (a / b) . c, not a / (b . c).
TEST(UcumTest, DividesAndMultipliesFromLeftToRight) {
  EXPECT_EQ(Parsed("g/m.s").dimension, Parsed("g.s/m").dimension);
  EXPECT_EQ(Parsed("g/(m.s)").dimension, Parsed("g/m/s").dimension);
}

/// Counts, amounts, equivalents and international units are no multiples of one another.
TEST(UcumTest, KeepsApartWhatUcumCountsAlike) {
  const std::vector<std::string> units = {"/L", "mmol/L", "meq/L", "mosm/L", "[IU]/L", "U/L"};
  for (std::size_t i = 0; i < units.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(Parsed(units[i]).dimension, Parsed(units[j]).dimension) << units[i] << units[j];
    }
  }
  EXPECT_NE(Parsed("Gy").dimension, Parsed("Sv").dimension);
  EXPECT_NE(Parsed("Hz").dimension, Parsed("Bq").dimension);
}

TEST(UcumTest, RefusesWithTheNearestUnit) {
  const std::pair<const char*, const char*> cases[] = {
      {"mmHg", "\"mm[Hg]\""},
      {"mg/dll", "Did you mean \"mg/dL\""},
      {"MG/DL", "\"MG\" is none"},
      {"years", "Did you mean \"a\""},
      {"\xC2\xB0"
       "C",
       "\"Cel\""},
      {"mIU/L", "Did you mean \"m[IU]/L\""},
      {"mEq/L", "Did you mean \"meq/L\""},
      {"G/L", "Did you mean \"10*9/L\""},
      {"bpm", "\"/min\""},
      {"mcg/L", "Did you mean \"ug/L\""},
      {"lb", "[lb_av]"},
  };
  for (const auto& [text, words] : cases) EXPECT_THAT(ErrorFor(text), HasSubstr(words)) << text;
}

TEST(UcumTest, RefusesWhatIsNoUnit) {
  for (const char* text : {"",
                           " ",
                           "/",
                           "mg/",
                           "mg//dL",
                           "mg dL",
                           "mg/dL/",
                           "(mg",
                           "mg)",
                           "()",
                           "mg{",
                           "{}",
                           "mg{a",
                           "mg}",
                           "m[Hg",
                           "[Hg]",
                           "m0",
                           "m-",
                           "m+",
                           "m999",
                           "0",
                           "0/L",
                           "1.73",
                           "mL/min/1.73.m2",
                           "2,5",
                           "mg*dL",
                           "mm[Hg]]",
                           "Cel/min",
                           "mCel",
                           "Cel2",
                           "2.Cel",
                           "[degF].s",
                           "k%",
                           "mmin",
                           "ka",
                           "widgets",
                           "mg/widgets",
                           "10*99",
                           "999999999999",
                           "\x01",
                           "m\n",
                           "mg/dL\xFF",
                           "((((((((((m))))))))))",
                           "[lb_av]30"}) {
    EXPECT_THAT(ErrorFor(text), Not("no error")) << text;
  }
  EXPECT_THAT(ErrorFor(std::string(65, 'm')), HasSubstr("64"));
  // A number with a point would be a product of its two halves.
  EXPECT_THAT(ErrorFor("mL/min/1.73.m2"), HasSubstr("{1.73_m2}"));
}

TEST(UcumTest, SaysWhatKindOfQuantityAUnitHas) {
  EXPECT_EQ(DimensionInWords(Parsed("mg/dL")), "mass concentration");
  EXPECT_EQ(DimensionInWords(Parsed("umol/L")), "amount concentration");
  EXPECT_EQ(DimensionInWords(Parsed("kPa")), "pressure");
  EXPECT_EQ(DimensionInWords(Parsed("mmol/mol")), "share of an amount");
  EXPECT_EQ(DimensionInWords(Parsed("%")), "number without a dimension");
  EXPECT_EQ(DimensionInWords(Parsed("m3.s-2.K")), "m3.s-2.K");
}

/// A unit that was put together with its factor and its dimension.
struct Made {
  std::string text;
  double log_factor = 0;
  Dimension dimension{};
};

Made AnySymbol() {
  const std::vector<UnitAtom>& atoms = UnitAtoms();
  const UnitAtom* atom = &atoms[*rc::gen::inRange<std::size_t>(0, atoms.size())];
  RC_PRE(atom->scale == UnitScale::kProportional);
  Made made{std::string(atom->symbol), std::log10(atom->factor.AsDouble()), atom->dimension};
  if (atom->metric && *rc::gen::arbitrary<bool>()) {
    const UnitPrefix prefix =
        UnitPrefixes()[*rc::gen::inRange<std::size_t>(0, UnitPrefixes().size())];
    const std::string with_prefix = std::string(prefix.symbol) + made.text;
    // "Pa" is a pascal, and not a year with a prefix.
    for (const UnitAtom& other : atoms) RC_PRE(other.symbol != with_prefix);
    made.text = with_prefix;
    made.log_factor += prefix.exponent;
  }
  const int power = *rc::gen::inRange(-3, 4);
  if (power == 0) return made;
  if (power != 1) made.text += std::to_string(power);
  made.log_factor *= power;
  for (int& base : made.dimension) base *= power;
  return made;
}

Made AnyTerm(int depth) {
  Made made;
  if (depth > 0 && *rc::gen::arbitrary<bool>()) {
    made = AnyTerm(depth - 1);
    made.text = "(" + made.text + ")";
  } else {
    made = AnySymbol();
  }
  if (*rc::gen::inRange(0, 4) == 0) made.text += "{total}";
  const int more = *rc::gen::inRange(0, 3);
  for (int i = 0; i < more; ++i) {
    const Made next = AnySymbol();
    const int sign = *rc::gen::element(-1, 1);
    made.text += (sign > 0 ? "." : "/") + next.text;
    made.log_factor += sign * next.log_factor;
    for (std::size_t j = 0; j < kBaseUnits; ++j) made.dimension[j] += sign * next.dimension[j];
  }
  return made;
}

RC_GTEST_PROP(UcumPropertyTest, EveryTermHasItsFactorAndItsDimension, ()) {
  const Made made = AnyTerm(2);
  const Result<Unit> unit = ParseUnit(made.text);
  // Factors of many units of old may be beyond 64 bits, and are refused.
  if (!unit) {
    RC_ASSERT(Describe(unit.error()).find("cannot be read") == std::string::npos);
    RC_ASSERT(Describe(unit.error()).find("no unit that") == std::string::npos);
    RC_DISCARD();
  }
  RC_ASSERT(unit->dimension == made.dimension);
  RC_ASSERT(std::abs(std::log10(unit->factor.AsDouble()) - made.log_factor) < 1e-9);
}

RC_GTEST_PROP(UcumPropertyTest, GarbageIsRefusedOrReadToItsEnd, ()) {
  const std::string alphabet = "mgLlukdcn/./.(){}[]0123456789-+*^%HgHOeqsaoUCFIx_ ";
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(alphabet));
  const Result<Unit> unit = ParseUnit(text);
  if (!unit) {
    RC_ASSERT(!unit.error().message.empty());
    return;
  }
  // What was read means the same in parentheses, and the opposite below a line.
  const Result<Unit> again = ParseUnit("(" + unit->text + ")");
  if (again) RC_ASSERT(again->dimension == unit->dimension);
  const Result<Unit> below = ParseUnit("1/(" + unit->text + ")");
  if (!below) return;
  for (std::size_t i = 0; i < kBaseUnits; ++i) {
    RC_ASSERT(below->dimension[i] == -unit->dimension[i]);
  }
}

RC_GTEST_PROP(UcumPropertyTest, AnyBytesAreTakenWithoutHarm, ()) {
  const auto text = *rc::gen::arbitrary<std::string>();
  const Result<Unit> unit = ParseUnit(text);
  RC_ASSERT(unit.has_value() || !unit.error().message.empty());
}

}  // namespace
}  // namespace consilium
