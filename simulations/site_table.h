#pragma once

// Many virtual sites' cohorts in one block of memory: a site costs its rows and one CohortView.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/cohort.h"

namespace consilium {

class SiteTable {
 public:
  /// For at most so many sites and rows in all. A page that no site fills takes no memory.
  SiteTable(std::vector<std::string> columns, std::size_t sites, std::size_t rows);

  /// The next site's rows, row after row, for the caller to fill; `patients` counts different ones.
  std::span<double> Add(std::size_t rows, std::uint64_t patients);
  /// The name of a site that was added, for its cohort; the caller keeps it alive.
  void Name(std::size_t site, std::string_view name) { sites_[site].site = name; }

  const std::vector<std::string>& columns() const { return columns_; }
  /// In the order of Add; good until the table goes, wherever it was moved in between.
  std::span<const CohortView> sites() const { return sites_; }
  /// All sites' rows as one cohort; what was added later is not in it.
  CohortView Pooled() const;

 private:
  std::vector<std::string> columns_;
  std::size_t capacity_;
  std::size_t used_ = 0;
  std::uint64_t patients_ = 0;
  // Not a vector, which would touch every page before the data does.
  std::unique_ptr<double[]> values_;
  std::vector<CohortView> sites_;
};

}  // namespace consilium
