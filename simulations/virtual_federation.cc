#include "simulations/virtual_federation.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace consilium {
namespace {

Cohort Pool(std::span<const CohortView> cohorts, const std::vector<std::string>& columns) {
  Cohort pooled;
  pooled.columns = columns;
  Eigen::Index rows = 0;
  for (const CohortView& cohort : cohorts) rows += cohort.values.rows();
  pooled.values.resize(rows, static_cast<Eigen::Index>(columns.size()));
  Eigen::Index at = 0;
  for (const CohortView& cohort : cohorts) {
    pooled.values.middleRows(at, cohort.values.rows()) = cohort.values;
    at += cohort.values.rows();
    pooled.patients += cohort.patients;
  }
  return pooled;
}

}  // namespace

VirtualFederation::VirtualFederation() : VirtualFederation({}, SiteTable({}, 0, 0)) {}

VirtualFederation::VirtualFederation(std::vector<VirtualSite> sites, SiteTable table)
    : sites_(std::move(sites)), table_(std::move(table)) {
  CHECK(sites_.size() == table_.sites().size());
  for (std::size_t i = 0; i < sites_.size(); ++i) table_.Name(i, sites_[i].name);
  everybody_ = std::all_of(sites_.begin(), sites_.end(),
                           [](const VirtualSite& site) { return site.refusal.empty(); });
  if (everybody_) return;
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    if (sites_[i].refusal.empty()) chosen_.push_back(cohort(i));
  }
  pooled_ = Pool(chosen_, table_.columns());
}

Cohort CopyOf(const CohortView& view) {
  Cohort cohort;
  cohort.site = view.site;
  cohort.columns.assign(view.columns.begin(), view.columns.end());
  cohort.values = view.values;
  cohort.patients = view.patients;
  return cohort;
}

}  // namespace consilium
