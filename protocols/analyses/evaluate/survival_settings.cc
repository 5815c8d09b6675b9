#include "protocols/analyses/evaluate/survival_settings.h"

#include <algorithm>
#include <utility>

#include "protocols/analyses/glm/regression.h"

namespace consilium::evaluate {
namespace {

bool Names(const Settings& settings, std::string_view key) {
  // Settings::Has would let other messages say that the key may stand here.
  const std::vector<std::string> keys = settings.Keys();
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

Status RequireOneScore(const Settings& settings) {
  if (Names(settings, "intercept")) {
    return settings.FailAt("intercept",
                           "a model of the time to an event has no 'intercept': the baseline "
                           "hazard stands in its place, and each site has its own",
                           "leave it out");
  }
  const bool model = settings.Has("features") || settings.Has("coefficients");
  if (settings.Has("prediction") && model) {
    return settings.FailAt("prediction",
                           "'prediction' stands beside a model's features or coefficients",
                           "name a column that holds scores or give a model, not both");
  }
  if (settings.Has("prediction") || model) return {};
  return settings.FailHere("there is nothing to evaluate",
                           "give a Cox model by features and coefficients, or name a column of "
                           "risk scores as prediction");
}

Result<ContractColumn> ParseScore(const Settings& settings, const Contract& contract) {
  TRY(ContractColumn column, glm::ParseColumn(settings, "prediction", contract));
  switch (column.type) {
    case ColumnType::kNumber:
    case ColumnType::kInteger:
    case ColumnType::kDuration:
      return column;
    case ColumnType::kDate:
    case ColumnType::kBoolean:
    case ColumnType::kCategory:
      break;
  }
  return settings.FailAt("prediction", "\"" + column.name + "\" holds no score",
                         "name a number: the higher, the earlier the event is expected");
}

/// The outcomes, the score and what subgroups need besides.
Result<std::vector<ContractColumn>> ParseColumns(const Settings& settings,
                                                 const Contract& contract,
                                                 std::vector<ContractColumn> columns,
                                                 const std::vector<std::string>& features,
                                                 const std::vector<Subgroup>& subgroups) {
  const auto is_outcome = [outcomes = columns](const std::string& name) {
    return outcomes[0].name == name || outcomes[1].name == name;
  };
  if (features.empty()) {
    TRY(ContractColumn score, ParseScore(settings, contract));
    if (is_outcome(score.name)) {
      return settings.FailAt("prediction",
                             "\"" + score.name + "\" is an outcome and the prediction at once");
    }
    columns.push_back(std::move(score));
  }
  for (const Subgroup& subgroup : subgroups) {
    if (is_outcome(subgroup.column)) {
      return settings.FailAt("subgroups",
                             "\"" + subgroup.column + "\" is an outcome and a subgroup at once");
    }
    const bool is_feature =
        std::find(features.begin(), features.end(), subgroup.column) != features.end();
    if (!is_feature) columns.push_back(*contract.Find(subgroup.column));
  }
  return columns;
}

Status MakeDesign(const Settings& settings, const Contract& contract, SurvivalPlan& plan) {
  TRY(std::vector<ContractColumn> outcomes, cox::ParseSurvivalOutcome(settings, contract));
  std::vector<std::string> features;
  if (!settings.Has("prediction")) {
    TRY(features, glm::ParseFeatures(settings, contract, {outcomes[0].name, outcomes[1].name}));
  }
  TRY(const std::vector<ContractColumn> columns,
      ParseColumns(settings, contract, std::move(outcomes), features, plan.subgroups));
  Result<glm::Design> design = glm::MakeDesign(contract, columns, features);
  if (!design) return settings.FailAt("features", design.error().message, design.error().remedy);
  plan.design = *std::move(design);
  // A number between 0 and 1 would be neither an event nor none.
  plan.design.rules[SurvivalPlan::kEvent].whole = true;
  PlaceSubgroups(plan.design.columns, plan.subgroups);
  return {};
}

}  // namespace

std::size_t SurvivalPlan::groups() const {
  std::size_t sum = 1;
  for (const Subgroup& subgroup : subgroups) sum += subgroup.levels.size();
  return sum;
}

SurvivalPlan::Range SurvivalPlan::Scores() const {
  if (!has_model()) return {design.rules[kScore].minimum, design.rules[kScore].maximum};
  Range range;
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    const double one = coefficients[j] * design.terms[j].minimum;
    const double other = coefficients[j] * design.terms[j].maximum;
    range.minimum += std::min(one, other);
    range.maximum += std::max(one, other);
  }
  return range;
}

double SurvivalPlan::ScoreOf(const double* row) const {
  if (!has_model()) return row[kScore];
  double score = 0;
  const double* const features = row + design.first_feature();
  for (std::size_t j = 0; j < coefficients.size(); ++j) {
    const glm::Term& term = design.terms[j];
    score += coefficients[j] * glm::TermOf(term.of_category, term.level, features[term.feature]);
  }
  return score;
}

bool NamesSurvival(const Settings& settings) {
  return Names(settings, "event") || Names(settings, "time");
}

Result<SurvivalPlan> ParseSurvivalPlan(const Settings& settings, const Contract& contract) {
  SurvivalPlan plan;
  TRY_STATUS(RequireOneScore(settings));
  TRY(plan.subgroups, ParseSubgroups(settings, contract));
  TRY_STATUS(MakeDesign(settings, contract, plan));
  if (!settings.Has("prediction")) {
    TRY(plan.coefficients, ParseCoefficients(settings, plan.design.terms, "a Cox regression's"));
    const SurvivalPlan::Range range = plan.Scores();
    if (!(range.minimum < range.maximum)) {
      return settings.FailAt("coefficients",
                             "with these coefficients all patients have the same score",
                             "give at least one that is not 0");
    }
  }
  TRY(plan.ties, cox::ParseTies(settings));
  TRY(plan.minimum_count, ParseMinimumCount(settings));
  TRY(plan.confidence, glm::ParseConfidence(settings));
  TRY_STATUS(settings.RequireNoOtherKeys());
  return plan;
}

}  // namespace consilium::evaluate
