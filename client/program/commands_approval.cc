#include "client/program/commands_approval.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/program/approval_requests.h"
#include "client/program/commands_client.h"
#include "client/program/format.h"
#include "common/files.h"
#include "common/random.h"
#include "common/runtime_clock.h"
#include "common/terminal.h"
#include "protocols/plan.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

/// Of a person's new key. Argon2id makes each guess cost a second; a short word is guessed anyway.
constexpr std::size_t kShortestPassphrase = 10;

Result<Json> Ask(const CommonOptions& common, const Json& request) {
  return AskSite(common.folder, request, common.passphrase());
}

template <class Id>
Status ReadId(const Json& reply, const char* name, Id& id) {
  const Result<Bytes> bytes = FromHex(reply.value(name, ""));
  if (!bytes || bytes->size() != id.bytes.size()) {
    return Fail(ErrorCode::kIo, std::string("the service's reply has no '") + name + "'",
                "Use programs of the same version.");
  }
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
  return {};
}

std::filesystem::path KeyFileOf(const CommonOptions& common, const ApprovalOptions& options) {
  const std::filesystem::path file = options.key_file.empty()
                                         ? common.folder / "approvers" / (options.person + ".key")
                                         : std::filesystem::path(options.key_file);
  return std::filesystem::absolute(file).lexically_normal();
}

/// Asked for at the moment of signing, each time.
PassphraseProvider PersonsPassphrase(const ApprovalOptions& options) {
  if (options.passphrase_descriptor >= 0) {
    return [descriptor = options.passphrase_descriptor](const auto&) {
      return ReadPassphraseFrom(descriptor);
    };
  }
  return PassphraseFrom(options.passphrase_file.empty()
                            ? std::nullopt
                            : std::optional<std::filesystem::path>(options.passphrase_file));
}

// -- Signing -----------------------------------------------------------------------------------

/// What is about to be signed, on the terminal of who signs.
void ShowStatement(const Plan& plan, const ApprovalSignature& approval) {
  const std::size_t width = StyleOf(STDERR_FILENO).width;
  std::cerr << Wrapped("You sign as " + approval.name + ": \"" +
                           std::string(MeaningOf(approval.kind)) + "\"",
                       width, 2)
            << "\n"
            << Wrapped("Study " + plan.id.ToHex() + ", \"" + OneLine(plan.title) + "\", through " +
                           ToText(DayOf(approval.last_day)) +
                           (approval.reason.empty() ? "" : "; reason: " + approval.reason),
                       width, 2)
            << std::endl;
}

/// Now, once the second of the last decision is over. Never a time that is to come: whoever told
/// the wrong time of that decision could keep the signature back until then.
Result<UtcSeconds> TimeAfter(UtcSeconds decided) {
  constexpr std::int64_t kLongestWaitSeconds = 10;
  constexpr std::chrono::milliseconds kPause{50};
  UtcSeconds now = ReadClocks().utc;
  while (now <= decided) {
    if (decided.seconds - now.seconds > kLongestWaitSeconds) {
      return Fail(ErrorCode::kConflict,
                  "the last decision on the study has a time that is still to come",
                  "Check this machine's clock: nothing is signed before that time.");
    }
    std::this_thread::sleep_for(kPause);
    now = ReadClocks().utc;
  }
  return now;
}

/// The study's number is computed here from the plan's text: it is what the signature is bound to.
Result<ApprovalSignature> Sign(const CommonOptions& common,
                               const ApprovalOptions& options,
                               ApprovalKind kind,
                               const Json& study) {
  TRY_STATUS(CheckPersonName(options.person));
  TRY_STATUS(CheckReason(options.reason));
  TRY(const Plan plan, ParsePlan(study.value("plan", ""), "offered plan"));
  ApprovalPlace place;
  TRY_STATUS(ReadId(study, "federation", place.federation));
  TRY_STATUS(ReadId(study, "site_key", place.site));
  place.study = plan.id;
  ApprovalSignature approval;
  approval.kind = kind;
  approval.name = options.person;
  approval.reason = options.reason;
  approval.last_day = DaysSinceEpoch(plan.expires);
  if (!options.until.empty()) {
    TRY(const Date day, ParseDate(options.until));
    approval.last_day = DaysSinceEpoch(day);
  }
  if (!common.json) ShowStatement(plan, approval);
  TRY(const SigningKey key,
      LoadPersonalKey(KeyFileOf(common, options), PersonsPassphrase(options)));
  TRY(approval.at, TimeAfter(UtcSeconds{study.value("decided_at_seconds", std::int64_t{0})}));
  SignApproval(place, key, approval);
  return approval;
}

Result<int> Approve(const CommonOptions& common,
                    const ApprovalOptions& options,
                    ApprovalKind kind) {
  const std::string command = kind == ApprovalKind::kApprove ? "approve" : "renew";
  TRY(const Json study, Ask(common, {{"command", "study"}, {"study", options.study}}));
  // By its whole number from here on: a study offered meanwhile must not be meant.
  Json request{{"command", command}, {"study", study.value("study", "")}};
  if (!options.reason.empty()) request["reason"] = options.reason;
  if (!options.until.empty()) request["until"] = options.until;
  if (!options.person.empty()) {
    TRY(const ApprovalSignature approval, Sign(common, options, kind, study));
    request["signature"] = SignatureJson(approval);
  } else if (!options.yes && !common.json) {
    TRY(const bool confirmed,
        Confirm(
            (kind == ApprovalKind::kApprove ? "Approve study " : "Renew the approval of study ") +
            study.value("study", "").substr(0, 12) + ", \"" + OneLine(study.value("title", "")) +
            "\", as `review` shows it?"));
    if (!confirmed) {
      std::cout << "Nothing was changed." << std::endl;
      return kExitFailed;
    }
  }
  TRY(const Json reply, Ask(common, request));
  return PrintReply(common, reply, Wrapped(FormatDecision(reply), StyleOf(STDOUT_FILENO).width, 2));
}

Result<int> TakeBack(const std::string& command,
                     const CommonOptions& common,
                     const ApprovalOptions& options) {
  Json request{{"command", command}, {"study", options.study}};
  if (!options.reason.empty()) request["reason"] = options.reason;
  TRY(const Json reply, Ask(common, request));
  return PrintReply(common, reply, FormatDecision(reply));
}

// -- Who may sign ------------------------------------------------------------------------------

std::string FormatApprovers(const Json& reply) {
  const std::string needed = reply["signatures_needed"].is_null()
                                 ? "policy.toml cannot be read, so nothing is answered.\n"
                                 : "This site's policy (approvers) asks for " +
                                       reply["signatures_needed"].dump() +
                                       " signatures under an approval.\n";
  if (reply["approvers"].empty()) {
    return "Nobody is registered to sign approvals here.\n" + needed;
  }
  std::string text;
  for (const Json& person : reply["approvers"]) {
    text += OneLine(person.value("name", "")) + ", since " +
            person.value("added_at", "").substr(0, 10) +
            (person.value("may_sign", false) ? "" : " (policy.toml does not name this person)") +
            "\n  " + person.value("key", "") + "\n";
  }
  return text + needed;
}

Result<Passphrase> NewPassphrase(const ApprovalOptions& options,
                                 const std::filesystem::path& file) {
  const bool given = options.passphrase_descriptor >= 0 || !options.passphrase_file.empty();
  TRY(Passphrase passphrase, given ? PersonsPassphrase(options)(file) : AskNewPassphrase(file));
  if (passphrase.Expose().size() >= kShortestPassphrase) return passphrase;
  return Fail(ErrorCode::kInvalidArgument,
              "the passphrase has fewer than " + std::to_string(kShortestPassphrase) +
                  " characters; no key was made",
              "Take four words that do not belong together.");
}

Status MakeFolderOf(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  return std::filesystem::exists(folder) ? Status() : CreatePrivateFolder(folder);
}

Result<int> AddApprover(const CommonOptions& common, const ApprovalOptions& options) {
  TRY_STATUS(CheckPersonName(options.person));
  TRY(const Json place, Ask(common, {{"command", "approvers"}}));
  FederationId federation;
  IdentityKey site;
  TRY_STATUS(ReadId(place, "federation", federation));
  TRY_STATUS(ReadId(place, "site_key", site));
  const std::filesystem::path file = KeyFileOf(common, options);
  TRY_STATUS(MakeFolderOf(file));
  KeyProtection protection;
  TRY(Passphrase passphrase, NewPassphrase(options, file));
  protection.passphrase.emplace(std::move(passphrase));
  SystemRandom random;
  const SigningKey key = SigningKey::Generate(random);
  TRY_STATUS(SavePersonalKey(file, key, protection, random));
  const Signature proof = ProveApprover(federation, site, options.person, key);
  Result<Json> reply = Ask(common, {{"command", "add-approver"},
                                    {"name", options.person},
                                    {"key", key.public_key().ToHex()},
                                    {"proof", ToHex(proof.bytes)}});
  if (!reply) {
    // Nobody knows of the key: the next try is to find the place free.
    std::error_code error;
    std::filesystem::remove(file, error);
    return tl::make_unexpected(std::move(reply).error());
  }
  (*reply)["key_file"] = file.string();
  return PrintReply(common, *reply,
                    options.person + " may sign approvals here from now on. The key is in\n  " +
                        file.string() +
                        "\nunder the passphrase. To let policy.toml say who may sign, add at its "
                        "end:\n\n[[approver]]\nname = \"" +
                        options.person + "\"\nkey = \"" + key.public_key().ToHex() + "\"\n");
}

Result<int> RunApprover(const CommonOptions& common, const ApprovalOptions& options) {
  if (options.action == "list") {
    TRY(const Json reply, Ask(common, {{"command", "approvers"}}));
    return PrintReply(common, reply, FormatApprovers(reply));
  }
  if (options.person.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "`approver " + options.action + "` needs a name",
                "consilium-site approver DIR " + options.action + " \"Anna Keller\"");
  }
  if (options.action == "add") return AddApprover(common, options);
  TRY(const Json reply, Ask(common, {{"command", "remove-approver"}, {"name", options.person}}));
  return PrintReply(common, reply,
                    options.person +
                        " does not sign here any more. Approvals that need this signature are not "
                        "answered until they are signed again.\n" +
                        FormatApprovers(reply));
}

// -- The command line --------------------------------------------------------------------------

void AddStudyOption(CLI::App& command, ApprovalOptions& options) {
  command.add_option("STUDY", options.study, "The study's number, or its first digits")->required();
  command.add_option("--reason", options.reason,
                     "Why, in one sentence; it stands in this site's ledger");
}

void AddKeyOptions(CLI::App& command, ApprovalOptions& options) {
  command.add_option("--key-file", options.key_file,
                     "The person's key file (default DIR/approvers/NAME.key)");
  CLI::Option* file =
      command.add_option("--signing-passphrase-file", options.passphrase_file,
                         "A private file (mode 0600) whose first line opens the person's key");
  command
      .add_option("--signing-passphrase-fd", options.passphrase_descriptor,
                  "An open descriptor whose first line opens the person's key")
      ->check(CLI::NonNegativeNumber)
      ->excludes(file);
}

}  // namespace

void AddApprovalCommands(CommandLine& line, ApprovalOptions& options) {
  struct Approval {
    ApprovalKind kind;
    const char* name;
    const char* description;
    const char* arguments;
  };
  const Approval approvals[] = {
      {ApprovalKind::kApprove, "approve", "Approve a study: from now on its rounds are answered",
       " /srv/consilium 1f2e3d4c --as \"Anna Keller\" --reason \"Board of 3 May agreed\""},
      {ApprovalKind::kRenew, "renew", "Let a study's approval hold until another day",
       " /srv/consilium 1f2e3d4c --until 2027-06-30 --as \"Anna Keller\""}};
  for (const Approval& approval : approvals) {
    CLI::App& command = line.Add(approval.name, approval.description,
                                 std::string(approval.name) + approval.arguments,
                                 [&options, kind = approval.kind](const CommonOptions& common) {
                                   return Approve(common, options, kind);
                                 });
    AddStudyOption(command, options);
    command.add_option("--until", options.until,
                       "The approval's last day, YYYY-MM-DD (default: the plan's)");
    command.add_option("--as", options.person, "Sign as this person; asks for the passphrase");
    AddKeyOptions(command, options);
    command.add_flag("--yes", options.yes, "Do not ask for confirmation");
  }
  const std::pair<const char*, const char*> others[] = {
      {"decline", "Decline a study"},
      {"revoke", "Take an approval back: no further round is answered"}};
  for (const auto& [name, description] : others) {
    CLI::App& command =
        line.Add(name, description,
                 std::string(name) + " /srv/consilium 1f2e3d4c --reason \"Patients objected\"",
                 [&options, word = std::string(name)](const CommonOptions& common) {
                   return TakeBack(word, common, options);
                 });
    AddStudyOption(command, options);
    command.add_flag("--yes", options.yes, "Do not ask for confirmation");
  }
  CLI::App& approver =
      line.Add("approver", "Say who may sign approvals: make a person's key, list, remove",
               "approver /srv/consilium add \"Anna Keller\"",
               [&options](const CommonOptions& common) { return RunApprover(common, options); });
  approver.add_option("ACTION", options.action, "add, list or remove")
      ->required()
      ->check(CLI::IsMember({"add", "list", "remove"}));
  approver.add_option("NAME", options.person, "The person's name, as it is to stand in the ledger");
  AddKeyOptions(approver, options);
}

}  // namespace consilium
