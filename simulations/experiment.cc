#include "simulations/experiment.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "client/ingestion/csv.h"
#include "client/ingestion/names.h"
#include "common/files.h"
#include "common/terminal.h"

namespace consilium {
namespace {

/// The error at the key's place, with a code of its own.
tl::unexpected<Error> FailAtKey(const Settings& table, std::string_view key, Error error) {
  tl::unexpected<Error> failure =
      table.FailAt(key, std::move(error.message), std::move(error.remedy));
  failure.value().code = error.code;
  return failure;
}

/// The file that the key names, found from the experiment file's folder.
Result<std::filesystem::path> FileNamedBy(const Settings& table,
                                          std::string_view key,
                                          const std::filesystem::path& experiment) {
  TRY(const std::string name, table.Text(key));
  const std::filesystem::path file = experiment.parent_path() / name;
  std::error_code unknown;
  const std::filesystem::file_type type = std::filesystem::status(file, unknown).type();
  if (type == std::filesystem::file_type::not_found) {
    return FailAtKey(table, key,
                     {ErrorCode::kNotFound, file.string() + " does not exist",
                      "Correct " + std::string(key) +
                          "; a relative path starts at the experiment file's folder."});
  }
  if (type == std::filesystem::file_type::directory) {
    return table.FailAt(key, file.string() + " is a folder", "Name a file.");
  }
  return file;
}

/// The experiment file's text; people who have no such file yet are told how one looks.
Result<Settings> LoadSettings(const std::filesystem::path& file) {
  constexpr const char* kLook = "`consilium-sim run --help` shows an experiment file.";
  Result<Settings> settings = Settings::Load(file);
  if (!settings) {
    Error error = std::move(settings).error();
    if (error.remedy.empty()) error.remedy = kLook;
    return tl::unexpected<Error>(std::move(error));
  }
  if (!settings->Has("experiment")) {
    return settings->FailHere(settings->Has("study") ? "this is a plan, not an experiment"
                                                     : "the table [experiment] is missing",
                              kLook);
  }
  return settings;
}

Result<Plan> ReadPlan(const std::filesystem::path& file) {
  TRY(const Bytes bytes, ReadFile(file, kMaxPlanBytes));
  return ParsePlan(AsText(bytes), file.string());
}

Result<Source> SourceOf(const Settings& data, const std::filesystem::path& experiment) {
  if (data.Has("csv") == data.Has("source")) {
    return data.FailHere("[data] needs either csv or source",
                         "csv = \"FILE.csv\" when the headers are the contract's names; source = "
                         "\"source.toml\" to rename columns, convert units and map values");
  }
  if (data.Has("source")) {
    TRY(const std::filesystem::path file, FileNamedBy(data, "source", experiment));
    return ReadSource(file);
  }
  Source source;
  // What the loader tells people to add to goes into a file that is not there yet.
  source.name = "a source file, and name it by source instead of csv in " + experiment.string();
  TRY(source.file, FileNamedBy(data, "csv", experiment));
  return source;
}

/// Without this the loader would take the absent column for one of the contract's.
Status RequireSiteColumn(const Experiment& experiment) {
  auto opened = CsvReader::Open(experiment.source.file, experiment.source.csv);
  if (!opened && opened.error().code == ErrorCode::kNotFound) {
    return FailIn(experiment.source.name, std::move(opened).error());
  }
  TRY(const CsvReader table, std::move(opened));
  const std::vector<std::string>& headers = table.header();
  const std::string wanted(Trimmed(experiment.site_column));
  if (std::find(headers.begin(), headers.end(), wanted) != headers.end()) return {};
  const std::string near = NearestName(wanted, headers);
  return experiment.data.FailAt("site_column",
                                table.name() + " has no header \"" + wanted + "\"" +
                                    (near.empty() ? "" : " (did you mean \"" + near + "\"?)") +
                                    ". Its headers are " + JoinNames(headers, 40),
                                "Name the header whose text says which hospital a row belongs to.");
}

/// The rows of one site; moving through the whole table once for each would be quadratic.
std::map<std::string, DataTable> SplitTable(const LoadedTable& loaded) {
  std::map<std::string, DataTable> parts;
  for (std::size_t row = 0; row < loaded.groups.size(); ++row) {
    DataTable& part = parts[loaded.groups[row]];
    part.patients.push_back(loaded.table.patients[row]);
    part.columns.resize(loaded.table.columns.size());
    for (std::size_t j = 0; j < part.columns.size(); ++j) {
      part.columns[j].push_back(loaded.table.columns[j][row]);
    }
  }
  return parts;
}

Result<VirtualSite> MakeSite(const std::string& name, const DataTable& part, const Plan& plan) {
  VirtualSite site;
  site.name = name;
  Result<CohortWithFlow> built = BuildCohort(plan.contract, part, plan.analysis->columns());
  if (!built) return FailIn("virtual site " + name, std::move(built).error());
  site.cohort = std::move(built->cohort);
  if (site.cohort.patients < plan.minimum_patients) {
    site.refusal = "has " + std::to_string(site.cohort.patients) +
                   (site.cohort.patients == 1 ? " patient" : " patients") +
                   " with complete data, fewer than the plan's minimum_patients of " +
                   std::to_string(plan.minimum_patients);
  }
  return site;
}

Cohort Pool(const std::vector<const Cohort*>& cohorts, const std::vector<std::string>& columns) {
  Cohort pooled;
  pooled.columns = columns;
  Eigen::Index rows = 0;
  for (const Cohort* cohort : cohorts) rows += cohort->values.rows();
  pooled.values.resize(rows, static_cast<Eigen::Index>(columns.size()));
  Eigen::Index at = 0;
  for (const Cohort* cohort : cohorts) {
    pooled.values.middleRows(at, cohort->values.rows()) = cohort->values;
    at += cohort->values.rows();
    pooled.patients += cohort->patients;
  }
  return pooled;
}

/// "; north has 4 patients ...": the first few, since a wrong site_column leaves out thousands.
std::string Refusals(const VirtualFederation& federation) {
  constexpr std::size_t kShown = 5;
  std::string text;
  std::size_t refused = 0;
  for (const VirtualSite& site : federation.sites) {
    if (site.refusal.empty()) continue;
    if (++refused <= kShown) text += "; " + Printable(site.name) + " " + site.refusal;
  }
  if (refused > kShown) text += "; and " + std::to_string(refused - kShown) + " more like these";
  return text;
}

Status RequireEnoughSites(const VirtualFederation& federation, const Experiment& experiment) {
  const std::size_t taking_part = federation.Participants().size();
  if (taking_part >= experiment.plan.minimum_sites) return {};
  return FailAtKey(
      experiment.data, "site_column",
      {ErrorCode::kRefused,
       "only " + std::to_string(taking_part) + " of " + std::to_string(federation.sites.size()) +
           " virtual sites would take part, fewer than the minimum_sites of " +
           std::to_string(experiment.plan.minimum_sites) + " in " + experiment.plan_file.string() +
           Refusals(federation),
       "The real federation would open no sum either: choose another site_column, or lower "
       "minimum_patients or minimum_sites in the plan."});
}

/// The whole quality report when the table cannot be computed on.
Status RequireGoodData(const QualityReport& report, const Experiment& experiment) {
  if (report.rows == 0) {
    return Fail(ErrorCode::kDataQuality, report.file + " has no rows below its header",
                "It needs a line per record.");
  }
  if (!report.HasProblems()) return {};
  // The report ends each problem with its own remedy.
  std::string text = RenderText(report);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return Fail(ErrorCode::kDataQuality, report.file + " does not meet the contract of " +
                                           experiment.plan_file.string() + ":\n" + text);
}

}  // namespace

Result<Experiment> ReadExperiment(const std::filesystem::path& file) {
  TRY(const Settings settings, LoadSettings(file));
  TRY(const Settings head, settings.Table("experiment"));
  TRY(std::filesystem::path plan_file, FileNamedBy(head, "plan", file));
  TRY_STATUS(head.RequireNoOtherKeys());
  TRY(Settings data, settings.Table("data"));
  TRY(std::string site_column, data.Text("site_column"));
  TRY(Source source, SourceOf(data, file));
  TRY_STATUS(data.RequireNoOtherKeys());
  TRY_STATUS(settings.RequireNoOtherKeys());
  TRY(Plan plan, ReadPlan(plan_file));
  return Experiment{file.stem().string(), std::move(plan_file),   std::move(plan),
                    std::move(source),    std::move(site_column), std::move(data)};
}

std::vector<const Cohort*> VirtualFederation::Participants() const {
  std::vector<const Cohort*> cohorts;
  for (const VirtualSite& site : sites) {
    if (site.refusal.empty()) cohorts.push_back(&site.cohort);
  }
  return cohorts;
}

Result<VirtualFederation> LoadFederation(const Experiment& experiment) {
  TRY_STATUS(RequireSiteColumn(experiment));
  TRY(const LoadedTable loaded,
      LoadSource(experiment.source, experiment.plan.contract, experiment.site_column));
  TRY_STATUS(RequireGoodData(loaded.report, experiment));
  VirtualFederation federation;
  for (const auto& [name, part] : SplitTable(loaded)) {
    TRY(VirtualSite site, MakeSite(name.empty() ? "(no name)" : name, part, experiment.plan));
    federation.sites.push_back(std::move(site));
  }
  TRY_STATUS(RequireEnoughSites(federation, experiment));
  federation.pooled = Pool(federation.Participants(), experiment.plan.analysis->columns());
  return federation;
}

}  // namespace consilium
