#pragma once

// A small study with generated data, for tests of everything but the statistics.

#include <cstdint>
#include <map>
#include <string>

#include "tests/end_to_end/deployment.h"

namespace consilium::testing {

/// `sites` sites named alpha, beta, gamma, ... with `patients` generated patients each. Every
/// patient's name begins with "PATIENT-", so that it can be looked for where it must not be.
std::map<std::string, SiteData> GeneratedSites(std::uint32_t sites, std::uint32_t patients = 60);
/// A site's data as CSV, the same for the same number.
std::string GeneratedCsv(std::uint32_t site, std::uint32_t patients);
/// The plan on these data; `on_loss` is "wait" or "continue".
std::string SmallPlan(const std::string& on_loss = "wait",
                      const std::string& deadline = "30s",
                      const std::string& title = "Two features");
/// The table that plain sums of the same data give, over the sites with these numbers.
std::string PlainTable(const std::string& plan,
                       const std::vector<std::uint32_t>& sites,
                       std::uint32_t patients = 60);
/// result.json without the fields that name the study.
std::string Numbers(const std::string& result_json);

/// Sites alpha, beta and gamma with data for a WidePlan: outcomes below `outcomes`, features of 0
/// and 1, all drawn; the same for the same numbers.
std::map<std::string, SiteData> WideSites(int features, int patients, std::uint64_t outcomes);

}  // namespace consilium::testing
