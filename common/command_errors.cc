#include "common/command_errors.h"

#include <algorithm>
#include <array>
#include <iostream>

#include <nlohmann/json.hpp>

#include "common/check.h"
#include "common/terminal.h"

namespace consilium {
namespace {

struct Entry {
  ErrorCode code;
  std::string_view name;
  int exit_code;
};

constexpr std::array<Entry, 12> kEntries = {{{ErrorCode::kInvalidArgument, "invalid-input", 10},
                                             {ErrorCode::kNotFound, "not-found", 11},
                                             {ErrorCode::kPermission, "permission", 12},
                                             {ErrorCode::kCorrupt, "corrupt", 13},
                                             {ErrorCode::kConflict, "conflict", 14},
                                             {ErrorCode::kBusy, "busy", 15},
                                             {ErrorCode::kStorageFull, "storage-full", 16},
                                             {ErrorCode::kIo, "input-output", 17},
                                             {ErrorCode::kUnavailable, "unavailable", 18},
                                             {ErrorCode::kRefused, "refused", 19},
                                             {ErrorCode::kDataQuality, "data-quality", 20},
                                             {ErrorCode::kNotEstimable, "not-estimable", 21}}};

const Entry& EntryOf(ErrorCode code) {
  const auto* found = std::find_if(kEntries.begin(), kEntries.end(),
                                   [&](const Entry& entry) { return entry.code == code; });
  CHECK(found != kEntries.end());
  return *found;
}

}  // namespace

int ExitCodeOf(ErrorCode code) { return EntryOf(code).exit_code; }
std::string_view Name(ErrorCode code) { return EntryOf(code).name; }

std::optional<ErrorCode> ErrorCodeNamed(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.code;
  }
  return std::nullopt;
}

std::string ErrorDocument(const Error& error) {
  nlohmann::ordered_json document;
  document["error"]["code"] = std::string(Name(error.code));
  document["error"]["message"] = error.message;
  document["error"]["remedy"] = error.remedy;
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Error> ErrorIn(std::string_view document) {
  const auto json = nlohmann::json::parse(document, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("error") || !json["error"].is_object()) {
    return std::nullopt;
  }
  const auto& fields = json["error"];
  const auto text = [&](const char* name) {
    return fields.contains(name) && fields[name].is_string() ? fields[name].get<std::string>()
                                                             : std::string();
  };
  return Error{ErrorCodeNamed(text("code")).value_or(ErrorCode::kIo), text("message"),
               text("remedy")};
}

int ReportError(std::string_view program, const Error& error, bool as_json) {
  if (as_json) {
    std::cout << ErrorDocument(error) << std::endl;
  } else {
    std::cerr << program << ": " << Printable(Describe(error)) << std::endl;
  }
  return ExitCodeOf(error.code);
}

}  // namespace consilium
