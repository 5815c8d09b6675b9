#pragma once

// An experiment: a study's plan tried on virtual hospitals, which are parts of one table or drawn
// from a known model. The file's keys are in docs/experiment-file.md.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/source.h"
#include "common/result.h"
#include "common/settings.h"
#include "protocols/plan.h"
#include "simulations/generator.h"
#include "simulations/network_model.h"
#include "simulations/partition.h"
#include "simulations/virtual_federation.h"

namespace consilium {

/// The hospital of rows that name none.
inline constexpr std::string_view kNoSiteName = "(no name)";

/// One value of a sweep: a key of the plan, or of one of the experiment's own tables.
struct SweptValue {
  std::string key;    ///< "analysis.ridge"
  std::string value;  ///< As TOML.
};

/// How many of the hospitals that could take part do: drawn anew for each seed.
struct Participation {
  std::optional<std::size_t> sites;
  double share = 1;
};

struct Experiment {
  std::string name;  ///< The file's name without ".toml".
  std::filesystem::path file;
  std::filesystem::path plan_file;
  Plan plan;
  Source source;                 ///< Where there is no generator.
  std::filesystem::path images;  ///< With `labels`: pictures instead of the source.
  std::filesystem::path labels;
  std::string site_column;  ///< The header whose text names a row's hospital; empty without one.
  Settings data;  ///< The table [data] or [generator]: the place of what the data turn out to lack.
  std::optional<Generator> generator;
  std::optional<Partition> partition;
  std::optional<Participation> participation;
  NetworkModel network;  ///< For runs over the protocol; so are the faults.
  FaultRates faults;
  std::uint64_t repetitions = 1;  ///< Over consecutive seeds.
  std::vector<SweptValue> swept;  ///< What distinguishes it from the file as written.

  /// False when every seed gives the same.
  bool DrawsAtRandom() const {
    return generator || partition || participation || faults.Any() || network.jitter > Duration(0);
  }
};

/// The experiment without its sweep.
Result<Experiment> ReadExperiment(const std::filesystem::path& file);

/// One experiment for each combination of the sweep's values, the last key changing fastest; the
/// experiment alone when nothing is swept.
Result<std::vector<Experiment>> ReadExperiments(const std::filesystem::path& file);

/// The table of an experiment that has one: the same for every seed. kInvalidArgument at the
/// experiment's line when it has no site_column; kDataQuality with the report's problems when the
/// data do not meet the contract.
Result<LoadedTable> LoadTable(const Experiment& experiment);

/// Splits the table into hospitals, sorted by name; `table` is not looked at where a generator
/// draws one. Hospitals of a generator are made a batch at a time, by so many threads, so that only
/// their cohorts take memory; what they are does not depend on the threads. kRefused when fewer
/// sites take part than the plan's minimum.
Result<VirtualFederation> MakeFederation(const Experiment& experiment,
                                         const LoadedTable& table,
                                         std::uint64_t seed,
                                         unsigned threads);

/// Both.
Result<VirtualFederation> LoadFederation(const Experiment& experiment,
                                         std::uint64_t seed = 1,
                                         unsigned threads = 1);

}  // namespace consilium
