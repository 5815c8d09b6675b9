#include "protocols/analyses/cox/settings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocols/analyses/glm/regression.h"

namespace consilium::cox {
namespace {

Status CheckTime(const Settings& settings, const ContractColumn& column) {
  switch (column.type) {
    case ColumnType::kNumber:
    case ColumnType::kInteger:
    case ColumnType::kDuration:
      break;
    case ColumnType::kDate:
      return settings.FailAt(
          "time", "\"" + column.name + "\" is a date, and a follow-up is a length of time",
          "give the time from entry to event or censoring as a duration or number");
    case ColumnType::kBoolean:
    case ColumnType::kCategory:
      return settings.FailAt("time", "\"" + column.name + "\" is no time",
                             "name a number, an integer or a duration");
  }
  if (*column.minimum >= 0) return {};
  return settings.FailAt("time",
                         "\"" + column.name +
                             "\" may be negative by the contract, and a follow-up cannot end "
                             "before it begins",
                         "give the column a range that starts at 0 or above");
}

Status ParseOptions(const Settings& settings, CoxPlan& plan) {
  TRY(plan.ties, ParseTies(settings));
  TRY(const std::string baseline,
      settings.ChoiceOr("baseline", std::vector<std::string>{"site"}, "site"));
  TRY(plan.fit, glm::ParseFitOptions(settings));
  TRY(plan.confidence, glm::ParseConfidence(settings));
  return settings.RequireNoOtherKeys();
}

}  // namespace

std::string_view NameOf(Ties ties) { return ties == Ties::kEfron ? "efron" : "breslow"; }

Result<std::vector<ContractColumn>> ParseSurvivalOutcome(const Settings& settings,
                                                         const Contract& contract) {
  // Asked for only here, so that no other message says that it may stand here.
  const std::vector<std::string> keys = settings.Keys();
  if (std::find(keys.begin(), keys.end(), "outcome") != keys.end()) {
    return settings.FailAt("outcome",
                           "the outcome of a follow-up is an 'event' and its 'time', no 'outcome'",
                           "write event = \"...\", a column that says whether it happened, and "
                           "time = \"...\", how long each patient was followed");
  }
  TRY(ContractColumn event, glm::ParseColumn(settings, "event", contract));
  if (const Status status = glm::CheckYesNo(event); !status) {
    return settings.FailAt("event", status.error().message, status.error().remedy);
  }
  TRY(ContractColumn time, glm::ParseColumn(settings, "time", contract));
  TRY_STATUS(CheckTime(settings, time));
  return std::vector<ContractColumn>{std::move(event), std::move(time)};
}

Result<Ties> ParseTies(const Settings& settings) {
  TRY(const std::string ties,
      settings.ChoiceOr("ties", std::vector<std::string>{"efron", "breslow"}, "efron"));
  return ties == "efron" ? Ties::kEfron : Ties::kBreslow;
}

Result<CoxPlan> ParseCoxPlan(const Settings& settings, const Contract& contract) {
  CoxPlan plan;
  TRY(const std::vector<ContractColumn> outcomes, ParseSurvivalOutcome(settings, contract));
  TRY(plan.design, glm::ParseDesign(settings, contract, outcomes));
  TRY_STATUS(ParseOptions(settings, plan));
  // A number between 0 and 1 would be neither an event nor none.
  plan.design.rules[0].whole = true;
  return plan;
}

}  // namespace consilium::cox
