#include "client/commands_cli.h"

#include <iostream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/commands_client.h"
#include "client/commands_record.h"
#include "client/doctor.h"
#include "client/format.h"
#include "client/home.h"
#include "client/ingestion/source.h"
#include "client/key_rotation.h"
#include "client/review.h"
#include "client/runtime.h"
#include "common/command_line.h"
#include "common/files.h"
#include "common/runtime_clock.h"
#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostInvitationBytes = 16'384;

/// What the commands take beside the shared options.
struct Options {
  std::string file;
  std::string request;
  std::string study;
  std::string format;
  std::uint64_t after = 0;
  bool yes = false;
  bool verify = false;
  bool verbose = false;
  bool show_sql = false;
};

Result<Json> Ask(const CommonOptions& common, Json request) {
  return AskSite(common.folder, request, common.passphrase());
}

// -- The home folder ---------------------------------------------------------------------------

Result<int> Init(const CommonOptions& common, const Options& options) {
  SystemRandom random;
  KeyProtection protection;
  if (!common.passphrase_file.empty()) {
    TRY(Passphrase passphrase, ReadPassphraseFile(common.passphrase_file));
    protection.passphrase.emplace(std::move(passphrase));
  }
  TRY(const Bytes bytes, ReadFile(options.file, kMostInvitationBytes));
  TRY(const Invitation invitation, ReadInvitation(AsText(bytes), options.file));
  TRY(const std::string request, CreateSiteHome(common.folder, invitation, protection, random));
  const std::filesystem::path request_file =
      options.request.empty() ? common.folder / (invitation.site_name + ".request.json")
                              : std::filesystem::path(options.request);
  TRY_STATUS(WriteFileAtomically(request_file, AsBytes(request), 0600));
  TRY(const SiteHome home, OpenSiteHome(common.folder, common.passphrase()));
  Json reply;
  reply["site"] = home.settings.name;
  reply["federation"] = home.settings.federation_name;
  reply["folder"] = home.folder.string();
  reply["request"] = request_file.string();
  reply["fingerprint"] = home.fingerprint();
  reply["coordinator_fingerprint"] = home.coordinator_fingerprint();
  return PrintReply(
      common, reply,
      "Site " + home.settings.name + " of the federation " + home.settings.federation_name +
          " is set up in " + home.folder.string() +
          "; its keys were made here and stay here.\n"
          "Fingerprint of this site:   " +
          home.fingerprint() + "\nFingerprint of coordinator: " + home.coordinator_fingerprint() +
          "\nSend " + request_file.string() +
          " to the coordinator's administrator and compare fingerprints by telephone.\n"
          "Next: consilium-site source " +
          home.folder.string() + " SOURCE.toml\n      consilium-site run " + home.folder.string() +
          "\n");
}

/// What a database would be asked; nothing is asked, and the source in use stays.
Result<int> ShowQuery(const CommonOptions& common, const Source& source) {
  if (source.sql.query.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                source.name + ": a source of type \"" + source.type + "\" asks no database",
                "Leave --show-sql out.");
  }
  const std::string& query = source.sql.query;
  return PrintReply(common, {{"query", query}}, query + (query.ends_with('\n') ? "" : "\n"));
}

/// The next key is protected as the one in use is: by the passphrase that opens it, if any.
Result<int> Rotate(const CommonOptions& common, const Options& options) {
  SystemRandom random;
  KeyProtection protection;
  const PassphraseProvider ask = [&](const std::filesystem::path& file) -> Result<Passphrase> {
    TRY(Passphrase typed, common.passphrase()(file));
    protection.passphrase.emplace(typed.Expose());
    return typed;
  };
  TRY(const SiteHome home, OpenSiteHome(common.folder, ask));
  TRY(const std::string request, BeginRotation(home, protection, ask, random));
  TRY(const RotationRequest read, ReadRotationRequest(request, "request"));
  const std::filesystem::path file = options.request.empty()
                                         ? common.folder / (home.settings.name + ".rotation.json")
                                         : std::filesystem::path(options.request);
  TRY_STATUS(WriteFileAtomically(file, AsBytes(request), 0600));
  const std::string fingerprint = Fingerprint(read.identity, read.next);
  const Json reply{
      {"site", home.settings.name}, {"request", file.string()}, {"fingerprint", fingerprint}};
  return PrintReply(common, reply,
                    "The next transport key was made here and waits.\nFingerprint from then on: " +
                        fingerprint + "\nSend " + file.string() +
                        " to the coordinator's administrator, who admits it: consilium-coordinator "
                        "admit DIR REQUEST\nThe running service takes the key up by itself, "
                        "between two rounds.\n");
}

Result<int> UseSource(const CommonOptions& common, const Options& options) {
  TRY_STATUS(CheckPrivate(common.folder));
  TRY(const Source source, ReadSource(options.file));
  if (options.show_sql) return ShowQuery(common, source);
  if (!source.file.empty() && !std::filesystem::exists(source.file)) {
    return Fail(ErrorCode::kNotFound,
                options.file + ": the data file " + source.file.string() + " does not exist",
                "Correct `file`; a relative path starts at the source file's folder.");
  }
  if (!source.fhir.views.empty()) TRY_STATUS(SizeOfData(source));
  TRY_STATUS(SetSource(common.folder, options.file));
  Json reply{{"source", std::filesystem::absolute(options.file).string()},
             {"data", source.DataName()}};
  return PrintReply(common, reply,
                    "Data come from " + source.DataName() + ", as " + options.file +
                        " says. Nothing was sent.\n");
}

// -- Looking before deciding -------------------------------------------------------------------

Json CheckJson(const DataCheck& check) {
  Json json;
  json["ok"] = check.ok();
  json["problem"] = check.problem ? Json(Describe(*check.problem)) : Json(nullptr);
  json["report"] = check.report ? Json::parse(RenderJson(*check.report)) : Json(nullptr);
  return json;
}

DataCheck CheckWithProgress(const std::filesystem::path& folder,
                            const Plan& plan,
                            const PatientRegister& patients) {
  ProgressLine line("Reading the data");
  return CheckLocalData(folder, plan, patients, ReadClocks(),
                        [&line](std::optional<double> share, std::uint64_t rows) {
                          line.Show(share, std::to_string(rows) + " rows");
                        });
}

Result<int> Check(const CommonOptions& common, const Options& options) {
  TRY_STATUS(CheckPrivate(common.folder));
  TRY(const Bytes bytes, ReadFile(options.file, kMaxPlanBytes));
  TRY(const Plan plan, ParsePlan(AsText(bytes), options.file));
  TRY(const PatientRegister patients, ReadPatientRegister(common));
  const DataCheck check = CheckWithProgress(common.folder, plan, patients);
  std::string text = check.report ? RenderText(*check.report) : std::string();
  text += check.ok()
              ? "\nThe study could be answered here. Nothing was sent.\n"
              : "\nThe study could not be answered here: " + Printable(Describe(*check.problem)) +
                    "\nNothing was sent.\n";
  PrintReply(common, CheckJson(check), text);
  return check.ok() ? kExitDone : kExitFailed;
}

Result<int> ShowStudies(const CommonOptions& common, const Options&) {
  TRY(const Json reply, Ask(common, {{"command", "studies"}}));
  return PrintReply(common, reply, FormatStudies(reply, StyleOf(STDOUT_FILENO)));
}

Result<int> Review(const CommonOptions& common, const Options& options) {
  TRY(Json study, Ask(common, {{"command", "study"}, {"study", options.study}}));
  TRY(const Plan plan, ParsePlan(study.value("plan", ""), "offered plan"));
  TRY(const PatientRegister patients, ReadPatientRegister(common));
  const DataCheck check = CheckWithProgress(common.folder, plan, patients);
  const std::string decision =
      study["decision"].is_null() ? "" : study["decision"].get<std::string>();
  const std::size_t width = StyleOf(STDOUT_FILENO).width;
  const std::string balance = FormatBalance(study);
  const std::string page = ReviewPage(plan, check, decision, width) +
                           (balance.empty() ? "" : Wrapped(balance, width, 0) + "\n") +
                           "\nconsilium-site approve " + common.folder.string() + " " +
                           plan.id.Short() + "\nconsilium-site decline " + common.folder.string() +
                           " " + plan.id.Short() + "\n";
  study["explanation"] = ExplainPlan(plan);
  study["check"] = CheckJson(check);
  return PrintReply(common, study, page);
}

Result<int> Decide(const std::string& command,
                   const CommonOptions& common,
                   const Options& options) {
  const bool asks = command == "approve" && !options.yes && !common.json;
  if (asks) {
    TRY(const Json study, Ask(common, {{"command", "study"}, {"study", options.study}}));
    TRY(const bool confirmed,
        Confirm("Approve study " + study.value("study", "").substr(0, 12) + ", \"" +
                Printable(study.value("title", "")) + "\", as `review` shows it?"));
    if (!confirmed) {
      std::cout << "Nothing was changed." << std::endl;
      return kExitFailed;
    }
  }
  TRY(const Json reply, Ask(common, {{"command", command}, {"study", options.study}}));
  return PrintReply(common, reply, FormatDecision(reply));
}

// -- Running -----------------------------------------------------------------------------------

Result<int> Run(const CommonOptions& common, const Options& options) {
  TRY(StopSignals stop, StopSignals::Install());
  SystemRandom random;
  TRY(SiteHome home, OpenSiteHome(common.folder, common.passphrase()));
  if (HasNextKey(common.folder)) {
    TRY(NextKey next, LoadNextKey(common.folder, common.passphrase()));
    home.next = std::move(next);
  }
  TRY(const std::unique_ptr<Log> log, MakeLog("site", home.log_folder(), LogLevel::kInfo,
                                              options.verbose ? LogEcho::kStderr : LogEcho::kNone));
  ServiceManager manager = ServiceManager::FromEnvironment();
  const auto say = [json = common.json, &manager](const std::string& sentence) {
    manager.Say(sentence);
    std::cout.clear();  // What a full disk swallowed is gone; the next sentence may get through.
    if (!json) std::cout << ToText(ReadClocks().utc) << "  " << sentence << std::endl;
  };
  say("Site " + home.settings.name + " of the federation " + home.settings.federation_name +
      ", fingerprint " + home.fingerprint());
  TRY(const std::unique_ptr<SiteRuntime> runtime,
      SiteRuntime::Start(std::move(home), *log, random, say));
  TRY_STATUS(runtime->Run(stop, manager));
  say("Stopped.");
  return kExitDone;
}

Result<int> ShowStatus(const CommonOptions& common, const Options&) {
  TRY(const Json reply, Ask(common, {{"command", "status"}}));
  return PrintReply(common, reply, FormatStatus(reply, StyleOf(STDOUT_FILENO)));
}

Result<int> Ledger(const CommonOptions& common, const Options& options) {
  if (!options.format.empty()) return ExportLedger(common, options.format, options.after);
  return ShowLedger(common, options.verify);
}

Result<int> Exclude(const CommonOptions& common, const Options& options) {
  return ExcludePatients(common, options.file);
}

Result<int> Examine(const CommonOptions& common, const Options&) {
  std::vector<Finding> findings = ExamineFolder(common.folder, ReadClocks());
  const Result<SiteHome> home = OpenSiteHome(common.folder, common.passphrase());
  if (home) {
    const Result<Json> status = Ask(common, {{"command", "status"}});
    const bool runs = status && status->value("service", "") == "running";
    findings.push_back(
        status && status->value("rolled_back", Json()).is_string()
            ? Finding{"state.db", false, status->value("rolled_back", ""),
                      std::string(kRollbackRemedy)}
        : status ? Finding{"state.db", true, "opens, and its chain holds", ""}
                 : Finding{"state.db", false, status.error().message, status.error().remedy});
    if (const auto signed_at = status ? status->value("roster_issued_at", std::int64_t{0}) : 0;
        signed_at > 0) {
      findings.push_back(CompareClock(UtcSeconds{signed_at}, ReadClocks()));
    }
    std::optional<ServiceConnection> service;
    if (runs) service = {status->value("connected", false), status->value("connection", "")};
    for (Finding& finding : ExamineConnection(*home, service)) {
      findings.push_back(std::move(finding));
    }
  } else {
    findings.push_back({"settings", false, home.error().message, home.error().remedy});
  }
  bool all_well = true;
  Json reply{{"findings", Json::array()}};
  std::string text;
  const TerminalStyle style = StyleOf(STDOUT_FILENO);
  for (const Finding& finding : findings) {
    all_well = all_well && finding.ok;
    reply["findings"].push_back(Json{{"check", finding.check},
                                     {"ok", finding.ok},
                                     {"words", finding.words},
                                     {"remedy", finding.remedy}});
    text += Paint(finding.ok ? "ok   " : "FAIL ", finding.ok ? Colour::kGreen : Colour::kRed,
                  style.colours) +
            Wrapped(finding.check + ": " + Printable(finding.words), style.width - 5, 5) + "\n";
    if (!finding.remedy.empty()) {
      text += "     " + Wrapped("-> " + Printable(finding.remedy), style.width - 5, 8) + "\n";
    }
  }
  reply["ok"] = all_well;
  PrintReply(common, reply, text);
  return all_well ? kExitDone : kExitFailed;
}

// -- The command line --------------------------------------------------------------------------

using RunCommand = Result<int> (*)(const CommonOptions&, const Options&);

void AddSetUpCommands(CommandLine& line, Options& options) {
  const auto bind = [&options](RunCommand run) {
    return [&options, run](const CommonOptions& common) { return run(common, options); };
  };
  CLI::App& init = line.Add("init", "Join: make this site's keys and the request for the admin",
                            "init /var/lib/consilium --invite charite.invitation.json", bind(Init));
  init.add_option("--invite", options.file, "The coordinator's invitation file")->required();
  init.add_option("--request", options.request,
                  "The request file to write (default DIR/NAME.request.json)");
  line.Add("rotate", "Make the next transport key and the request for the admin; studies go on",
           "rotate /var/lib/consilium --request charite.rotation.json", bind(Rotate))
      .add_option("--request", options.request,
                  "The request file to write (default DIR/NAME.rotation.json)");
  CLI::App& source = line.Add("source", "Use this source file for the site's data",
                              "source /var/lib/consilium cardiology.source.toml", bind(UseSource));
  source.add_option("SOURCE", options.file, "The source file, TOML")->required();
  source.add_flag("--show-sql", options.show_sql,
                  "Only show the query that the database would be asked");
  line.Add("check", "Check the local data against a plan; nothing is sent",
           "check /var/lib/consilium coronary.toml", bind(Check))
      .add_option("PLAN", options.file, "The plan, a TOML file")
      ->required();
  line.Add(
      "doctor",
      "Say what is wrong and how to mend it: clock, keys, disk, policy, data, state, connection",
      "doctor /var/lib/consilium", bind(Examine));
}

void AddStudyCommands(CommandLine& line, Options& options) {
  const auto bind = [&options](RunCommand run) {
    return [&options, run](const CommonOptions& common) { return run(common, options); };
  };
  line.Add("studies", "List the studies on offer", "studies /var/lib/consilium", bind(ShowStudies));
  line.Add("review", "Show what a study asks, what would leave, and what the local data say",
           "review /var/lib/consilium 1f2e3d4c", bind(Review))
      .add_option("STUDY", options.study, "The study's number, or its first digits")
      ->required();
  const std::pair<const char*, const char*> decisions[] = {
      {"approve", "Approve a study: from now on its rounds are answered"},
      {"decline", "Decline a study"},
      {"revoke", "Take an approval back: no further round is answered"}};
  for (const auto& [name, description] : decisions) {
    CLI::App& command =
        line.Add(name, description, std::string(name) + " /var/lib/consilium 1f2e3d4c",
                 [&options, word = std::string(name)](const CommonOptions& common) {
                   return Decide(word, common, options);
                 });
    command.add_option("STUDY", options.study, "The study's number, or its first digits")
        ->required();
    command.add_flag("--yes", options.yes, "Do not ask for confirmation");
  }
}

}  // namespace

int RunSiteProgram(int count, char** arguments) {
  CommandLine line(
      "consilium-site",
      "Answers a consortium's studies on a hospital's data, which stay where they are.");
  Options options;
  AddSetUpCommands(line, options);
  AddStudyCommands(line, options);
  const auto bind = [&options](RunCommand run) {
    return [&options, run](const CommonOptions& common) { return run(common, options); };
  };
  line.Add("run", "Run the service until it is told to stop", "run /var/lib/consilium", bind(Run))
      .add_flag("--verbose", options.verbose, "Also write the log to stderr");
  line.Add("status", "Show the connection, the members and the studies",
           "status /var/lib/consilium", bind(ShowStatus));
  CLI::App& ledger =
      line.Add("ledger", "Show in plain words what has left this site",
               "ledger /var/lib/consilium --format cef --after 1200 | logger", bind(Ledger));
  ledger.add_flag("--verify", options.verify, "Only verify every link and signature");
  CLI::Option* format =
      ledger.add_option("--format", options.format,
                        "For other programs: jsonl (JSON lines) or cef (Common Event Format)");
  ledger.add_option("--after", options.after, "With --format: only records after this number")
      ->needs(format);
  line.Add("exclude", "Leave patients out of all answers from now on, as they asked",
           "exclude /var/lib/consilium withdrawn.txt", bind(Exclude))
      .add_option("FILE", options.file, "Their identifiers, one a line, as in the data")
      ->required();
  return line.Run(count, arguments);
}

}  // namespace consilium
