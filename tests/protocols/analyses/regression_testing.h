#pragma once

// Studies typed in a test or read from the shared reference data, and their comparison with R.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "protocols/plan.h"

namespace consilium::testing {

using Json = nlohmann::json;
using Row = std::map<std::string, std::string>;
using Rows = std::vector<Row>;

/// A plan around these [[contract.column]] tables and this [analysis] table.
std::string PlanText(const std::string& columns, const std::string& analysis);
Plan PlanOf(const std::string& columns, const std::string& analysis);

/// "[[contract.column]]" of the usual kinds.
std::string Number(const std::string& name, double minimum, double maximum);
std::string Integer(const std::string& name, int minimum, int maximum);
std::string Boolean(const std::string& name);
std::string Category(const std::string& name, const std::vector<std::string>& levels);

/// "a,b\n1,2\n" as rows; no quotes. Empty fields are missing.
Rows ParseCsv(const std::string& text);
/// Nothing when the folder with reference data is not there.
std::optional<std::filesystem::path> DataFolder();
Rows ReadCsv(const std::filesystem::path& file);
Json ReadJson(const std::filesystem::path& file);

/// The complete, eligible rows.
Cohort CohortOf(const Plan& plan, const Rows& rows);
/// One cohort for each value of a column, in the order they first occur.
std::vector<Cohort> CohortsBy(const Plan& plan, const Rows& rows, const std::string& column);

struct Outcome {
  AnalysisResult result;
  Json json;
  std::vector<Query> queries;
};
/// Runs the plan's analysis; a failing Run fails the test.
Outcome RunOn(const Plan& plan, std::vector<Cohort> cohorts);
/// The error of a Run that must fail.
Error ErrorOf(const Plan& plan, std::vector<Cohort> cohorts);

/// |actual - expected| <= tolerance |expected|.
void ExpectClose(double actual, double expected, double tolerance, const std::string& what);
/// Estimate, standard error, statistic and p value of each coefficient in R's order, and the
/// covariance, log-likelihood and deviance where the reference has them.
void ExpectEqualsR(const Json& result, const Json& reference);

}  // namespace consilium::testing

/// Skips a test that needs the shared reference data, saying where it was sought.
#define REQUIRE_REFERENCE_DATA()                                                               \
  if (!::consilium::testing::DataFolder()) {                                                   \
    GTEST_SKIP() << "no reference data: set CONSILIUM_TEST_DATA to the folder that has "       \
                    "heart_disease/ and multisite/ (default: shared/data beside the sources)"; \
  }
