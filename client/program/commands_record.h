#pragma once

// Commands about the site's own record: what has left, and which patients take no part.

#include <cstdint>
#include <filesystem>
#include <string>

#include "client/policy/patient_codes.h"
#include "common/command_line.h"
#include "common/result.h"

namespace consilium {

/// The patients whom this site leaves out of all cohorts. Opens the keys only if there are any.
Result<PatientRegister> ReadPatientRegister(const CommonOptions& common);

/// Prints the ledger; with `verify_only` that every record is linked and signed.
Result<int> ShowLedger(const CommonOptions& common, bool verify_only);

/// Prints the records after number `after` for other programs, "jsonl" or "cef".
Result<int> ExportLedger(const CommonOptions& common,
                         const std::string& format,
                         std::uint64_t after);

/// Leaves the patients that `file` names, one a line, out of all later cohorts.
Result<int> ExcludePatients(const CommonOptions& common, const std::filesystem::path& file);

}  // namespace consilium
