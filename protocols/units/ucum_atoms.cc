#include <initializer_list>
#include <utility>

#include "protocols/units/ucum.h"

namespace consilium {
namespace {

constexpr std::string_view kDefinition = "SI brochure, 9th edition";
constexpr std::string_view kNist = "NIST SP 811 (2008), appendix B.8";
constexpr std::string_view kUcum = "UCUM 2.1";

using Powers = std::initializer_list<std::pair<BaseUnit, int>>;

Dimension DimensionOf(Powers powers) {
  Dimension dimension{};
  for (const auto& [base, power] : powers) dimension[static_cast<std::size_t>(base)] = power;
  return dimension;
}

UnitAtom Atom(std::string_view symbol,
              ExactFactor factor,
              Powers powers,
              bool metric,
              std::string_view source) {
  return {symbol, factor, DimensionOf(powers), metric, UnitScale::kProportional, source};
}

constexpr auto kM = BaseUnit::kMetre;
constexpr auto kG = BaseUnit::kGram;
constexpr auto kS = BaseUnit::kSecond;

std::vector<UnitAtom> PlainAtoms() {
  constexpr bool metric = true;
  return {
      Atom("m", {}, {{kM, 1}}, metric, kDefinition),
      Atom("g", {}, {{kG, 1}}, metric, kDefinition),
      Atom("s", {}, {{kS, 1}}, metric, kDefinition),
      Atom("K", {}, {{BaseUnit::kKelvin, 1}}, metric, kDefinition),
      Atom("A", {}, {{BaseUnit::kAmpere, 1}}, metric, kDefinition),
      Atom("mol", {}, {{BaseUnit::kMole, 1}}, metric, kDefinition),
      Atom("eq", {}, {{BaseUnit::kEquivalent, 1}}, metric, kUcum),
      Atom("osm", {}, {{BaseUnit::kOsmole, 1}}, metric, kUcum),
      Atom("[IU]", {}, {{BaseUnit::kInternationalUnit, 1}}, metric, kUcum),
      Atom("[iU]", {}, {{BaseUnit::kInternationalUnit, 1}}, metric, kUcum),
      Atom("rad", {}, {{BaseUnit::kRadian, 1}}, metric, kDefinition),
      Atom("Bq", {}, {{BaseUnit::kBecquerel, 1}}, metric, kDefinition),
      Atom("Sv", {}, {{BaseUnit::kSievert, 1}}, metric, kDefinition),
      Atom("L", {1, 1, -3}, {{kM, 3}}, metric, kDefinition),
      Atom("l", {1, 1, -3}, {{kM, 3}}, metric, kDefinition),
      Atom("t", {1, 1, 6}, {{kG, 1}}, metric, kDefinition),
      Atom("Hz", {}, {{kS, -1}}, metric, kDefinition),
      Atom("N", {1, 1, 3}, {{kG, 1}, {kM, 1}, {kS, -2}}, metric, kDefinition),
      Atom("Pa", {1, 1, 3}, {{kG, 1}, {kM, -1}, {kS, -2}}, metric, kDefinition),
      Atom("bar", {1, 1, 8}, {{kG, 1}, {kM, -1}, {kS, -2}}, metric, kDefinition),
      Atom("J", {1, 1, 3}, {{kG, 1}, {kM, 2}, {kS, -2}}, metric, kDefinition),
      Atom("W", {1, 1, 3}, {{kG, 1}, {kM, 2}, {kS, -3}}, metric, kDefinition),
      Atom("V", {1, 1, 3}, {{kG, 1}, {kM, 2}, {kS, -3}, {BaseUnit::kAmpere, -1}}, metric,
           kDefinition),
      Atom("Gy", {}, {{kM, 2}, {kS, -2}}, metric, kDefinition),
      Atom("kat", {}, {{BaseUnit::kMole, 1}, {kS, -1}}, metric, kDefinition),
      // One micromole a minute.
      Atom("U", {1, 6, -7}, {{BaseUnit::kMole, 1}, {kS, -1}}, metric, kUcum),
      // A metre of mercury: 13595.1 kg/m3 times 9.80665 m/s2. UCUM rounds to 133.322 kPa.
      Atom("m[Hg]", {133322387415, 1, -3}, {{kG, 1}, {kM, -1}, {kS, -2}}, metric, kNist),
      Atom("m[H2O]", {980665, 1, 1}, {{kG, 1}, {kM, -1}, {kS, -2}}, metric, kUcum),
      Atom("cal", {4184, 1, 0}, {{kG, 1}, {kM, 2}, {kS, -2}}, metric, kUcum),
  };
}

std::vector<UnitAtom> OtherAtoms() {
  constexpr bool metric = false;
  std::vector<UnitAtom> atoms = {
      Atom("min", {6, 1, 1}, {{kS, 1}}, metric, kDefinition),
      Atom("h", {36, 1, 2}, {{kS, 1}}, metric, kDefinition),
      Atom("d", {864, 1, 2}, {{kS, 1}}, metric, kDefinition),
      Atom("wk", {6048, 1, 2}, {{kS, 1}}, metric, kUcum),
      // A Julian year has 365.25 days, a month is a twelfth of it.
      Atom("a", {315576, 1, 2}, {{kS, 1}}, metric, kUcum),
      Atom("a_j", {315576, 1, 2}, {{kS, 1}}, metric, kUcum),
      Atom("mo", {26298, 1, 2}, {{kS, 1}}, metric, kUcum),
      Atom("mo_j", {26298, 1, 2}, {{kS, 1}}, metric, kUcum),
      Atom("[in_i]", {254, 1, -4}, {{kM, 1}}, metric, kNist),
      Atom("[ft_i]", {3048, 1, -4}, {{kM, 1}}, metric, kNist),
      Atom("[lb_av]", {45359237, 1, -5}, {{kG, 1}}, metric, kNist),
      Atom("[oz_av]", {28349523125, 1, -9}, {{kG, 1}}, metric, kNist),
      Atom("atm", {101325, 1, 3}, {{kG, 1}, {kM, -1}, {kS, -2}}, metric, kNist),
      Atom("%", {1, 1, -2}, {}, metric, kUcum),
      Atom("[ppth]", {1, 1, -3}, {}, metric, kUcum),
      Atom("[ppm]", {1, 1, -6}, {}, metric, kUcum),
      Atom("[ppb]", {1, 1, -9}, {}, metric, kUcum),
      Atom("10*", {1, 1, 1}, {}, metric, kUcum),
      Atom("10^", {1, 1, 1}, {}, metric, kUcum),
  };
  UnitAtom celsius = Atom("Cel", {}, {{BaseUnit::kKelvin, 1}}, metric, kDefinition);
  celsius.scale = UnitScale::kCelsius;
  UnitAtom fahrenheit = Atom("[degF]", {5, 9, 0}, {{BaseUnit::kKelvin, 1}}, metric, kNist);
  fahrenheit.scale = UnitScale::kFahrenheit;
  atoms.push_back(celsius);
  atoms.push_back(fahrenheit);
  return atoms;
}

struct Spelling {
  std::string_view usual;
  std::string_view ucum;
};

constexpr Spelling kSpellings[] = {
    {"mmHg", "mm[Hg]"},
    {"mmhg", "mm[Hg]"},
    {"mm Hg", "mm[Hg]"},
    {"torr", "mm[Hg]"},
    {"cmH2O", "cm[H2O]"},
    {"\xC2\xB0"
     "C",
     "Cel"},
    {"degC", "Cel"},
    {"C", "Cel"},
    {"celsius", "Cel"},
    {"\xC2\xB0"
     "F",
     "[degF]"},
    {"degF", "[degF]"},
    {"F", "[degF]"},
    {"year", "a"},
    {"years", "a"},
    {"yr", "a"},
    {"yrs", "a"},
    {"y", "a"},
    {"month", "mo"},
    {"months", "mo"},
    {"week", "wk"},
    {"weeks", "wk"},
    {"w", "wk"},
    {"day", "d"},
    {"days", "d"},
    {"hour", "h"},
    {"hours", "h"},
    {"hr", "h"},
    {"hrs", "h"},
    {"minute", "min"},
    {"minutes", "min"},
    {"sec", "s"},
    {"second", "s"},
    {"seconds", "s"},
    {"bpm", "/min"},
    {"mcg", "ug"},
    {"mcL", "uL"},
    {"cc", "mL"},
    {"gm", "g"},
    {"lb", "[lb_av]"},
    {"lbs", "[lb_av]"},
    {"pound", "[lb_av]"},
    {"oz", "[oz_av]"},
    {"in", "[in_i]"},
    {"inch", "[in_i]"},
    {"inches", "[in_i]"},
    {"ft", "[ft_i]"},
    {"IU", "[IU]"},
    {"mIU", "m[IU]"},
    {"uIU", "u[IU]"},
    {"kIU", "k[IU]"},
    {"Eq", "eq"},
    {"mEq", "meq"},
    {"mval", "meq"},
    {"Osm", "osm"},
    {"mOsm", "mosm"},
    {"mosmol", "mosm"},
    {"percent", "%"},
    {"pct", "%"},
    {"M", "mol/L"},
    {"mM", "mmol/L"},
    {"uM", "umol/L"},
    {"nM", "nmol/L"},
    {"pM", "pmol/L"},
    {"G", "10*9"},
    {"Gpt", "10*9"},
    {"Tpt", "10*12"},
    {"Tsd", "10*3"},
    {"x10E3", "10*3"},
    {"x10E6", "10*6"},
    {"x10E9", "10*9"},
    {"10E3", "10*3"},
    {"10E6", "10*6"},
    {"10E9", "10*9"},
    {"10e3", "10*3"},
    {"10e6", "10*6"},
    {"10e9", "10*9"},
    {"10E12", "10*12"},
    {"10e12", "10*12"},
    {"thou", "10*3"},
    {"mil", "10*6"},
    {"ppm", "[ppm]"},
};

}  // namespace

const std::vector<UnitAtom>& UnitAtoms() {
  static const std::vector<UnitAtom> atoms = [] {
    std::vector<UnitAtom> all = PlainAtoms();
    for (UnitAtom& atom : OtherAtoms()) all.push_back(atom);
    return all;
  }();
  return atoms;
}

const std::vector<UnitPrefix>& UnitPrefixes() {
  static const std::vector<UnitPrefix> prefixes = {
      // The most usual first: a misspelt unit is taken for the first that is near.
      {"m", -3}, {"u", -6}, {"d", -1},  {"k", 3},  {"n", -9}, {"p", -12}, {"c", -2},
      {"M", 6},  {"G", 9},  {"f", -15}, {"T", 12}, {"h", 2},  {"da", 1},
  };
  return prefixes;
}

std::string_view UsualSpelling(std::string_view text) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.usual == text) return spelling.ucum;
  }
  return {};
}

}  // namespace consilium
