#pragma once

// Ways to deal the patients of one table to virtual hospitals. A patient's rows stay together: no
// patient is in two hospitals.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/cohort.h"

namespace consilium {

enum class PartitionKind {
  kIid,        ///< Every hospital a random sample of the same size.
  kDirichlet,  ///< The levels of a column in proportions of their own at each hospital.
  kLabels,     ///< Each hospital sees few levels of a column.
  kQuantity,   ///< Random samples of very different sizes.
  kFeature     ///< Hospitals differ in the level of a numeric column: from the low to the high.
};

struct Partition {
  PartitionKind kind = PartitionKind::kIid;
  std::size_t sites = 0;
  std::string column;          ///< Of the contract; for kDirichlet, kLabels and kFeature.
  double concentration = 0.5;  ///< Dirichlet's alpha.
  std::size_t labels_per_site = 1;
  double strength = 1;  ///< kFeature: 0 is IID, 1 has no overlap between neighbours.
  Settings place;       ///< The table, for what the data turn out to lack.
};

/// The [partition] table. `outcome` is the column when none is named.
Result<Partition> ParsePartition(const Settings& table,
                                 const Contract& contract,
                                 const std::string& outcome);

/// The hospital of each row, from 0. The same seed gives the same hospitals on every machine.
/// kInvalidArgument at the table's place when the data do not allow this partition.
Result<std::vector<std::size_t>> AssignSites(const Partition& partition,
                                             const Contract& contract,
                                             const DataTable& table,
                                             std::uint64_t seed);

/// "site-07" of 7 (from 1) among so many: in the order of numbers when sorted as text.
std::string SiteName(std::size_t number, std::size_t sites);

}  // namespace consilium
