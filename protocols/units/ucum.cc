#include "protocols/units/ucum.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kLongestUnit = 64;
constexpr int kDeepest = 8;
constexpr int kLargestPower = 30;
constexpr int kLargestDimension = 99;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// Both micro signs of Unicode are UCUM's u.
std::string WithoutMicroSigns(std::string_view text) {
  std::string plain(text);
  for (const std::string_view sign : {"\xC2\xB5", "\xCE\xBC"}) {
    for (std::size_t at = plain.find(sign); at != std::string::npos; at = plain.find(sign)) {
      plain.replace(at, sign.size(), "u");
    }
  }
  return plain;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// What has been multiplied so far; powers above and below the line apart.
struct Terms {
  ExactFactor factor;
  Dimension above{};
  Dimension below{};
  UnitScale scale = UnitScale::kProportional;
  bool alone = true;  ///< One symbol with the power 1, and nothing else.
};

struct Symbol {
  ExactFactor factor;
  const UnitAtom* atom = nullptr;
};

const UnitAtom* FindAtom(std::string_view symbol) {
  for (const UnitAtom& atom : UnitAtoms()) {
    if (atom.symbol == symbol) return &atom;
  }
  return nullptr;
}

std::optional<Symbol> FindSymbol(std::string_view symbol) {
  if (const UnitAtom* atom = FindAtom(symbol)) return Symbol{atom->factor, atom};
  for (const UnitPrefix& prefix : UnitPrefixes()) {
    if (!symbol.starts_with(prefix.symbol)) continue;
    const UnitAtom* atom = FindAtom(symbol.substr(prefix.symbol.size()));
    if (atom == nullptr || !atom->metric) continue;
    Symbol found{atom->factor, atom};
    found.factor.exponent += prefix.exponent;
    return found;
  }
  return std::nullopt;
}

/// The symbol that a text that is none was most likely meant to be; "" if none is near.
std::string NearestSymbol(std::string_view text) {
  if (const std::string_view usual = UsualSpelling(text); !usual.empty()) {
    return std::string(usual);
  }
  std::vector<std::string> known;
  for (const UnitAtom& atom : UnitAtoms()) {
    known.emplace_back(atom.symbol);
    if (!atom.metric) continue;
    for (const UnitPrefix& prefix : UnitPrefixes()) {
      known.push_back(std::string(prefix.symbol) + std::string(atom.symbol));
    }
  }
  for (const std::string& symbol : known) {
    if (LowerCase(symbol) == LowerCase(text)) return symbol;
  }
  return NearestName(text, known);
}

/// A recursive descent through UCUM's grammar (section 2.1 of its specification).
class UnitParser {
 public:
  explicit UnitParser(std::string_view text) : text_(text) {}

  Result<Unit> Parse() {
    Terms terms;
    if (Peek() == '/') {
      terms.alone = false;
    } else {
      TRY(terms, Component());
    }
    TRY_STATUS(Rest(terms));
    if (at_ < text_.size()) return Unexpected();
    if (terms.scale != UnitScale::kProportional && !terms.alone) {
      return Fail(ErrorCode::kInvalidArgument,
                  Quoted(text_) + " combines a temperature that has a zero of its own with others",
                  "Use Cel or [degF] alone, and K in combinations.");
    }
    Unit unit;
    unit.factor = terms.factor;
    unit.scale = terms.scale;
    unit.annotation = std::move(annotation_);
    for (std::size_t i = 0; i < kBaseUnits; ++i) {
      unit.dimension[i] = terms.above[i] - terms.below[i];
      if (terms.above[i] > 0 && terms.below[i] > 0) unit.shared |= 1U << i;
    }
    return unit;
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  /// Products and quotients up to the end or a closing parenthesis, from left to right.
  Status Rest(Terms& terms) {
    while (Peek() == '/' || Peek() == '.') {
      const bool divide = Peek() == '/';
      ++at_;
      TRY(const Terms next, Component());
      TRY_STATUS(Combine(terms, next, divide));
    }
    return {};
  }

  Status Combine(Terms& terms, const Terms& next, bool divide) const {
    const std::optional<ExactFactor> factor =
        divide ? Quotient(terms.factor, next.factor) : Product(terms.factor, next.factor);
    if (!factor) return TooLarge();
    terms.factor = *factor;
    terms.alone = false;
    if (next.scale != UnitScale::kProportional) terms.scale = next.scale;
    for (std::size_t i = 0; i < kBaseUnits; ++i) {
      terms.above[i] += divide ? next.below[i] : next.above[i];
      terms.below[i] += divide ? next.above[i] : next.below[i];
      if (terms.above[i] > kLargestDimension || terms.below[i] > kLargestDimension) {
        return TooLarge();
      }
    }
    return {};
  }

  Result<Terms> Component() {
    Terms terms;
    if (Peek() == '(') {
      TRY(terms, Parentheses());
    } else if (Peek() == '{') {
      TRY_STATUS(Annotation());
      terms.alone = false;
      return terms;
    } else if (IsDigit(Peek()) && !IsPowerOfTen()) {
      TRY(terms, Number());
    } else {
      TRY(terms, SymbolWithPower());
    }
    if (Peek() == '{') TRY_STATUS(Annotation());
    return terms;
  }

  Result<Terms> Parentheses() {
    if (++depth_ > kDeepest) return TooLarge();
    ++at_;
    Terms terms;
    if (Peek() == '/') {
      terms.alone = false;
    } else {
      TRY(terms, Component());
    }
    TRY_STATUS(Rest(terms));
    if (Peek() != ')') return Unexpected();
    ++at_;
    --depth_;
    return terms;
  }

  Status Annotation() {
    const std::size_t end = text_.find('}', at_);
    const std::string_view inside =
        end == std::string_view::npos ? "" : text_.substr(at_ + 1, end - at_ - 1);
    if (inside.empty() || inside.find('{') != std::string_view::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  Quoted(text_) + " has an annotation that is empty or does not end",
                  "Write it in braces, as in %{HbA1c}.");
    }
    annotation_ += inside;
    at_ = end + 1;
    return {};
  }

  bool IsPowerOfTen() const {
    return text_.substr(at_).starts_with("10*") || text_.substr(at_).starts_with("10^");
  }

  /// A whole number: "1.73" would be 1 times 73.
  Result<Terms> Number() {
    Terms terms;
    terms.alone = false;
    const std::size_t begin = at_;
    std::uint64_t value = 0;
    while (IsDigit(Peek())) {
      value = value * 10 + static_cast<std::uint64_t>(Peek() - '0');
      if (++at_ - begin > 9) return TooLarge();
    }
    if (value == 0) {
      return Fail(ErrorCode::kInvalidArgument, Quoted(text_) + " has a factor of 0");
    }
    if ((Peek() == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1])) || Peek() == ',') {
      return Fail(ErrorCode::kInvalidArgument,
                  Quoted(text_) + " has a number that is not whole, which units do not have",
                  "What is related to the body's surface is mL/min/{1.73_m2}.");
    }
    const auto factor = Product(ExactFactor{value, 1, 0}, ExactFactor{});
    terms.factor = *factor;
    return terms;
  }

  Result<Terms> SymbolWithPower() {
    const std::size_t begin = at_;
    if (IsDigit(Peek())) {
      at_ += 3;
    } else {
      TRY_STATUS(SkipSymbol());
    }
    const std::string_view symbol = text_.substr(begin, at_ - begin);
    if (symbol.empty()) return Unexpected();
    const std::optional<Symbol> found = FindSymbol(symbol);
    if (!found) return Unknown(begin, symbol);
    TRY(const int power, Power());
    return Raised(*found, power);
  }

  /// Letters and what is in brackets.
  Status SkipSymbol() {
    while (IsLetter(Peek()) || Peek() == '%' || Peek() == '_' || Peek() == '[') {
      if (Peek() != '[') {
        ++at_;
        continue;
      }
      const std::size_t end = text_.find(']', at_);
      if (end == std::string_view::npos) {
        return Fail(ErrorCode::kInvalidArgument, Quoted(text_) + " has a bracket that stays open",
                    "Write it as in mm[Hg].");
      }
      at_ = end + 1;
    }
    return {};
  }

  Result<int> Power() {
    const bool negative = Peek() == '-';
    const bool is_signed = negative || Peek() == '+';
    if (is_signed) ++at_;
    if (!IsDigit(Peek())) {
      if (is_signed) return Unexpected();
      return 1;
    }
    int power = 0;
    while (IsDigit(Peek())) {
      power = power * 10 + (Peek() - '0');
      if (power > kLargestPower) return TooLarge();
      ++at_;
    }
    if (power == 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  Quoted(text_) + " has the power 0, which is no unit");
    }
    return negative ? -power : power;
  }

  Result<Terms> Raised(const Symbol& symbol, int power) const {
    Terms terms;
    for (int i = 0; i < std::abs(power); ++i) {
      const auto factor =
          power > 0 ? Product(terms.factor, symbol.factor) : Quotient(terms.factor, symbol.factor);
      if (!factor) return TooLarge();
      terms.factor = *factor;
    }
    for (std::size_t i = 0; i < kBaseUnits; ++i) {
      const int raised = symbol.atom->dimension[i] * power;
      (raised > 0 ? terms.above : terms.below)[i] = std::abs(raised);
      if (std::abs(raised) > kLargestDimension) return TooLarge();
    }
    terms.scale = symbol.atom->scale;
    const bool prefixed = symbol.factor.exponent != symbol.atom->factor.exponent;
    terms.alone = power == 1 && !prefixed;
    return terms;
  }

  tl::unexpected<Error> Unknown(std::size_t begin, std::string_view symbol) const {
    std::string message = Quoted(text_) + " is no unit that this program knows";
    if (symbol != text_) message += ": " + Quoted(symbol) + " is none";
    const std::string nearest = NearestSymbol(symbol);
    std::string remedy = "Units are written in UCUM, as mg/dL, mmol/L, 10*9/L or mm[Hg].";
    if (!nearest.empty()) {
      std::string meant(text_);
      meant.replace(begin, symbol.size(), nearest);
      remedy = "Did you mean " + Quoted(meant) + "? " + remedy;
    }
    return Fail(ErrorCode::kInvalidArgument, std::move(message), std::move(remedy));
  }

  tl::unexpected<Error> Unexpected() const {
    const std::string where =
        at_ < text_.size() ? "at character " + std::to_string(at_ + 1) : "at its end";
    return Fail(ErrorCode::kInvalidArgument,
                Quoted(text_) + " is no unit in UCUM's notation: it cannot be read " + where,
                "Write units as mg/dL, mmol/L, 10*9/L, kg/m2 or mm[Hg].");
  }

  tl::unexpected<Error> TooLarge() const {
    return Fail(ErrorCode::kInvalidArgument,
                Quoted(text_) + " is beyond the units that this program computes with",
                "Use a simpler unit.");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::string annotation_;
};

struct KnownDimension {
  std::string_view unit;
  std::string_view words;
};

constexpr KnownDimension kKnownDimensions[] = {
    {"g/L", "mass concentration"},
    {"mol/L", "amount concentration"},
    {"eq/L", "concentration of equivalents"},
    {"osm/kg", "osmolality"},
    {"osm/L", "osmolarity"},
    {"[IU]/L", "concentration of international units"},
    {"kat/L", "catalytic concentration"},
    {"/L", "number concentration"},
    {"m", "length"},
    {"m2", "area"},
    {"L", "volume"},
    {"g", "mass"},
    {"s", "time"},
    {"/s", "frequency"},
    {"K", "temperature"},
    {"mol", "amount of substance"},
    {"eq", "equivalents"},
    {"osm", "osmoles"},
    {"[IU]", "international units"},
    {"Pa", "pressure"},
    {"kg/m2", "mass per area"},
    {"L/s", "flow"},
    {"g/mol", "mass per amount"},
    {"V", "voltage"},
    {"J", "energy"},
};

}  // namespace

Result<Unit> ParseUnit(std::string_view text) {
  const std::string plain = WithoutMicroSigns(Trimmed(text));
  if (plain.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the unit is empty",
                "A number without a unit is \"1\", a share \"%\".");
  }
  if (plain.size() > kLongestUnit) {
    return Fail(ErrorCode::kInvalidArgument, "a unit has at most 64 characters");
  }
  if (const std::string_view usual = UsualSpelling(plain); !usual.empty()) {
    return Fail(ErrorCode::kInvalidArgument, Quoted(plain) + " is no unit that this program knows",
                "Did you mean " + Quoted(usual) + "? Units are written in UCUM.");
  }
  if (!IsPrintable(plain)) {
    return Fail(ErrorCode::kInvalidArgument,
                "a unit has a space, or a character beyond ASCII, in it",
                "Units are written in UCUM, as mg/dL, mmol/L, 10*9/L or mm[Hg].");
  }
  TRY(Unit unit, UnitParser(plain).Parse());
  unit.text = plain;
  return unit;
}

std::string DimensionInWords(const Unit& unit) {
  if (unit.IsNumber()) {
    return unit.Shares(BaseUnit::kMole) ? "share of an amount" : "number without a dimension";
  }
  for (const KnownDimension& known : kKnownDimensions) {
    const Result<Unit> parsed = ParseUnit(known.unit);
    if (parsed && parsed->dimension == unit.dimension) return std::string(known.words);
  }
  constexpr std::string_view kSymbols[kBaseUnits] = {"m",  "g",   "s",    "K",   "A",  "mol",
                                                     "eq", "osm", "[IU]", "rad", "Bq", "Sv"};
  std::string words;
  for (std::size_t i = 0; i < kBaseUnits; ++i) {
    if (unit.dimension[i] == 0) continue;
    if (!words.empty()) words += ".";
    words += kSymbols[i];
    if (unit.dimension[i] != 1) words += std::to_string(unit.dimension[i]);
  }
  return words;
}

}  // namespace consilium
