#include "tests/end_to_end/small_study.h"

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/ingestion/study_data.h"
#include "common/random.h"
#include "simulations/plain_federation.h"

namespace consilium::testing {

std::string GeneratedCsv(std::uint32_t site, std::uint32_t patients) {
  SeededRandom random(40'000 + site);
  std::string csv = "id,ill,age,dose\n";
  for (std::uint32_t i = 0; i < patients; ++i) {
    const double age = 20 + std::floor(60 * random.Unit());
    const double dose = std::floor(4'000 * random.Unit()) / 1'000 - 2;
    const double chance = 1 / (1 + std::exp(-(0.05 * (age - 50) + 0.7 * dose)));
    char line[96];
    std::snprintf(line, sizeof line, "PATIENT-%u-%u,%d,%.0f,%.3f\n", site, i,
                  random.Unit() < chance ? 1 : 0, age, dose);
    csv += line;
  }
  return csv;
}

std::map<std::string, SiteData> GeneratedSites(std::uint32_t sites, std::uint32_t patients) {
  constexpr const char* kNames[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta"};
  std::map<std::string, SiteData> data;
  for (std::uint32_t i = 0; i < sites; ++i) data[kNames[i]].csv = GeneratedCsv(i, patients);
  return data;
}

std::string SmallPlan(const std::string& on_loss,
                      const std::string& deadline,
                      const std::string& title) {
  return "[study]\ntitle = \"" + title + R"("
question = "Does it run?"
requested_by = "Test consortium"
permit = "none"
expires = 2090-01-01
minimum_sites = 3
[contract]
patient = "id"
[[contract.column]]
name = "ill"
type = "boolean"
[[contract.column]]
name = "age"
type = "number"
range = [0, 120]
[[contract.column]]
name = "dose"
type = "number"
range = [-10, 10]
[analysis]
kind = "logistic"
outcome = "ill"
features = ["age", "dose"]
[round]
deadline = ")" +
         deadline + "\"\non_loss = \"" + on_loss + "\"\n";
}

std::string PlainTable(const std::string& plan_text,
                       const std::vector<std::uint32_t>& sites,
                       std::uint32_t patients) {
  const TemporaryFolder folder;
  const Plan plan = *ParsePlan(plan_text, "plan.toml");
  std::vector<Cohort> cohorts;
  for (const std::uint32_t site : sites) {
    WriteText(folder / "data.csv", GeneratedCsv(site, patients));
    WriteText(folder / "source.toml", SiteData().source);
    cohorts.push_back(LoadCohort(*ReadSource(folder / "source.toml"), plan)->cohort);
  }
  std::vector<const Cohort*> views;
  for (const Cohort& cohort : cohorts) views.push_back(&cohort);
  return RunPlain(*plan.analysis, views)->result.table;
}

std::string Numbers(const std::string& result_json) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(result_json);
  json.erase("study");
  json.erase("title");
  return json.dump();
}

std::map<std::string, SiteData> WideSites(int features, int patients, std::uint64_t outcomes) {
  std::map<std::string, SiteData> sites;
  SeededRandom random(12);
  for (const char* site : {"alpha", "beta", "gamma"}) {
    std::string& csv = sites[site].csv;
    csv = "id,y";
    for (int j = 0; j < features; ++j) csv += ",x" + std::to_string(j);
    for (int patient = 0; patient < patients; ++patient) {
      csv += "\n" + std::string(site) + std::to_string(patient) + "," +
             std::to_string(random.Below(outcomes));
      for (int j = 0; j < features; ++j) csv += random.Below(2) == 0 ? ",0" : ",1";
    }
    csv += "\n";
  }
  return sites;
}

}  // namespace consilium::testing
