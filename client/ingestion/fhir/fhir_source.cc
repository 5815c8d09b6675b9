#include "client/ingestion/fhir/fhir_source.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace consilium {
namespace {

std::filesystem::path From(const std::filesystem::path& start, const std::string& path) {
  return std::filesystem::path(path).is_absolute() ? std::filesystem::path(path) : start / path;
}

Result<FhirTake> ParseTake(const Settings& settings) {
  FhirTake take;
  TRY(take.name, settings.Text("name"));
  TRY(take.use, ParseTakeUse(settings));
  const std::string use(Name(take.use));
  if (Counts(take.use)) {
    TRY(take.from, settings.TextOr("from", ""));
  } else {
    TRY(take.from, settings.Text("from"));
  }
  if (NeedsOrder(take.use)) {
    if (!settings.Has("by")) {
      return settings.FailHere("use = \"" + use + "\" needs `by`, the column with the time",
                               "The order of lines in an export means nothing.");
    }
    TRY(take.by, settings.Text("by"));
  } else if (settings.Has("by")) {
    return settings.FailAt("by", "use = \"" + use + "\" does not depend on an order",
                           "Leave `by` out, or use \"first\" or \"last\".");
  }
  TRY(take.unit, ParseTakenUnit(settings, take.name));
  if (take.unit.IsSaid() && Counts(take.use)) {
    return settings.FailAt("unit", "\"" + use + "\" has no unit");
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return take;
}

Result<FhirView> ParseView(const Settings& settings,
                           const std::filesystem::path& start,
                           bool first,
                           bool alone) {
  FhirView view;
  TRY(const std::string file, settings.Text("file"));
  view.file = From(start, file);
  if (alone) {
    TRY(view.patient, settings.TextOr("patient", ""));
  } else {
    TRY(view.patient, settings.Text("patient"));
  }
  TRY(const std::vector<Settings> takes, settings.TablesIfAny("take"));
  if (first && !takes.empty()) {
    return settings.FailAt("take", "the first view makes the rows: nothing is taken out of it",
                           "Put the view with one row a patient first.");
  }
  if (!first && takes.empty()) {
    return settings.FailHere("nothing is taken out of this view",
                             "Add [[view.take]] with `name`, `use` and `from`.");
  }
  for (const Settings& entry : takes) {
    TRY(FhirTake take, ParseTake(entry));
    view.takes.push_back(std::move(take));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return view;
}

Result<std::vector<FhirView>> ParseViews(const Settings& settings,
                                         const std::filesystem::path& start) {
  std::vector<FhirView> views;
  if (const auto file = settings.Text("view")) {
    views.push_back(FhirView{From(start, *file), {}, {}});
    return views;
  }
  TRY(const std::vector<Settings> tables, settings.Tables("view"));
  if (tables.empty()) return settings.FailAt("view", "no view is named");
  for (const Settings& table : tables) {
    TRY(FhirView view, ParseView(table, start, views.empty(), tables.size() == 1));
    views.push_back(std::move(view));
  }
  return views;
}

bool IsNdjson(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return !name.starts_with('.') && (name.ends_with(".ndjson") || name.ends_with(".ndjson.gz"));
}

}  // namespace

std::string FhirOptions::DataName() const {
  if (!folder.empty()) return folder.string();
  if (files.empty()) return "";
  const std::string more = std::to_string(files.size() - 1);
  return files.front().string() + (files.size() == 1 ? "" : " and " + more + " more");
}

Result<FhirOptions> ParseFhirOptions(const Settings& settings, const std::filesystem::path& start) {
  FhirOptions options;
  if (settings.Has("folder") == settings.Has("files")) {
    return settings.FailHere(settings.Has("folder") ? "`folder` and `files` are both there"
                                                    : "a FHIR source needs `folder` or `files`",
                             "Name the folder of a bulk export, or the files one by one.");
  }
  if (settings.Has("folder")) {
    TRY(const std::string folder, settings.Text("folder"));
    if (folder.empty()) return settings.FailAt("folder", "no folder is named");
    options.folder = From(start, folder);
  } else {
    TRY(const std::vector<std::string> files, settings.Texts("files"));
    if (files.empty()) return settings.FailAt("files", "no file is named");
    std::set<std::string> seen;
    for (const std::string& file : files) {
      if (!seen.insert(file).second) {
        return settings.FailAt("files", "\"" + file + "\" is named twice");
      }
      options.files.push_back(From(start, file));
    }
  }
  TRY(options.views, ParseViews(settings, start));
  return options;
}

Result<std::vector<std::filesystem::path>> FhirDataFiles(const FhirOptions& options) {
  if (options.folder.empty()) return options.files;
  const std::string name = options.folder.string();
  std::error_code error;
  if (!std::filesystem::is_directory(options.folder, error)) {
    return Fail(ErrorCode::kNotFound, name + " is no folder",
                "Correct `folder` in the source file; a relative path starts at the source file's "
                "folder.");
  }
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entry(options.folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (IsNdjson(entry->path()) && entry->is_regular_file(ignored)) files.push_back(entry->path());
  }
  if (error) return Fail(ErrorCode::kPermission, name + " cannot be read: " + error.message());
  if (files.empty()) {
    return Fail(ErrorCode::kNotFound, name + " has no file that ends in .ndjson or .ndjson.gz",
                "Name the files one by one with `files`.");
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace consilium
