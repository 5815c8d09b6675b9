#include "client/quality/federation_compare.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/quality/patient_count.h"
#include "client/quality/units.h"
#include "common/pages/number_text.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kFewestValues = 10;
constexpr double kFarApart = 1;
constexpr double kOtherShare = 0.3;
constexpr std::size_t kMostParts = 25;  ///< More are taken together.

bool IsNumeric(ColumnType type) {
  return type == ColumnType::kNumber || type == ColumnType::kInteger ||
         type == ColumnType::kDuration;
}

/// Null where there is none.
const Json& PartOf(const Json& json, const char* key) {
  static const Json kNone;
  const auto found = json.find(key);
  return found == json.end() ? kNone : *found;
}

double NumberIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
}

/// Of noised counts some are below 0.
void MakeShares(std::vector<double>& counts) {
  double sum = 0;
  for (double& count : counts) {
    count = std::max(count, 0.0);
    sum += count;
  }
  for (double& count : counts) count = sum > 0 ? count / sum : 0;
}

/// What this column has at this site.
struct Here {
  std::vector<double> values;  ///< Within the contract's range.
  std::uint64_t missing = 0;
  std::uint64_t patients = 0;  ///< With a value,
  std::uint64_t lacking = 0;   ///< and with a row without.
};

Here ValuesOf(const ContractColumn& column,
              std::span<const double> values,
              const PatientList& patients) {
  Here here;
  const auto usable = [&](std::size_t row) {
    return std::isfinite(values[row]) && column.Contains(values[row]);
  };
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (usable(row)) here.values.push_back(values[row]);
    here.missing += std::isfinite(values[row]) ? 0U : 1U;
  }
  here.patients = PatientsWhere(patients, usable);
  here.lacking =
      PatientsWhere(patients, [&](std::size_t row) { return !std::isfinite(values[row]); });
  return here;
}

double MeanOf(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Empty where one of them is no number: a count that is not released.
std::vector<double> NumbersIn(const Json& json, const char* key) {
  std::vector<double> numbers;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return numbers;
  for (const Json& one : *found) {
    if (!one.is_number()) return {};
    numbers.push_back(one.get<double>());
  }
  return numbers;
}

/// Of bins of equal width, or as they were laid together so that none holds few people.
std::vector<double> EdgesOf(const Json& histogram, std::size_t bins) {
  std::vector<double> edges = NumbersIn(histogram, "edges");
  if (!edges.empty())
    return std::is_sorted(edges.begin(), edges.end()) ? edges : std::vector<double>();
  const double from = NumberIn(histogram, "from");
  const double width = NumberIn(histogram, "width");
  if (!(width > 0) || !std::isfinite(from)) return {};
  for (std::size_t i = 0; i <= bins; ++i) edges.push_back(from + width * static_cast<double>(i));
  return edges;
}

/// Nothing where the summary has no histogram, or not all of its counts.
void CompareParts(const Json& histogram, const Here& here, ComparedColumn& compared) {
  const std::vector<double> counts = NumbersIn(histogram, "counts");
  const std::vector<double> edges = EdgesOf(histogram, counts.size());
  if (counts.empty() || edges.size() != counts.size() + 1) return;
  const std::size_t together = (counts.size() + kMostParts - 1) / kMostParts;
  compared.there.resize((counts.size() + together - 1) / together);
  compared.here.resize(compared.there.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    compared.there[i / together] += counts[i];
    if (i % together == 0) compared.edges.push_back(edges[i]);
  }
  compared.edges.push_back(edges.back());
  for (const double value : here.values) {
    if (value < edges.front() || value > edges.back()) continue;
    const auto after = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
    const std::size_t part = std::min(static_cast<std::size_t>(after) - 1, counts.size() - 1);
    ++compared.here[part / together];
  }
}

/// By histograms, by means, or by both: whatever was released.
bool CompareNumbers(const ContractColumn& column,
                    const Json& variable,
                    const Here& here,
                    ComparedColumn& compared) {
  if (!IsNumeric(column.type) || variable.value("unit", "") != column.unit) return false;
  const Json& all = PartOf(variable, "all");
  const double mean = NumberIn(all, "mean");
  const double sd = NumberIn(all, "sd");
  if (std::isfinite(mean) && sd > 0) compared.difference = (MeanOf(here.values) - mean) / sd;
  CompareParts(PartOf(all, "histogram"), here, compared);
  return compared.difference.has_value() || !compared.edges.empty();
}

bool CompareLevels(const ContractColumn& column,
                   const Json& variable,
                   const Here& here,
                   ComparedColumn& compared) {
  const bool is_boolean = column.type == ColumnType::kBoolean;
  const std::vector<std::string> levels =
      is_boolean ? std::vector<std::string>{"false", "true"} : column.levels;
  for (const Json& level : PartOf(PartOf(variable, "all"), "levels")) {
    compared.levels.push_back(level.value("level", ""));
    compared.there.push_back(NumberIn(level, "count"));
  }
  if (IsNumeric(column.type) || compared.levels.empty() || compared.levels != levels) return false;
  const auto known = [](double count) { return std::isfinite(count); };
  if (!std::all_of(compared.there.begin(), compared.there.end(), known)) return false;
  if (is_boolean) compared.levels = {"no", "yes"};
  compared.here.resize(levels.size());
  for (const double value : here.values) ++compared.here[static_cast<std::size_t>(value)];
  return true;
}

std::optional<ComparedColumn> Compare(const ContractColumn& column,
                                      const Json& variable,
                                      const Here& here) {
  if (variable.value("name", "") != column.name || here.values.size() < kFewestValues) {
    return std::nullopt;
  }
  ComparedColumn compared;
  const bool numbers = variable.value("type", "") == "number";
  const bool fits = numbers ? CompareNumbers(column, variable, here, compared)
                            : CompareLevels(column, variable, here, compared);
  if (!fits) return std::nullopt;
  MakeShares(compared.here);
  MakeShares(compared.there);
  const auto rows = static_cast<double>(here.values.size() + here.missing);
  compared.missing_here = static_cast<double>(here.missing) / rows;
  const double present = NumberIn(PartOf(variable, "all"), "n");
  const double missing = NumberIn(PartOf(variable, "all"), "missing");
  if (!std::isfinite(present) || !std::isfinite(missing)) return std::nullopt;  // Not released.
  compared.missing_there = present + missing > 0 ? std::max(missing, 0.0) / (present + missing) : 0;
  return compared;
}

Suspicion Of(const ContractColumn& column, std::string_view kind, const Here& here) {
  Suspicion suspicion{column.name, kind, here.values.size(), {}, {}};
  suspicion.patients = here.patients;
  suspicion.remedy =
      "Is it so at this hospital, or is the unit, the code or the field another one?";
  return suspicion;
}

/// The unit in which this site's mean would be like the federation's, if there is one.
std::string UnitThere(const ContractColumn& column, const Json& all, const Here& here) {
  if (column.unit.empty()) return {};
  constexpr double kNear = 0.5;
  for (const UnitConversion& conversion : ConversionsTo(column.unit, column.name, column.analyte)) {
    const double converted = MeanOf(here.values) * conversion.factor + conversion.offset;
    const double distance = (converted - NumberIn(all, "mean")) / NumberIn(all, "sd");
    if (std::abs(distance) < kNear) return std::string(conversion.other);
  }
  return {};
}

void Judge(const ContractColumn& column,
           const Json& all,
           const Here& here,
           const ComparedColumn& compared,
           std::vector<Suspicion>& found) {
  if (compared.difference && std::abs(*compared.difference) >= kFarApart) {
    Suspicion far = Of(column, "far-from-federation", here);
    far.words = "the mean is " + NumberText(std::abs(*compared.difference), "%.1f") +
                " standard deviations " + (*compared.difference > 0 ? "above" : "below") +
                " the federation's";
    const std::string unit = UnitThere(column, all, here);
    if (!unit.empty()) far.words += "; it would be near it if this were in " + unit;
    found.push_back(std::move(far));
  }
  for (std::size_t i = 0; i < compared.levels.size(); ++i) {
    if (std::abs(compared.here[i] - compared.there[i]) < kOtherShare) continue;
    Suspicion far = Of(column, "far-from-federation", here);
    far.words = "\"" + compared.levels[i] + "\" in " + PercentText(compared.here[i]) +
                " of the rows with a value, in the federation in " + PercentText(compared.there[i]);
    found.push_back(std::move(far));
    break;  // The other levels make up for it.
  }
  if (compared.missing_here - compared.missing_there >= kOtherShare) {
    Suspicion missing = Of(column, "missing-here", here);
    missing.rows = here.missing;
    missing.patients = here.lacking;
    missing.words = "missing in " + PercentText(compared.missing_here) +
                    " of the rows, in the federation in " + PercentText(compared.missing_there);
    missing.remedy = "Is it not measured here, or is it in another field or table?";
    found.push_back(std::move(missing));
  }
}

FederationFindings CompareWith(const Contract& contract,
                               const DataTable& table,
                               const KnownSummary& summary) {
  FederationFindings findings;
  const Json json = Json::parse(summary.json);
  FederationView view{summary.study, summary.title, summary.sites, summary.patients, {}};
  for (const Json& variable : json.at("variables")) {
    const auto column = contract.IndexOf(variable.value("name", ""));
    if (!column || *column >= table.columns.size()) continue;
    const ContractColumn& wanted = contract.columns[*column];
    const Here here = ValuesOf(wanted, table.columns[*column], table.patients);
    std::optional<ComparedColumn> compared = Compare(wanted, variable, here);
    if (!compared) continue;
    compared->column = *column;
    Judge(wanted, PartOf(variable, "all"), here, *compared, findings.suspicions);
    view.columns.push_back(*std::move(compared));
  }
  if (!view.columns.empty()) findings.view = std::move(view);
  return findings;
}

}  // namespace

FederationFindings CompareWithFederation(const Contract& contract,
                                         const DataTable& table,
                                         const std::vector<KnownSummary>& summaries) {
  FederationFindings best;
  for (const KnownSummary& summary : summaries) {
    FederationFindings found = CompareWith(contract, table, summary);
    const std::size_t most = best.view ? best.view->columns.size() : 0;
    if (found.view && found.view->columns.size() > most) best = std::move(found);
  }
  return best;
}

}  // namespace consilium
