#include "client/quality/plausibility.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "client/quality/patient_count.h"
#include "client/quality/units.h"
#include "common/names.h"
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
/// One value among many that is far more frequent than the next most frequent one.
constexpr std::size_t kFewestRowsOfAPile = 10;
constexpr std::size_t kFewestDifferentValues = 20;
constexpr double kPileOfNext = 4;
constexpr double kPileOfAll = 0.05;
/// Days since 1970-01-01 of 1900-01-01: nobody's data are older.
constexpr double kOldestDay = -25'567;

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
    return column.Contains(value * conversion.factor + conversion.offset);
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

/// The units that explain the values, and why. Where the middle value is one that patients have in
/// some of them, the others explain nothing.
std::vector<std::pair<UnitConversion, std::string>> Explanations(const ContractColumn& column,
                                                                 std::span<const double> sorted) {
  std::vector<std::pair<UnitConversion, std::string>> found;
  for (const UnitConversion& conversion : ConversionsTo(column.unit, column.name, column.analyte)) {
    std::optional<std::string> why = SeemsOther(column, sorted, conversion);
    if (why) found.emplace_back(conversion, *std::move(why));
  }
  const double median = QuantileOf(sorted, 0.5);
  const auto is_typical = [median](const auto& each) {
    return IsTypical(each.first, median * each.first.factor + each.first.offset);
  };
  if (std::any_of(found.begin(), found.end(), is_typical)) {
    std::erase_if(found, std::not_fn(is_typical));
  }
  return found;
}

std::optional<Suspicion> OtherUnit(const ContractColumn& column, std::span<const double> sorted) {
  if (column.unit.empty()) return std::nullopt;
  const auto found = Explanations(column, sorted);
  if (found.empty()) return std::nullopt;
  const auto& [likely, why] = found.front();
  Suspicion suspicion{column.name, "unit", sorted.size(), {}, {}};
  suspicion.words = "is this " + std::string(likely.measurement) + " in " +
                    std::string(likely.other) + " instead of " + column.unit + "? " + why;
  suspicion.remedy = "If so, say in the source file, in the [[column]] of " + column.name + ": " +
                     ConversionInWords(column, likely) + ".";
  for (std::size_t i = 1; i < found.size(); ++i) {
    suspicion.words += "; it may be in " + std::string(found[i].first.other) + ", too";
    suspicion.remedy += " If it is in " + std::string(found[i].first.other) + ": " +
                        ConversionInWords(column, found[i].first) + ".";
  }
  if (found.size() > 1) suspicion.remedy += " The laboratory knows which.";
  return suspicion;
}

/// Values within the contract's range that no living patient has.
std::optional<Suspicion> Impossible(const ContractColumn& column,
                                    std::span<const double> values,
                                    const PatientList& patients) {
  const std::optional<VitalLimits> limits = VitalLimitsOf(column);
  if (!limits) return std::nullopt;
  const auto is_impossible = [&](std::size_t row) {
    const double value = values[row];
    return column.Contains(value) && (value < limits->lowest || value > limits->highest);
  };
  std::uint64_t rows = 0;
  for (std::size_t row = 0; row < values.size(); ++row) rows += is_impossible(row) ? 1U : 0U;
  if (rows == 0) return std::nullopt;
  Suspicion suspicion{column.name, "impossible-value", rows, {}, {}};
  suspicion.patients = PatientsWhere(patients, is_impossible);
  suspicion.words = Rows(rows) + "within the contract's range and beyond what a living patient " +
                    "has (" + std::string(limits->measurement) + " from " + Short(limits->lowest) +
                    " to " + Short(limits->highest) + " " + column.unit + ")";
  suspicion.remedy = "Correct the data, or list the code under `missing`.";
  return suspicion;
}

struct Pile {
  double value = 0;
  std::uint64_t rows = 0;
  std::size_t different = 0;
  std::uint64_t next = 0;  ///< Rows with the most frequent other value.
};

Pile LargestPile(std::span<const double> sorted) {
  Pile pile;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i + 1;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    const std::uint64_t rows = end - i;
    if (rows > pile.rows) {
      pile.next = pile.rows;
      pile.value = sorted[i];
      pile.rows = rows;
    } else {
      pile.next = std::max(pile.next, rows);
    }
    ++pile.different;
    i = end;
  }
  return pile;
}

/// One value that very many rows share. Which one is not said: it need be no code. Nothing at 0 or
/// at an end of the contract's range, where values pile up by nature.
std::optional<Suspicion> PiledUp(const ContractColumn& column,
                                 std::span<const double> sorted,
                                 std::span<const double> values,
                                 const PatientList& patients) {
  const Pile pile = LargestPile(sorted);
  const bool natural = pile.value == 0 || (column.minimum && pile.value == *column.minimum) ||
                       (column.maximum && pile.value == *column.maximum);
  const auto rows = static_cast<double>(pile.rows);
  if (natural || pile.rows < kFewestRowsOfAPile || pile.different < kFewestDifferentValues ||
      rows < kPileOfAll * static_cast<double>(sorted.size()) ||
      rows < kPileOfNext * static_cast<double>(pile.next)) {
    return std::nullopt;
  }
  Suspicion suspicion{column.name, "piled-value", pile.rows, {}, {}};
  suspicion.patients =
      PatientsWhere(patients, [&](std::size_t row) { return values[row] == pile.value; });
  suspicion.words =
      std::to_string(pile.rows) + " of " + std::to_string(sorted.size()) +
      " values are the same one, " +
      Short(std::floor(rows / static_cast<double>(std::max<std::uint64_t>(pile.next, 1)))) +
      " times as often as the next";
  suspicion.remedy =
      "Look for a value filled in where none was measured (a mean, a default of the form) or a "
      "limit of detection. If it stands for \"not known\", list it under `missing`.";
  return suspicion;
}

std::uint64_t ValuesIn(std::span<const double> values) {
  return static_cast<std::uint64_t>(
      std::count_if(values.begin(), values.end(), [](double v) { return std::isfinite(v); }));
}

/// Every row with a value has the same one: an analysis cannot use the column here.
std::optional<Suspicion> Constant(const ContractColumn& column,
                                  std::span<const double> values,
                                  const PatientList& patients) {
  std::optional<double> first;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    if (first && *first != value) return std::nullopt;
    first = value;
  }
  const std::uint64_t rows = ValuesIn(values);
  if (rows < kFewestValues) return std::nullopt;
  Suspicion suspicion{column.name, "constant", rows, {}, {}};
  suspicion.patients =
      PatientsWhere(patients, [&](std::size_t row) { return std::isfinite(values[row]); });
  suspicion.words = "all " + std::to_string(rows) + " values are the same";
  suspicion.remedy = "Is it so at this hospital, or is a default filled in?";
  suspicion.severity = Severity::kNote;
  return suspicion;
}

std::optional<Suspicion> AbsentLevels(const ContractColumn& column,
                                      std::span<const double> values) {
  std::vector<bool> present(column.levels.size());
  for (const double value : values) {
    if (std::isfinite(value)) present[static_cast<std::size_t>(value)] = true;
  }
  if (ValuesIn(values) < kFewestValues) return std::nullopt;
  std::vector<std::string> absent;
  for (std::size_t i = 0; i < present.size(); ++i) {
    if (!present[i]) absent.push_back("\"" + column.levels[i] + "\"");
  }
  if (absent.empty()) return std::nullopt;
  constexpr std::size_t kMostNamed = 6;
  Suspicion suspicion{column.name, "absent-level", 0, {}, {}};
  suspicion.words = "no row has " + JoinNames(absent, kMostNamed, "or");
  suspicion.remedy = "Is it so at this hospital, or is a code of the file translated wrongly?";
  suspicion.severity = Severity::kNote;
  return suspicion;
}

/// Dates that have not come yet, or lie before all records.
std::vector<Suspicion> OddDates(const ContractColumn& column,
                                std::span<const double> values,
                                const PatientList& patients,
                                std::optional<Date> today) {
  std::vector<Suspicion> found;
  const auto add = [&](const auto& is_odd, std::string_view kind, const std::string& words) {
    std::uint64_t rows = 0;
    for (std::size_t row = 0; row < values.size(); ++row) rows += is_odd(row) ? 1U : 0U;
    if (rows == 0) return;
    Suspicion suspicion{column.name, kind, rows, Rows(rows) + words, {}};
    suspicion.patients = PatientsWhere(patients, is_odd);
    suspicion.remedy =
        "Correct the data, set `date_format`, or list a date that stands for \"not known\" under "
        "`missing`.";
    found.push_back(std::move(suspicion));
  };
  if (today) {
    const auto last = static_cast<double>(DaysSinceEpoch(*today));
    add([&](std::size_t row) { return values[row] > last; }, "date-in-future", "in the future");
  }
  add([&](std::size_t row) { return values[row] < kOldestDay; }, "date-too-old", "before 1900");
  // What systems write where nobody has filled in a date: their first day.
  const auto is_default = [&](std::size_t row) {
    return values[row] == 0 || values[row] == kOldestDay;
  };
  std::uint64_t defaults = 0;
  for (std::size_t row = 0; row < values.size(); ++row) defaults += is_default(row) ? 1U : 0U;
  if (defaults >= kFewestRowsOfACode) add(is_default, "date-default", "1900-01-01 or 1970-01-01");
  return found;
}

/// Rules for numbers; most want values in order.
void SuspectNumbers(const ContractColumn& column,
                    std::span<const double> values,
                    const PatientList& patients,
                    std::vector<Suspicion>& suspicions) {
  std::vector<double> sorted(values.begin(), values.end());
  std::erase_if(sorted, [](double value) { return !std::isfinite(value); });
  if (sorted.size() < kFewestValues) return;
  std::sort(sorted.begin(), sorted.end());
  std::optional<Code> code = CodeAtAnEnd(column, sorted, true);
  if (!code) code = CodeAtAnEnd(column, sorted, false);
  if (code) {
    std::erase(sorted, code->value);
    code->suspicion.patients =
        PatientsWhere(patients, [&](std::size_t row) { return values[row] == code->value; });
    suspicions.push_back(std::move(code->suspicion));
  } else if (auto constant = Constant(column, values, patients)) {
    suspicions.push_back(*std::move(constant));
  }
  if (sorted.size() < kFewestValues) return;
  if (auto pile = PiledUp(column, sorted, values, patients)) suspicions.push_back(*std::move(pile));
  if (auto unit = OtherUnit(column, sorted)) {
    unit->patients =
        PatientsWhere(patients, [&](std::size_t row) { return std::isfinite(values[row]); });
    suspicions.push_back(*std::move(unit));
  }
}

}  // namespace

std::string_view Name(Severity severity) { return severity == Severity::kLook ? "look" : "note"; }

std::vector<Suspicion> FindSuspicions(const Contract& contract,
                                      const DataTable& table,
                                      std::optional<Date> today) {
  std::vector<Suspicion> suspicions;
  const auto take = [&](std::optional<Suspicion> found) {
    if (found) suspicions.push_back(*std::move(found));
  };
  for (std::size_t i = 0; i < contract.columns.size() && i < table.columns.size(); ++i) {
    const ContractColumn& column = contract.columns[i];
    const std::vector<double>& values = table.columns[i];
    switch (column.type) {
      case ColumnType::kNumber:
      case ColumnType::kInteger:
        SuspectNumbers(column, values, table.patients, suspicions);
        take(Impossible(column, values, table.patients));
        break;
      case ColumnType::kDate:
        for (Suspicion& odd : OddDates(column, values, table.patients, today)) {
          suspicions.push_back(std::move(odd));
        }
        break;
      case ColumnType::kCategory:
        take(AbsentLevels(column, values));
        take(Constant(column, values, table.patients));
        break;
      case ColumnType::kBoolean:
      case ColumnType::kDuration:
        take(Constant(column, values, table.patients));
        break;
    }
  }
  return suspicions;
}

}  // namespace consilium
