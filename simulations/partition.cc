#include "simulations/partition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/check.h"
#include "simulations/draws.h"

namespace consilium {
namespace {

constexpr std::int64_t kMostSites = 1'000'000;
constexpr std::size_t kMostLabels = 1'000;

/// The patients of a table, by their first row.
struct Patients {
  std::vector<std::size_t> of_row;
  std::vector<std::size_t> first_row;
};

Patients PatientsOf(const DataTable& table) {
  Patients patients;
  std::unordered_map<std::string_view, std::size_t> known;
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    const auto [found, is_new] = known.emplace(table.patients[row], patients.first_row.size());
    if (is_new) patients.first_row.push_back(row);
    patients.of_row.push_back(found->second);
  }
  return patients;
}

std::vector<std::size_t> ShuffledPatients(RandomSource& random, std::size_t count) {
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  Shuffle(random, order);
  return order;
}

/// Cuts the order into runs of these sizes, one a site.
void Deal(const std::vector<std::size_t>& order,
          const std::vector<std::size_t>& sizes,
          std::vector<std::size_t>& site_of) {
  std::size_t at = 0;
  for (std::size_t site = 0; site < sizes.size(); ++site) {
    for (std::size_t i = 0; i < sizes[site]; ++i) site_of[order[at++]] = site;
  }
}

std::vector<double> EvenShares(std::size_t count) {
  return std::vector<double>(count, 1.0 / static_cast<double>(count));
}

/// The patients of each level of the column; those without a value are a level of their own, last.
std::vector<std::vector<std::size_t>> PatientsByLevel(const std::vector<double>& column,
                                                      const Patients& patients) {
  std::map<double, std::vector<std::size_t>> levels;
  std::vector<std::size_t> unknown;
  for (std::size_t i = 0; i < patients.first_row.size(); ++i) {
    const double value = column[patients.first_row[i]];
    (std::isnan(value) ? unknown : levels[value]).push_back(i);
  }
  std::vector<std::vector<std::size_t>> lists;
  for (auto& [value, list] : levels) lists.push_back(std::move(list));
  if (!unknown.empty()) lists.push_back(std::move(unknown));
  return lists;
}

class Dealer {
 public:
  Dealer(const Partition& partition, const std::vector<double>* column, std::uint64_t seed)
      : partition_(partition), column_(column), random_(StreamOf(seed, "partition")) {}

  Result<std::vector<std::size_t>> Assign(const DataTable& table) {
    const Patients patients = PatientsOf(table);
    site_of_.assign(patients.first_row.size(), 0);
    switch (partition_.kind) {
      case PartitionKind::kIid:
        DealAll(EvenShares(partition_.sites));
        break;
      case PartitionKind::kQuantity:
        DealAll(DrawShares(random_, partition_.sites, partition_.concentration));
        break;
      case PartitionKind::kFeature:
        DealByFeature(patients);
        break;
      case PartitionKind::kDirichlet:
      case PartitionKind::kLabels:
        TRY_STATUS(DealByLevel(PatientsByLevel(*column_, patients)));
        break;
    }
    std::vector<std::size_t> sites;
    for (const std::size_t patient : patients.of_row) sites.push_back(site_of_[patient]);
    return sites;
  }

 private:
  void DealAll(const std::vector<double>& shares) {
    Deal(ShuffledPatients(random_, site_of_.size()), CutByShares(site_of_.size(), shares),
         site_of_);
  }

  /// Sorted by rank in the column mixed with a random rank; at full strength by the column alone.
  void DealByFeature(const Patients& patients) {
    std::vector<std::size_t> order = ShuffledPatients(random_, site_of_.size());
    const auto count = static_cast<double>(order.size());
    std::vector<double> key(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      key[order[i]] = (1 - partition_.strength) * static_cast<double>(i) / count;
    }
    std::vector<std::size_t> by_value = order;
    const auto value = [&](std::size_t patient) { return (*column_)[patients.first_row[patient]]; };
    // The shuffled order decides among equal values, and those without one come last.
    std::stable_sort(by_value.begin(), by_value.end(), [&](std::size_t a, std::size_t b) {
      if (std::isnan(value(a))) return false;
      return std::isnan(value(b)) || value(a) < value(b);
    });
    for (std::size_t i = 0; i < by_value.size(); ++i) {
      key[by_value[i]] += partition_.strength * static_cast<double>(i) / count;
    }
    std::stable_sort(by_value.begin(), by_value.end(),
                     [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
    Deal(by_value, CutByShares(by_value.size(), EvenShares(partition_.sites)), site_of_);
  }

  Status DealByLevel(std::vector<std::vector<std::size_t>> levels) {
    if (levels.size() > kMostLabels) {
      return partition_.place.FailAt("column",
                                     "\"" + partition_.column + "\" has more than " +
                                         std::to_string(kMostLabels) + " different values",
                                     "Split by it with kind = \"feature\".");
    }
    if (partition_.kind == PartitionKind::kLabels && partition_.labels_per_site > levels.size()) {
      return partition_.place.FailAt("labels_per_site",
                                     "\"" + partition_.column + "\" has only " +
                                         std::to_string(levels.size()) +
                                         " different values in these data",
                                     "Ask for no more than that.");
    }
    const std::vector<std::vector<double>> shares = partition_.kind == PartitionKind::kDirichlet
                                                        ? DirichletShares(levels.size())
                                                        : LabelShares(levels.size());
    for (std::size_t level = 0; level < levels.size(); ++level) {
      Shuffle(random_, levels[level]);
      Deal(levels[level], CutByShares(levels[level].size(), shares[level]), site_of_);
    }
    return {};
  }

  std::vector<std::vector<double>> DirichletShares(std::size_t levels) {
    std::vector<std::vector<double>> shares;
    for (std::size_t level = 0; level < levels; ++level) {
      shares.push_back(DrawShares(random_, partition_.sites, partition_.concentration));
    }
    return shares;
  }

  /// Levels go round the sites in a random order, so that each level is seen by as many sites.
  std::vector<std::vector<double>> LabelShares(std::size_t levels) {
    const std::vector<std::size_t> sites = ShuffledPatients(random_, partition_.sites);
    std::vector<std::vector<std::size_t>> holders(levels);
    std::size_t next = 0;
    for (const std::size_t site : sites) {
      for (std::size_t i = 0; i < partition_.labels_per_site; ++i) {
        holders[next++ % levels].push_back(site);
      }
    }
    std::vector<std::vector<double>> shares(levels, std::vector<double>(partition_.sites, 0));
    for (std::size_t level = 0; level < levels; ++level) {
      // With fewer places than levels a level finds no site of its own: it is spread over all.
      if (holders[level].empty()) shares[level] = EvenShares(partition_.sites);
      for (const std::size_t site : holders[level]) {
        shares[level][site] = 1.0 / static_cast<double>(holders[level].size());
      }
    }
    return shares;
  }

  const Partition& partition_;
  const std::vector<double>* column_;
  SeededRandom random_;
  std::vector<std::size_t> site_of_;
};

Status CheckColumn(const Partition& partition, const Contract& contract) {
  const ContractColumn* column = contract.Find(partition.column);
  CHECK(column != nullptr);
  if (!contract.IndexOf(partition.column)) {
    return partition.place.FailAt(partition.place.Has("column") ? "column" : "kind",
                                  "\"" + partition.column + "\" is derived from other columns",
                                  "Name one of those.");
  }
  const bool has_levels = column->type == ColumnType::kBoolean ||
                          column->type == ColumnType::kCategory ||
                          column->type == ColumnType::kInteger;
  if (partition.kind != PartitionKind::kFeature && !has_levels) {
    return partition.place.FailAt(
        partition.place.Has("column") ? "column" : "kind",
        "\"" + partition.column + "\" has no labels: it is no boolean, category or integer",
        "Name another column, or split by this one with kind = \"feature\".");
  }
  return {};
}

/// A column of the contract.
Result<std::string> ParseColumn(const Settings& table, const Contract& contract) {
  std::vector<std::string> names;
  for (const ContractColumn& column : contract.columns) names.push_back(column.name);
  return table.Choice("column", names);
}

Status ParseDetails(const Settings& table,
                    const Contract& contract,
                    const std::string& outcome,
                    Partition& partition) {
  const PartitionKind kind = partition.kind;
  if (kind == PartitionKind::kDirichlet || kind == PartitionKind::kQuantity) {
    TRY(partition.concentration, table.NumberOr("alpha", 0.5));
    if (partition.concentration < 1e-3 || partition.concentration > 1e6) {
      return table.FailValueAt("alpha", "it must be between 0.001 and 1000000",
                               "0.1 is very uneven, 100 nearly even.");
    }
  }
  if (kind == PartitionKind::kLabels) {
    TRY(const std::int64_t labels,
        table.IntegerBetween("labels_per_site", 1, static_cast<std::int64_t>(kMostLabels), 1));
    partition.labels_per_site = static_cast<std::size_t>(labels);
  }
  if (kind == PartitionKind::kFeature) {
    TRY(partition.strength, table.NumberOr("strength", 1));
    if (partition.strength < 0 || partition.strength > 1) {
      return table.FailValueAt("strength", "it must be between 0 (none) and 1 (no overlap)");
    }
    TRY(partition.column, ParseColumn(table, contract));
  } else if (kind == PartitionKind::kDirichlet || kind == PartitionKind::kLabels) {
    partition.column = outcome;
    if (table.Has("column")) {
      TRY(partition.column, ParseColumn(table, contract));
    }
  }
  return {};
}

}  // namespace

Result<Partition> ParsePartition(const Settings& table,
                                 const Contract& contract,
                                 const std::string& outcome) {
  const std::vector<std::pair<std::string, PartitionKind>> kinds = {
      {"iid", PartitionKind::kIid},
      {"dirichlet", PartitionKind::kDirichlet},
      {"labels", PartitionKind::kLabels},
      {"quantity", PartitionKind::kQuantity},
      {"feature", PartitionKind::kFeature}};
  std::vector<std::string> names;
  for (const auto& [name, kind] : kinds) names.push_back(name);
  TRY(const std::string chosen, table.Choice("kind", names));
  Partition partition{.kind = PartitionKind::kIid,
                      .sites = 0,
                      .column = {},
                      .concentration = 0.5,
                      .labels_per_site = 1,
                      .strength = 1,
                      .place = table};
  for (const auto& [name, kind] : kinds) {
    if (name == chosen) partition.kind = kind;
  }
  TRY(const std::int64_t sites, table.Integer("sites"));
  if (sites < 1 || sites > kMostSites) {
    return table.FailValueAt("sites", "it must be between 1 and " + std::to_string(kMostSites));
  }
  partition.sites = static_cast<std::size_t>(sites);
  TRY_STATUS(ParseDetails(table, contract, outcome, partition));
  TRY_STATUS(table.RequireNoOtherKeys());
  if (!partition.column.empty()) TRY_STATUS(CheckColumn(partition, contract));
  return partition;
}

Result<std::vector<std::size_t>> AssignSites(const Partition& partition,
                                             const Contract& contract,
                                             const DataTable& table,
                                             std::uint64_t seed) {
  const std::vector<double>* column = nullptr;
  if (!partition.column.empty()) {
    TRY_STATUS(CheckColumn(partition, contract));
    column = &table.columns[*contract.IndexOf(partition.column)];
  }
  return Dealer(partition, column, seed).Assign(table);
}

std::string SiteName(std::size_t number, std::size_t sites) {
  const std::string digits = std::to_string(number);
  const std::size_t width = std::max<std::size_t>(2, std::to_string(sites).size());
  return "site-" + std::string(width - std::min(width, digits.size()), '0') + digits;
}

}  // namespace consilium
