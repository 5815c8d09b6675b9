#include "client/plausibility.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "client/units.h"
#include "protocols/units/ucum.h"

namespace consilium {
namespace {

constexpr std::size_t kFewestValues = 10;
/// A value that is an ordinary one among others is no code, however often it comes.
constexpr std::uint64_t kFewestRowsOfACode = 3;
constexpr std::size_t kFewestOtherValues = 6;
constexpr double kGap = 0.4;  ///< Of the width of 90 % of the others, between a code and the next.
/// In another unit hardly any value is within the contract's range, and nearly all are in its own.
constexpr double kMostInside = 0.5;
constexpr double kFewestInside = 0.9;

std::string Short(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

std::string Rows(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " row is " : " rows are ");
}

/// 0, and numbers that nobody measures: -1, -9, 99, -999, ...
bool LooksLikeACode(double value) {
  if (value == 0 || value == -1) return true;
  const double size = std::abs(value);
  for (double code = 9; code <= 99'999; code = 10 * code + 9) {
    if (size == code) return true;
  }
  return false;
}

double QuantileOf(std::span<const double> sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

struct Code {
  double value = 0;
  Suspicion suspicion;
};

/// The rows with the smallest (or largest) value, if that looks like a code and lies far from all
/// others.
std::optional<Code> CodeAtAnEnd(const ContractColumn& column,
                                std::span<const double> sorted,
                                bool smallest) {
  const double value = smallest ? sorted.front() : sorted.back();
  if (!LooksLikeACode(value)) return std::nullopt;
  const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), value);
  const auto rows = static_cast<std::size_t>(last - first);
  if (rows < kFewestRowsOfACode) return std::nullopt;
  Code found{value, {column.name, "code-among-numbers", rows, {}, {}}};
  const std::string code = Short(value);
  found.suspicion.remedy = "If " + code +
                           " stands for \"not known\", say so in the source file: missing = [\"" +
                           code + "\"] in the [[column]] of " + column.name + ".";
  if (rows == sorted.size()) {
    if (value != 0) return std::nullopt;
    found.suspicion.words = "all " + std::to_string(rows) + " values are 0";
    return found;
  }
  const std::span<const double> others =
      smallest ? sorted.subspan(rows) : sorted.first(sorted.size() - rows);
  std::size_t distinct = 1;
  for (std::size_t i = 1; i < others.size(); ++i) {
    if (others[i] != others[i - 1]) ++distinct;
  }
  if (distinct < kFewestOtherValues) return std::nullopt;
  const double gap = smallest ? others.front() - value : value - others.back();
  const double width = QuantileOf(others, 0.95) - QuantileOf(others, 0.05);
  if (!(gap > kGap * width)) return std::nullopt;
  found.suspicion.words = Rows(rows) + code + ", far from all other values";
  return found;
}

double ShareInside(const ContractColumn& column,
                   std::span<const double> values,
                   const UnitConversion& conversion) {
  const auto inside = std::count_if(values.begin(), values.end(), [&](double value) {
    const double converted = value * conversion.factor + conversion.offset;
    return (!column.minimum || converted >= *column.minimum) &&
           (!column.maximum || converted <= *column.maximum);
  });
  return static_cast<double>(inside) / static_cast<double>(values.size());
}

bool IsTypical(const UnitConversion& conversion, double median) {
  return median >= conversion.lowest && median <= conversion.highest;
}

/// Why the values seem to be in the conversion's other unit; nothing where they do not.
std::optional<std::string> SeemsOther(const ContractColumn& column,
                                      std::span<const double> sorted,
                                      const UnitConversion& conversion) {
  const double as_is = ShareInside(column, sorted, UnitConversion{});
  const double converted = ShareInside(column, sorted, conversion);
  if (as_is <= kMostInside && converted >= kFewestInside) {
    return "most values are beyond the contract's range; in " + std::string(conversion.other) +
           " nearly all would be within";
  }
  const double median = QuantileOf(sorted, 0.5);
  const bool tells = conversion.named && conversion.lowest < conversion.highest;
  if (!tells || converted < kFewestInside || IsTypical(conversion, median)) return std::nullopt;
  if (!IsTypical(conversion, median * conversion.factor + conversion.offset)) return std::nullopt;
  return "the middle value is none that patients have in " + column.unit + ", but one in " +
         std::string(conversion.other);
}

/// What a source file says to have it converted.
std::string ConversionInWords(const ContractColumn& column, const UnitConversion& conversion) {
  if (!ParseUnit(column.unit)) {
    const std::string factor = "factor = " + Short(conversion.factor);
    return conversion.offset == 0 ? factor : factor + ", offset = " + Short(conversion.offset);
  }
  const std::string unit = "unit = \"" + std::string(conversion.other) + "\"";
  if (!column.analyte.empty() || conversion.analyte.empty()) return unit;
  return unit + ", analyte = \"" + std::string(conversion.analyte) + "\"";
}

std::optional<Suspicion> OtherUnit(const ContractColumn& column, std::span<const double> sorted) {
  if (column.unit.empty()) return std::nullopt;
  for (const UnitConversion& conversion : ConversionsTo(column.unit, column.name)) {
    const std::optional<std::string> why = SeemsOther(column, sorted, conversion);
    if (!why) continue;
    Suspicion suspicion{column.name, "unit", sorted.size(), {}, {}};
    suspicion.words = "is this " + std::string(conversion.measurement) + " in " +
                      std::string(conversion.other) + " instead of " + column.unit + "? " + *why;
    suspicion.remedy = "If so, say in the source file, in the [[column]] of " + column.name + ": " +
                       ConversionInWords(column, conversion) + ".";
    return suspicion;
  }
  return std::nullopt;
}

bool IsNumeric(const ContractColumn& column) {
  return column.type == ColumnType::kNumber || column.type == ColumnType::kInteger;
}

}  // namespace

std::vector<Suspicion> FindSuspicions(const Contract& contract, const DataTable& table) {
  std::vector<Suspicion> suspicions;
  for (std::size_t i = 0; i < contract.columns.size() && i < table.columns.size(); ++i) {
    const ContractColumn& column = contract.columns[i];
    if (!IsNumeric(column)) continue;
    std::vector<double> sorted = table.columns[i];
    std::erase_if(sorted, [](double value) { return !std::isfinite(value); });
    if (sorted.size() < kFewestValues) continue;
    std::sort(sorted.begin(), sorted.end());
    std::optional<Code> code = CodeAtAnEnd(column, sorted, true);
    if (!code) code = CodeAtAnEnd(column, sorted, false);
    if (code) {
      std::erase(sorted, code->value);
      suspicions.push_back(std::move(code->suspicion));
    }
    if (sorted.size() < kFewestValues) continue;
    if (auto unit = OtherUnit(column, sorted)) suspicions.push_back(*std::move(unit));
  }
  return suspicions;
}

}  // namespace consilium
