#include "protocols/analyses/summary/settings.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/analyses/glm/regression.h"

namespace consilium::summary {
namespace {

constexpr std::size_t kMostVariables = 200;
constexpr std::size_t kMostLevels = 100;
constexpr std::int64_t kMostBins = 1'000;
/// Up to so many whole numbers have a bin each.
constexpr double kMostWholeBins = 400;
/// Bins of all variables and groups: half a megaword of counts.
constexpr std::size_t kMostCells = 200'000;

bool HasLevels(const ContractColumn& column) {
  return column.type == ColumnType::kCategory || column.type == ColumnType::kBoolean;
}

LevelVariable LevelsOf(const ContractColumn& column, std::size_t in_cohort) {
  LevelVariable variable{column, in_cohort, column.levels};
  if (column.type == ColumnType::kBoolean) variable.levels = {"false", "true"};
  return variable;
}

NumberVariable NumberOf(const ContractColumn& column, std::size_t in_cohort, std::size_t bins) {
  NumberVariable variable;
  variable.column = column;
  variable.in_cohort = in_cohort;
  const double range = *column.maximum - *column.minimum;
  variable.whole = column.type == ColumnType::kInteger && range + 1 <= kMostWholeBins;
  variable.bins = variable.whole ? static_cast<std::size_t>(range) + 1 : bins;
  variable.width = variable.whole ? 1 : range / static_cast<double>(bins);
  return variable;
}

Result<const ContractColumn*> ColumnFor(const Settings& settings,
                                        std::string_view key,
                                        const std::string& name,
                                        const Contract& contract) {
  const ContractColumn* column = contract.Find(name);
  if (column == nullptr) {
    return settings.FailAt(key, NoColumn(contract, name));
  }
  if (column->type == ColumnType::kDate) {
    return settings.FailAt(key, "\"" + name + "\" is a date, which has no summary",
                           "derive a duration from it, in days or years");
  }
  if (HasLevels(*column) && column->levels.size() > kMostLevels) {
    return settings.FailAt(key, "\"" + name + "\" has more than 100 levels", "merge levels");
  }
  return column;
}

Status ParseVariables(const Settings& settings, const Contract& contract, SummaryPlan& plan) {
  TRY(const std::vector<std::string> names, settings.Texts("variables"));
  // A series is all its columns.
  for (const std::string& name : names) {
    std::vector<std::string> columns = contract.ColumnsOf(name);
    if (columns.empty()) columns.push_back(name);
    plan.variables.insert(plan.variables.end(), columns.begin(), columns.end());
  }
  TRY(const std::int64_t bins, settings.IntegerBetween("bins", 1, kMostBins, 50));
  if (plan.variables.empty() || plan.variables.size() > kMostVariables) {
    return settings.FailValueAt("variables", "it must name 1 to 200 columns");
  }
  for (const std::string& name : plan.variables) {
    if (std::count(plan.variables.begin(), plan.variables.end(), name) > 1 ||
        (plan.by && plan.by->column.name == name)) {
      return settings.FailAt("variables", "\"" + name + "\" is named twice");
    }
    TRY(const ContractColumn* const column, ColumnFor(settings, "variables", name, contract));
    if (HasLevels(*column)) {
      plan.levels.push_back(LevelsOf(*column, plan.columns.size()));
    } else {
      plan.numbers.push_back(
          NumberOf(*column, plan.columns.size(), static_cast<std::size_t>(bins)));
    }
    plan.columns.push_back(name);
  }
  if ((plan.AllBins() + plan.AllLevels()) * plan.groups() > kMostCells) {
    return settings.FailAt("variables", "bins and levels of all variables are more than 200000",
                           "take fewer bins, variables or groups");
  }
  return {};
}

}  // namespace

std::size_t NumberVariable::BinOf(double x) const {
  const double place = std::floor((x - minimum()) / width);
  const double last = static_cast<double>(bins - 1);
  const auto bin = static_cast<std::size_t>(std::clamp(place, 0.0, last));
  // The quotient's rounding must not put a number beyond the edge that bounds are taken from.
  if (bin > 0 && x < LowerEdge(bin)) return bin - 1;
  if (bin + 1 < bins && x >= LowerEdge(bin + 1)) return bin + 1;
  return bin;
}

std::size_t SummaryPlan::AllBins() const {
  std::size_t sum = 0;
  for (const NumberVariable& variable : numbers) sum += variable.bins;
  return sum;
}

std::size_t SummaryPlan::AllLevels() const {
  std::size_t sum = 0;
  for (const LevelVariable& variable : levels) sum += variable.levels.size();
  return sum;
}

std::vector<std::size_t> SummaryPlan::Tested() const {
  std::vector<std::size_t> tested;
  for (std::size_t i = 0; mantel_haenszel && i < levels.size(); ++i) {
    if (levels[i].levels.size() == 2) tested.push_back(i);
  }
  return tested;
}

Result<SummaryPlan> ParseSummaryPlan(const Settings& settings, const Contract& contract) {
  SummaryPlan plan;
  plan.maximum_rows = contract.maximum_patients;
  TRY(const std::string by, settings.TextOr("by", ""));
  if (!by.empty()) {
    TRY(const ContractColumn* const column, ColumnFor(settings, "by", by, contract));
    if (!HasLevels(*column)) {
      return settings.FailAt("by", "\"" + by + "\" has no levels to group by",
                             "use a boolean or a category");
    }
    plan.by = LevelsOf(*column, 0);
    plan.columns.push_back(by);
  }
  TRY_STATUS(ParseVariables(settings, contract, plan));
  TRY(plan.confidence, glm::ParseConfidence(settings));
  TRY(const std::int64_t fewest, settings.IntegerBetween("minimum_count", 1, 1'000'000, 5));
  plan.minimum_count = static_cast<std::uint64_t>(fewest);
  const bool two_groups = plan.groups() == 2;
  TRY(plan.mantel_haenszel, settings.BooleanOr("mantel_haenszel", two_groups));
  if (plan.mantel_haenszel && !two_groups) {
    return settings.FailAt("mantel_haenszel",
                           "'mantel_haenszel' compares two groups, and this plan has " +
                               std::to_string(plan.groups()));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return plan;
}

}  // namespace consilium::summary
