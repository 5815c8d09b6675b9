// The [generator] table of an experiment file.

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/analyses/glm/design.h"
#include "simulations/generator.h"

namespace consilium {
namespace {

constexpr std::int64_t kMostPatients = 100'000'000;

Status CheckRange(
    const Settings& table, std::string_view key, double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return {};
  char text[96];
  std::snprintf(text, sizeof text, "it must be between %g and %g", lowest, highest);
  return table.FailValueAt(key, text);
}

Result<std::vector<std::size_t>> ParsePatients(const Settings& table) {
  TRY(const std::int64_t sites, table.Integer("sites"));
  TRY_STATUS(CheckRange(table, "sites", static_cast<double>(sites), 1, 1e6));
  const auto count = static_cast<std::size_t>(sites);
  const Result<std::int64_t> each = table.Integer("patients");
  if (each) {
    TRY_STATUS(CheckRange(table, "patients", static_cast<double>(*each), 1, kMostPatients));
    return std::vector<std::size_t>(count, static_cast<std::size_t>(*each));
  }
  const Result<std::vector<double>> list = table.Numbers("patients");
  if (!list && !table.Has("patients")) return tl::unexpected<Error>(each.error());
  if (!list || list->size() != count) {
    return table.FailAt("patients", "'patients' must be a whole number or a list of one a site");
  }
  std::vector<std::size_t> patients;
  for (const double number : *list) {
    TRY_STATUS(CheckRange(table, "patients", number, 1, kMostPatients));
    if (number != std::floor(number)) {
      return table.FailAt("patients", "'patients' may only list whole numbers");
    }
    patients.push_back(static_cast<std::size_t>(number));
  }
  return patients;
}

/// What is drawn for a column that the file says nothing about: the middle of its range, or all
/// levels alike.
GeneratedColumn DefaultOf(const ContractColumn& column, double missing) {
  GeneratedColumn drawn;
  drawn.missing = missing;
  if (column.type == ColumnType::kBoolean) drawn.shares = {0.5, 0.5};
  if (column.type == ColumnType::kCategory) {
    drawn.shares.assign(column.levels.size(), 1.0 / static_cast<double>(column.levels.size()));
  }
  if (column.minimum && column.maximum) {
    drawn.mean = *column.minimum + (*column.maximum - *column.minimum) / 2;
    drawn.deviation = (*column.maximum - *column.minimum) / 6;
  }
  return drawn;
}

Status ParseShares(const Settings& table, const ContractColumn& column, GeneratedColumn& drawn) {
  if (column.type == ColumnType::kBoolean) {
    TRY(const double yes, table.NumberOr("share", 0.5));
    TRY_STATUS(CheckRange(table, "share", yes, 0, 1));
    drawn.shares = {1 - yes, yes};
    return {};
  }
  if (!table.Has("shares")) return {};
  TRY(drawn.shares, table.Numbers("shares"));
  double sum = 0;
  for (const double share : drawn.shares) sum += share < 0 ? NAN : share;
  if (drawn.shares.size() != column.levels.size() || !(std::abs(sum - 1) < 1e-6)) {
    return table.FailAt("shares", "'shares' must be one number for each of the " +
                                      std::to_string(column.levels.size()) + " levels of \"" +
                                      column.name + "\", which add up to 1");
  }
  for (double& share : drawn.shares) share /= sum;
  return {};
}

Status ParseColumn(const Settings& table,
                   const ContractColumn& column,
                   bool is_outcome,
                   GeneratedColumn& drawn) {
  TRY(drawn.missing, table.NumberOr("missing", drawn.missing));
  TRY_STATUS(CheckRange(table, "missing", drawn.missing, 0, 0.99));
  // The outcome's values come from the model.
  if (is_outcome) return table.RequireNoOtherKeys();
  if (!drawn.shares.empty()) {
    TRY_STATUS(ParseShares(table, column, drawn));
  } else if (column.minimum && column.maximum) {
    TRY(drawn.mean, table.NumberOr("mean", drawn.mean));
    TRY_STATUS(CheckRange(table, "mean", drawn.mean, *column.minimum, *column.maximum));
    TRY(drawn.deviation, table.NumberOr("sd", drawn.deviation));
    TRY_STATUS(CheckRange(table, "sd", drawn.deviation, 0, *column.maximum - *column.minimum));
  }
  return table.RequireNoOtherKeys();
}

Status ParseColumns(const Settings& table, const Plan& plan, Generator& generator) {
  std::vector<std::string> outcomes = plan.analysis->columns();
  outcomes.resize(plan.analysis->outcomes());
  const auto is_outcome = [&outcomes](const std::string& name) {
    return std::find(outcomes.begin(), outcomes.end(), name) != outcomes.end();
  };
  TRY(const double missing, table.NumberOr("missing", 0));
  TRY_STATUS(CheckRange(table, "missing", missing, 0, 0.99));
  std::vector<std::string> names;
  for (const ContractColumn& column : plan.contract.columns) {
    names.push_back(column.name);
    generator.columns.push_back(DefaultOf(column, is_outcome(column.name) ? 0 : missing));
  }
  TRY(const std::vector<Settings> tables, table.TablesIfAny("column"));
  for (const Settings& one : tables) {
    TRY(const std::string name, one.Choice("name", names));
    const std::size_t index = *plan.contract.IndexOf(name);
    TRY_STATUS(
        ParseColumn(one, plan.contract.columns[index], is_outcome(name), generator.columns[index]));
  }
  return {};
}

/// The value that the table has for each term.
Result<std::vector<double>> PerTerm(const Settings& table,
                                    std::string_view key,
                                    const std::vector<glm::Term>& terms,
                                    double lowest) {
  std::vector<double> values;
  TRY(const std::optional<Settings> inner, table.TableIfAny(key));
  for (const glm::Term& term : terms) {
    double value = 0;
    if (inner) {
      TRY(value, inner->NumberOr(term.name, 0));
      TRY_STATUS(CheckRange(*inner, term.name, value, lowest, 1e6));
    }
    values.push_back(value);
  }
  if (inner) TRY_STATUS(inner->RequireNoOtherKeys());
  return values;
}

/// The regression that a plan fits: of a validation the one that it names.
std::string RegressionOf(const Plan& plan) {
  const std::string kind(plan.analysis->OnOneTable().kind());
  if (kind != "validate") return kind;
  // The plan was read before, so all of it is there.
  return Settings::Parse(plan.text, "the plan").value().Table("analysis")->Text("model").value();
}

/// A regression draws by its own model; training by one that its outcome's type admits.
Result<OutcomeModel> OutcomeModelOf(const Settings& table,
                                    const Plan& plan,
                                    const ContractColumn& outcome) {
  const std::string kind = RegressionOf(plan);
  if (plan.analysis->outcomes() == 2) return OutcomeModel::kSurvival;
  if (kind == "logistic") return OutcomeModel::kLogistic;
  if (kind == "linear") return OutcomeModel::kLinear;
  if (kind == "poisson") return OutcomeModel::kPoisson;
  if (outcome.type == ColumnType::kCategory && outcome.levels.size() > 2) {
    return table.FailHere("no outcome of more than two levels can be drawn",
                          "Use [data] instead of [generator].");
  }
  const bool yes_no = outcome.type == ColumnType::kBoolean || outcome.type == ColumnType::kCategory;
  return yes_no ? OutcomeModel::kLogistic : OutcomeModel::kLinear;
}

Status ParseSurvival(const Settings& table, const ContractColumn& time, SurvivalModel& survival) {
  TRY(survival.shape, table.NumberOr("shape", 1));
  TRY_STATUS(CheckRange(table, "shape", survival.shape, 0.05, 20));
  TRY(survival.shape_spread, table.NumberOr("shape_spread", 0));
  TRY_STATUS(CheckRange(table, "shape_spread", survival.shape_spread, 0, 2));
  TRY(survival.drop_out, table.NumberOr("drop_out", 0));
  TRY_STATUS(CheckRange(table, "drop_out", survival.drop_out, 0, 1e6));
  TRY(survival.follow_up, table.NumberOr("follow_up", *time.maximum));
  return CheckRange(table, "follow_up", survival.follow_up, *time.minimum, *time.maximum);
}

Status CheckOutcome(const Settings& table, const ContractColumn& outcome, OutcomeModel model) {
  if (outcome.type != ColumnType::kBoolean) return {};
  if (model == OutcomeModel::kLinear) {
    return table.FailHere(
        "a linear model gives \"" + outcome.name + "\" fractions, and the plan says boolean",
        "Generate a number or duration, or use kind = \"logistic\".");
  }
  if (model == OutcomeModel::kPoisson) {
    return table.FailHere(
        "a Poisson model gives \"" + outcome.name + "\" counts above 1, and the plan says boolean",
        "Generate an integer, or use kind = \"logistic\".");
  }
  return {};
}

Status ParseModel(const Settings& table, const Plan& plan, Generator& generator) {
  TRY(const glm::Design design, DesignOf(plan));
  for (std::size_t i = 0; i < plan.analysis->outcomes(); ++i) {
    if (plan.contract.IndexOf(design.columns[i])) continue;
    return table.FailHere("the outcome \"" + design.columns[i] +
                              "\" is derived from others: a "
                              "model gives outcomes themselves",
                          "Let the plan's outcome be a column of its own.");
  }
  TRY(generator.outcome_model, OutcomeModelOf(table, plan, design.outcome));
  TRY_STATUS(CheckOutcome(table, design.outcome, generator.outcome_model));
  for (const glm::Term& term : design.terms) generator.truth.names.push_back(term.name);
  TRY(const double intercept, table.NumberOr("intercept", 0));
  TRY_STATUS(CheckRange(table, "intercept", intercept, -1e6, 1e6));
  TRY(generator.truth.values, PerTerm(table, "coefficients", design.terms, -1e6));
  TRY(const double intercept_spread, table.NumberOr("intercept_spread", 0));
  TRY_STATUS(CheckRange(table, "intercept_spread", intercept_spread, 0, 1e6));
  TRY(generator.spread, PerTerm(table, "spread", design.terms, 0));
  if (generator.outcome_model == OutcomeModel::kSurvival) {
    generator.survival.intercept = intercept;
    generator.survival.intercept_spread = intercept_spread;
    return ParseSurvival(table, *plan.contract.Find(design.columns[1]), generator.survival);
  }
  generator.truth.names.insert(generator.truth.names.begin(), "(Intercept)");
  generator.truth.values.insert(generator.truth.values.begin(), intercept);
  generator.spread.insert(generator.spread.begin(), intercept_spread);
  if (generator.outcome_model != OutcomeModel::kLinear) return {};
  TRY(generator.noise, table.NumberOr("noise", 1));
  return CheckRange(table, "noise", generator.noise, 0, 1e9);
}

}  // namespace

Result<Generator> ParseGenerator(const Settings& table, const Plan& plan) {
  Generator generator{.outcome_model = {},
                      .patients = {},
                      .columns = {},
                      .truth = {},
                      .spread = {},
                      .survival = {},
                      .place = table};
  TRY(generator.patients, ParsePatients(table));
  std::uint64_t all = 0;
  for (const std::size_t patients : generator.patients) all += patients;
  if (all > static_cast<std::uint64_t>(kMostPatients)) {
    return table.FailAt("patients",
                        "more than " + std::to_string(kMostPatients) + " patients in all");
  }
  TRY_STATUS(ParseColumns(table, plan, generator));
  TRY_STATUS(ParseModel(table, plan, generator));
  TRY(generator.shift, table.NumberOr("shift", 0));
  TRY_STATUS(CheckRange(table, "shift", generator.shift, 0, 10));
  TRY_STATUS(table.RequireNoOtherKeys());
  return generator;
}

}  // namespace consilium
