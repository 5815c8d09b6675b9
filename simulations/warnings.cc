#include "simulations/warnings.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/names.h"
#include "common/terminal.h"

namespace consilium {
namespace {

std::string Folded(const std::string& name) {
  std::string folded = LowerCase(name);
  std::erase_if(folded, [](char c) { return c == ' ' || c == '\t'; });
  return folded;
}

}  // namespace

std::vector<std::string> SiteNameWarnings(const Experiment& experiment, const LoadedTable& table) {
  std::vector<std::string> warnings;
  const std::string column = "\"" + Printable(experiment.site_column) + "\"";
  const auto nameless = std::count(table.groups.begin(), table.groups.end(), kNoSiteName);
  if (nameless > 0) {
    warnings.push_back(std::to_string(nameless) + (nameless == 1 ? " row has" : " rows have") +
                       " no text in " + column + " and take part as a hospital called " +
                       std::string(kNoSiteName) +
                       ". Write the hospital's name there, or remove them.");
  }
  std::map<std::string, std::set<std::string>> alike;
  for (const std::string& name : table.groups) alike[Folded(name)].insert(name);
  for (const auto& [folded, names] : alike) {
    if (names.size() < 2) continue;
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back("\"" + Printable(name) + "\"");
    warnings.push_back("the hospitals " + JoinNames(quoted, 5) + " in " + column +
                       " differ in capitals or blanks alone, and are hospitals of their own. If "
                       "they are one, write its name alike in all rows.");
  }
  return warnings;
}

std::vector<std::string> ExpiryWarnings(const Plan& plan,
                                        const std::string& plan_file,
                                        const Date& today) {
  if (today <= plan.expires) return {};
  return {plan_file + " expired on " + ToText(plan.expires) +
          ": no site would answer it. Set a later `expires` before it is submitted."};
}

}  // namespace consilium
