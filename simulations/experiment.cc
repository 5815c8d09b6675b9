#include "simulations/experiment.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "common/names.h"
#include "common/terminal.h"
#include "simulations/draws.h"
#include "simulations/images.h"
#include "simulations/thread_pool.h"

namespace consilium {
namespace {

/// Without this the loader would take the absent column for one of the contract's.
Status RequireSiteColumn(const Experiment& experiment) {
  if (experiment.site_column.empty()) return {};
  auto opened = OpenTable(experiment.source);
  if (!opened && opened.error().code == ErrorCode::kNotFound) {
    return FailIn(experiment.source.name, std::move(opened).error());
  }
  TRY(const std::unique_ptr<TableReader> table, std::move(opened));
  const std::vector<std::string>& headers = table->header();
  const std::string wanted(Trimmed(experiment.site_column));
  if (std::find(headers.begin(), headers.end(), wanted) != headers.end()) return {};
  const std::string near = NearestName(wanted, headers);
  return experiment.data.FailAt("site_column",
                                table->name() + " has no header \"" + wanted + "\"" +
                                    (near.empty() ? "" : " (did you mean \"" + near + "\"?)") +
                                    ". Its headers are " + JoinNames(headers, 40),
                                "Name the header whose text says which hospital a row belongs to.");
}

/// The rows of each site; moving through the whole table once for each would be quadratic.
std::map<std::string, DataTable> SplitTable(const DataTable& table,
                                            const std::vector<std::string>& site_of_row) {
  std::map<std::string, DataTable> parts;
  for (std::size_t row = 0; row < site_of_row.size(); ++row) {
    DataTable& part = parts[site_of_row[row]];
    part.patients.push_back(table.patients[row]);
    part.columns.resize(table.columns.size());
    for (std::size_t j = 0; j < part.columns.size(); ++j) {
      part.columns[j].push_back(table.columns[j][row]);
    }
  }
  return parts;
}

Result<std::map<std::string, DataTable>> Split(const Experiment& experiment,
                                               const LoadedTable& loaded,
                                               std::uint64_t seed) {
  if (!experiment.partition) return SplitTable(loaded.table, loaded.groups);
  const Partition& partition = *experiment.partition;
  TRY(const std::vector<std::size_t> sites,
      AssignSites(partition, experiment.plan.contract, loaded.table, seed));
  std::vector<std::string> names;
  for (const std::size_t site : sites) names.push_back(SiteName(site + 1, partition.sites));
  std::map<std::string, DataTable> parts = SplitTable(loaded.table, names);
  // A site that was dealt nobody is a site all the same: it is named and left out.
  for (std::size_t site = 0; site < partition.sites; ++site) {
    parts[SiteName(site + 1, partition.sites)].columns.resize(loaded.table.columns.size());
  }
  return parts;
}

void DrawParticipants(const Participation& participation,
                      std::uint64_t seed,
                      std::vector<VirtualSite>& sites) {
  std::vector<VirtualSite*> able;
  for (VirtualSite& site : sites) {
    if (site.refusal.empty()) able.push_back(&site);
  }
  // The small number keeps 0.1 * 30 from being a little more than 3.
  const std::size_t wanted = participation.sites.value_or(static_cast<std::size_t>(
      std::ceil(participation.share * static_cast<double>(able.size()) - 1e-9)));
  SeededRandom random = StreamOf(seed, "participation");
  Shuffle(random, able);
  for (std::size_t i = wanted; i < able.size(); ++i) {
    able[i]->refusal = "was not drawn to take part with this seed";
  }
}

Result<CohortWithFlow> CohortAt(const std::string& name, const Plan& plan, const DataTable& part) {
  Result<CohortWithFlow> built = CohortOf(plan, part);
  if (!built) return FailIn("virtual site " + name, std::move(built).error());
  return built;
}

/// " (of 123 rows: 118 chol missing)": what took most of the rows; empty if nothing took any.
std::string FlowInWords(const CohortFlow& flow) {
  constexpr std::size_t kShown = 3;
  std::vector<CohortFlow::Step> steps = flow.removed;
  std::erase_if(steps, [](const CohortFlow::Step& step) { return step.rows == 0; });
  if (steps.empty()) return {};
  std::stable_sort(
      steps.begin(), steps.end(),
      [](const CohortFlow::Step& a, const CohortFlow::Step& b) { return a.rows > b.rows; });
  std::vector<std::string> words;
  for (const CohortFlow::Step& step : steps) {
    words.push_back(std::to_string(step.rows) + " " + step.reason);
  }
  return " (of " + std::to_string(flow.rows_read) + " rows: " + JoinNames(words, kShown) + ")";
}

/// Takes hospitals one by one; what they are made of may go at once.
class Hospitals {
 public:
  /// For at most so many sites and rows.
  Hospitals(const Plan& plan, std::size_t sites, std::size_t rows)
      : plan_(plan), table_(CohortColumns(*plan.analysis), sites, rows) {
    sites_.reserve(sites);
  }

  void Add(const std::string& name, const CohortWithFlow& made) {
    const Cohort& cohort = made.cohort;
    const std::span<const double> values(cohort.values.data(),
                                         static_cast<std::size_t>(cohort.values.size()));
    const auto rows = static_cast<std::size_t>(cohort.values.rows());
    std::copy(values.begin(), values.end(), table_.Add(rows, cohort.patients).begin());
    sites_.push_back({name, RefusalOf(made)});
  }

  VirtualFederation Finish(const std::optional<Participation>& participation, std::uint64_t seed) {
    if (participation) DrawParticipants(*participation, seed, sites_);
    return {std::move(sites_), std::move(table_)};
  }

 private:
  std::string RefusalOf(const CohortWithFlow& made) const {
    const std::uint64_t patients = made.cohort.patients;
    if (patients >= plan_.minimum_patients) return {};
    return "has " + std::to_string(patients) + (patients == 1 ? " patient" : " patients") +
           " with complete data" + FlowInWords(made.flow) +
           ", fewer than the plan's minimum_patients of " + std::to_string(plan_.minimum_patients);
  }

  const Plan& plan_;
  std::vector<VirtualSite> sites_;
  SiteTable table_;
};

/// Hospitals drawn by all threads at once, and taken in the order of their names.
class HospitalMaker {
 public:
  HospitalMaker(const PatientMaker& maker, const Plan& plan, unsigned threads)
      : maker_(maker), plan_(plan), pool_(threads) {}

  Status Run(Hospitals& hospitals) {
    for (first_ = 0; first_ < maker_.sites(); first_ += made_.size()) {
      made_.assign(std::min(kBatch, maker_.sites() - first_), std::nullopt);
      next_ = 0;
      pool_.Run([this](std::size_t) { Make(); });
      for (std::size_t i = 0; i < made_.size(); ++i) {
        TRY(const CohortWithFlow cohort, *std::move(made_[i]));
        hospitals.Add(maker_.NameOf(first_ + i), cohort);
      }
    }
    return {};
  }

 private:
  static constexpr std::size_t kBatch = 2'048;

  void Make() {
    for (;;) {
      const std::size_t i = next_.fetch_add(1);
      if (i >= made_.size()) return;
      made_[i] = MakeOne(first_ + i);
    }
  }
  Result<CohortWithFlow> MakeOne(std::size_t site) const {
    TRY(const DataTable rows, maker_.Make(site));
    return CohortAt(maker_.NameOf(site), plan_, rows);
  }

  const PatientMaker& maker_;
  const Plan& plan_;
  ThreadPool pool_;
  std::size_t first_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::vector<std::optional<Result<CohortWithFlow>>> made_;  ///< Of a batch, from first_ on.
};

Result<VirtualFederation> DrawHospitals(const Experiment& experiment,
                                        std::uint64_t seed,
                                        unsigned threads) {
  const std::vector<std::size_t>& patients = experiment.generator->patients;
  Hospitals hospitals(experiment.plan, patients.size(),
                      std::accumulate(patients.begin(), patients.end(), std::size_t{0}));
  TRY(const PatientMaker maker, PatientMaker::Of(*experiment.generator, experiment.plan, seed));
  TRY_STATUS(HospitalMaker(maker, experiment.plan, threads).Run(hospitals));
  return hospitals.Finish(experiment.participation, seed);
}

Result<VirtualFederation> SplitIntoHospitals(const Experiment& experiment,
                                             const LoadedTable& table,
                                             std::uint64_t seed) {
  std::map<std::string, DataTable> parts;
  std::size_t rows = table.table.patients.size();
  if (experiment.generator) {
    TRY(const LoadedTable drawn, Generate(*experiment.generator, experiment.plan, seed));
    rows = drawn.table.patients.size();
    TRY(parts, Split(experiment, drawn, seed));
  } else {
    TRY(parts, Split(experiment, table, seed));
  }
  Hospitals hospitals(experiment.plan, parts.size(), rows);
  for (const auto& [name, part] : parts) {
    TRY(const CohortWithFlow cohort, CohortAt(name, experiment.plan, part));
    hospitals.Add(name, cohort);
  }
  return hospitals.Finish(experiment.participation, seed);
}

/// "; north has 4 patients ...": the first few, since a wrong site_column leaves out thousands.
std::string Refusals(const VirtualFederation& federation) {
  constexpr std::size_t kShown = 5;
  std::string text;
  std::size_t refused = 0;
  for (const VirtualSite& site : federation.sites()) {
    if (site.refusal.empty()) continue;
    if (++refused <= kShown) text += "; " + Printable(site.name) + " " + site.refusal;
  }
  if (refused > kShown) text += "; and " + std::to_string(refused - kShown) + " more like these";
  return text;
}

/// What would bring more sites in: never a threshold below what it may be.
std::string WaysToMoreSites(const VirtualFederation& federation, const Experiment& experiment) {
  const Plan& plan = experiment.plan;
  const std::size_t taking_part = federation.Participants().size();
  std::size_t with_patients = 0;
  bool anybody_too_few = false;
  for (std::size_t i = 0; i < federation.sites().size(); ++i) {
    const std::uint64_t patients = federation.cohort(i).patients;
    if (patients > 0) ++with_patients;
    if (patients > 0 && patients < plan.minimum_patients) anybody_too_few = true;
  }
  std::vector<std::string> ways;
  if (with_patients == 0) {
    ways.emplace_back("correct the eligibility rules");
    ways.emplace_back("leave columns out that are never known");
  }
  ways.emplace_back(experiment.site_column.empty() ? "make more or larger sites"
                                                   : "choose another site_column");
  if (anybody_too_few && with_patients >= kFewestSites) {
    ways.emplace_back("lower minimum_patients in the plan");
  }
  if (taking_part >= kFewestSites) ways.emplace_back("lower minimum_sites in the plan");
  return JoinNames(ways, ways.size(), "or");
}

Status RequireEnoughSites(const VirtualFederation& federation, const Experiment& experiment) {
  const std::size_t taking_part = federation.Participants().size();
  if (taking_part >= experiment.plan.minimum_sites) return {};
  return experiment.data.FailAt(
      "site_column",
      {ErrorCode::kRefused,
       "only " + std::to_string(taking_part) + " of " + std::to_string(federation.sites().size()) +
           " virtual sites would take part, fewer than the minimum_sites of " +
           std::to_string(experiment.plan.minimum_sites) + " in " + experiment.plan_file.string() +
           Refusals(federation),
       "The real federation would open no sum either: " + WaysToMoreSites(federation, experiment) +
           "."});
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
  if (experiment.data.Has("csv") && text.find("source file") != std::string::npos) {
    text +=
        "\nThere is no source file yet: write one (docs/source-file.md), and name it by source "
        "instead of csv in " +
        experiment.file.string() + ".";
  }
  return Fail(ErrorCode::kDataQuality, report.file + " does not meet the contract of " +
                                           experiment.plan_file.string() + ":\n" + text);
}

/// At the plan's line: a cohort is refused for its size alone.
tl::unexpected<Error> FailAtMaximum(const Experiment& experiment, Error error) {
  const std::string file = experiment.plan_file.string();
  // A varied plan's lines are not the file's.
  if (!experiment.swept.empty()) return FailIn(file, std::move(error));
  TRY(const Settings plan, Settings::Parse(experiment.plan.text, file));
  TRY(const Settings contract, plan.Table("contract"));
  return contract.FailAt("maximum_patients", std::move(error));
}

}  // namespace

Result<LoadedTable> LoadTable(const Experiment& experiment) {
  if (!experiment.images.empty()) {
    return LoadImages(experiment.images, experiment.labels, experiment.plan.contract,
                      experiment.plan.analysis->columns().front());
  }
  TRY_STATUS(RequireSiteColumn(experiment));
  TRY(LoadedTable loaded,
      LoadSource(experiment.source, experiment.plan.contract, experiment.site_column));
  TRY_STATUS(RequireGoodData(loaded.report, experiment));
  for (std::string& group : loaded.groups) {
    if (group.empty()) group = kNoSiteName;
  }
  return loaded;
}

Result<VirtualFederation> MakeFederation(const Experiment& experiment,
                                         const LoadedTable& table,
                                         std::uint64_t seed,
                                         unsigned threads) {
  Result<VirtualFederation> made = experiment.generator && !experiment.partition
                                       ? DrawHospitals(experiment, seed, threads)
                                       : SplitIntoHospitals(experiment, table, seed);
  if (!made && made.error().code == ErrorCode::kDataQuality) {
    return FailAtMaximum(experiment, std::move(made).error());
  }
  TRY(VirtualFederation federation, std::move(made));
  TRY_STATUS(RequireEnoughSites(federation, experiment));
  return federation;
}

Result<VirtualFederation> LoadFederation(const Experiment& experiment,
                                         std::uint64_t seed,
                                         unsigned threads) {
  if (experiment.generator) return MakeFederation(experiment, {}, seed, threads);
  TRY(const LoadedTable table, LoadTable(experiment));
  return MakeFederation(experiment, table, seed, threads);
}

}  // namespace consilium
