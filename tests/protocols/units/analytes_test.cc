// Molar masses, from formulas by IUPAC's abridged standard atomic weights of 2021.

#include "protocols/units/analytes.h"

#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace consilium {
namespace {

/// Prohaska et al., Pure Appl Chem 2022;94:573-600, table 3; conventional values where there is an
/// interval.
const std::map<std::string, double>& AtomicWeights() {
  static const std::map<std::string, double> weights = {
      {"H", 1.008},   {"Li", 6.94},   {"C", 12.011},  {"N", 14.007}, {"O", 15.999}, {"Na", 22.990},
      {"Mg", 24.305}, {"P", 30.974},  {"S", 32.06},   {"Cl", 35.45}, {"K", 39.098}, {"Ca", 40.078},
      {"Fe", 55.845}, {"Co", 58.933}, {"Cu", 63.546}, {"Zn", 65.38}, {"I", 126.90}};
  return weights;
}

double MassOf(std::string_view formula) {
  double mass = 0;
  for (std::size_t at = 0; at < formula.size();) {
    std::string element(1, formula[at++]);
    while (at < formula.size() && std::islower(static_cast<unsigned char>(formula[at])) != 0) {
      element += formula[at++];
    }
    int count = 0;
    while (at < formula.size() && std::isdigit(static_cast<unsigned char>(formula[at])) != 0) {
      count = 10 * count + (formula[at++] - '0');
    }
    mass += AtomicWeights().at(element) * std::max(count, 1);
  }
  return mass;
}

TEST(AnalytesTest, MolarMassesAreThoseOfTheFormulas) {
  int checked = 0;
  for (const Analyte& analyte : Analytes()) {
    if (analyte.formula.empty()) continue;
    EXPECT_NEAR(analyte.molar_mass.AsDouble(), MassOf(analyte.formula), 1e-6) << analyte.name;
    ++checked;
  }
  EXPECT_GE(checked, 30);
}

TEST(AnalytesTest, NamesDifferAndAreFound) {
  std::set<std::string_view> names;
  for (const Analyte& analyte : Analytes()) {
    EXPECT_TRUE(names.insert(analyte.name).second) << analyte.name;
    EXPECT_EQ((*FindAnalyte(analyte.name))->words, analyte.words);
    const bool needs_mass =
        analyte.kind == AnalyteKind::kSubstance || analyte.kind == AnalyteKind::kDenominator;
    EXPECT_EQ(analyte.molar_mass.AsDouble() > 1, needs_mass) << analyte.name;
  }
  EXPECT_FALSE(FindAnalyte("phlogiston").has_value());
}

}  // namespace
}  // namespace consilium
