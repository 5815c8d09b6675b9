#include "protocols/analyses/validate/parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/crypto/hash.h"

namespace consilium::validate {
namespace {

/// PatientNumber stays below.
constexpr double kPatientNumbers = 0x1p53;

/// The rows that `wanted` says, of a cohort with so many patients in them.
template <class Predicate>
Cohort Chosen(const Cohort& all, std::uint64_t patients, Predicate wanted) {
  Cohort part;
  part.site = all.site;
  part.columns = all.columns;
  part.patients = patients;
  const Eigen::Index rows = all.values.rows();
  Eigen::Index count = 0;
  for (Eigen::Index row = 0; row < rows; ++row) count += wanted(row) ? 1 : 0;
  part.values.resize(count, all.values.cols());
  Eigen::Index at = 0;
  for (Eigen::Index row = 0; row < rows; ++row) {
    if (wanted(row)) part.values.row(at++) = all.values.row(row);
  }
  return part;
}

}  // namespace

Fold FoldOf(std::uint64_t seed, double patient, std::uint32_t folds) {
  const Digest digest =
      Hasher("consilium/fold/v1").Add(seed).Add(static_cast<std::uint64_t>(patient)).Finish();
  return 1 + static_cast<Fold>(LoadU64(digest.span().first(8)) % folds);
}

Sizes SizesOf(const ValidatePlan& plan, const CohortView& rows) {
  return {static_cast<double>(rows.values.rows()), static_cast<double>(rows.patients),
          plan.model->EventsIn(rows)};
}

Result<PartedRows> PartedRows::Of(const ValidatePlan& plan, const CohortView& cohort) {
  PartedRows rows(plan);
  rows.all_.site = cohort.site;
  rows.all_.columns.assign(cohort.columns.begin(), cohort.columns.end());
  rows.all_.patients = cohort.patients;
  const bool by_patient = plan.method == Method::kFolds;
  if (by_patient) {
    if (cohort.columns.empty() || cohort.columns.back() != kPatientColumn ||
        cohort.values.cols() != static_cast<Eigen::Index>(cohort.columns.size())) {
      return Fail(ErrorCode::kInvalidArgument, "the cohort does not tell its patients apart");
    }
    rows.all_.columns.pop_back();
  }
  rows.all_.values = cohort.values.leftCols(cohort.values.cols() - (by_patient ? 1 : 0));
  TRY_STATUS(glm::CheckCohort(plan.design(), rows.all_));
  TRY_STATUS(by_patient ? rows.DealPatients(plan, cohort) : rows.HoldOutSite(plan, cohort));
  return rows;
}

Status PartedRows::DealPatients(const ValidatePlan& plan, const CohortView& cohort) {
  std::vector<double> distinct;
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    const double number = cohort.values(row, cohort.values.cols() - 1);
    if (!(number >= 0) || !(number < kPatientNumbers) || number != std::floor(number)) {
      return Fail(ErrorCode::kDataQuality,
                  "row " + std::to_string(row + 1) + " of the cohort has no patient's number");
    }
    distinct.push_back(number);
    folds_.push_back(FoldOf(plan.seed, number, plan.folds));
  }
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  if (distinct.size() > cohort.patients) {
    return Fail(ErrorCode::kDataQuality, "the cohort's rows are of more patients than it says");
  }
  for (const double number : distinct) ++patients_[FoldOf(plan.seed, number, plan.folds)];
  return {};
}

Status PartedRows::HoldOutSite(const ValidatePlan& plan, const CohortView& cohort) {
  if (cohort.site.empty()) {
    return Fail(ErrorCode::kDataQuality,
                "it is not known which site's rows these are, so the site cannot be left out");
  }
  const auto found = std::find(plan.sites.begin(), plan.sites.end(), cohort.site);
  const Fold fold = found == plan.sites.end() ? kNothingHeldOut
                                              : static_cast<Fold>(found - plan.sites.begin()) + 1;
  folds_.assign(static_cast<std::size_t>(cohort.values.rows()), fold);
  patients_[fold] = cohort.patients;
  return {};
}

Cohort PartedRows::HeldOut(Fold fold) const {
  return Chosen(all_, patients_[fold],
                [&](Eigen::Index row) { return folds_[static_cast<std::size_t>(row)] == fold; });
}

Cohort PartedRows::Training(Fold fold) const {
  const std::uint64_t distinct =
      std::accumulate(patients_.begin(), patients_.end(), std::uint64_t{0});
  return Chosen(all_, distinct - patients_[fold],
                [&](Eigen::Index row) { return folds_[static_cast<std::size_t>(row)] != fold; });
}

}  // namespace consilium::validate
