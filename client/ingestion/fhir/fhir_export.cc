#include "client/ingestion/fhir/fhir_export.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace consilium {
namespace {

bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

void SkipBlanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

bool Take(std::string_view& text, std::string_view expected) {
  SkipBlanks(text);
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace

std::string_view PeekResourceType(std::string_view line) {
  if (!Take(line, "{") || !Take(line, "\"resourceType\"") || !Take(line, ":") ||
      !Take(line, "\"")) {
    return {};
  }
  std::size_t length = 0;
  while (length < line.size() && IsLetter(line[length])) ++length;
  return length < line.size() && line[length] == '"' ? line.substr(0, length) : std::string_view();
}

FhirExport::FhirExport(std::vector<std::filesystem::path> files,
                       FhirFileChoice choice,
                       std::set<std::string, std::less<>> types)
    : files_(std::move(files)), choice_(choice), types_(std::move(types)) {
  for (const std::filesystem::path& file : files_) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    if (!error) total_bytes_ += size;
  }
}

double FhirExport::Progress() const {
  const std::uint64_t read = done_bytes_ + (file_ ? file_->bytes_read() : 0);
  if (total_bytes_ == 0) return 1;
  return std::min(1.0, static_cast<double>(read) / static_cast<double>(total_bytes_));
}

Result<bool> FhirExport::OpenNext() {
  if (file_) done_bytes_ += file_->size();
  file_.reset();
  if (next_file_ == files_.size()) return false;
  TRY(NdjsonFile file, NdjsonFile::Open(files_[next_file_]));
  file_ = std::move(file);
  ++next_file_;
  first_line_ = true;
  return true;
}

// Whether the file's name has the type as one of its parts, as 1.Patient.ndjson has.
bool FhirExport::IsNamedFor(std::string_view type) const {
  const std::string name = files_[next_file_ - 1].filename().string();
  const std::size_t found = name.find(type);
  if (found == std::string::npos || type.empty()) return false;
  const std::size_t end = found + type.size();
  return (found == 0 || !IsLetter(name[found - 1])) && (end == name.size() || !IsLetter(name[end]));
}

Result<bool> FhirExport::Next() {
  for (;;) {
    std::string_view line;
    bool any = false;
    if (file_) {
      TRY(any, file_->Next(line));
    }
    if (!any) {
      TRY(const bool opened, OpenNext());
      if (!opened) return false;
      continue;
    }
    TRY(const bool wanted, TakeLine(line));
    if (wanted) return true;
  }
}

// Reads the line's resource if it is of a type that is wanted. Leaves the file where nothing in it
// can be.
Result<bool> FhirExport::TakeLine(std::string_view line) {
  const bool first = std::exchange(first_line_, false);
  type_ = PeekResourceType(line);
  if (!type_.empty() && types_.find(type_) == types_.end()) {
    const bool for_others = std::any_of(types_.begin(), types_.end(),
                                        [&](const std::string& type) { return IsNamedFor(type); });
    if (first && IsNamedFor(type_) && !for_others) TRY_STATUS(OpenNext());
    return false;
  }
  if (auto parsed = document_.Parse(line); !parsed) {
    return FailIn(Place(), std::move(parsed).error());
  }
  const JsonNode* type = FindMember(document_.root(), "resourceType");
  if (type == nullptr || type->kind != JsonKind::kString || type->text.empty()) {
    if (first && choice_ == FhirFileChoice::kFolder) {
      TRY_STATUS(OpenNext());
      return false;
    }
    return Fail(ErrorCode::kDataQuality,
                Place() + ": it is no FHIR resource: it has no resourceType",
                "Each line of the file must hold one resource.");
  }
  type_ = type->text;
  if (types_.find(type_) == types_.end()) return false;
  if (seen_.find(type_) == seen_.end()) seen_.emplace(type_);
  return true;
}

}  // namespace consilium
