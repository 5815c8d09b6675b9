#include "protocols/analyses/evaluate/settings.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::evaluate {
namespace {

constexpr std::size_t kMostSubgroups = 20;
/// Score bins of all groups, events and others.
constexpr std::size_t kMostCells = 500'000;

Result<ContractColumn> ParseOutcome(const Settings& settings, const Contract& contract) {
  TRY(ContractColumn column, glm::ParseColumn(settings, "outcome", contract));
  if (const Status status = glm::CheckYesNo(column); !status) {
    return settings.FailAt("outcome", status.error().message, status.error().remedy);
  }
  return column;
}

Result<ContractColumn> ParsePrediction(const Settings& settings, const Contract& contract) {
  TRY(ContractColumn column, glm::ParseColumn(settings, "prediction", contract));
  const bool number = column.type == ColumnType::kNumber;
  if (number && *column.minimum >= 0 && *column.maximum <= 1) return column;
  return settings.FailAt("prediction", "\"" + column.name + "\" holds no probability",
                         "name a number with range = [0, 1]");
}

Result<Subgroup> SubgroupOf(const Settings& settings,
                            const std::string& name,
                            const Contract& contract) {
  const ContractColumn* column = contract.Find(name);
  if (column == nullptr) {
    return settings.FailAt("subgroups", NoColumn(contract, name));
  }
  if (column->type == ColumnType::kBoolean) return Subgroup{name, 0, {"false", "true"}};
  if (column->type == ColumnType::kCategory) return Subgroup{name, 0, column->levels};
  return settings.FailAt("subgroups", "\"" + name + "\" does not name subgroups",
                         "use a boolean or a category; a number becomes one by the levels that "
                         "the contract lists");
}

Result<double> ParseCoefficient(const Settings& table, std::string_view key) {
  TRY(const double value, table.Number(key));
  if (std::abs(value) <= kLargestCoefficient) return value;
  return table.FailValueAt(key, "it must be between -1e9 and 1e9");
}

/// The columns before the features: the outcome, the prediction and what subgroups need besides.
Result<std::vector<ContractColumn>> ParseColumns(const Settings& settings,
                                                 const Contract& contract,
                                                 const std::vector<std::string>& features,
                                                 const EvaluatePlan& plan) {
  TRY(const ContractColumn outcome, ParseOutcome(settings, contract));
  std::vector<ContractColumn> columns = {outcome};
  if (features.empty()) {
    TRY(const ContractColumn prediction, ParsePrediction(settings, contract));
    if (prediction.name == outcome.name) {
      return settings.FailAt("prediction",
                             "\"" + outcome.name + "\" is the outcome and the prediction at once");
    }
    columns.push_back(prediction);
  }
  for (const Subgroup& subgroup : plan.subgroups) {
    if (subgroup.column == outcome.name) {
      return settings.FailAt("subgroups",
                             "\"" + outcome.name + "\" is the outcome and a subgroup at once");
    }
    const bool is_feature =
        std::find(features.begin(), features.end(), subgroup.column) != features.end();
    if (!is_feature) columns.push_back(*contract.Find(subgroup.column));
  }
  return columns;
}

Status MakeDesign(const Settings& settings, const Contract& contract, EvaluatePlan& plan) {
  std::vector<std::string> features;
  if (!settings.Has("prediction")) {
    TRY(const std::string outcome, settings.Text("outcome"));
    TRY(features, glm::ParseFeatures(settings, contract, {outcome}));
  }
  TRY(const std::vector<ContractColumn> columns, ParseColumns(settings, contract, features, plan));
  Result<glm::Design> design = glm::MakeDesign(contract, columns, features);
  if (!design) return settings.FailAt("features", design.error().message, design.error().remedy);
  plan.design = *std::move(design);
  // A number between 0 and 1 would be neither an event nor none.
  plan.design.rules[0].whole = true;
  PlaceSubgroups(plan.design.columns, plan.subgroups);
  return {};
}

Status RequireOneModel(const Settings& settings) {
  const bool model = settings.Has("features") || settings.Has("coefficients");
  if (settings.Has("prediction") && (model || settings.Has("intercept"))) {
    return settings.FailAt(
        "prediction", "'prediction' stands beside a model's features, intercept or coefficients",
        "name a column that holds predictions or give a model, not both");
  }
  if (settings.Has("prediction") || model) return {};
  return settings.FailHere("there is nothing to evaluate",
                           "give a logistic model by features, intercept and coefficients, or name "
                           "a column of predicted probabilities as prediction");
}

/// The design is known.
Status ParseModel(const Settings& settings, EvaluatePlan& plan) {
  TRY(plan.intercept, ParseCoefficient(settings, "intercept"));
  TRY(plan.coefficients, ParseCoefficients(settings, plan.design.terms, "a logistic regression's"));
  return {};
}

}  // namespace

std::string ByInWords(const std::vector<Subgroup>& subgroups) {
  std::string text;
  for (std::size_t i = 0; i < subgroups.size(); ++i) {
    const bool last = i + 1 == subgroups.size();
    text += (i > 0 && last ? " and by " : ", by ") + subgroups[i].column;
  }
  return text;
}

const std::vector<std::size_t>& GroupsOfRow::Of(const double* row) {
  groups_.assign(1, 0);
  std::size_t first = 1;
  for (const Subgroup& subgroup : subgroups_) {
    groups_.push_back(first + static_cast<std::size_t>(row[subgroup.in_cohort]));
    first += subgroup.levels.size();
  }
  return groups_;
}

Result<std::vector<Subgroup>> ParseSubgroups(const Settings& settings, const Contract& contract) {
  TRY(const std::vector<std::string> names, settings.TextsOr("subgroups", {}));
  if (names.size() > kMostSubgroups) {
    return settings.FailAt("subgroups", "'subgroups' are more than 20",
                           "choose those that matter most");
  }
  std::vector<Subgroup> subgroups;
  for (const std::string& name : names) {
    if (std::count(names.begin(), names.end(), name) > 1) {
      return settings.FailAt("subgroups", "\"" + name + "\" is named twice");
    }
    TRY(Subgroup subgroup, SubgroupOf(settings, name, contract));
    subgroups.push_back(std::move(subgroup));
  }
  return subgroups;
}

void PlaceSubgroups(const std::vector<std::string>& columns, std::vector<Subgroup>& subgroups) {
  for (Subgroup& subgroup : subgroups) {
    const auto at = std::find(columns.begin(), columns.end(), subgroup.column);
    subgroup.in_cohort = static_cast<std::size_t>(at - columns.begin());
  }
}

Result<std::vector<double>> ParseCoefficients(const Settings& settings,
                                              const std::vector<glm::Term>& terms,
                                              const std::string& whose) {
  TRY(const Settings table, settings.Table("coefficients"));
  std::vector<double> coefficients;
  std::vector<std::string> missing;
  for (const glm::Term& term : terms) {
    if (!table.Has(term.name)) {
      missing.push_back(term.name);
      continue;
    }
    TRY(const double value, ParseCoefficient(table, term.name));
    coefficients.push_back(value);
  }
  if (!missing.empty()) {
    return settings.FailAt("coefficients", "there is no coefficient for " + glm::Quoted(missing),
                           "name coefficients as " + whose +
                               " result does (a category's are feature, underscore, level); write "
                               "0 for one that does not count");
  }
  TRY_STATUS(table.RequireNoOtherKeys());
  return coefficients;
}

Result<std::uint64_t> ParseMinimumCount(const Settings& settings) {
  TRY(const std::int64_t count, settings.IntegerBetween("minimum_count", 1, 1'000'000, 5));
  return static_cast<std::uint64_t>(count);
}

std::size_t EvaluatePlan::levels() const {
  std::size_t sum = 0;
  for (const Subgroup& subgroup : subgroups) sum += subgroup.levels.size();
  return sum;
}

double EvaluatePlan::LargestLogOdds() const {
  if (!has_model()) return kLargestColumnLogOdds;
  double largest = std::abs(intercept);
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    const glm::Term& term = design.terms[j];
    largest += std::abs(coefficients[j]) * std::max(std::abs(term.minimum), std::abs(term.maximum));
  }
  return largest;
}

std::size_t EvaluatePlan::BinOf(double probability) const {
  const double place = std::floor(probability * static_cast<double>(bins));
  auto bin = static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)));
  // The product may have been rounded over an end.
  if (bin > 0 && probability < LowerEnd(bin)) --bin;
  if (bin + 1 < bins && probability >= LowerEnd(bin + 1)) ++bin;
  return bin;
}

std::size_t EvaluatePlan::ScoreBinOf(double log_odds) const {
  const auto count = static_cast<double>(score_bins);
  const double place = std::floor((log_odds + kScoreReach) / (2 * kScoreReach) * count);
  return static_cast<std::size_t>(std::clamp(place, 0.0, count - 1));
}

double EvaluatePlan::ScoreOf(std::size_t bin) const {
  const double width = 2 * kScoreReach / static_cast<double>(score_bins);
  return (static_cast<double>(bin) + 0.5) * width - kScoreReach;
}

Status ParseBins(const Settings& settings, EvaluatePlan& plan) {
  TRY(const std::int64_t score_bins, settings.IntegerBetween("score_bins", 10, 10'000, 1'000));
  plan.score_bins = static_cast<std::size_t>(score_bins);
  TRY(const std::int64_t bins, settings.IntegerBetween("bins", 2, 1'000, 100));
  plan.bins = static_cast<std::size_t>(bins);
  TRY(plan.minimum_count, ParseMinimumCount(settings));
  TRY(plan.confidence, glm::ParseConfidence(settings));
  if (2 * plan.groups() * plan.score_bins <= kMostCells) return {};
  return settings.FailAt(
      "subgroups",
      std::to_string(plan.levels()) + " levels of all subgroups make more than 500000 counts",
      "take fewer score_bins or subgroups");
}

Result<EvaluatePlan> ParseEvaluatePlan(const Settings& settings, const Contract& contract) {
  EvaluatePlan plan;
  TRY_STATUS(RequireOneModel(settings));
  TRY(plan.subgroups, ParseSubgroups(settings, contract));
  TRY_STATUS(MakeDesign(settings, contract, plan));
  if (!settings.Has("prediction")) TRY_STATUS(ParseModel(settings, plan));
  TRY_STATUS(ParseBins(settings, plan));
  TRY_STATUS(settings.RequireNoOtherKeys());
  return plan;
}

}  // namespace consilium::evaluate
