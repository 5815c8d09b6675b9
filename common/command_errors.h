#pragma once

// How every program of the project ends: exit codes, errors for people on stderr and for programs
// on stdout, and the same form on the control socket. docs/exit-codes.md has the table.

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace consilium {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;  ///< The command ran and the answer is no.
inline constexpr int kExitUsage = 2;

/// 10 and up, one a code; never reused for another.
int ExitCodeOf(ErrorCode code);
std::string_view Name(ErrorCode code);  ///< "data-quality"
std::optional<ErrorCode> ErrorCodeNamed(std::string_view name);

/// {"error": {"code": ..., "message": ..., "remedy": ...}}
std::string ErrorDocument(const Error& error);
/// The error if the text is such a document.
std::optional<Error> ErrorIn(std::string_view document);

/// "PROGRAM: sentence. Remedy" on stderr or, for programs, the document on stdout. Returns the exit
/// code.
int ReportError(std::string_view program, const Error& error, bool as_json);

}  // namespace consilium
