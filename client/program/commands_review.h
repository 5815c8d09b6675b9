#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "client/policy/patient_codes.h"
#include "client/review/review_page.h"
#include "common/command_line.h"
#include "protocols/plan.h"

namespace consilium {

/// Checks the local data against the plan, with a line that says how far it has come; `summaries`
/// are what the data are held against.
DataCheck CheckWithProgress(const std::filesystem::path& folder,
                            const Plan& plan,
                            const PatientRegister& patients,
                            const std::vector<KnownSummary>& summaries = {});
nlohmann::ordered_json CheckJson(const DataCheck& check);

/// What `review` is given on the command line.
struct ReviewOptions {
  std::string study;
  std::string since;
  std::string html;
};
/// review: the page before a decision, on the terminal or as an HTML file. `options` outlives the
/// line.
void AddReviewCommand(CommandLine& line, ReviewOptions& options);

}  // namespace consilium
