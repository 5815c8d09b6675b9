#include "client/quality/units.h"

#include <algorithm>
#include <array>

#include "common/check.h"
#include "common/names.h"
#include "protocols/units/conversion.h"

namespace consilium {
namespace {

/// Two units of one measurement, in UCUM.
struct Pair {
  std::string_view measurement;
  std::string_view analyte;
  std::array<std::string_view, 4> names;  ///< Parts of column names, in small letters.
  std::string_view first;
  std::string_view second;
  double lowest;  ///< In `first`, see UnitConversion.
  double highest;
};

constexpr std::array kPairs{
    Pair{"glucose", "glucose", {"gluc", "gluk", "blood_sugar"}, "mg/dL", "mmol/L", 60, 300},
    Pair{"cholesterol", "cholesterol", {"chol", "ldl", "hdl"}, "mg/dL", "mmol/L", 20, 350},
    Pair{"cholesterol", "", {"chol"}, "mg/dL", "g/L", 120, 350},
    Pair{"glucose", "", {"gluc", "gluk", "blood_sugar"}, "mg/dL", "g/L", 60, 300},
    Pair{"triglycerides", "triglycerides", {"trig", "tg_", "tagl"}, "mg/dL", "mmol/L", 40, 500},
    Pair{"creatinine", "creatinine", {"crea", "scr", "krea"}, "mg/dL", "umol/L", 0.4, 6},
    Pair{"creatinine", "", {"crea", "scr", "krea"}, "mg/dL", "mg/L", 0.4, 6},
    Pair{"urea", "urea", {"urea", "harnstoff", "carbamid"}, "mg/dL", "mmol/L", 0, 0},
    Pair{"urea nitrogen",
         "urea_nitrogen",
         {"bun", "nitrogen", "harnstoff_n", "stickstoff"},
         "mg/dL",
         "mmol/L",
         0,
         0},
    Pair{"uric acid", "uric_acid", {"uric", "urate", "harnsaeure"}, "mg/dL", "umol/L", 2, 12},
    Pair{"bilirubin", "bilirubin", {"bili", "tbil", "bil_"}, "mg/dL", "umol/L", 0, 0},
    Pair{"calcium", "calcium", {"calc", "ca_", "kalzium"}, "mg/dL", "mmol/L", 6, 14},
    Pair{"phosphate", "phosphate", {"phos", "po4", "phosphat"}, "mg/dL", "mmol/L", 0, 0},
    Pair{"magnesium", "magnesium", {"magn", "mg_", "mg2"}, "mg/dL", "mmol/L", 0, 0},
    Pair{"haemoglobin", "", {"hemoglobin", "haemoglobin", "hgb"}, "g/dL", "g/L", 5, 20},
    Pair{"haemoglobin",
         "haemoglobin",
         {"hemoglobin", "haemoglobin", "hgb"},
         "g/dL",
         "mmol/L",
         11,
         20},
    Pair{"albumin", "", {"albumin", "alb_", "salb"}, "g/dL", "g/L", 1.2, 6},
    Pair{"C-reactive protein", "", {"crp", "c_reactive", "c-reactive"}, "mg/L", "mg/dL", 0, 0},
    Pair{"HbA1c", "hba1c", {"hba1c", "a1c", "hb_a1c"}, "%", "mmol/mol", 4, 15},
    Pair{"body height", "", {"height", "stature", "groesse"}, "cm", "m", 40, 215},
    Pair{"body height", "", {"height", "stature", "groesse"}, "cm", "[in_i]", 100, 215},
    Pair{"body weight", "", {"weight", "gewicht", "body_mass"}, "kg", "[lb_av]", 0, 0},
    Pair{"body weight", "", {"weight", "gewicht", "body_mass"}, "kg", "g", 0.3, 200},
    Pair{"temperature", "", {"temp", "fever", "fieber"}, "Cel", "[degF]", 33, 42},
    Pair{"blood pressure", "", {"sbp", "systol", "trestbps"}, "mm[Hg]", "kPa", 60, 250},
    Pair{"blood pressure", "", {"dbp", "diastol", "pressure"}, "mm[Hg]", "kPa", 35, 250},
};

/// More letters than any name: the contract says what is measured.
constexpr std::size_t kSaid = 1'000;

struct Spelling {
  std::string_view written;
  std::string_view meant;
};
constexpr std::array kSpellings{
    Spelling{"\xC2\xB5", "u"},
    Spelling{"\xCE\xBC", "u"},
    Spelling{"mm[hg]", "mmhg"},
    Spelling{" ", ""},
    Spelling{"\xC2\xB0"
             "c",
             "cel"},
    Spelling{"\xC2\xB0"
             "f",
             "degf"},
    Spelling{"[degf]", "degf"},
    Spelling{"[in_i]", "in"},
    Spelling{"[lb_av]", "lb"},
};

std::string InOneSpelling(std::string_view unit) {
  std::string text = LowerCase(unit);
  for (const Spelling& spelling : kSpellings) {
    for (std::size_t at = text.find(spelling.written); at != std::string::npos;
         at = text.find(spelling.written)) {
      text.replace(at, spelling.written.size(), spelling.meant);
    }
  }
  return text;
}

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

/// Names that end in _ are the first word of a column, short ones begin a word: "mg_" is neither in
/// "ldl_mg_dl" nor "bun" in "rebound". Longer ones may be anywhere.
bool IsIn(std::string_view name, const std::string& column) {
  constexpr std::size_t kShort = 3;
  if (name.empty()) return false;
  if (name.ends_with('_')) return (column + "_").starts_with(name);
  for (std::size_t at = column.find(name); at != std::string::npos;
       at = column.find(name, at + 1)) {
    if (name.size() > kShort || at == 0 || !IsLetter(column[at - 1])) return true;
  }
  return false;
}

/// How many letters of the column's name say that it is this measurement.
std::size_t LettersOf(const Pair& pair, const std::string& column) {
  std::size_t most = 0;
  for (const std::string_view name : pair.names) {
    if (IsIn(name, column)) most = std::max(most, name.size());
  }
  return most;
}

/// Where something else than blood is looked at, medians of patients' blood tell nothing.
bool IsOfAnotherFluid(const std::string& column) {
  constexpr std::array<std::string_view, 8> kFluids{"urin",   "csf",     "liquor",  "ascit",
                                                    "pleura", "dialysa", "drainag", "saliva"};
  return std::any_of(kFluids.begin(), kFluids.end(), [&](std::string_view fluid) {
    const std::size_t at = column.find(fluid);
    return at != std::string::npos && (at == 0 || !IsLetter(column[at - 1]));
  });
}

UnitConversion To(const Pair& pair, bool first, bool named) {
  UnitConversion to;
  to.measurement = pair.measurement;
  to.analyte = pair.analyte;
  to.other = first ? pair.second : pair.first;
  to.named = named;
  const Result<Conversion> conversion =
      ConversionBetween({to.other, pair.analyte}, {first ? pair.first : pair.second, pair.analyte});
  CHECK(conversion.has_value());
  to.offset = (*conversion)(0);
  to.factor = conversion->multiply / conversion->divide;
  if (!(pair.lowest < pair.highest)) return to;
  to.lowest = first ? pair.lowest : (*conversion)(pair.lowest);
  to.highest = first ? pair.highest : (*conversion)(pair.highest);
  return to;
}

}  // namespace

std::vector<UnitConversion> ConversionsTo(std::string_view unit,
                                          std::string_view column,
                                          std::string_view analyte) {
  const std::string to = InOneSpelling(unit);
  const std::string name = LowerCase(column);
  std::vector<UnitConversion> found;
  std::vector<std::size_t> letters;
  for (const Pair& pair : kPairs) {
    const bool first = to == InOneSpelling(pair.first);
    if (!first && to != InOneSpelling(pair.second)) continue;
    const bool is_analyte =
        pair.analyte.empty() ? LettersOf(pair, std::string(analyte)) > 0 : pair.analyte == analyte;
    if (!analyte.empty() && !is_analyte) continue;
    letters.push_back(!analyte.empty() ? kSaid : LettersOf(pair, name));
    found.push_back(To(pair, first, letters.back() > 0));
    if (IsOfAnotherFluid(name)) found.back().lowest = found.back().highest = 0;
  }
  // The longest name is meant: "urea nitrogen" and not the "urea" in it.
  const std::size_t most = letters.empty() ? 0 : *std::max_element(letters.begin(), letters.end());
  std::vector<UnitConversion> meant;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (letters[i] == most) meant.push_back(found[i]);
  }
  return meant;
}

}  // namespace consilium
