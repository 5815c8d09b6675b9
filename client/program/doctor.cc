#include "client/program/doctor.h"

#include <memory>
#include <utility>

#include <sys/timex.h>

#include "client/ingestion/source.h"
#include "client/ingestion/table_reader.h"
#include "client/policy/policy.h"
#include "common/child_process.h"
#include "common/confinement.h"
#include "common/files.h"
#include "protocols/header.h"

namespace consilium {
namespace {

/// The state of a site grows by a few kilobytes a round; less than this and a study will stop.
constexpr std::uintmax_t kLeastFreeBytes = 64ULL << 20;
/// Clocks that are this close are as good as equal: nothing here is counted in less than days.
constexpr std::int64_t kClockTolerance = 300;

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

/// Tries what each round does: a file that is on the disk when the call returns.
Finding ExamineWriting(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / ".doctor";
  const Status written = WriteFileAtomically(file, AsBytes("written by doctor\n"), 0600);
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  return FromStatus("writing", written, "a file was written, made durable and removed");
}

/// Whether a time service keeps the clock, in the kernel's words.
std::string KeeperOfClock() {
  timex state{};
  const int said = ::adjtimex(&state);
  if (said < 0) return "";
  return said == TIME_ERROR || (state.status & STA_UNSYNC) != 0
             ? "; no time service keeps it (timedatectl set-ntp true)"
             : "; a time service keeps it";
}

Finding ExamineClock(const Moment& now) {
  const int year = DateOf(now.utc).year;
  if (year < 2026 || year > 2100) {
    return {"clock", false, "this machine's clock says " + ToText(now.utc),
            "Set the clock, for instance with timedatectl set-ntp true."};
  }
  return {"clock", true, ToText(now.utc) + KeeperOfClock(), ""};
}

/// What the data are, once they could be opened and their columns were found.
Result<std::string> OpenData(const Source& source) {
  std::string words = source.DataName();
  if (!source.Files().empty() || !source.fhir.views.empty()) {
    TRY(const std::uintmax_t bytes, SizeOfData(source));
    words += ", " + std::to_string(bytes) + " bytes";
  }
  TRY(const std::unique_ptr<TableReader> table, OpenTable(source));
  return words + ", " + std::to_string(table->header().size()) + " columns";
}

Finding ExamineSource(const std::filesystem::path& folder) {
  const auto read = [&]() -> Result<std::string> {
    TRY(const std::filesystem::path file, SourceOf(folder));
    TRY(const Source source, ReadSource(file));
    return OpenData(source);
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

Finding CompareClock(UtcSeconds coordinator_said, const Moment& now) {
  const std::string check = "clock against the coordinator's";
  const std::string said =
      "the coordinator signed the newest roster at " + ToText(coordinator_said);
  if (now.utc.seconds + kClockTolerance >= coordinator_said.seconds) return {check, true, said, ""};
  return {check, false, said + ", and this machine's clock says " + ToText(now.utc) + " only",
          "Set the clock, for instance with timedatectl set-ntp true; if it is right, tell the "
          "coordinator's administrator that theirs is not."};
}

std::vector<Finding> ExamineFolder(const std::filesystem::path& folder, const Moment& now) {
  std::vector<Finding> findings;
  findings.push_back(
      {"version", true,
       "consilium-site " CONSILIUM_VERSION ", protocol " + std::to_string(kProtocolVersion), ""});
  findings.push_back(ExamineClock(now));
  findings.push_back(FromStatus("home folder", CheckPrivate(folder), "private to its owner"));
  for (const char* key : {"identity.key", "transport.key"}) {
    findings.push_back(FromStatus(key, CheckPrivate(folder / key), "private to its owner"));
  }
  findings.push_back(ExamineDisk(folder));
  findings.push_back(ExamineWriting(folder));
  findings.push_back(ExaminePolicy(folder));
  for (Finding& finding : ExamineTrainers(folder)) findings.push_back(std::move(finding));
  findings.push_back(ExamineSource(folder));
  return findings;
}

}  // namespace consilium
