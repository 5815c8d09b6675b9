#pragma once

// The hospitals of one run: their rows lie in one block, so that a million of them fit.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "protocols/cohort.h"
#include "simulations/site_table.h"

namespace consilium {

/// A part of the table that plays a hospital.
struct VirtualSite {
  std::string name;
  std::string refusal;  ///< Why it takes no part; empty if it does.
};

class VirtualFederation {
 public:
  /// Of no sites.
  VirtualFederation();
  /// `table` has the rows of each of `sites`, in their order.
  VirtualFederation(std::vector<VirtualSite> sites, SiteTable table);

  const std::vector<VirtualSite>& sites() const { return sites_; }
  /// Of the site with this index, whether it takes part or not.
  const CohortView& cohort(std::size_t site) const { return table_.sites()[site]; }
  /// The cohorts of the sites that take part, in the order of sites. Good until the federation
  /// goes, wherever it was moved in between; so is the next.
  std::span<const CohortView> Participants() const {
    return everybody_ ? table_.sites() : std::span<const CohortView>(chosen_);
  }
  /// Their rows as one cohort.
  CohortView Pooled() const { return everybody_ ? table_.Pooled() : CohortView(pooled_); }

 private:
  std::vector<VirtualSite> sites_;
  SiteTable table_;
  bool everybody_ = true;  ///< Takes part: then the next two are empty.
  std::vector<CohortView> chosen_;
  Cohort pooled_;
};

/// With rows of its own.
Cohort CopyOf(const CohortView& view);

}  // namespace consilium
