#include "client/quality/data_profile.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>

#include "client/quality/cell_hash.h"
#include "client/quality/patient_count.h"
#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kFewestValues = 10;
constexpr double kPartsWanted = 24;
/// A part of the contract's range that has 98 % of the values is drawn instead if it is this small.
constexpr double kNarrow = 0.1;
constexpr double kTail = 0.01;
constexpr double kRounding = 1e-9;              ///< Of a place among parts.
constexpr std::size_t kMostPatterns = 100'000;  ///< Told apart.
constexpr std::uint64_t kFewestGaps = 10;
constexpr double kNearlyAlways = 0.95;
constexpr std::size_t kMostColumnsCompared = 256;

/// 1, 2 or 5 times a power of ten, not below `rough`.
double RoundStep(double rough) {
  double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (factor * power >= rough * (1 - 1e-12)) return factor * power;
  }
  return 10 * power;
}

double QuantileOf(std::vector<double>& values, double share) {
  const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

/// Parts with round ends that hold the contract's range, or nearly all values.
ValueParts EmptyParts(const ContractColumn& column, std::vector<double>& values) {
  double low = QuantileOf(values, kTail);
  double high = QuantileOf(values, 1 - kTail);
  const bool ranged = column.minimum && column.maximum && *column.maximum > *column.minimum;
  if (ranged) {
    const double range = *column.maximum - *column.minimum;
    const bool inside = low >= *column.minimum && high <= *column.maximum && high > low;
    if (!inside || high - low >= kNarrow * range) {
      low = *column.minimum;
      high = *column.maximum;
    }
  }
  if (!(high > low)) high = low + std::max(1.0, std::abs(low) * 0.1);
  ValueParts parts;
  parts.width = RoundStep((high - low) / kPartsWanted);
  if (column.type == ColumnType::kInteger) parts.width = std::max(parts.width, 1.0);
  const double first = std::floor(low / parts.width + 1e-9);
  parts.from = first * parts.width;
  const double last = std::max(std::ceil(high / parts.width - 1e-9), first + 1);
  // An integer at the end of the range gets a part of its own.
  const bool own = column.type == ColumnType::kInteger && parts.width == 1;
  parts.counts.resize(static_cast<std::size_t>(last - first) + (own ? 1U : 0U));
  return parts;
}

/// Nothing where more than a quarter of the values lie outside the parts on one side.
std::optional<BoxParts> BoxOf(const ValueParts& parts) {
  const auto values = static_cast<double>(parts.values());
  const auto part_of = [&](double share) -> std::optional<std::size_t> {
    auto seen = static_cast<double>(parts.below);
    if (seen >= share * values) return std::nullopt;
    for (std::size_t i = 0; i < parts.counts.size(); ++i) {
      seen += static_cast<double>(parts.counts[i]);
      if (seen >= share * values) return i;
    }
    return std::nullopt;
  };
  const auto lower = part_of(0.25);
  const auto median = part_of(0.5);
  const auto upper = part_of(0.75);
  if (!lower || !median || !upper) return std::nullopt;
  return BoxParts{*lower, *median, *upper};
}

std::optional<ValueParts> PartsOf(const ContractColumn& column, std::span<const double> values) {
  std::vector<double> present;
  for (const double value : values) {
    if (std::isfinite(value)) present.push_back(value);
  }
  if (present.size() < kFewestValues) return std::nullopt;
  ValueParts parts = EmptyParts(column, present);
  for (const double value : present) {
    const std::ptrdiff_t place = parts.PlaceOf(value);
    if (place < 0) {
      ++parts.below;
    } else if (place >= std::ssize(parts.counts)) {
      ++parts.above;
    } else {
      ++parts.counts[static_cast<std::size_t>(place)];
    }
  }
  parts.box = BoxOf(parts);
  return parts;
}

std::vector<LevelCount> LevelsOf(const ContractColumn& column, std::span<const double> values) {
  std::vector<LevelCount> levels;
  if (column.type == ColumnType::kBoolean) {
    levels = {{"no", 0}, {"yes", 0}};
  } else {
    for (const std::string& level : column.levels) levels.push_back({level, 0});
  }
  for (const double value : values) {
    if (std::isfinite(value)) ++levels[static_cast<std::size_t>(value)].rows;
  }
  return levels;
}

ColumnProfile ProfileOfColumn(const ContractColumn& column, std::span<const double> values) {
  ColumnProfile profile;
  profile.name = column.name;
  profile.unit = column.unit;
  profile.values = static_cast<std::uint64_t>(
      std::count_if(values.begin(), values.end(), [](double v) { return std::isfinite(v); }));
  switch (column.type) {
    case ColumnType::kNumber:
    case ColumnType::kInteger:
    case ColumnType::kDuration:
      profile.parts = PartsOf(column, values);
      break;
    case ColumnType::kCategory:
    case ColumnType::kBoolean:
      profile.levels = LevelsOf(column, values);
      break;
    case ColumnType::kDate:
      break;
  }
  return profile;
}

/// One bit a row: whether it lacks the column.
using Gaps = std::vector<std::uint64_t>;

Gaps GapsOf(std::span<const double> values) {
  Gaps gaps((values.size() + 63) / 64);
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!std::isfinite(values[row])) gaps[row / 64] |= std::uint64_t{1} << (row % 64);
  }
  return gaps;
}

std::uint64_t CountOf(const Gaps& gaps) {
  return std::accumulate(gaps.begin(), gaps.end(), std::uint64_t{0},
                         [](std::uint64_t sum, std::uint64_t word) {
                           return sum + static_cast<std::uint64_t>(std::popcount(word));
                         });
}

/// Which columns the rows lack together. A pattern is known by a hash of its columns.
class Patterns {
 public:
  explicit Patterns(const DataTable& table) : table_(table), hashes_(table.patients.size()) {
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      const std::uint64_t mark = CellHash(column, 0);
      for (std::size_t row = 0; row < hashes_.size(); ++row) {
        if (!std::isfinite(table.columns[column][row])) hashes_[row] += mark;
      }
    }
    for (std::size_t row = 0; row < hashes_.size(); ++row) {
      const auto found = seen_.find(hashes_[row]);
      if (found != seen_.end()) {
        ++found->second.rows;
      } else if (seen_.size() < kMostPatterns) {
        seen_.emplace(hashes_[row], Seen{1, row});
      } else {
        ++untold_rows_;
      }
    }
  }

  void Into(DataProfile& profile) const {
    std::vector<std::pair<std::uint64_t, Seen>> sorted(seen_.begin(), seen_.end());
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::pair(b.second.rows, a.second.first_row) <
             std::pair(a.second.rows, b.second.first_row);
    });
    profile.other_pattern_rows = untold_rows_;
    for (const auto& [hash, seen] : sorted) {
      if (profile.patterns.size() == DataProfile::kPatternsKept) {
        ++profile.other_patterns;
        profile.other_pattern_rows += seen.rows;
        continue;
      }
      MissingPattern pattern;
      pattern.rows = seen.rows;
      for (std::size_t column = 0; column < table_.columns.size(); ++column) {
        if (!std::isfinite(table_.columns[column][seen.first_row])) {
          pattern.columns.push_back(column);
        }
      }
      pattern.patients = PatientsWhere(
          table_.patients, [&, wanted = hash](std::size_t row) { return hashes_[row] == wanted; });
      profile.patterns.push_back(std::move(pattern));
    }
  }

 private:
  struct Seen {
    std::uint64_t rows = 0;
    std::size_t first_row = 0;
  };
  const DataTable& table_;
  std::vector<std::uint64_t> hashes_;
  std::unordered_map<std::uint64_t, Seen> seen_;
  std::uint64_t untold_rows_ = 0;
};

bool AreMissingTogether(const Gaps& a, const Gaps& b) {
  std::uint64_t both = 0;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += static_cast<std::uint64_t>(std::popcount(a[i] & b[i]));
    any += static_cast<std::uint64_t>(std::popcount(a[i] | b[i]));
  }
  return both >= kFewestGaps &&
         static_cast<double>(both) >= kNearlyAlways * static_cast<double>(any);
}

bool Lacks(const Gaps& gaps, std::size_t row) { return (gaps[row / 64] >> (row % 64) & 1U) != 0; }

Suspicion TogetherIn(const Contract& contract,
                     const DataTable& table,
                     const std::vector<std::size_t>& columns,
                     const std::vector<Gaps>& gaps) {
  std::vector<std::string> names;
  for (const std::size_t column : columns) names.push_back(contract.columns[column].name);
  const auto lacks_all = [&](std::size_t row) {
    return std::all_of(columns.begin(), columns.end(),
                       [&](std::size_t column) { return Lacks(gaps[column], row); });
  };
  Suspicion suspicion{{}, "missing-together", 0, {}, {}};
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    suspicion.rows += lacks_all(row) ? 1U : 0U;
  }
  suspicion.patients = PatientsWhere(table.patients, lacks_all);
  suspicion.severity = Severity::kNote;
  constexpr std::size_t kMostNamed = 8;
  suspicion.words = JoinNames(names, kMostNamed) + " are missing together, in " +
                    std::to_string(suspicion.rows) + " rows";
  suspicion.remedy =
      "They may come from one form, device or table: was it joined, and for whom was it filled in?";
  return suspicion;
}

}  // namespace

std::uint64_t ValueParts::values() const {
  return std::accumulate(counts.begin(), counts.end(), below + above);
}

std::ptrdiff_t ValueParts::PlaceOf(double value) const {
  const auto parts = static_cast<double>(counts.size());
  // 0.3 lies at 2.9999999999999996 parts of 0.1 and belongs to the part that begins there.
  const double place = (value - from) / width;
  const double nearest = std::nearbyint(place);
  const bool at_an_end = std::abs(place - nearest) <= kRounding * std::max(1.0, std::abs(place));
  const double part = at_an_end ? nearest : std::floor(place);
  if (part < 0) return -1;
  // The last part has both its ends.
  if (part == parts && at_an_end) return std::ssize(counts) - 1;
  return part >= parts ? std::ssize(counts) : static_cast<std::ptrdiff_t>(part);
}

DataProfile ProfileOf(const Contract& contract, const DataTable& table) {
  DataProfile profile;
  profile.rows = table.patients.size();
  for (std::size_t i = 0; i < contract.columns.size() && i < table.columns.size(); ++i) {
    profile.columns.push_back(ProfileOfColumn(contract.columns[i], table.columns[i]));
  }
  Patterns(table).Into(profile);
  return profile;
}

std::vector<Suspicion> FindGaps(const Contract& contract, const DataTable& table) {
  std::vector<Suspicion> found;
  const std::uint64_t rows = table.patients.size();
  std::vector<Gaps> gaps;
  std::vector<std::size_t> partly;  // Columns that some rows lack and some have.
  for (std::size_t i = 0; i < contract.columns.size() && i < table.columns.size(); ++i) {
    gaps.push_back(GapsOf(table.columns[i]));
    const std::uint64_t missing = CountOf(gaps[i]);
    if (missing == rows) continue;  // The report says so elsewhere.
    if (missing >= kFewestGaps) partly.push_back(i);
    if (2 * missing <= rows) continue;
    Suspicion suspicion{contract.columns[i].name, "mostly-missing", missing, {}, {}};
    suspicion.patients =
        PatientsWhere(table.patients, [&](std::size_t row) { return Lacks(gaps[i], row); });
    suspicion.words = "more than half of the rows have no value";
    suspicion.remedy =
        "An analysis that needs the column leaves these rows out. Is the right field mapped?";
    suspicion.severity = Severity::kNote;
    found.push_back(std::move(suspicion));
  }
  if (partly.size() > kMostColumnsCompared) return found;
  while (!partly.empty()) {
    std::vector<std::size_t> together{partly.front()};
    std::vector<std::size_t> rest;
    for (std::size_t i = 1; i < partly.size(); ++i) {
      const bool like_first = AreMissingTogether(gaps[together.front()], gaps[partly[i]]);
      (like_first ? together : rest).push_back(partly[i]);
    }
    if (together.size() > 1) found.push_back(TogetherIn(contract, table, together, gaps));
    partly = std::move(rest);
  }
  return found;
}

}  // namespace consilium
