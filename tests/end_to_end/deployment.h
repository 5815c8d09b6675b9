#pragma once

// A federation of real processes on loopback: one coordinator and named sites, each with a home
// folder, keys and data of its own.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace consilium::testing {

struct SiteData {
  std::string csv;
  std::string source = "type = \"csv\"\nfile = \"data.csv\"\n";
  std::string policy;  ///< Replaces the default policy.toml when not empty.
};

class Deployment {
 public:
  /// Makes and admits everybody; nothing runs yet.
  explicit Deployment(std::map<std::string, SiteData> sites);

  void StartCoordinator();
  void StartSite(const std::string& site);
  void StartAll();

  /// Submits, waits until every site has the offer, approves everywhere, waits until it is known.
  std::string ApprovedStudy(const std::string& plan);
  /// The same, started.
  std::string RunningStudy(const std::string& plan);
  std::string Submit(const std::string& plan);

  /// "finished", "paused", ... as `status --json` says; "" when it cannot be asked.
  std::string StateOf(const std::string& study);
  std::string ReasonOf(const std::string& study);
  bool Reaches(const std::string& study, const std::string& state, std::chrono::seconds patience);
  /// The whole result document.
  std::string ResultOf(const std::string& study);

  CommandOutcome Coordinator(std::vector<std::string> arguments);
  CommandOutcome Site(const std::string& site, std::vector<std::string> arguments);

  std::filesystem::path home(const std::string& party) const { return folder_ / party; }
  /// Everything the party has written: terminal output and log files.
  std::string WordsOf(const std::string& party) const;
  Process& process(const std::string& party) { return processes_[party]; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  int port() const { return port_; }

 private:
  void Join(const std::string& site, const SiteData& data);

  TemporaryFolder folder_;
  int port_;
  std::vector<std::string> sites_;
  std::map<std::string, Process> processes_;
};

/// Throws with the outcome's words unless the exit code is zero.
const CommandOutcome& Expect(const CommandOutcome& outcome);

}  // namespace consilium::testing
