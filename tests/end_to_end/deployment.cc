#include "tests/end_to_end/deployment.h"

#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string Field(const std::string& document, const std::string& name) {
  const Json json = Json::parse(document, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains(name) || !json[name].is_string()) return "";
  return json[name].get<std::string>();
}

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

const CommandOutcome& Expect(const CommandOutcome& outcome) {
  if (outcome.exit_code != 0) {
    throw std::runtime_error("exit code " + std::to_string(outcome.exit_code) + ": " + outcome.err +
                             outcome.out);
  }
  return outcome;
}

Deployment::Deployment(std::map<std::string, SiteData> sites) : port_(FreePort()) {
  Expect(
      Coordinator({"init", "--name", "test", "--listen", "tcp://127.0.0.1:" + std::to_string(port_),
                   "--advertise", "tcp://127.0.0.1:" + std::to_string(port_)}));
  for (const auto& [name, data] : sites) Join(name, data);
}

void Deployment::Join(const std::string& site, const SiteData& data) {
  const std::string invitation = folder_ / (site + ".invitation");
  const std::string request = folder_ / (site + ".request");
  Expect(Coordinator({"invite", "--site", site, "--out", invitation}));
  Expect(Site(site, {"init", "--invite", invitation, "--request", request}));
  Expect(Coordinator({"admit", request, "--yes"}));
  const std::filesystem::path data_folder = folder_ / (site + "-data");
  std::filesystem::create_directory(data_folder);
  WriteText(data_folder / "data.csv", data.csv);
  WriteText(data_folder / "source.toml", data.source);
  Expect(Site(site, {"source", data_folder / "source.toml"}));
  if (!data.policy.empty()) WriteText(home(site) / "policy.toml", data.policy);
  sites_.push_back(site);
}

CommandOutcome Deployment::Coordinator(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin() + 1, home("coordinator"));
  arguments.insert(arguments.begin(), "consilium-coordinator");
  return RunProgram(arguments);
}

CommandOutcome Deployment::Site(const std::string& site, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin() + 1, home(site));
  arguments.insert(arguments.begin(), "consilium-site");
  return RunProgram(arguments);
}

void Deployment::StartCoordinator() {
  processes_["coordinator"] =
      Process({"consilium-coordinator", "serve", home("coordinator")}, folder_ / "coordinator.out");
}

void Deployment::StartSite(const std::string& site) {
  processes_[site] = Process({"consilium-site", "run", home(site)}, folder_ / (site + ".out"));
}

void Deployment::StartAll() {
  StartCoordinator();
  for (const std::string& site : sites_) StartSite(site);
}

std::string Deployment::Submit(const std::string& plan) {
  const std::string file = folder_ / "plan.toml";
  WriteText(file, plan);
  return Field(Expect(Coordinator({"submit", file, "--json"})).out, "study");
}

std::string Deployment::ApprovedStudy(const std::string& plan) {
  const std::string study = Submit(plan);
  for (const std::string& site : sites_) {
    if (!Eventually(seconds(20), [&] {
          return Site(site, {"studies", "--json"}).out.find(study) != std::string::npos;
        })) {
      throw std::runtime_error(site + " was not offered the study: " + WordsOf(site) +
                               WordsOf("coordinator"));
    }
    Expect(Site(site, {"approve", study, "--yes"}));
  }
  const bool known = Eventually(seconds(20), [&] {
    return Count(Coordinator({"status", study, "--json"}).out, "\"approved\"") == sites_.size();
  });
  if (!known) throw std::runtime_error("approvals do not arrive: " + WordsOf("coordinator"));
  return study;
}

std::string Deployment::RunningStudy(const std::string& plan) {
  const std::string study = ApprovedStudy(plan);
  Expect(Coordinator({"start", study}));
  return study;
}

std::string Deployment::StateOf(const std::string& study) {
  return Field(Coordinator({"status", study, "--json"}).out, "state");
}

std::string Deployment::ReasonOf(const std::string& study) {
  return Field(Coordinator({"status", study, "--json"}).out, "reason");
}

bool Deployment::Reaches(const std::string& study, const std::string& state, seconds patience) {
  return Eventually(patience, [&] { return StateOf(study) == state; });
}

std::string Deployment::ResultOf(const std::string& study) {
  return Expect(Coordinator({"result", study, "--json"})).out;
}

std::string Deployment::WordsOf(const std::string& party) const {
  std::string words = ReadText(folder_ / (party + ".out"));
  const std::filesystem::path logs = home(party) / "logs";
  if (!std::filesystem::exists(logs)) return words;
  for (const auto& entry : std::filesystem::directory_iterator(logs)) {
    words += ReadText(entry.path());
  }
  return words;
}

}  // namespace consilium::testing
