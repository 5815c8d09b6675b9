#pragma once

// What a site's people look at before they decide: the plan in plain words, the local data against
// it, and what the site's own policy says. All of it stays here.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/ingestion/source.h"
#include "client/model_linter.h"
#include "client/patient_codes.h"
#include "client/quality_report.h"
#include "common/result.h"
#include "common/time.h"
#include "protocols/plan.h"

namespace consilium {

struct DataCheck {
  std::optional<QualityReport> report;  ///< Absent when the source could not be read at all.
  std::string trainer;                  ///< The program here that the study would run, in words.
  std::optional<Error> problem;         ///< Why the study could not be answered as things are.
  std::vector<ModelFinding> model;      ///< What a model could learn by heart here.
  CohortPatients patients;              ///< Of the cohort, where the rules on it are met.
  bool ok() const { return !problem.has_value(); }
};

/// Reads the site's source against the plan and asks its policy; nothing is sent. What was answered
/// before is looked at by ForeseeAnswer. The data are shown beside `summaries`.
DataCheck CheckLocalData(const std::filesystem::path& home,
                         const Plan& plan,
                         const PatientRegister& patients,
                         const Moment& now,
                         const LoadProgress& progress = {},
                         const std::vector<KnownSummary>& summaries = {});

/// A page of plain text, at most `width` columns where words allow.
std::string ReviewPage(const Plan& plan,
                       const DataCheck& check,
                       const std::string& decision,
                       std::size_t width);

}  // namespace consilium
