#include "simulations/site_table.h"

#include <utility>

#include "common/check.h"

namespace consilium {

SiteTable::SiteTable(std::vector<std::string> columns, std::size_t sites, std::size_t rows)
    : columns_(std::move(columns)),
      capacity_(rows * columns_.size()),
      values_(std::make_unique_for_overwrite<double[]>(capacity_)) {
  sites_.reserve(sites);
}

std::span<double> SiteTable::Add(std::size_t rows, std::uint64_t patients) {
  const std::size_t size = rows * columns_.size();
  CHECK(size <= capacity_ - used_ && sites_.size() < sites_.capacity());
  const std::span<double> values(values_.get() + used_, size);
  sites_.emplace_back(columns_,
                      CohortView::Values(values.data(), static_cast<Eigen::Index>(rows),
                                         static_cast<Eigen::Index>(columns_.size())),
                      patients);
  used_ += size;
  patients_ += patients;
  return values;
}

CohortView SiteTable::Pooled() const {
  const auto columns = static_cast<Eigen::Index>(columns_.size());
  const auto used = static_cast<Eigen::Index>(used_);
  return {columns_, CohortView::Values(values_.get(), columns == 0 ? 0 : used / columns, columns),
          patients_};
}

}  // namespace consilium
