#include "client/program/commands_cli.h"

#include <iostream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/ingestion/source.h"
#include "client/program/commands_approval.h"
#include "client/program/commands_carried.h"
#include "client/program/commands_client.h"
#include "client/program/commands_preview.h"
#include "client/program/commands_record.h"
#include "client/program/commands_review.h"
#include "client/program/doctor.h"
#include "client/program/format.h"
#include "client/program/home.h"
#include "client/program/key_rotation.h"
#include "client/program/runtime.h"
#include "client/quality/quality_page_file.h"
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
  bool carried = false;
  std::vector<std::string> places;
  std::string out = ".";
  std::string html;
  bool force = false;
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
  TRY(const std::string request,
      CreateSiteHome(common.folder, invitation, protection, random, options.carried));
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

std::string Lines(const std::string& query) { return query + (query.ends_with('\n') ? "" : "\n"); }

/// Those of rows that become values of patients.
void AddQueriesOfRows(const Source& source, nlohmann::json& queries, std::string& text) {
  for (const RowGroup& group : source.rows) {
    if (!group.source) continue;
    const Source& rows = *group.source;
    if (!rows.sql.query.empty()) {
      queries.push_back(rows.sql.query);
      text += "\n-- " + (rows.place.empty() ? rows.DataName() : rows.place) + "\n" +
              Lines(rows.sql.query);
    }
    AddQueriesOfRows(rows, queries, text);
  }
}

/// What a database would be asked; nothing is asked, and the source in use stays.
Result<int> ShowQuery(const CommonOptions& common, const Source& source) {
  if (source.sql.query.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                source.name + ": a source of type \"" + source.type + "\" asks no database",
                "Leave --show-sql out.");
  }
  std::string text = Lines(source.sql.query);
  nlohmann::json of_rows = nlohmann::json::array();
  AddQueriesOfRows(source, of_rows, text);
  return PrintReply(common, {{"query", source.sql.query}, {"queries_of_rows", of_rows}}, text);
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
  return PrintReply(
      common, reply,
      "The next transport key was made here and waits.\nFingerprint from then on: " + fingerprint +
          "\nSend " + file.string() +
          " to the coordinator's administrator, who admits it: consilium-coordinator "
          "admit DIR REQUEST\nThe running service takes the key up by itself, "
          "between two rounds.\nA site whose policy.toml names this one under anchors "
          "by its fingerprint answers nothing from then on, until the new one stands "
          "there: tell them.\n");
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

/// The federation's finished summaries, from the sums that this site has kept.
Result<std::vector<KnownSummary>> ReadSummaries(const CommonOptions& common) {
  std::vector<KnownSummary> summaries;
  TRY(const Json studies, Ask(common, {{"command", "studies"}}));
  for (const Json& study : studies["studies"]) {
    if (study.value("kind", "") != "summary" || study.value("state", "") != "finished") continue;
    TRY(const Json known, Ask(common, {{"command", "summary"}, {"study", study["study"]}}));
    if (!known["result"].is_string()) continue;
    summaries.push_back({study.value("study", "").substr(0, 12), study.value("title", ""),
                         known.value("sites", std::uint32_t{0}),
                         known.value("patients", std::uint64_t{0}),
                         known["result"].get<std::string>()});
  }
  return summaries;
}

Result<int> Check(const CommonOptions& common, const Options& options) {
  TRY_STATUS(CheckPrivate(common.folder));
  if (!options.html.empty())
    TRY_STATUS(
        MayWriteQualityPage(options.html, options.force ? Replace::kAnyFile : Replace::kOwnPages));
  TRY(const Bytes bytes, ReadFile(options.file, kMaxPlanBytes));
  TRY(const Plan plan, ParsePlan(AsText(bytes), options.file));
  TRY(const PatientRegister patients, ReadPatientRegister(common));
  TRY(const std::vector<KnownSummary> summaries, ReadSummaries(common));
  DataCheck check = CheckWithProgress(common.folder, plan, patients, summaries);
  TRY_STATUS(ForeseeAnswer(common, plan, check));
  std::string text = check.report ? Printable(RenderText(*check.report)) : std::string();
  text += check.ok()
              ? "\nThe study could be answered here. Nothing was sent.\n"
              : "\nThe study could not be answered here: " + OneLine(Describe(*check.problem)) +
                    "\nNothing was sent.\n";
  Json reply = CheckJson(check);
  if (!options.html.empty() && check.report) {
    const QualityPageHead head{plan.title, plan.id.Short(),
                               check.ok() ? "" : Describe(*check.problem)};
    TRY_STATUS(WriteQualityPage(options.html, head, *check.report));
    reply["page"] = options.html;
    text += "The page is in " + options.html + ", which only you can read. Keep it in the house.\n";
  }
  PrintReply(common, reply, text);
  return check.ok() ? kExitDone : kExitFailed;
}

Result<int> ShowStudies(const CommonOptions& common, const Options&) {
  TRY(const Json reply, Ask(common, {{"command", "studies"}}));
  return PrintReply(common, reply, FormatStudies(reply, StyleOf(STDOUT_FILENO)));
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
  common.ForgetPassphrase();
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
            Wrapped(finding.check + ": " + OneLine(finding.words), style.width - 5, 5) + "\n";
    if (!finding.remedy.empty()) {
      text += "     " + Wrapped("-> " + OneLine(finding.remedy), style.width - 5, 8) + "\n";
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
  init.add_flag("--carried", options.carried,
                "This machine has no network: people carry files (`inbox` and `outbox`)");
  line.Add("rotate", "Make the next transport key and the request for the admin; studies go on",
           "rotate /var/lib/consilium --request charite.rotation.json", bind(Rotate))
      .add_option("--request", options.request,
                  "The request file to write (default DIR/NAME.rotation.json)");
  CLI::App& source = line.Add("source", "Use this source file for the site's data",
                              "source /var/lib/consilium cardiology.source.toml", bind(UseSource));
  source.add_option("SOURCE", options.file, "The source file, TOML")->required();
  source.add_flag("--show-sql", options.show_sql,
                  "Only show the query that the database would be asked");
  CLI::App& check =
      line.Add("check", "Check the local data against a plan; nothing is sent",
               "check /var/lib/consilium coronary.toml --html quality.html", bind(Check));
  check.add_option("PLAN", options.file, "The plan, a TOML file")->required();
  CLI::Option* html = check.add_option("--html", options.html, "Also write a page with plots here");
  check.add_flag("--force", options.force, "With --html: replace any file of that name")
      ->needs(html);
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
  CLI::App& preview =
      line.Add("preview", "Show the very numbers that would leave in a study's next round",
               "preview /var/lib/consilium 1f2e3d4c", [&options](const CommonOptions& common) {
                 return PreviewStudy(common, options.study, options.file);
               });
  preview.add_option("STUDY", options.study, "The study's number, or its first digits")->required();
  preview.add_option("--out", options.file, "Write all of them to this file, for your eyes only");
}

void AddCarriedCommands(CommandLine& line, Options& options) {
  line.Add("inbox", "Take in files that people carried here from the coordinator",
           "inbox /var/lib/consilium /media/usb",
           [&options](const CommonOptions& common) {
             return TakeCarriedFiles(common, options.places);
           })
      .add_option("FILE", options.places, "Files, or folders with them")
      ->required();
  line.Add(
          "outbox", "Write the file that people are to carry to the coordinator",
          "outbox /var/lib/consilium --out /media/usb",
          [&options](const CommonOptions& common) { return WriteCarriedFile(common, options.out); })
      .add_option("--out", options.out, "A folder or a file (default: this folder)");
}

}  // namespace

int RunSiteProgram(int count, char** arguments) {
  CommandLine line(
      "consilium-site",
      "Answers a consortium's studies on a hospital's data, which stay where they are.");
  Options options;
  ReviewOptions review;
  ApprovalOptions approval;
  AddSetUpCommands(line, options);
  AddStudyCommands(line, options);
  AddCarriedCommands(line, options);
  AddReviewCommand(line, review);
  AddApprovalCommands(line, approval);
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
