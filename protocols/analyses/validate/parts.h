#pragma once

// A site's rows by the fold that they are held out in.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/validate/settings.h"
#include "protocols/cohort.h"

namespace consilium::validate {

/// The fold, 1 to `folds`, of a patient with this PatientNumber: the first eight bytes of a
/// BLAKE2b-256 hash of seed and number, as a little-endian integer, modulo `folds`, plus 1. So it
/// depends on neither site nor order of rows, and all rows of a patient are in one fold.
Fold FoldOf(std::uint64_t seed, double patient, std::uint32_t folds);

/// Of a part of the rows, at one site or summed over all.
struct Sizes {
  double rows = 0;
  double patients = 0;
  double events = 0;  ///< 0 where the model has none.
};
Sizes SizesOf(const ValidatePlan& plan, const CohortView& rows);

class PartedRows {
 public:
  /// The cohort must outlive it. kDataQuality for a cohort that the contract does not promise, or
  /// of which it is not known whose it is; kInvalidArgument for other columns than the plan's.
  static Result<PartedRows> Of(const ValidatePlan& plan, const CohortView& cohort);

  /// All rows, with the columns of the plan's design, which are the cohort's without
  /// kPatientColumn.
  const Cohort& all() const { return all_; }
  /// In the order of the cohort's rows.
  Cohort HeldOut(Fold fold) const;
  /// All others.
  Cohort Training(Fold fold) const;

 private:
  explicit PartedRows(const ValidatePlan& plan) : patients_(plan.folds + 1, 0) {}
  Status DealPatients(const ValidatePlan& plan, const CohortView& cohort);
  Status HoldOutSite(const ValidatePlan& plan, const CohortView& cohort);

  Cohort all_;
  std::vector<Fold> folds_;              ///< Of each row; 0 if it is never held out.
  std::vector<std::uint64_t> patients_;  ///< Distinct ones of each fold.
};

}  // namespace consilium::validate
