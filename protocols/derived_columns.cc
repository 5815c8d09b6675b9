#include "protocols/derived_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <utility>

#include "common/check.h"
#include "common/portable_math.h"

namespace consilium {
namespace {

constexpr std::size_t kFewestKnots = 3;
constexpr std::size_t kMostKnots = 10;
/// Of a range. Knots nearer than this are one knot to a double: their terms would be noise.
constexpr double kLeastKnotDistance = 1e-6;
/// As many as a contract derives; two series may have a hundred million pairs.
constexpr std::size_t kMostProducts = 500;
/// Of the larger end of a range: more than a value's arithmetic can be off.
constexpr double kRounding = 1e-9;
/// Squares and products beyond this cannot be squared and summed in a double with room to spare.
constexpr double kLargestMagnitude = 1e15;

using Factor = DerivedColumn::Factor;

double Cubed(double x) { return x > 0 ? x * x * x : 0; }

double SplineTerm(const std::vector<double>& knots, std::size_t knot, double x) {
  const double last = knots.back();
  const double before = knots[knots.size() - 2];
  const double from = knots[knot];
  const double width = last - knots.front();
  const double sum = Cubed(x - from) - Cubed(x - before) * ((last - from) / (last - before)) +
                     Cubed(x - last) * ((before - from) / (last - before));
  return sum / (width * width);
}

double ValueOf(const Factor& factor, double value) {
  if (!factor.level || std::isnan(value)) return value;
  return value == *factor.level ? 1.0 : 0.0;
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Whether values of the column are 0 and 1.
bool SaysYesNo(const ContractColumn& column) {
  return column.type == ColumnType::kBoolean || column.type == ColumnType::kCategory;
}

std::pair<double, double> RangeOf(const ContractColumn& column) {
  if (SaysYesNo(column)) return {0, 1};
  return {*column.minimum, *column.maximum};
}

/// The columns that one [[contract.derived]] table makes.
class Maker {
 public:
  Maker(const Settings& settings, const Contract& contract)
      : settings_(settings), contract_(contract) {}

  Result<std::vector<DerivedColumn>> Make() {
    TRY(name_, settings_.Text("name"));
    TRY_STATUS(CheckColumnName(settings_, "name", name_));
    TRY(const std::string key, Key());
    if (key == "log") return Log();
    if (key == "square") return Square();
    if (key == "spline") return Spline();
    if (key == "product") return Product();
    return Missing();
  }

 private:
  Result<std::string> Key() const {
    std::string found;
    for (const std::string_view key : {"log", "square", "spline", "product", "missing"}) {
      if (!settings_.Has(key)) continue;
      if (!found.empty()) {
        return settings_.FailAt(key, "a column is derived in one way, not by \"" + found +
                                         "\" and \"" + std::string(key) + "\" at once");
      }
      found = key;
    }
    if (!found.empty()) return found;
    // A misspelt key rather than none; knots are no mistake yet.
    settings_.Has("knots");
    TRY_STATUS(settings_.RequireNoOtherKeys());
    return settings_.FailHere("\"" + name_ + "\" is derived from nothing",
                              "say log, square, spline, product or missing, and of which column");
  }

  Result<std::size_t> PlaceAt(std::string_view key, const std::string& name) const {
    if (const std::optional<std::size_t> place = contract_.PlaceOf(name)) return *place;
    return settings_.FailAt(key, NoColumn(contract_, name, " before this one"));
  }

  /// The place of a number.
  Result<std::size_t> NumberAt(std::string_view key) const {
    TRY(const std::string name, settings_.Text(key));
    TRY(const std::size_t place, PlaceAt(key, name));
    if (contract_.At(place).minimum) return place;
    return settings_.FailAt(key, "\"" + name + "\" is no number, integer or duration",
                            "derive \"" + name_ + "\" from one that is");
  }

  DerivedColumn NewNumber(Derivation how, std::size_t place) const {
    DerivedColumn derived;
    derived.column.name = name_;
    derived.how = how;
    derived.first.place = place;
    return derived;
  }

  Status SetRange(std::string_view key, double low, double high, DerivedColumn& derived) const {
    const double larger = std::max(std::abs(low), std::abs(high));
    if (!(larger <= kLargestMagnitude)) {
      return settings_.FailAt(key, "\"" + derived.column.name + "\" could be beyond 1e15",
                              "narrow the range of what it is derived from, or use a larger unit");
    }
    derived.column.type = ColumnType::kNumber;
    derived.column.minimum = low - kRounding * larger;
    derived.column.maximum = high + kRounding * larger;
    return {};
  }

  Result<std::vector<DerivedColumn>> Finish(std::vector<DerivedColumn> columns) const {
    TRY_STATUS(settings_.RequireNoOtherKeys());
    return columns;
  }

  Result<std::vector<DerivedColumn>> Log() const {
    TRY(const std::size_t place, NumberAt("log"));
    const ContractColumn& from = contract_.At(place);
    if (!(*from.minimum > 0)) {
      return settings_.FailAt(
          "log",
          "\"" + from.name + "\" may be " + Number(*from.minimum) + ", which has no logarithm",
          "begin its range above 0, at the least that can be measured");
    }
    DerivedColumn derived = NewNumber(Derivation::kLog, place);
    TRY_STATUS(SetRange("log", PortableLog(*from.minimum), PortableLog(*from.maximum), derived));
    return Finish({std::move(derived)});
  }

  Result<std::vector<DerivedColumn>> Square() const {
    TRY(const std::size_t place, NumberAt("square"));
    const auto [low, high] = RangeOf(contract_.At(place));
    const double least = low > 0 ? low * low : high < 0 ? high * high : 0;
    DerivedColumn derived = NewNumber(Derivation::kSquare, place);
    TRY_STATUS(SetRange("square", least, std::max(low * low, high * high), derived));
    return Finish({std::move(derived)});
  }

  Status CheckKnots(const std::vector<double>& knots, const ContractColumn& from) const {
    if (knots.size() < kFewestKnots || knots.size() > kMostKnots) {
      return settings_.FailValueAt("knots", "a spline has 3 to 10 knots");
    }
    const bool rising =
        std::adjacent_find(knots.begin(), knots.end(), std::greater_equal<>()) == knots.end();
    if (!rising || knots.front() < *from.minimum || knots.back() > *from.maximum) {
      return settings_.FailValueAt("knots", "knots rise, and lie within the range of \"" +
                                                from.name + "\", " + Number(*from.minimum) +
                                                " to " + Number(*from.maximum));
    }
    const double least = kLeastKnotDistance * (*from.maximum - *from.minimum);
    for (std::size_t i = 1; i < knots.size(); ++i) {
      if (knots[i] - knots[i - 1] >= least) continue;
      return settings_.FailValueAt("knots",
                                   "two knots are closer than a millionth of the range of \"" +
                                       from.name + "\": computed, they are one",
                                   "leave one of them out, or move them apart");
    }
    return {};
  }

  Result<std::vector<DerivedColumn>> Spline() const {
    TRY(const std::size_t place, NumberAt("spline"));
    const ContractColumn& from = contract_.At(place);
    TRY(const std::vector<double> knots, settings_.Numbers("knots"));
    TRY_STATUS(CheckKnots(knots, from));
    std::vector<DerivedColumn> columns;
    for (std::size_t knot = 0; knot + 2 < knots.size(); ++knot) {
      DerivedColumn derived = NewNumber(Derivation::kSpline, place);
      derived.knots = knots;
      derived.knot = knot;
      derived.column.series = name_;
      derived.column.name += "_" + std::to_string(knot + 1);
      TRY_STATUS(SetRange("spline", SplineTerm(knots, knot, *from.minimum),
                          SplineTerm(knots, knot, *from.maximum), derived));
      columns.push_back(std::move(derived));
    }
    return Finish(std::move(columns));
  }

  /// A factor with what it adds to the product's name: the level, the number in a series.
  struct NamedFactor {
    Factor factor;
    std::string suffix;
  };

  /// A column's value, or one factor a level that is not the reference.
  void AppendFactors(std::size_t place,
                     const std::string& suffix,
                     std::vector<NamedFactor>& factors) const {
    const ContractColumn& column = contract_.At(place);
    if (column.type != ColumnType::kCategory) {
      factors.push_back({Factor{place, std::nullopt}, suffix});
      return;
    }
    for (std::size_t level = 1; level < column.levels.size(); ++level) {
      factors.push_back(
          {Factor{place, static_cast<double>(level)}, suffix + "_" + column.levels[level]});
    }
  }

  /// Of a column, or of all that the name of a series stands for.
  Result<std::vector<NamedFactor>> FactorsOf(const std::string& name) const {
    std::vector<std::string> columns = contract_.ColumnsOf(name);
    if (columns.empty()) columns.push_back(name);
    std::vector<NamedFactor> factors;
    for (const std::string& column : columns) {
      TRY(const std::size_t place, PlaceAt("product", column));
      if (contract_.At(place).type == ColumnType::kDate) {
        return settings_.FailAt("product", "the date \"" + name + "\" is no factor",
                                "give an age or a duration as a column of its own");
      }
      AppendFactors(place, column.substr(name.size()), factors);
    }
    return factors;
  }

  Result<DerivedColumn> ProductOf(const NamedFactor& first, const NamedFactor& second) const {
    DerivedColumn derived = NewNumber(Derivation::kProduct, first.factor.place);
    derived.first = first.factor;
    derived.second = second.factor;
    const ContractColumn& left = contract_.At(first.factor.place);
    const ContractColumn& right = contract_.At(second.factor.place);
    const std::string suffix = first.suffix + second.suffix;
    if (!suffix.empty()) {
      derived.column.series = name_;
      derived.column.name += suffix;
    }
    if (SaysYesNo(left) && SaysYesNo(right)) {
      derived.column.type = ColumnType::kBoolean;
      return derived;
    }
    const auto [low, high] = RangeOf(left);
    const auto [least, most] = RangeOf(right);
    const auto [smallest, largest] =
        std::minmax({low * least, low * most, high * least, high * most});
    TRY_STATUS(SetRange("product", smallest, largest, derived));
    return derived;
  }

  /// Of different columns, however they are named: a series and one of its own are not.
  Status CheckFactors(const std::vector<NamedFactor>& first,
                      const std::vector<NamedFactor>& second) const {
    if (first.size() * second.size() > kMostProducts) {
      return settings_.FailValueAt("product",
                                   "this makes " + std::to_string(first.size() * second.size()) +
                                       " columns, more than the 500 that may be derived",
                                   "name columns of the series, or merge levels");
    }
    std::set<std::size_t> places;
    for (const NamedFactor& factor : first) places.insert(factor.factor.place);
    for (const NamedFactor& factor : second) {
      if (places.contains(factor.factor.place)) return FailAsOne();
    }
    return {};
  }

  tl::unexpected<Error> FailAsOne() const {
    return settings_.FailValueAt("product", "a product is of two different columns",
                                 "of a column with itself say square");
  }

  Result<std::vector<DerivedColumn>> Product() const {
    TRY(const std::vector<std::string> names, settings_.Texts("product"));
    if (names.size() != 2 || names[0] == names[1]) return FailAsOne();
    TRY(const std::vector<NamedFactor> left, FactorsOf(names[0]));
    TRY(const std::vector<NamedFactor> right, FactorsOf(names[1]));
    TRY_STATUS(CheckFactors(left, right));
    std::vector<DerivedColumn> columns;
    for (const NamedFactor& first : left) {
      for (const NamedFactor& second : right) {
        TRY(DerivedColumn derived, ProductOf(first, second));
        columns.push_back(std::move(derived));
      }
    }
    return Finish(std::move(columns));
  }

  Result<std::vector<DerivedColumn>> Missing() const {
    TRY(const std::string name, settings_.Text("missing"));
    TRY(const std::size_t place, PlaceAt("missing", name));
    DerivedColumn derived = NewNumber(Derivation::kMissing, place);
    derived.column.type = ColumnType::kBoolean;
    return Finish({std::move(derived)});
  }

  const Settings& settings_;
  const Contract& contract_;
  std::string name_;
};

std::string FactorInWords(const Contract& contract, const Factor& factor) {
  const ContractColumn& column = contract.At(factor.place);
  if (!factor.level) return column.name;
  return column.name + " being " + column.levels[static_cast<std::size_t>(*factor.level)];
}

}  // namespace

Result<std::vector<DerivedColumn>> ParseDerived(const Settings& settings,
                                                const Contract& contract) {
  return Maker(settings, contract).Make();
}

double DerivedValue(const DerivedColumn& derived, double first, double second) {
  constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
  if (derived.how == Derivation::kMissing) return std::isnan(first) ? 1 : 0;
  if (std::isnan(first)) return kNotKnown;
  switch (derived.how) {
    case Derivation::kLog:
      return first > 0 ? PortableLog(first) : kNotKnown;
    case Derivation::kSquare:
      return first * first;
    case Derivation::kSpline:
      return SplineTerm(derived.knots, derived.knot, first);
    case Derivation::kProduct:
      return ValueOf(derived.first, first) * ValueOf(derived.second, second);
    case Derivation::kMissing:
      break;
  }
  CHECK(false);
}

std::set<std::string> MadeOf(const Contract& contract, std::size_t place) {
  if (place < contract.columns.size()) return {contract.columns[place].name};
  const DerivedColumn& derived = contract.derived[place - contract.columns.size()];
  std::set<std::string> names = MadeOf(contract, derived.first.place);
  if (derived.how == Derivation::kProduct) names.merge(MadeOf(contract, derived.second.place));
  return names;
}

std::set<std::string> NeededBy(const Contract& contract, std::size_t place) {
  if (place < contract.columns.size()) return {contract.columns[place].name};
  const DerivedColumn& derived = contract.derived[place - contract.columns.size()];
  if (derived.how == Derivation::kMissing) return {};
  std::set<std::string> names = NeededBy(contract, derived.first.place);
  if (derived.how == Derivation::kProduct) names.merge(NeededBy(contract, derived.second.place));
  return names;
}

std::string DerivationInWords(const Contract& contract, const DerivedColumn& derived) {
  const std::string from = FactorInWords(contract, derived.first);
  switch (derived.how) {
    case Derivation::kLog:
      return "the natural logarithm of " + from;
    case Derivation::kSquare:
      return "the square of " + from;
    case Derivation::kSpline: {
      std::string knots;
      for (const double knot : derived.knots) knots += (knots.empty() ? "" : ", ") + Number(knot);
      return "term " + std::to_string(derived.knot + 1) + " of a restricted cubic spline of " +
             from + " with knots at " + knots;
    }
    case Derivation::kProduct:
      return "the product of " + from + " and " + FactorInWords(contract, derived.second);
    case Derivation::kMissing:
      return "whether " + from + " is missing";
  }
  return {};
}

}  // namespace consilium
