#include "client/doctor.h"

#include <utility>

#include "client/format.h"
#include "client/ingestion/source.h"
#include "client/policy.h"
#include "common/child_process.h"
#include "common/confinement.h"
#include "common/files.h"
#include "common/runtime_clock.h"

namespace consilium {
namespace {

/// The state of a site grows by a few kilobytes a round; less than this and a study will stop.
constexpr std::uintmax_t kLeastFreeBytes = 64ULL << 20;
constexpr Duration kPatience{6'000};
constexpr const char* kConnectionRemedy =
    "See that the coordinator serves, that this site is admitted (`consilium-coordinator roster`), "
    "and that the firewall lets outbound TCP to that port pass.";

Finding FromStatus(std::string check, const Status& status, std::string words) {
  if (status) return {std::move(check), true, std::move(words), ""};
  return {std::move(check), false, status.error().message, status.error().remedy};
}

Finding ExamineDisk(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error) return {"disk space", false, error.message(), "Check the file system."};
  const std::string megabytes = std::to_string(space.available >> 20) + " MiB free";
  if (space.available < kLeastFreeBytes) {
    return {"disk space", false, megabytes + " on the file system of " + folder.string(),
            "Free some space; at least 64 MiB should be there."};
  }
  return {"disk space", true, megabytes, ""};
}

Finding ExamineClock(const Moment& now) {
  const int year = DateOf(now.utc).year;
  if (year < 2026 || year > 2100) {
    return {"clock", false, "this machine's clock says " + ToText(now.utc),
            "Set the clock, for instance with timedatectl set-ntp true."};
  }
  return {"clock", true, ToText(now.utc), ""};
}

Finding ExamineSource(const std::filesystem::path& folder) {
  const auto read = [&]() -> Result<std::string> {
    TRY(const std::filesystem::path file, SourceOf(folder));
    TRY(const Source source, ReadSource(file));
    if (!source.fhir.views.empty()) {
      TRY(const std::uintmax_t bytes, SizeOfData(source));
      return source.place + ", " + std::to_string(bytes) + " bytes with its views";
    }
    if (source.file.empty()) return source.place;
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(source.file, error);
    if (error) {
      return Fail(ErrorCode::kNotFound,
                  "the data file " + source.file.string() + " cannot be read: " + error.message(),
                  "Correct `file` in " + file.string() + " or the file's permissions.");
    }
    return source.file.string() + ", " + std::to_string(size) + " bytes";
  };
  Result<std::string> found = read();
  if (!found) return {"data source", false, found.error().message, found.error().remedy};
  return {"data source", true, *found, ""};
}

Finding ExaminePolicy(const std::filesystem::path& folder) {
  const Result<Policy> policy = LoadPolicy(folder / "policy.toml");
  if (!policy) return {"policy", false, policy.error().message, policy.error().remedy};
  return {"policy", true, "preset " + std::string(Name(policy->preset)), ""};
}

/// One a program that the policy names, and one for what keeps them all from doing harm.
std::vector<Finding> ExamineTrainers(const std::filesystem::path& folder) {
  std::vector<Finding> findings;
  const Result<Policy> policy = LoadPolicy(folder / "policy.toml");
  if (!policy || policy->trainers.empty()) return findings;
  for (const auto& [name, trainer] : policy->trainers) {
    findings.push_back(
        FromStatus("trainer " + name, CheckTrustedTrainer(trainer), InWords(trainer)));
  }
  if (const Status confined = TryConfinement(); !confined) {
    findings.push_back(FromStatus("trainers' confinement", confined, ""));
  } else if (FilesCanBeConfined()) {
    findings.push_back({"trainers' confinement", true,
                        "no network, no other process, no file but their own and the system's",
                        ""});
  } else {
    findings.push_back({"trainers' confinement", false,
                        "no network and no other process, but this kernel cannot keep them from "
                        "files of this user, the site's keys among them",
                        "Use a kernel with Landlock (Linux 5.13 or newer, as Debian 12 has it), or "
                        "name programs only that you trust with this."});
  }
  return findings;
}

}  // namespace

std::vector<Finding> ExamineFolder(const std::filesystem::path& folder, const Moment& now) {
  std::vector<Finding> findings;
  findings.push_back({"version", true, "consilium-site " CONSILIUM_VERSION, ""});
  findings.push_back(ExamineClock(now));
  findings.push_back(FromStatus("home folder", CheckPrivate(folder), "private to its owner"));
  for (const char* key : {"identity.key", "transport.key"}) {
    findings.push_back(FromStatus(key, CheckPrivate(folder / key), "private to its owner"));
  }
  findings.push_back(ExamineDisk(folder));
  findings.push_back(ExaminePolicy(folder));
  for (Finding& finding : ExamineTrainers(folder)) findings.push_back(std::move(finding));
  findings.push_back(ExamineSource(folder));
  return findings;
}

Finding ConnectionOfService(const SiteHome& home, bool connected, const std::string& words) {
  const std::string check = "coordinator at " + home.settings.endpoint;
  const std::string said = "the running service says: " + words;
  if (connected) return {check, true, said, ""};
  return {check, false, said, kConnectionRemedy};
}

Finding ExamineConnection(const SiteHome& home) {
  const std::string check = "coordinator at " + home.settings.endpoint;
  SystemRandom random;
  const auto connect = [&]() -> Result<ConnectionEvent> {
    TRY(const std::unique_ptr<TransportContext> context, TransportContext::Create());
    SiteSocketOptions options;
    options.endpoint = home.settings.endpoint;
    options.socks_proxy = home.settings.socks_proxy;
    const TransportKeyPair pair{home.keys.transport, home.keys.transport_secret.Clone()};
    TRY(const std::unique_ptr<SiteSocket> socket,
        SiteSocket::Connect(*context, pair, home.settings.coordinator_transport, std::move(options),
                            random));
    Poller poller;
    poller.Watch(*socket);
    const Instant until = ReadClocks().monotonic + kPatience;
    while (ReadClocks().monotonic < until) {
      TRY_STATUS(poller.Wait(until - ReadClocks().monotonic));
      if (const auto event = socket->NextEvent()) return *event;
    }
    return ConnectionEvent::kUnreachable;
  };
  const Result<ConnectionEvent> event = connect();
  if (!event) return {check, false, event.error().message, event.error().remedy};
  const std::string words = SentenceFor(*event, home);
  if (*event == ConnectionEvent::kConnected) return {check, true, words, ""};
  return {check, false, words, kConnectionRemedy};
}

}  // namespace consilium
