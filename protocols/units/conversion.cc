#include "protocols/units/conversion.h"

#include <optional>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

struct Parsed {
  Unit unit;
  const Analyte* analyte = nullptr;
};

std::string InQuotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

tl::unexpected<Error> No(const Unit& from, const Unit& to, std::string why, std::string remedy) {
  return Fail(ErrorCode::kInvalidArgument,
              InQuotes(from.text) + " cannot become " + InQuotes(to.text) + ": " + std::move(why),
              std::move(remedy));
}

std::string Is(const Unit& unit) { return InQuotes(unit.text) + " is " + DimensionInWords(unit); }

Result<Parsed> Parse(const Measure& measure) {
  Parsed parsed;
  TRY(parsed.unit, ParseUnit(measure.unit));
  if (!measure.analyte.empty()) {
    TRY(parsed.analyte, FindAnalyte(measure.analyte));
  }
  return parsed;
}

/// Mass, amount and equivalents of a dimension: what an analyte can change.
struct Quantity {
  int mass = 0;
  int amount = 0;
  int equivalents = 0;
  bool operator==(const Quantity&) const = default;
};

Quantity QuantityOf(const Unit& unit) {
  return {unit.Power(BaseUnit::kGram), unit.Power(BaseUnit::kMole),
          unit.Power(BaseUnit::kEquivalent)};
}

/// The dimension with its mass, amount and equivalents taken out.
Dimension Rest(const Unit& unit) {
  Dimension rest = unit.dimension;
  for (const BaseUnit base : {BaseUnit::kGram, BaseUnit::kMole, BaseUnit::kEquivalent}) {
    rest[static_cast<std::size_t>(base)] = 0;
  }
  return rest;
}

constexpr Quantity kMass{1, 0, 0};
constexpr Quantity kAmount{0, 1, 0};
constexpr Quantity kEquivalents{0, 0, 1};
/// Of creatinine, below the line.
constexpr Quantity kMassForAmount{1, -1, 0};

/// An analyte as such, in a volume, or in a time as what is excreted: in a pressure there is a
/// mass, too, and not the analyte's.
bool CanBeAnAnalyte(const Unit& unit) {
  const Dimension rest = Rest(unit);
  Dimension volume{};
  volume[static_cast<std::size_t>(BaseUnit::kMetre)] = -3;
  Dimension time{};
  time[static_cast<std::size_t>(BaseUnit::kSecond)] = -1;
  return rest == Dimension{} || rest == volume || rest == time;
}

/// What a value in these units is multiplied by to have amounts, of an analyte that can say so.
std::optional<ExactFactor> ToAmounts(const Unit& unit, const Analyte& analyte) {
  if (!CanBeAnAnalyte(unit)) return std::nullopt;
  const Quantity quantity = QuantityOf(unit);
  if (analyte.kind == AnalyteKind::kDenominator) {
    // mg/mmol is taken for the amounts here, and mg/g for the masses.
    if (quantity == kMassForAmount) return ExactFactor{};
    if (unit.IsNumber() && unit.Shares(BaseUnit::kGram)) return analyte.molar_mass;
    return std::nullopt;
  }
  if (analyte.kind != AnalyteKind::kSubstance) return std::nullopt;
  if (quantity == kAmount) return ExactFactor{};
  if (quantity == kMass) return Quotient(ExactFactor{}, analyte.molar_mass);
  if (quantity == kEquivalents && analyte.valence > 0) {
    return Quotient(ExactFactor{}, {static_cast<std::uint64_t>(analyte.valence), 1, 0});
  }
  return std::nullopt;
}

Result<Conversion> Proportional(const Unit& from,
                                const Unit& to,
                                const std::optional<ExactFactor>& factor) {
  if (!factor) return No(from, to, "their ratio is beyond what this program computes", {});
  const DoubleFactor doubles = InDoubles(*factor);
  return Conversion{0, doubles.multiply, doubles.divide, 0};
}

bool IsHbA1cShare(const Unit& unit) { return unit.IsNumber() && unit.Shares(BaseUnit::kMole); }
bool IsPercent(const Unit& unit) { return unit.IsNumber() && unit.shared == 0; }

/// IFCC's mmol/mol and NGSP's %, which are no multiples of one another.
Result<Conversion> OfHbA1c(const Unit& from, const Unit& to) {
  const bool to_percent = IsHbA1cShare(from) && IsPercent(to);
  const Unit& share = to_percent ? from : to;
  const Unit& percent = to_percent ? to : from;
  // From the unit of the share to that of the percentage: slope / 1e5 * 1000 / 100.
  auto factor = Product({kHbA1cSlope, 1, -4}, share.factor);
  if (factor) factor = Quotient(*factor, percent.factor);
  if (factor && !to_percent) factor = Quotient(ExactFactor{}, *factor);
  TRY(Conversion conversion, Proportional(from, to, factor));
  const double intercept = kHbA1cIntercept / 100 / percent.factor.AsDouble();
  if (to_percent) {
    conversion.after = intercept;
  } else {
    conversion.before = -intercept;
  }
  return conversion;
}

/// Zeros and degrees of the temperature scales in 180ths of a kelvin, which makes all whole.
struct Degrees {
  double zero = 0;
  double size = 180;
};

Degrees DegreesOf(UnitScale scale) {
  if (scale == UnitScale::kCelsius) return {49'167, 180};
  if (scale == UnitScale::kFahrenheit) return {45'967, 100};
  return {};
}

Result<Conversion> OfTemperature(const Unit& from, const Unit& to) {
  TRY(Conversion conversion, Proportional(from, to, Quotient(from.factor, to.factor)));
  const Degrees source = DegreesOf(from.scale);
  const Degrees target = DegreesOf(to.scale);
  // In degrees Fahrenheit 32 is whole, in others it is not.
  if (to.scale == UnitScale::kFahrenheit) {
    conversion.after = (source.zero - target.zero) / target.size;
  } else {
    const double kelvins = from.scale == UnitScale::kProportional ? from.factor.AsDouble() : 1;
    conversion.before = (source.zero - target.zero) / source.size / kelvins;
  }
  return conversion;
}

Status CheckAnnotations(const Unit& from, const Unit& to) {
  if (from.annotation == to.annotation) return {};
  // Related to the body's surface or not: one word that changes the quantity.
  const bool surface = from.annotation.starts_with("1.73") || to.annotation.starts_with("1.73");
  if ((from.annotation.empty() || to.annotation.empty()) && !surface) return {};
  return No(from, to, "what stands in braces differs",
            "If it means the same, write it alike on both sides, or leave it out on one.");
}

/// Of units that have the same dimension.
Result<Conversion> OfOneDimension(const Parsed& from, const Parsed& to, const Analyte* analyte) {
  if (from.unit.scale != UnitScale::kProportional || to.unit.scale != UnitScale::kProportional) {
    return OfTemperature(from.unit, to.unit);
  }
  if (from.unit.IsNumber() && from.unit.shared != to.unit.shared) {
    const bool amounts = from.unit.Shares(BaseUnit::kMole) || to.unit.Shares(BaseUnit::kMole) ||
                         from.unit.Shares(BaseUnit::kEquivalent) ||
                         to.unit.Shares(BaseUnit::kEquivalent) ||
                         from.unit.Shares(BaseUnit::kInternationalUnit) ||
                         to.unit.Shares(BaseUnit::kInternationalUnit);
    const bool percent = IsPercent(from.unit) || IsPercent(to.unit);
    if (analyte != nullptr && analyte->kind == AnalyteKind::kHbA1c && percent &&
        (IsHbA1cShare(from.unit) || IsHbA1cShare(to.unit))) {
      return OfHbA1c(from.unit, to.unit);
    }
    if (amounts || !percent) {
      return No(from.unit, to.unit, "they are shares of different things",
                amounts
                    ? "HbA1c in % and in mmol/mol is converted where analyte = \"hba1c\" is said."
                    : "Correct the unit on one side.");
    }
  }
  // A unit of mass for an analyte that is another: urea and its nitrogen.
  if (from.analyte != nullptr && to.analyte != nullptr && from.analyte != to.analyte) {
    const auto first = ToAmounts(from.unit, *from.analyte);
    const auto second = ToAmounts(to.unit, *to.analyte);
    if (!first || !second) return No(from.unit, to.unit, "the analytes differ", {});
    auto factor = Quotient(from.unit.factor, to.unit.factor);
    if (factor) factor = Product(*factor, *first);
    if (factor) factor = Quotient(*factor, *second);
    return Proportional(from.unit, to.unit, factor);
  }
  return Proportional(from.unit, to.unit, Quotient(from.unit.factor, to.unit.factor));
}

/// Of mass, amount and equivalents.
Result<Conversion> ByAnalyte(const Parsed& from, const Parsed& to, const Analyte* analyte) {
  const std::string differ = Is(from.unit) + ", " + Is(to.unit);
  if (Rest(from.unit) != Rest(to.unit))
    return No(from.unit, to.unit, differ, "Correct the unit on one side.");
  if (analyte == nullptr) {
    return No(from.unit, to.unit, differ + ", and nothing says what was measured",
              "Add analyte = \"...\", for instance \"glucose\"; docs/units.md lists those known.");
  }
  const Analyte& first = from.analyte != nullptr ? *from.analyte : *analyte;
  const Analyte& second = to.analyte != nullptr ? *to.analyte : *analyte;
  const auto up = ToAmounts(from.unit, first);
  const auto down = ToAmounts(to.unit, second);
  if (!up || !down) {
    const Analyte& missing = up ? second : first;
    return No(from.unit, to.unit,
              differ + ", and " + std::string(missing.words) +
                  " has no molar mass or valence to go from one to the other by",
              "Convert it at the source, or ask for a contract in this unit.");
  }
  auto factor = Quotient(from.unit.factor, to.unit.factor);
  if (factor) factor = Product(*factor, *up);
  if (factor) factor = Quotient(*factor, *down);
  return Proportional(from.unit, to.unit, factor);
}

}  // namespace

Result<Conversion> ConversionBetween(const Measure& from_measure, const Measure& to_measure) {
  TRY(const Parsed from, Parse(from_measure));
  TRY(const Parsed to, Parse(to_measure));
  const Analyte* analyte = to.analyte != nullptr ? to.analyte : from.analyte;
  if (from.analyte != nullptr && to.analyte != nullptr && from.analyte != to.analyte &&
      (from.analyte->substance.empty() || from.analyte->substance != to.analyte->substance)) {
    return No(from.unit, to.unit,
              "the one is " + std::string(from.analyte->words) + ", the other " +
                  std::string(to.analyte->words),
              "Correct `analyte`.");
  }
  TRY_STATUS(CheckAnnotations(from.unit, to.unit));
  if (from.unit.dimension == to.unit.dimension) return OfOneDimension(from, to, analyte);
  return ByAnalyte(from, to, analyte);
}

Status CheckMeasure(const Measure& measure) {
  TRY(const Parsed parsed, Parse(measure));
  if (parsed.analyte == nullptr) return {};
  const Analyte& analyte = *parsed.analyte;
  const Unit& unit = parsed.unit;
  const auto fail = [&](std::string_view remedy) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(analyte.words) + " is not measured in " + InQuotes(unit.text) +
                    ", which is " + DimensionInWords(unit),
                std::string(remedy));
  };
  switch (analyte.kind) {
    case AnalyteKind::kHbA1c:
      if (IsPercent(unit) || IsHbA1cShare(unit)) return {};
      return fail("Use % or mmol/mol.");
    case AnalyteKind::kDenominator:
      if (ToAmounts(unit, analyte)) return {};
      return fail("Use mg/mmol or mg/g.");
    case AnalyteKind::kSubstance:
      if (ToAmounts(unit, analyte)) return {};
      return fail(analyte.valence > 0 ? "Use a unit as mg/dL, mmol/L or meq/L."
                                      : "Use a unit as mg/dL or mmol/L.");
    case AnalyteKind::kMassOnly:
      if (CanBeAnAnalyte(unit) && QuantityOf(unit) == kMass) return {};
      return fail("Use a unit as mg/dL or ng/L.");
  }
  return {};
}

}  // namespace consilium
