#pragma once

// What a whole federation's study released, and what plain sums of the same cohorts give.

#include <algorithm>
#include <string>
#include <vector>

#include "coordinator/records.h"
#include "simulations/plain_federation.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {

/// The released table; "no result" while there is none.
inline std::string TableOf(VirtualFederation& federation, const StudyId& study) {
  return federation.coordinator().ResultTable(study).value_or("no result");
}

/// The table of the options' plan over these sites.
inline std::string PlainTable(const VirtualFederation& federation,
                              const FederationOptions& options,
                              const std::vector<std::uint32_t>& sites) {
  const Plan plan = *ParsePlan(LogisticPlanText(options), "plan.toml");
  std::vector<const Cohort*> cohorts;
  for (const std::uint32_t site : sites) cohorts.push_back(&federation.cohort(site));
  return RunPlain(*plan.analysis, cohorts)->result.table;
}

/// All of the federation's sites but these.
inline std::vector<std::uint32_t> SitesBut(const FederationOptions& options,
                                           const std::vector<std::uint32_t>& without = {}) {
  std::vector<std::uint32_t> sites;
  for (std::uint32_t site = 0; site < options.sites; ++site) {
    if (std::find(without.begin(), without.end(), site) == without.end()) sites.push_back(site);
  }
  return sites;
}

inline std::vector<JournalRecord> JournalOf(VirtualFederation& federation) {
  std::vector<JournalRecord> journal;
  const std::vector<Record> records = *federation.coordinator_store().Load("journal");
  for (const Record& record : records) {
    journal.push_back(*Decode<JournalRecord>(record.value));
  }
  return journal;
}

}  // namespace consilium::testing
