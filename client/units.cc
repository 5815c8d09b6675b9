#include "client/units.h"

#include <algorithm>
#include <array>

#include "common/names.h"

namespace consilium {
namespace {

/// value in `first` = value in `second` * factor + offset
struct Pair {
  std::string_view measurement;
  std::array<std::string_view, 3> names;  ///< Parts of column names, in small letters.
  std::string_view first;
  std::string_view second;
  double factor;
  double offset;
  double lowest;  ///< In `first`, see UnitConversion.
  double highest;
};

constexpr double kInch = 2.54;
constexpr double kPound = 0.45359237;
constexpr double kKilopascal = 7.500617;  // mmHg

constexpr std::array kPairs{
    Pair{"glucose", {"gluc", "gluk", "blood_sugar"}, "mg/dl", "mmol/l", 18.016, 0, 60, 300},
    Pair{"cholesterol", {"chol", "ldl", "hdl"}, "mg/dl", "mmol/l", 38.665, 0, 20, 350},
    Pair{"triglycerides", {"trig", "tg_", "tagl"}, "mg/dl", "mmol/l", 88.57, 0, 40, 500},
    Pair{"creatinine", {"crea", "scr", "krea"}, "mg/dl", "umol/l", 1 / 88.40, 0, 0.4, 6},
    Pair{"urea nitrogen", {"bun", "urea", "harnstoff"}, "mg/dl", "mmol/l", 2.8013, 0, 0, 0},
    Pair{"uric acid", {"uric", "urate", "harnsaeure"}, "mg/dl", "umol/l", 1 / 59.48, 0, 2, 12},
    Pair{"bilirubin", {"bili", "tbil", "bil_"}, "mg/dl", "umol/l", 1 / 17.10, 0, 0, 0},
    Pair{"calcium", {"calc", "ca_", "kalzium"}, "mg/dl", "mmol/l", 4.0078, 0, 6, 14},
    Pair{"phosphate", {"phos", "po4", "phosphat"}, "mg/dl", "mmol/l", 3.0974, 0, 0, 0},
    Pair{"magnesium", {"magn", "mg_", "mg2"}, "mg/dl", "mmol/l", 2.4305, 0, 0, 0},
    Pair{"haemoglobin", {"hemoglobin", "haemoglobin", "hgb"}, "g/dl", "g/l", 0.1, 0, 5, 20},
    Pair{"haemoglobin", {"hemoglobin", "haemoglobin", "hgb"}, "g/dl", "mmol/l", 1.6114, 0, 11, 20},
    Pair{"albumin", {"albumin", "alb_", "salb"}, "g/dl", "g/l", 0.1, 0, 1.2, 6},
    Pair{"C-reactive protein", {"crp", "c_reactive", "c-reactive"}, "mg/l", "mg/dl", 10, 0, 0, 0},
    Pair{"HbA1c", {"hba1c", "a1c", "hb_a1c"}, "%", "mmol/mol", 0.09148, 2.152, 4, 15},
    Pair{"body height", {"height", "stature", "groesse"}, "cm", "m", 100, 0, 40, 215},
    Pair{"body height", {"height", "stature", "groesse"}, "cm", "in", kInch, 0, 100, 215},
    Pair{"body weight", {"weight", "gewicht", "body_mass"}, "kg", "lb", kPound, 0, 0, 0},
    Pair{"body weight", {"weight", "gewicht", "body_mass"}, "kg", "g", 0.001, 0, 0.3, 200},
    Pair{"temperature", {"temp", "fever", "fieber"}, "cel", "degf", 5.0 / 9, -160.0 / 9, 33, 42},
    Pair{"blood pressure", {"sbp", "systol", "trestbps"}, "mmhg", "kpa", kKilopascal, 0, 60, 250},
    Pair{"blood pressure", {"dbp", "diastol", "pressure"}, "mmhg", "kpa", kKilopascal, 0, 35, 250},
};

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

bool IsCalled(const Pair& pair, std::string_view column) {
  return std::any_of(pair.names.begin(), pair.names.end(), [&](std::string_view name) {
    return column.find(name) != std::string_view::npos;
  });
}

UnitConversion To(const Pair& pair, bool first, bool named) {
  const bool tells = pair.lowest < pair.highest;
  UnitConversion to{pair.measurement, pair.second, pair.factor, pair.offset, named,
                    pair.lowest,      pair.highest};
  if (!first) {
    to.other = pair.first;
    to.factor = 1 / pair.factor;
    to.offset = -pair.offset / pair.factor;
    to.lowest = (pair.lowest - pair.offset) / pair.factor;
    to.highest = (pair.highest - pair.offset) / pair.factor;
  }
  if (!tells) to.lowest = to.highest = 0;
  return to;
}

}  // namespace

std::vector<UnitConversion> ConversionsTo(std::string_view unit, std::string_view column) {
  const std::string to = InOneSpelling(unit);
  const std::string name = LowerCase(column);
  std::vector<UnitConversion> found;
  for (const Pair& pair : kPairs) {
    if (to != pair.first && to != pair.second) continue;
    found.push_back(To(pair, to == pair.first, IsCalled(pair, name)));
  }
  const bool any_named =
      std::any_of(found.begin(), found.end(), [](const UnitConversion& c) { return c.named; });
  if (any_named) std::erase_if(found, [](const UnitConversion& c) { return !c.named; });
  return found;
}

}  // namespace consilium
