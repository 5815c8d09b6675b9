#include "coordinator/commands_cli.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/command_line.h"
#include "common/files.h"
#include "common/runtime_clock.h"
#include "common/terminal.h"
#include "common/transport/poller.h"
#include "coordinator/commands_carried.h"
#include "coordinator/commands_client.h"
#include "coordinator/commands_watch.h"
#include "coordinator/format.h"
#include "coordinator/home.h"
#include "coordinator/runtime.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRequestBytes = 16'384;

/// What the commands take beside the shared options.
struct Options {
  CoordinatorSettings wishes;
  std::string site;
  std::string study;
  std::string file;
  std::string out;
  std::string fingerprint;
  bool yes = false;
  bool watch = false;
  bool verify = false;
  bool verbose = false;
  std::size_t last = 50;
  std::string format;
  std::uint64_t after = 0;
  std::vector<std::string> places;
};

Result<Json> Ask(const CommonOptions& common, Json request) {
  return AskCoordinator(common.folder, request, common.passphrase());
}

std::string Short(const Json& study) { return study.value("study", "").substr(0, 12); }

// -- The home folder ---------------------------------------------------------------------------

Result<int> Init(const CommonOptions& common, const Options& options) {
  SystemRandom random;
  KeyProtection protection;
  if (!common.passphrase_file.empty()) {
    TRY(Passphrase passphrase, ReadPassphraseFile(common.passphrase_file));
    protection.passphrase.emplace(std::move(passphrase));
  }
  TRY(const CoordinatorHome home,
      CreateCoordinatorHome(common.folder, options.wishes, protection, random, ReadClocks()));
  Json reply;
  reply["federation"] = home.settings.name;
  reply["folder"] = home.folder.string();
  reply["fingerprint"] = home.fingerprint();
  reply["listen"] = home.settings.listen;
  reply["advertise"] = home.settings.advertise;
  const std::string folder = home.folder.string();
  return PrintReply(common, reply,
                    "Federation " + home.settings.name + " is set up in " + folder +
                        ".\nFingerprint of the coordinator: " + home.fingerprint() +
                        "\nListens on " + home.settings.listen + "; sites will connect to " +
                        home.settings.advertise + "\nNext: consilium-coordinator invite " + folder +
                        " --site NAME\n      consilium-coordinator serve " + folder + "\n");
}

Result<int> Serve(const CommonOptions& common, const Options& options) {
  TRY(StopSignals stop, StopSignals::Install());
  SystemRandom random;
  TRY(CoordinatorHome home, OpenCoordinatorHome(common.folder, common.passphrase()));
  common.ForgetPassphrase();
  TRY(const std::unique_ptr<Log> log, MakeLog("coordinator", home.log_folder(), LogLevel::kInfo,
                                              options.verbose ? LogEcho::kStderr : LogEcho::kNone));
  ServiceManager manager = ServiceManager::FromEnvironment();
  const auto say = [json = common.json, &manager](const std::string& sentence) {
    manager.Say(sentence);
    std::cout.clear();  // What a full disk swallowed is gone; the next sentence may get through.
    if (!json) std::cout << ToText(ReadClocks().utc) << "  " << sentence << std::endl;
  };
  const std::string name = home.settings.name;
  const std::string advertise = home.settings.advertise;
  const std::string fingerprint = home.fingerprint();
  TRY(const std::unique_ptr<CoordinatorRuntime> runtime,
      CoordinatorRuntime::Start(std::move(home), *log, random, say));
  if (common.json) {
    Json reply{{"federation", name},
               {"endpoint", runtime->endpoint()},
               {"advertise", advertise},
               {"fingerprint", fingerprint}};
    std::cout << reply.dump() << std::endl;
  } else {
    say("Federation " + name + ": listening on " + runtime->endpoint() + "; sites connect to " +
        advertise + ".");
    say("Fingerprint of the coordinator: " + fingerprint);
  }
  TRY_STATUS(runtime->Run(stop, manager));
  say("Stopped.");
  return kExitDone;
}

// -- Members -----------------------------------------------------------------------------------

Result<int> Invite(const CommonOptions& common, const Options& options) {
  TRY(Json reply, Ask(common, {{"command", "invite"}, {"site", options.site}}));
  const std::filesystem::path file =
      options.out.empty() ? options.site + ".invitation.json" : options.out;
  TRY_STATUS(WriteFileAtomically(file, AsBytes(reply["invitation"].get<std::string>()), 0600));
  reply.erase("invitation");
  reply["file"] = file.string();
  return PrintReply(
      common, reply,
      "The invitation of site " + options.site + " is in " + file.string() +
          "\nSend it to that site over a channel you trust: it admits one site, once.\n"
          "The site runs: consilium-site init DIR --invite " +
          file.filename().string() +
          "\nand sends back a request. Then: consilium-coordinator admit " +
          common.folder.string() + " REQUEST\n");
}

/// What a request to be admitted says, of a site that joins or of a member with another key.
struct Asking {
  std::string site_name;
  std::string fingerprint;
  std::string words;
  std::string next_step;
};

Result<Asking> ReadAsking(const std::string& text, const std::string& file) {
  if (IsRotationRequest(text)) {
    TRY(const RotationRequest request, ReadRotationRequest(text, file));
    return Asking{
        request.site_name, Fingerprint(request.identity, request.next),
        " asks to connect with another key from now on; its fingerprint is then\n  ",
        "It takes the new key up between two rounds; the old one is refused from then on.\n"
        "Sites whose policy.toml names it under anchors by its old fingerprint answer nothing "
        "until the new one stands there."};
  }
  TRY(const JoinRequest request, ReadJoinRequest(text, file));
  return Asking{request.site_name, Fingerprint(request.identity, request.transport),
                " has the fingerprint\n  ", "The site can start now: consilium-site run DIR"};
}

Result<int> Admit(const CommonOptions& common, const Options& options) {
  TRY(const Bytes bytes, ReadFile(options.file, kMostRequestBytes));
  const std::string text(AsText(bytes));
  TRY(const Asking request, ReadAsking(text, options.file));
  const std::string& fingerprint = request.fingerprint;
  if (!options.fingerprint.empty() && options.fingerprint != fingerprint) {
    return Fail(ErrorCode::kRefused,
                "the request's fingerprint is " + fingerprint + ", not the one given",
                "Do not admit it: ask the site for its fingerprint over the telephone.");
  }
  if (!options.yes && options.fingerprint.empty() && !common.json) {
    TRY(const bool confirmed, Confirm("Site " + request.site_name + request.words + fingerprint +
                                      "\nDoes the site read out the same?"));
    if (!confirmed) {
      std::cout << "Nothing was changed." << std::endl;
      return kExitFailed;
    }
  }
  TRY(const Json reply,
      Ask(common, {{"command", "admit"}, {"request", text}, {"file", options.file}}));
  return PrintReply(common, reply,
                    "Site " + request.site_name + " is admitted.\nFingerprint: " + fingerprint +
                        "\n" + request.next_step + "\n");
}

Result<int> Revoke(const CommonOptions& common, const Options& options) {
  TRY(const Json reply, Ask(common, {{"command", "revoke"}, {"site", options.site}}));
  return PrintReply(common, reply,
                    "Site " + options.site +
                        " is revoked: its connections are cut and its keys let nobody in.\n");
}

Result<int> ShowRoster(const CommonOptions& common, const Options&) {
  TRY(const Json reply, Ask(common, {{"command", "roster"}}));
  return PrintReply(common, reply, FormatRoster(reply, StyleOf(STDOUT_FILENO)));
}

// -- Studies -----------------------------------------------------------------------------------

Result<int> Submit(const CommonOptions& common, const Options& options) {
  TRY(const Bytes bytes, ReadFile(options.file, kMaxPlanBytes));
  TRY(const Json reply,
      Ask(common,
          {{"command", "submit"}, {"plan", std::string(AsText(bytes))}, {"file", options.file}}));
  return PrintReply(common, reply,
                    "Study " + Short(reply) +
                        " is on offer to all sites: " + OneLine(reply.value("title", "")) +
                        "\nSites review and approve it: consilium-site review DIR " + Short(reply) +
                        "\nThen start it: consilium-coordinator start " + common.folder.string() +
                        " " + Short(reply) + "\n");
}

Result<int> MoveStudy(const std::string& command,
                      const CommonOptions& common,
                      const Options& options) {
  TRY(const Json reply, Ask(common, {{"command", command}, {"study", options.study}}));
  return PrintReply(common, reply, FormatStudyLine(reply) + "\n");
}

Result<int> ShowStatus(const CommonOptions& common, const Options& options) {
  if (options.watch) return WatchStudy(common.folder, options.study, common.json);
  Json request{{"command", "status"}};
  if (!options.study.empty()) request["study"] = options.study;
  TRY(const Json reply, Ask(common, request));
  const TerminalStyle style = StyleOf(STDOUT_FILENO);
  if (options.study.empty()) return PrintReply(common, reply, FormatStatus(reply, style));
  return PrintReply(common, reply["study"], FormatStudy(reply["study"], style));
}

Result<int> ShowResult(const CommonOptions& common, const Options& options) {
  TRY(const Json reply, Ask(common, {{"command", "result"}, {"study", options.study}}));
  const std::string document = reply.value("document", "");
  if (!options.out.empty()) {
    TRY_STATUS(WriteFileAtomically(options.out, AsBytes(document), 0644));
    if (!common.json) std::cout << "The full result is in " << options.out << std::endl;
    return kExitDone;
  }
  std::cout << (common.json ? document : reply.value("table", "")) << std::flush;
  return kExitDone;
}

Result<int> ExportAudit(const CommonOptions& common, const Options& options) {
  std::uint64_t after = options.after;
  for (bool more = true; more;) {
    TRY(const Json reply,
        Ask(common, {{"command", "export-audit"}, {"format", options.format}, {"after", after}}));
    std::cout << reply.value("lines", "") << std::flush;
    after = reply.value("last", after);
    more = reply.value("more", false);
  }
  return kExitDone;
}

Result<int> ShowAudit(const CommonOptions& common, const Options& options) {
  if (!options.format.empty()) return ExportAudit(common, options);
  TRY(const Json reply, Ask(common, {{"command", "audit"},
                                     {"last", options.verify ? std::size_t{0} : options.last}}));
  return PrintReply(common, reply, FormatAudit(reply));
}

// -- The command line --------------------------------------------------------------------------

using Run = Result<int> (*)(const CommonOptions&, const Options&);

void AddMemberCommands(CommandLine& line, Options& options) {
  const auto bind = [&options](Run run) {
    return [&options, run](const CommonOptions& common) { return run(common, options); };
  };
  CLI::App& init =
      line.Add("init", "Make the keys and an empty federation in a new folder",
               "init /var/lib/consilium --name cardiology --listen tcp://0.0.0.0:7700", bind(Init));
  init.add_option("--name", options.wishes.name, "The federation's name")->required();
  init.add_option("--listen", options.wishes.listen,
                  "tcp://ADDRESS:PORT to listen on (default tcp://0.0.0.0:7700)");
  init.add_option("--advertise", options.wishes.advertise,
                  "tcp://HOST:PORT that sites connect to (default: this machine's name)");
  CLI::App& invite =
      line.Add("invite", "Write an invitation for one site",
               "invite /var/lib/consilium --site charite --out charite.json", bind(Invite));
  invite.add_option("--site", options.site, "The site's name")->required();
  invite.add_option("--out", options.out, "The file to write (default NAME.invitation.json)");
  CLI::App& admit =
      line.Add("admit", "Admit a site, or a member's next key, after comparing fingerprints",
               "admit /var/lib/consilium charite.request.json", bind(Admit));
  admit.add_option("REQUEST", options.file, "The file the site sent")->required();
  admit.add_option("--fingerprint", options.fingerprint,
                   "The fingerprint as the site read it out: admit no other");
  admit.add_flag("--yes", options.yes, "Do not ask for confirmation");
  line.Add("revoke", "Take a site's keys off the roster and cut its connections",
           "revoke /var/lib/consilium charite", bind(Revoke))
      .add_option("SITE", options.site, "The site's name")
      ->required();
  line.Add("roster", "List the members, their fingerprints and open invitations",
           "roster /var/lib/consilium", bind(ShowRoster));
}

void AddStudyCommands(CommandLine& line, Options& options) {
  const auto bind = [&options](Run run) {
    return [&options, run](const CommonOptions& common) { return run(common, options); };
  };
  line.Add("submit", "Offer a study to all sites", "submit /var/lib/consilium coronary.toml",
           bind(Submit))
      .add_option("PLAN", options.file, "The plan, a TOML file")
      ->required();
  const std::pair<const char*, const char*> moves[] = {
      {"start", "Start a study with the sites that have approved it"},
      {"pause", "Pause a running study; nothing is lost"},
      {"resume", "Go on with a paused study"},
      {"stop", "End a study for good"}};
  for (const auto& [name, description] : moves) {
    line.Add(name, description, std::string(name) + " /var/lib/consilium 1f2e3d4c",
             [&options, command = std::string(name)](const CommonOptions& common) {
               return MoveStudy(command, common, options);
             })
        .add_option("STUDY", options.study, "The study's number, or its first digits")
        ->required();
  }
  CLI::App& status = line.Add("status", "Show the studies, or one study with its sites",
                              "status /var/lib/consilium 1f2e3d4c --watch", bind(ShowStatus));
  status.add_option("STUDY", options.study, "The study's number, or its first digits");
  status.add_flag("--watch", options.watch, "Follow the study until it ends");
  CLI::App& result =
      line.Add("result", "Show or save a finished study's result",
               "result /var/lib/consilium 1f2e3d4c --out result.json", bind(ShowResult));
  result.add_option("STUDY", options.study, "The study's number, or its first digits")->required();
  result.add_option(
      "--out", options.out,
      "Write the full result.json to this file; of a trained model consilium-sim model "
      "makes a file for other programs of it");
  CLI::App& audit = line.Add("audit", "List or verify the signed record of what happened",
                             "audit /var/lib/consilium --verify", bind(ShowAudit));
  audit.add_flag("--verify", options.verify, "Only verify every link and signature");
  CLI::Option* format =
      audit.add_option("--format", options.format,
                       "For other programs: jsonl (JSON lines) or cef (Common Event Format)");
  audit.add_option("--after", options.after, "With --format: only records after this number")
      ->needs(format);
  audit.add_option("--last", options.last, "How many of the newest records to list (default 50)");
}

void AddCarriedCommands(CommandLine& line, Options& options) {
  line.Add("inbox", "Take in files that people carried here from sites without a network",
           "inbox /var/lib/consilium /media/usb",
           [&options](const CommonOptions& common) {
             return TakeSitesFiles(common, options.places);
           })
      .add_option("FILE", options.places, "Files, or folders with them")
      ->required();
  CLI::App& outbox = line.Add("outbox", "Write the files that people are to carry to such sites",
                              "outbox /var/lib/consilium --out /media/usb",
                              [&options](const CommonOptions& common) {
                                return WriteSitesFiles(common, options.site, options.out);
                              });
  outbox.add_option("--site", options.site, "Only for this site (default: all that wait for one)");
  outbox.add_option("--out", options.out,
                    "A folder or, with --site, a file (default: this folder)");
}

}  // namespace

int RunCoordinatorProgram(int count, char** arguments) {
  CommandLine line("consilium-coordinator",
                   "Coordinates studies over hospitals' data that never leaves the hospitals.");
  Options options;
  AddMemberCommands(line, options);
  AddStudyCommands(line, options);
  AddCarriedCommands(line, options);
  line.Add("serve", "Run the service until it is told to stop", "serve /var/lib/consilium",
           [&options](const CommonOptions& common) { return Serve(common, options); })
      .add_flag("--verbose", options.verbose, "Also write the log to stderr");
  return line.Run(count, arguments);
}

}  // namespace consilium
