#pragma once

// The plan of a Cox regression: its keys and their checks.

#include <cstdint>
#include <string_view>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/fit.h"

namespace consilium::cox {

/// How events of one time share their risk set.
enum class Ties : std::uint8_t {
  kEfron,   ///< Efron 1977, eq. 4: as if they came one after the other, averaged over the orders.
  kBreslow  ///< Breslow 1974: all against the whole risk set.
};

std::string_view NameOf(Ties ties);  ///< "efron"

struct CoxPlan {
  glm::Design design;  ///< The outcomes are the event and the time, in this order.
  Ties ties = Ties::kEfron;
  glm::FitOptions fit;
  double confidence = 0.95;

  const std::string& event() const { return design.columns[0]; }
  const std::string& time() const { return design.columns[1]; }
};

/// Two columns of a survival outcome, from the keys "event" and "time". Errors carry the key's
/// place: no yes/no column, a time that may be negative or is no time.
Result<std::vector<ContractColumn>> ParseSurvivalOutcome(const Settings& settings,
                                                         const Contract& contract);

/// The key "ties".
Result<Ties> ParseTies(const Settings& settings);

/// The [analysis] table. Errors carry line and column.
Result<CoxPlan> ParseCoxPlan(const Settings& settings, const Contract& contract);

}  // namespace consilium::cox
