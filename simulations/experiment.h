#pragma once

// An experiment: a study's plan tried on one table split into virtual hospitals. The file's keys
// are in docs/experiment-file.md.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "client/ingestion/source.h"
#include "common/result.h"
#include "common/settings.h"
#include "protocols/plan.h"

namespace consilium {

struct Experiment {
  std::string name;  ///< The file's name without ".toml".
  std::filesystem::path plan_file;
  Plan plan;
  Source source;
  std::string site_column;  ///< The header whose text names a row's hospital.
  Settings data;            ///< The table [data]: the place of what the data turn out to lack.
};

Result<Experiment> ReadExperiment(const std::filesystem::path& file);

/// A part of the table that plays a hospital.
struct VirtualSite {
  std::string name;
  Cohort cohort;
  std::string refusal;  ///< Why it takes no part; empty if it does.
};

struct VirtualFederation {
  std::vector<VirtualSite> sites;  ///< Sorted by name.
  Cohort pooled;                   ///< The rows of the sites that take part, in the order of sites.

  std::vector<const Cohort*> Participants() const;
};

/// Reads the table and splits it. kInvalidArgument at the experiment's line when the table has no
/// site_column; kDataQuality with the report's problems when the data do not meet the contract;
/// kRefused when fewer sites take part than the plan's minimum.
Result<VirtualFederation> LoadFederation(const Experiment& experiment);

}  // namespace consilium
