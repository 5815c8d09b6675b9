#pragma once

// A study's data at a site: from the source to the cohort.

#include "client/ingestion/source.h"
#include "client/policy/patient_codes.h"
#include "client/quality/quality_report.h"
#include "common/result.h"
#include "protocols/cohort.h"
#include "protocols/plan.h"

namespace consilium {

/// What data are held against beside the contract.
struct DataSurroundings {
  std::optional<Date> today;            ///< Dates after it are in the future.
  std::vector<KnownSummary> summaries;  ///< Of the federation, as far as the site knows any.
};

/// The quality report of the source against the plan's contract, with the cohort's flow when the
/// data meet the contract. Fails only when the source cannot be read as a table.
Result<QualityReport> CheckData(const Source& source,
                                const Plan& plan,
                                const PatientRegister& patients = {},
                                const LoadProgress& progress = {},
                                const DataSurroundings& surroundings = {});

struct SiteCohort : CohortWithFlow {
  CohortPatients patients;
};

/// The rows that the plan's analysis computes on. kDataQuality with a summary when the data do not
/// meet the contract: nothing is computed on data that were not understood.
Result<SiteCohort> LoadCohort(const Source& source,
                              const Plan& plan,
                              const PatientRegister& patients = {});

}  // namespace consilium
