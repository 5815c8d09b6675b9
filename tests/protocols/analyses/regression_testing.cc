#include "tests/protocols/analyses/regression_testing.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "simulations/plain_federation.h"

namespace consilium::testing {
namespace {

std::vector<std::string> Split(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',') {
      fields.emplace_back();
    } else if (c != '\r' && c != '"') {
      fields.back() += c;
    }
  }
  return fields;
}

double Parse(const ContractColumn& column, const std::string& text) {
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < column.levels.size(); ++i) {
    if (column.levels[i] == text) return static_cast<double>(i);
  }
  if (column.type == ColumnType::kCategory) throw std::runtime_error("no level: " + text);
  return std::stod(text);
}

Rows RowsFrom(std::istream& stream) {
  Rows rows;
  std::string line;
  if (!std::getline(stream, line)) throw std::runtime_error("an empty table");
  const std::vector<std::string> header = Split(line);
  while (std::getline(stream, line)) {
    if (line.empty()) continue;
    const std::vector<std::string> fields = Split(line);
    if (fields.size() != header.size()) throw std::runtime_error("a ragged row");
    Row row;
    for (std::size_t i = 0; i < fields.size(); ++i) row[header[i]] = fields[i];
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Keeps every query on its way to the federation.
class RecordingFederation final : public Federation {
 public:
  explicit RecordingFederation(Federation& federation) : federation_(federation) {}
  Aggregate Sum(const Query& query) override {
    queries.push_back(query);
    return federation_.Sum(query);
  }
  std::vector<Query> queries;

 private:
  Federation& federation_;
};

struct RecordedRun {
  Result<AnalysisResult> result;
  std::vector<Query> queries;
};

RecordedRun Record(const Plan& plan, const std::vector<Cohort>& cohorts) {
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  PlainFederation federation(*plan.analysis, views);
  RecordingFederation recorder(federation);
  try {
    Result<AnalysisResult> result = plan.analysis->Run(recorder);
    return {std::move(result), std::move(recorder.queries)};
  } catch (const StudyInterrupted&) {
    return {tl::unexpected<Error>(federation.error().value()), std::move(recorder.queries)};
  }
}

}  // namespace

std::string PlanText(const std::string& columns, const std::string& analysis) {
  return "[study]\ntitle = \"A study\"\nrequested_by = \"A consortium\"\nexpires = 2027-06-30\n"
         "minimum_sites = 3\n[contract]\npatient = \"patient_id\"\n" +
         columns + "[analysis]\n" + analysis + "\n[privacy]\nminimum_patients = 1\n";
}

Plan PlanOf(const std::string& columns, const std::string& analysis) {
  Result<Plan> plan = ParsePlan(PlanText(columns, analysis), "plan.toml");
  if (!plan) throw std::runtime_error(Describe(plan.error()));
  return *std::move(plan);
}

std::string Number(const std::string& name, double minimum, double maximum) {
  std::ostringstream text;
  text.precision(17);
  text << "[[contract.column]]\nname = \"" << name << "\"\ntype = \"number\"\nrange = [" << minimum
       << ", " << maximum << "]\n";
  return text.str();
}

std::string Integer(const std::string& name, int minimum, int maximum) {
  return "[[contract.column]]\nname = \"" + name + "\"\ntype = \"integer\"\nrange = [" +
         std::to_string(minimum) + ", " + std::to_string(maximum) + "]\n";
}

std::string Boolean(const std::string& name) {
  return "[[contract.column]]\nname = \"" + name + "\"\ntype = \"boolean\"\n";
}

std::string Category(const std::string& name, const std::vector<std::string>& levels) {
  std::string text =
      "[[contract.column]]\nname = \"" + name + "\"\ntype = \"category\"\nlevels = [";
  for (const std::string& level : levels) text += "\"" + level + "\", ";
  return text + "]\n";
}

Rows ParseCsv(const std::string& text) {
  std::istringstream stream(text);
  return RowsFrom(stream);
}

std::optional<std::filesystem::path> DataFolder() {
  const char* set = std::getenv("CONSILIUM_TEST_DATA");
  const std::filesystem::path folder =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(CONSILIUM_SOURCE_FOLDER).parent_path() / "shared/data";
  if (!std::filesystem::exists(folder / "heart_disease")) return std::nullopt;
  return folder;
}

Rows ReadCsv(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return RowsFrom(stream);
}

Json ReadJson(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return Json::parse(stream);
}

Cohort CohortOf(const Plan& plan, const Rows& rows) {
  DataTable table;
  table.columns.resize(plan.contract.columns.size());
  for (const Row& row : rows) {
    const auto id = row.find("patient_id");
    table.patients.push_back(id != row.end() ? id->second
                                             : std::to_string(table.patients.size() + 1));
    for (std::size_t j = 0; j < table.columns.size(); ++j) {
      const ContractColumn& column = plan.contract.columns[j];
      table.columns[j].push_back(Parse(column, row.at(column.name)));
    }
  }
  Result<CohortWithFlow> cohort = CohortOf(plan, table);
  if (!cohort) throw std::runtime_error(Describe(cohort.error()));
  return cohort->cohort;
}

std::vector<Cohort> CohortsBy(const Plan& plan, const Rows& rows, const std::string& column) {
  std::vector<std::string> order;
  std::map<std::string, Rows> groups;
  for (const Row& row : rows) {
    const std::string& key = row.at(column);
    if (!groups.contains(key)) order.push_back(key);
    groups[key].push_back(row);
  }
  std::vector<Cohort> cohorts;
  for (const std::string& key : order) cohorts.push_back(CohortOf(plan, groups[key]));
  return cohorts;
}

Outcome RunOn(const Plan& plan, std::vector<Cohort> cohorts) {
  RecordedRun run = Record(plan, cohorts);
  if (!run.result) throw std::runtime_error(Describe(run.result.error()));
  Json json = Json::parse(run.result->json);
  return {*std::move(run.result), std::move(json), std::move(run.queries)};
}

Error ErrorOf(const Plan& plan, std::vector<Cohort> cohorts) {
  const RecordedRun run = Record(plan, cohorts);
  if (run.result) throw std::runtime_error("the run did not fail:\n" + run.result->json);
  return run.result.error();
}

void ExpectClose(double actual, double expected, double tolerance, const std::string& what) {
  EXPECT_LE(std::abs(actual - expected), tolerance * std::abs(expected))
      << what << " is " << actual << ", expected " << expected << ", relative difference "
      << std::abs(actual - expected) / std::abs(expected);
}

void ExpectEqualsR(const Json& result, const Json& reference) {
  constexpr double kTolerance = 1e-9;
  EXPECT_TRUE(result["converged"].get<bool>());
  const Json& lines = result["coefficients"];
  const Json& expected = reference["coef"];
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t j = 0; j < lines.size(); ++j) {
    const Json& line = lines[j];
    const Json& r = expected[j];
    const std::string name = line["name"];
    const bool student = r.contains("t_value");
    ExpectClose(line["estimate"], r["Estimate"], kTolerance, name);
    ExpectClose(line["std_error"], r["Std_Error"], kTolerance, name + " standard error");
    ExpectClose(line["statistic"], r[student ? "t_value" : "z_value"], kTolerance, name + " test");
    ExpectClose(line["p_value"], r[student ? "Pr_t_" : "Pr_z_"], 1e-7, name + " p value");
    if (reference.contains("conf_low_wald")) {
      ExpectClose(line["conf_low"], reference["conf_low_wald"][j], 1e-7, name + " lower limit");
      ExpectClose(line["conf_high"], reference["conf_high_wald"][j], 1e-7, name + " upper limit");
    }
    if (reference.contains("vcov")) {
      for (std::size_t k = 0; k < lines.size(); ++k) {
        ExpectClose(result["covariance"][j][k], reference["vcov"][j][k], 1e-7,
                    name + " covariance");
      }
    }
  }
  const std::pair<const char*, const char*> fields[] = {{"log_likelihood", "loglik"},
                                                        {"deviance", "deviance"},
                                                        {"null_deviance", "null_deviance"},
                                                        {"aic", "aic"},
                                                        {"sigma", "sigma"},
                                                        {"r_squared", "r_squared"},
                                                        {"adj_r_squared", "adj_r_squared"},
                                                        {"rss", "rss"},
                                                        {"df_residual", "df_residual"},
                                                        {"rows", "n"}};
  for (const auto& [ours, theirs] : fields) {
    if (reference.contains(theirs)) ExpectClose(result[ours], reference[theirs], kTolerance, ours);
  }
  if (reference.contains("f_statistic")) {
    ExpectClose(result["f_statistic"], reference["f_statistic"][0], kTolerance, "F");
    EXPECT_EQ(result["f_df1"], reference["f_statistic"][1]);
    EXPECT_EQ(result["f_df2"], reference["f_statistic"][2]);
  }
}

}  // namespace consilium::testing
