#pragma once

// The resources in the files of an export, one after the other, in bounded memory.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/fhir/json_document.h"
#include "client/ingestion/fhir/ndjson.h"
#include "common/result.h"

namespace consilium {

/// Which files are read: those of a folder may be logs or of resources that nobody asked for.
enum class FhirFileChoice { kNamed, kFolder };

class FhirExport {
 public:
  /// Only resources of these types are looked at. Files whose name holds the type of their first
  /// resource and none of these, as "Patient.000.ndjson" does, are taken to have no other: that is
  /// how bulk exports are. In a folder, a file that does not start with a resource is left out.
  FhirExport(std::vector<std::filesystem::path> files,
             FhirFileChoice choice,
             std::set<std::string, std::less<>> types);

  /// Goes to the next resource; false when there is none. Errors name the file and line.
  Result<bool> Next();

  const JsonNode& resource() const { return document_.root(); }
  std::string_view type() const { return type_; }
  /// "FILE:LINE" of the resource, for messages.
  std::string Place() const { return file_->Place(); }
  /// Where the resource is: a file's number, from 0, and the line in it.
  std::uint64_t file_number() const { return next_file_ - 1; }
  std::uint64_t line() const { return file_->line(); }

  /// Types of which there was a resource so far.
  const std::set<std::string, std::less<>>& seen() const { return seen_; }
  /// The share of all bytes that has been read.
  double Progress() const;

 private:
  Result<bool> OpenNext();
  Result<bool> TakeLine(std::string_view line);
  bool IsNamedFor(std::string_view type) const;

  std::vector<std::filesystem::path> files_;
  FhirFileChoice choice_;
  std::set<std::string, std::less<>> types_;
  std::set<std::string, std::less<>> seen_;
  std::optional<NdjsonFile> file_;
  std::size_t next_file_ = 0;
  bool first_line_ = true;
  JsonDocument document_;
  std::string_view type_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
};

/// The type of a resource whose line starts with it, as nearly all do; empty if it does not.
std::string_view PeekResourceType(std::string_view line);

}  // namespace consilium
