#pragma once

// Looking at a study before deciding: the local data against its plan, and what the site's own
// policy says. Nothing is sent.

#include <filesystem>

#include "client/ingestion/source.h"
#include "client/policy/patient_codes.h"
#include "client/review/review_page.h"
#include "common/time.h"
#include "protocols/plan.h"

namespace consilium {

/// Reads the site's source against the plan and asks its policy; nothing is sent. What was answered
/// before is looked at by ForeseeAnswer. The data are shown beside `summaries`.
DataCheck CheckLocalData(const std::filesystem::path& home,
                         const Plan& plan,
                         const PatientRegister& patients,
                         const Moment& now,
                         const LoadProgress& progress = {},
                         const std::vector<KnownSummary>& summaries = {});

}  // namespace consilium
