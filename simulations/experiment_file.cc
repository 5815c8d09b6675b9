// Reading an experiment file, and making the experiments of its sweep.

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "client/policy/program_trainer.h"
#include "common/files.h"
#include "common/names.h"
#include "simulations/experiment.h"

namespace consilium {
namespace {

constexpr std::int64_t kMostRepetitions = 100'000;
constexpr std::size_t kMostCombinations = 1'000;

/// The file that the key names, found from the experiment file's folder.
Result<std::filesystem::path> FileNamedBy(const Settings& table,
                                          std::string_view key,
                                          const std::filesystem::path& experiment) {
  TRY(const std::string name, table.Text(key));
  const std::filesystem::path file = experiment.parent_path() / name;
  std::error_code unknown;
  const std::filesystem::file_type type = std::filesystem::status(file, unknown).type();
  if (type == std::filesystem::file_type::not_found) {
    return table.FailAt(key, {ErrorCode::kNotFound, file.string() + " does not exist",
                              "Correct " + std::string(key) +
                                  "; a relative path starts at the experiment file's folder."});
  }
  if (type == std::filesystem::file_type::directory) {
    return table.FailAt(key, file.string() + " is a folder", "Name a file.");
  }
  return file;
}

std::filesystem::path AbsoluteFolderOf(const std::filesystem::path& file) {
  return std::filesystem::absolute(file).parent_path();
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
    if (settings->Has("study"))
      return settings->FailHere("this is a plan, not an experiment", kLook);
    Error error = settings->Table("experiment").error();
    if (error.remedy.empty()) error.remedy = kLook;
    return tl::unexpected<Error>(std::move(error));
  }
  return settings;
}

Result<Source> SourceOf(const Settings& data, const std::filesystem::path& experiment) {
  if (!data.Has("csv") && !data.Has("source")) TRY_STATUS(data.RequireNoOtherKeys());
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

Status RequirePlace(const Settings& settings) {
  if (settings.Has("generator") && settings.Has("data")) {
    return settings.FailAt("generator", "[generator] and [data] are two sources of patients",
                           "Remove one of them.");
  }
  return {};
}

Result<std::optional<Participation>> ParseParticipation(const Settings& settings) {
  TRY(const std::optional<Settings> table, settings.TableIfAny("participation"));
  if (!table) return std::optional<Participation>();
  Participation participation;
  if (table->Has("sites") == table->Has("share")) {
    return table->FailHere("[participation] needs either sites or share",
                           "sites = 5 for a number of hospitals, share = 0.5 for half of them");
  }
  if (table->Has("sites")) {
    TRY(const std::int64_t sites, table->Integer("sites"));
    if (sites < 1) return table->FailValueAt("sites", "it must be at least 1");
    participation.sites = static_cast<std::size_t>(sites);
  } else {
    TRY(participation.share, table->Number("share"));
    if (!(participation.share > 0) || participation.share > 1) {
      return table->FailValueAt("share", "it must be above 0 and at most 1");
    }
  }
  TRY_STATUS(table->RequireNoOtherKeys());
  return std::optional<Participation>(participation);
}

/// Where the patients come from and how they are dealt to hospitals.
Status ParseData(const Settings& settings,
                 const std::filesystem::path& file,
                 Experiment& experiment) {
  const Settings& data = experiment.data;
  TRY(const std::optional<Settings> partition, settings.TableIfAny("partition"));
  if (partition) {
    TRY(experiment.partition, ParsePartition(*partition, experiment.plan.contract,
                                             experiment.plan.analysis->columns().front()));
  }
  if (settings.Has("generator")) {
    TRY(experiment.generator, ParseGenerator(data, experiment.plan));
    return {};
  }
  if (data.Has("images")) {
    if (!partition) {
      return data.FailAt("images", "nothing says which hospital a picture belongs to",
                         "Deal the pictures out by a table [partition].");
    }
    TRY(experiment.images, FileNamedBy(data, "images", file));
    TRY(experiment.labels, FileNamedBy(data, "labels", file));
    return data.RequireNoOtherKeys();
  }
  if (partition && data.Has("site_column")) {
    return data.FailAt("site_column", "site_column and [partition] both say where a row belongs",
                       "Remove one of them.");
  }
  if (!partition) {
    if (!data.Has("site_column") && data.Keys().size() == 1) {
      return data.FailHere("the key 'site_column' is missing",
                           "Name the header whose text says which hospital a row belongs to, or "
                           "deal the rows out by a table [partition].");
    }
    TRY(experiment.site_column, data.Text("site_column"));
  }
  TRY(experiment.source, SourceOf(data, file));
  return data.RequireNoOtherKeys();
}

/// The data are the user's own, and so is the terminal: what the program wrote belongs to the
/// error.
Error WithWords(Error error, const std::string& words) {
  if (!words.empty()) error.remedy += "\nIt wrote to stderr:\n" + words;
  return error;
}

/// Gives a plan that learns by a program the one that the table [trainers] names.
Status BindTrainer(const Settings& settings, const std::filesystem::path& file, Plan& plan) {
  static const std::atomic<bool> kNever = false;
  TRY(const TrainerPrograms trainers, ParseTrainers(settings, {AbsoluteFolderOf(file)}));
  const std::string name(plan.analysis->trainer());
  if (name.empty()) return {};
  const auto named = trainers.find(name);
  if (named == trainers.end()) {
    return settings.FailHere(
        "the plan learns by a program called \"" + name + "\", and no table [trainers] names it",
        "Add [trainers." + name + "] with program = \"PROGRAM\".");
  }
  TRY(const Settings table, settings.Table("trainers"));
  if (Status found = CheckTrainer(named->second); !found) {
    return table.FailAt(name, std::move(found).error());
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error) return FailOnFile(error.value(), "find", "the folder for temporary files");
  plan.analysis = plan.analysis->WithTrainer(
      std::make_shared<const ProgramTrainer>(name, named->second, folder, kNever, &WithWords));
  return {};
}

/// The experiment of these settings and this plan; [sweep] is not looked into.
Result<Experiment> BuildExperiment(const Settings& settings,
                                   const std::filesystem::path& file,
                                   const std::filesystem::path& plan_file,
                                   std::string_view plan_text) {
  TRY_STATUS(RequirePlace(settings));
  TRY(const Settings head, settings.Table("experiment"));
  TRY_STATUS(head.Text("plan"));
  TRY(const std::int64_t repetitions, head.IntegerBetween("repetitions", 1, kMostRepetitions, 1));
  TRY_STATUS(head.RequireNoOtherKeys());
  TRY(Settings data, settings.Table(settings.Has("generator") ? "generator" : "data"));
  TRY(Plan plan, ParsePlan(plan_text, plan_file.string()));
  TRY_STATUS(BindTrainer(settings, file, plan));
  Experiment experiment{.name = file.stem().string(),
                        .file = file,
                        .plan_file = plan_file,
                        .plan = std::move(plan),
                        .source = {},
                        .images = {},
                        .labels = {},
                        .site_column = {},
                        .data = std::move(data),
                        .generator = {},
                        .partition = {},
                        .participation = {},
                        .network = {},
                        .faults = {},
                        .repetitions = static_cast<std::uint64_t>(repetitions),
                        .swept = {}};
  TRY_STATUS(ParseData(settings, file, experiment));
  TRY(experiment.participation, ParseParticipation(settings));
  TRY(experiment.network, ParseNetwork(settings));
  TRY(experiment.faults, ParseFaults(settings));
  TRY_STATUS(settings.TableIfAny("sweep"));
  TRY_STATUS(settings.RequireNoOtherKeys());
  if (experiment.repetitions > 1 && !experiment.DrawsAtRandom()) {
    return head.FailAt("repetitions", "nothing here is drawn at random: all would be the same",
                       "Remove it, or add a [partition], a [participation] or a [generator].");
  }
  return experiment;
}

/// An experiment file and the plan it names, as read.
struct Files {
  std::filesystem::path file;
  Settings settings;
  std::filesystem::path plan_file;
  std::string plan_text;
};

Result<Files> LoadFiles(const std::filesystem::path& file) {
  TRY(Settings settings, LoadSettings(file));
  TRY(const Settings head, settings.Table("experiment"));
  TRY(std::filesystem::path plan_file, FileNamedBy(head, "plan", file));
  TRY(const Bytes bytes, ReadFile(plan_file, kMaxPlanBytes));
  return Files{file, std::move(settings), std::move(plan_file), std::string(AsText(bytes))};
}

/// A key to be swept, with its values.
struct SweptKey {
  Settings table;   ///< Where the list stands in the file, for errors.
  std::string key;  ///< In that table.
  std::vector<std::string> path;
  std::vector<std::string> values;

  std::string Name() const {
    std::string name;
    for (const std::string& part : path) name += (name.empty() ? "" : ".") + part;
    return name;
  }
};

const std::vector<std::string>& OwnTables() {
  static const std::vector<std::string> kOwn = {"data",    "faults",        "generator",
                                                "network", "participation", "partition"};
  return kOwn;
}

Status CheckRoot(const SweptKey& key) {
  std::vector<std::string> roots = {"analysis", "contract", "privacy", "release", "round", "study"};
  roots.insert(roots.end(), OwnTables().begin(), OwnTables().end());
  const std::string& root = key.path.front();
  if (std::find(roots.begin(), roots.end(), root) != roots.end() && key.path.size() > 1) return {};
  const std::string near = NearestName(root, roots);
  return key.table.FailAt(
      key.key, "[sweep] cannot vary '" + key.Name() + "'",
      (near.empty() || near == root ? "" : "Did you mean '" + near + "'? ") +
          "Write a key with its table, as analysis.ridge = [0, 1]; the tables are " +
          JoinNames(roots) + ".");
}

/// The lists of a table [sweep] and of the tables in it.
Status CollectKeys(const Settings& table,
                   const std::vector<std::string>& above,
                   std::vector<SweptKey>& keys) {
  for (const std::string& name : table.Keys()) {
    SweptKey key{table, name, above, {}};
    // "analysis.ridge" in quotes is one key to TOML, and meant as two.
    for (std::size_t at = 0; at <= name.size();) {
      const std::size_t dot = std::min(name.find('.', at), name.size());
      key.path.push_back(name.substr(at, dot - at));
      at = dot + 1;
    }
    if (const Result<Settings> inner = table.Table(name)) {
      TRY_STATUS(CollectKeys(*inner, key.path, keys));
      continue;
    }
    TRY(key.values, table.ElementsAsToml(name));
    if (key.values.empty()) return table.FailAt(name, "the list of values is empty");
    TRY_STATUS(CheckRoot(key));
    keys.push_back(std::move(key));
  }
  return {};
}

/// The message without "FILE:LINE:COLUMN: ": a varied document has no lines that a person could
/// look at.
std::string WithoutPlace(const std::string& message, const std::string& file) {
  if (!message.starts_with(file + ":")) return message;
  const std::size_t end = message.find(": ", file.size());
  return end == std::string::npos ? message : message.substr(end + 2);
}

using Choice = std::vector<std::pair<const SweptKey*, std::size_t>>;

/// The experiment with these values in place of the file's.
Result<Experiment> Vary(const Files& files, const Choice& choice) {
  Settings settings = files.settings;
  TRY(Settings plan, Settings::Parse(files.plan_text, files.plan_file.string()));
  std::vector<SweptValue> swept;
  for (const auto& [key, index] : choice) {
    const std::string& value = key->values[index];
    swept.push_back({key->Name(), value});
    const bool own =
        std::find(OwnTables().begin(), OwnTables().end(), key->path.front()) != OwnTables().end();
    Settings& document = own ? settings : plan;
    TRY(document, Settings::Parse(document.TomlWith(key->path, value),
                                  (own ? files.file : files.plan_file).string()));
  }
  Result<Experiment> experiment =
      BuildExperiment(settings, files.file, files.plan_file, plan.TomlWith({}, {}));
  if (experiment) {
    experiment->swept = std::move(swept);
    return experiment;
  }
  Error error = std::move(experiment).error();
  std::string values;
  for (const SweptValue& one : swept) {
    values += (values.empty() ? "" : ", ") + one.key + " = " + one.value;
  }
  error.message =
      values + ": " +
      WithoutPlace(WithoutPlace(error.message, files.file.string()), files.plan_file.string());
  return choice.front().first->table.FailAt(choice.front().first->key, std::move(error));
}

/// Places in the file as written, for what shows only when the data are there.
void RestorePlaces(const Experiment& written, Experiment& varied) {
  varied.data = written.data;
  if (varied.partition && written.partition) varied.partition->place = written.partition->place;
  if (varied.generator && written.generator) varied.generator->place = written.generator->place;
}

/// Each value with all else as written: its mistake is then nobody else's.
Status CheckAlone(const Files& files, const std::vector<SweptKey>& keys) {
  for (const SweptKey& key : keys) {
    for (std::size_t i = 0; i < key.values.size(); ++i) TRY_STATUS(Vary(files, {{&key, i}}));
  }
  return {};
}

}  // namespace

Result<Experiment> ReadExperiment(const std::filesystem::path& file) {
  TRY(const Files files, LoadFiles(file));
  return BuildExperiment(files.settings, files.file, files.plan_file, files.plan_text);
}

Result<std::vector<Experiment>> ReadExperiments(const std::filesystem::path& file) {
  TRY(const Files files, LoadFiles(file));
  TRY(Experiment written,
      BuildExperiment(files.settings, files.file, files.plan_file, files.plan_text));
  TRY(const std::optional<Settings> sweep, files.settings.TableIfAny("sweep"));
  std::vector<SweptKey> keys;
  if (sweep) TRY_STATUS(CollectKeys(*sweep, {}, keys));
  if (keys.empty()) return std::vector<Experiment>{std::move(written)};
  std::size_t combinations = 1;
  for (const SweptKey& key : keys) {
    combinations *= key.values.size();
    if (combinations > kMostCombinations) {
      return sweep->FailHere("more than " + std::to_string(kMostCombinations) + " combinations",
                             "Sweep fewer keys or values at once.");
    }
  }
  TRY_STATUS(CheckAlone(files, keys));
  std::vector<Experiment> experiments;
  for (std::size_t number = 0; number < combinations; ++number) {
    Choice choice;
    std::size_t rest = number;
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
      choice.emplace(choice.begin(), &*key, rest % key->values.size());
      rest /= key->values.size();
    }
    TRY(Experiment experiment, Vary(files, choice));
    RestorePlaces(written, experiment);
    experiments.push_back(std::move(experiment));
  }
  return experiments;
}

}  // namespace consilium
