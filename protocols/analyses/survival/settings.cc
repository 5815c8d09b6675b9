#include "protocols/analyses/survival/settings.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/analyses/cox/settings.h"
#include "protocols/analyses/glm/regression.h"

namespace consilium::survival {
namespace {

constexpr std::string_view kScales[] = {"log", "log-log", "plain"};

/// Part of a width that rounding may have added to a time.
constexpr double kRounding = 1e-9;

double BinNumber(double time, double width) {
  return time > 0 ? std::max(1.0, std::ceil(time / width - kRounding)) : 0;
}

Result<std::vector<std::string>> ParseGroup(const Settings& settings,
                                            const Contract& contract,
                                            const std::vector<ContractColumn>& outcomes,
                                            std::vector<std::string>& features) {
  if (!settings.Has("group")) return std::vector<std::string>{"all"};
  TRY(const ContractColumn column, glm::ParseColumn(settings, "group", contract));
  for (const ContractColumn& outcome : outcomes) {
    if (outcome.name == column.name) {
      return settings.FailAt("group",
                             "\"" + column.name + "\" is an outcome and the group at once");
    }
  }
  features = {column.name};
  if (column.type == ColumnType::kBoolean) return std::vector<std::string>{"false", "true"};
  if (column.type != ColumnType::kCategory) {
    return settings.FailAt("group", "\"" + column.name + "\" does not name groups",
                           "use a boolean or a category; a number becomes one by the levels that "
                           "the contract lists");
  }
  if (column.levels.size() <= kMostGroups) return column.levels;
  return settings.FailAt("group",
                         "\"" + column.name + "\" has " + std::to_string(column.levels.size()) +
                             " levels; at most " + std::to_string(kMostGroups) +
                             " curves are drawn",
                         "merge levels in the contract");
}

Status ParseGrid(const Settings& settings, const ContractColumn& time, SurvivalPlan& plan) {
  TRY(plan.bin_width, settings.Number("bin_width"));
  if (!(plan.bin_width > 0)) return settings.FailValueAt("bin_width", "it must be above 0");
  const double bins = BinNumber(*time.maximum, plan.bin_width) + 1;
  if (bins > static_cast<double>(kMostBins)) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "the times up to %.6g make %.6g bins of this width; at most %zu are summed",
                  *time.maximum, bins, kMostBins);
    return settings.FailAt(
        "bin_width", text,
        "choose wider bins, or narrow the range of \"" + time.name + "\" in the contract");
  }
  plan.bins = static_cast<std::size_t>(bins);
  TRY(const std::int64_t events, settings.IntegerBetween("minimum_events", 1, 1'000'000, 5));
  plan.minimum_events = static_cast<std::uint64_t>(events);
  return {};
}

}  // namespace

std::string_view NameOf(LimitScale scale) { return kScales[static_cast<std::size_t>(scale)]; }

std::size_t SurvivalPlan::BinOf(double time) const {
  return static_cast<std::size_t>(BinNumber(time, bin_width));
}

Result<SurvivalPlan> ParseSurvivalPlan(const Settings& settings, const Contract& contract) {
  SurvivalPlan plan;
  TRY(const std::vector<ContractColumn> outcomes, cox::ParseSurvivalOutcome(settings, contract));
  std::vector<std::string> features;
  TRY(plan.groups, ParseGroup(settings, contract, outcomes, features));
  TRY_STATUS(ParseGrid(settings, outcomes[1], plan));
  TRY(plan.confidence, glm::ParseConfidence(settings));
  TRY(const std::string scale,
      settings.ChoiceOr("limits", {std::begin(kScales), std::end(kScales)}, "log"));
  plan.scale = static_cast<LimitScale>(std::find(std::begin(kScales), std::end(kScales), scale) -
                                       std::begin(kScales));
  TRY_STATUS(settings.RequireNoOtherKeys());
  Result<glm::Design> design = glm::MakeDesign(contract, outcomes, features);
  if (!design) return settings.FailAt("group", design.error().message, design.error().remedy);
  plan.design = *std::move(design);
  // A number between 0 and 1 would be neither an event nor none.
  plan.design.rules[0].whole = true;
  return plan;
}

}  // namespace consilium::survival
