#include "protocols/units/analytes.h"

#include <array>
#include <vector>

#include "common/names.h"

namespace consilium {
namespace {

constexpr auto kDenominator = AnalyteKind::kDenominator;
constexpr auto kMassOnly = AnalyteKind::kMassOnly;

/// Of a formula, by IUPAC's abridged standard atomic weights of 2021, in milligrams a mole.
constexpr Analyte Substance(std::string_view name,
                            std::string_view words,
                            std::string_view formula,
                            std::uint64_t milligrams,
                            int valence = 0,
                            std::string_view substance = {}) {
  return {name, words, formula, {milligrams, 1, -3}, valence, substance, AnalyteKind::kSubstance};
}

constexpr Analyte MassOnly(std::string_view name, std::string_view words) {
  return {name, words, {}, {}, 0, {}, kMassOnly};
}

constexpr std::array kAnalytes{
    Substance("ammonia", "ammonia", "NH3", 17'031),
    Substance("bicarbonate", "bicarbonate", "HCO3", 61'016, 1),
    Substance("bilirubin", "bilirubin", "C33H36N4O6", 584'673),
    Substance("calcium", "calcium", "Ca", 40'078, 2),
    Substance("chloride", "chloride", "Cl", 35'450, 1),
    Substance("cholesterol", "cholesterol", "C27H46O", 386'664),
    Substance("cobalamin", "vitamin B12", "C63H88CoN14O14P", 1'355'388),
    Substance("copper", "copper", "Cu", 63'546),
    Substance("cortisol", "cortisol", "C21H30O5", 362'466),
    Substance("creatinine", "creatinine", "C4H7N3O", 113'120),
    Substance("digoxin", "digoxin", "C41H64O14", 780'949),
    Substance("estradiol", "estradiol", "C18H24O2", 272'388),
    Substance("ethanol", "ethanol", "C2H6O", 46'069),
    Substance("folate", "folate", "C19H19N7O6", 441'404),
    Substance("glucose", "glucose", "C6H12O6", 180'156),
    // One chain with its haem, as laboratories count it (ICSH 1995: 64458 g/mol for four).
    Substance("haemoglobin", "haemoglobin (one chain)", "", 16'114'500),
    Substance("homocysteine", "homocysteine", "C4H9NO2S", 135'181),
    Substance("iron", "iron", "Fe", 55'845),
    Substance("lactate", "lactate", "C3H6O3", 90'078),
    Substance("lithium", "lithium", "Li", 6'940, 1),
    Substance("magnesium", "magnesium", "Mg", 24'305, 2),
    Substance("phosphate", "phosphate, weighed as phosphorus", "P", 30'974),
    Substance("potassium", "potassium", "K", 39'098, 1),
    Substance("progesterone", "progesterone", "C21H30O2", 314'469),
    Substance("sodium", "sodium", "Na", 22'990, 1),
    Substance("testosterone", "testosterone", "C19H28O2", 288'431),
    Substance("thyroxine", "thyroxine", "C15H11I4NO4", 776'856),
    // A mixture, taken for 885.7 g/mol by convention: 1 mmol/L is 88.57 mg/dL.
    Substance("triglycerides", "triglycerides", "", 885'700),
    Substance("triiodothyronine", "triiodothyronine", "C15H12I3NO4", 650'964),
    Substance("urea", "urea", "CH4N2O", 60'056, 0, "urea"),
    Substance("urea_nitrogen", "urea nitrogen (BUN)", "N2", 28'014, 0, "urea"),
    Substance("uric_acid", "uric acid", "C5H4N4O3", 168'112),
    Substance("vitamin_d", "25-hydroxyvitamin D3", "C27H44O2", 400'647),
    Substance("zinc", "zinc", "Zn", 65'380),
    Analyte{"albumin_creatinine_ratio",
            "albumin for each creatinine",
            "C4H7N3O",
            {113'120, 1, -3},
            0,
            {},
            kDenominator},
    Analyte{"protein_creatinine_ratio",
            "protein for each creatinine",
            "C4H7N3O",
            {113'120, 1, -3},
            0,
            {},
            kDenominator},
    Analyte{"hba1c", "HbA1c", {}, {}, 0, {}, AnalyteKind::kHbA1c},
    MassOnly("albumin", "albumin"),
    MassOnly("crp", "C-reactive protein"),
    MassOnly("ferritin", "ferritin"),
    MassOnly("lipoprotein_a", "lipoprotein(a)"),
    MassOnly("nt_probnp", "NT-proBNP"),
    MassOnly("troponin", "troponin"),
};

}  // namespace

std::span<const Analyte> Analytes() { return kAnalytes; }

Result<const Analyte*> FindAnalyte(std::string_view name) {
  std::vector<std::string> names;
  for (const Analyte& analyte : kAnalytes) {
    if (analyte.name == name) return &analyte;
    names.emplace_back(analyte.name);
  }
  const std::string nearest = NearestName(name, names);
  return Fail(ErrorCode::kInvalidArgument,
              "no analyte called \"" + std::string(name) + "\" is known",
              nearest.empty() ? "Known are " + JoinNames(names, 100) + "."
                              : "Did you mean \"" + nearest + "\"?");
}

}  // namespace consilium
