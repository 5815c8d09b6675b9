#include "simulations/experiment.h"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "common/files.h"
#include "common/settings.h"

namespace consilium {
namespace {

std::filesystem::path Beside(const std::filesystem::path& file, const std::string& name) {
  const std::filesystem::path path(name);
  return path.is_absolute() ? path : file.parent_path() / path;
}

Result<Plan> ReadPlan(const std::filesystem::path& file) {
  TRY(const Bytes bytes, ReadFile(file, kMaxPlanBytes));
  return ParsePlan(AsText(bytes), file.string());
}

Result<Source> SourceOf(const Settings& data, const std::filesystem::path& file) {
  if (data.Has("csv") == data.Has("source")) {
    return data.FailHere("[data] needs either csv or source",
                         "csv = \"FILE.csv\" when the headers are the contract's names; source = "
                         "\"source.toml\" to rename columns, convert units and map values");
  }
  if (data.Has("source")) {
    TRY(const std::string name, data.Text("source"));
    return ReadSource(Beside(file, name));
  }
  TRY(const std::string name, data.Text("csv"));
  Source source;
  source.name = file.string();
  source.file = Beside(file, name);
  return source;
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
                   " patients with complete data, fewer than the plan's minimum_patients of " +
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

Status RequireEnoughSites(const VirtualFederation& federation, const Plan& plan) {
  const std::size_t taking_part = federation.Participants().size();
  if (taking_part >= plan.minimum_sites) return {};
  std::string message = "only " + std::to_string(taking_part) + " of " +
                        std::to_string(federation.sites.size()) +
                        " virtual sites would take part, fewer than the plan's minimum_sites of " +
                        std::to_string(plan.minimum_sites);
  for (const VirtualSite& site : federation.sites) {
    if (!site.refusal.empty()) message += "; " + site.name + " " + site.refusal;
  }
  return Fail(ErrorCode::kRefused, std::move(message),
              "The real federation would open no sum either: lower minimum_patients or "
              "minimum_sites in the plan, or split the data into other sites.");
}

}  // namespace

Result<Experiment> ReadExperiment(const std::filesystem::path& file) {
  TRY(const Settings settings, Settings::Load(file));
  Experiment experiment;
  experiment.name = file.stem().string();
  TRY(const Settings head, settings.Table("experiment"));
  TRY(const std::string plan_name, head.Text("plan"));
  TRY_STATUS(head.RequireNoOtherKeys());
  TRY(const Settings data, settings.Table("data"));
  TRY(experiment.site_column, data.Text("site_column"));
  TRY(experiment.source, SourceOf(data, file));
  TRY_STATUS(data.RequireNoOtherKeys());
  TRY_STATUS(settings.RequireNoOtherKeys());
  TRY(experiment.plan, ReadPlan(Beside(file, plan_name)));
  return experiment;
}

std::vector<const Cohort*> VirtualFederation::Participants() const {
  std::vector<const Cohort*> cohorts;
  for (const VirtualSite& site : sites) {
    if (site.refusal.empty()) cohorts.push_back(&site.cohort);
  }
  return cohorts;
}

Result<VirtualFederation> LoadFederation(const Experiment& experiment) {
  TRY(const LoadedTable loaded,
      LoadSource(experiment.source, experiment.plan.contract, experiment.site_column));
  if (loaded.report.HasProblems()) {
    // The report ends each problem with its own remedy.
    std::string report = RenderText(loaded.report);
    while (!report.empty() && report.back() == '\n') report.pop_back();
    return Fail(ErrorCode::kDataQuality,
                loaded.report.file + " does not meet the contract:\n" + report);
  }
  VirtualFederation federation;
  for (const auto& [name, part] : SplitTable(loaded)) {
    TRY(VirtualSite site, MakeSite(name.empty() ? "(no name)" : name, part, experiment.plan));
    federation.sites.push_back(std::move(site));
  }
  TRY_STATUS(RequireEnoughSites(federation, experiment.plan));
  federation.pooled = Pool(federation.Participants(), experiment.plan.analysis->columns());
  return federation;
}

}  // namespace consilium
