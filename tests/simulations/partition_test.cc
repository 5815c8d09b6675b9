#include "simulations/partition.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

Contract SmallContract() {
  const Settings settings =
      Settings::Parse(
          "patient = \"id\"\n"
          "[[column]]\nname = \"ill\"\ntype = \"boolean\"\n"
          "[[column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
          "[[column]]\nname = \"grade\"\ntype = \"integer\"\nrange = [0, 4]\n",
          "contract.toml")
          .value();
  return ParseContract(settings).value();
}

/// 400 patients, each tenth with a second row; every 20th without a grade.
DataTable SmallTable() {
  DataTable table;
  table.columns.resize(3);
  for (int i = 0; i < 400; ++i) {
    for (int row = 0; row < (i % 10 == 0 ? 2 : 1); ++row) {
      table.patients.push_back("p" + std::to_string(i));
      table.columns[0].push_back(i % 3 == 0 ? 1 : 0);
      table.columns[1].push_back(20 + (i * 37) % 80);
      table.columns[2].push_back(i % 20 == 0 ? kNotKnown : i % 5);
    }
  }
  return table;
}

Result<Partition> Parsed(const std::string& text) {
  return ParsePartition(Settings::Parse(text, "trial.toml").value(), SmallContract(), "ill");
}

std::vector<std::size_t> Assigned(const std::string& text, std::uint64_t seed = 1) {
  return AssignSites(Parsed(text).value(), SmallContract(), SmallTable(), seed).value();
}

std::map<std::size_t, std::size_t> Sizes(const std::vector<std::size_t>& sites) {
  std::map<std::size_t, std::size_t> sizes;
  for (const std::size_t site : sites) ++sizes[site];
  return sizes;
}

const char* const kAll[] = {"kind = \"iid\"\nsites = 5",
                            "kind = \"dirichlet\"\nsites = 5\nalpha = 0.3",
                            "kind = \"labels\"\nsites = 5\ncolumn = \"grade\"\nlabels_per_site = 2",
                            "kind = \"quantity\"\nsites = 5\nalpha = 0.5",
                            "kind = \"feature\"\nsites = 5\ncolumn = \"age\"\nstrength = 0.5"};

TEST(PartitionTest, EachKindKeepsAPatientInOneHospitalAndComesBackWithItsSeed) {
  const DataTable table = SmallTable();
  for (const char* text : kAll) {
    const std::vector<std::size_t> sites = Assigned(text);
    ASSERT_EQ(sites.size(), table.patients.size()) << text;
    std::map<std::string, std::size_t> of_patient;
    for (std::size_t row = 0; row < sites.size(); ++row) {
      EXPECT_LT(sites[row], 5u);
      EXPECT_EQ(of_patient.emplace(table.patients[row], sites[row]).first->second, sites[row]);
    }
    EXPECT_EQ(Assigned(text), sites) << text;
    EXPECT_NE(Assigned(text, 2), sites) << text;
  }
}

TEST(PartitionTest, IidHospitalsHaveAsManyPatients) {
  DataTable table;
  table.columns.resize(3);
  for (int i = 0; i < 400; ++i) {
    table.patients.push_back(std::to_string(i));
    for (auto& column : table.columns) column.push_back(0);
  }
  const auto sites = AssignSites(Parsed(kAll[0]).value(), SmallContract(), table, 1).value();
  for (const auto& [site, size] : Sizes(sites)) EXPECT_EQ(size, 80u) << site;
}

/// Largest difference between hospitals in the share of the ill.
double Unevenness(const std::vector<std::size_t>& sites) {
  const DataTable table = SmallTable();
  std::map<std::size_t, std::pair<double, double>> counts;
  for (std::size_t row = 0; row < sites.size(); ++row) {
    counts[sites[row]].first += table.columns[0][row];
    ++counts[sites[row]].second;
  }
  double low = 1;
  double high = 0;
  for (const auto& [site, count] : counts) {
    low = std::min(low, count.first / count.second);
    high = std::max(high, count.first / count.second);
  }
  return high - low;
}

TEST(PartitionTest, ASmallAlphaMakesLabelsUneven) {
  EXPECT_GT(Unevenness(Assigned("kind = \"dirichlet\"\nsites = 5\nalpha = 0.05")), 0.5);
  EXPECT_LT(Unevenness(Assigned("kind = \"dirichlet\"\nsites = 5\nalpha = 10000")), 0.1);
}

TEST(PartitionTest, AHospitalSeesItsLabelsOnly) {
  const std::vector<std::size_t> sites = Assigned(kAll[2]);
  const DataTable table = SmallTable();
  std::map<std::size_t, std::set<double>> labels;
  for (std::size_t row = 0; row < sites.size(); ++row) {
    const double grade = table.columns[2][row];
    labels[sites[row]].insert(std::isnan(grade) ? -1 : grade);
  }
  ASSERT_EQ(labels.size(), 5u);
  for (const auto& [site, seen] : labels) EXPECT_LE(seen.size(), 2u) << site;
}

TEST(PartitionTest, AStrongFeatureShiftLeavesNoOverlap) {
  const std::vector<std::size_t> sites =
      Assigned("kind = \"feature\"\nsites = 4\ncolumn = \"age\"");
  const DataTable table = SmallTable();
  std::vector<double> low(4, 1e9);
  std::vector<double> high(4, -1e9);
  for (std::size_t row = 0; row < sites.size(); ++row) {
    low[sites[row]] = std::min(low[sites[row]], table.columns[1][row]);
    high[sites[row]] = std::max(high[sites[row]], table.columns[1][row]);
  }
  for (std::size_t site = 1; site < 4; ++site) EXPECT_GE(low[site], high[site - 1]);
}

TEST(PartitionTest, QuantitySkewMakesSizesUneven) {
  std::size_t smallest = 1000;
  std::size_t largest = 0;
  const auto sizes = Sizes(Assigned("kind = \"quantity\"\nsites = 5\nalpha = 0.3"));
  for (const auto& [site, size] : sizes) {
    smallest = std::min(smallest, size);
    largest = std::max(largest, size);
  }
  EXPECT_GT(largest, 3 * smallest);
}

TEST(PartitionTest, MistakesNameThePlaceAndWhatWasMeant) {
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"kind = \"dirichlett\"\nsites = 5", {"trial.toml:1:8: ", "Did you mean \"dirichlet\"?"}},
      {"kind = \"iid\"\nsite = 5", {"trial.toml:2:1: ", "'sites'"}},
      {"kind = \"iid\"\nsites = 0", {"trial.toml:2:9: ", "between 1"}},
      {"kind = \"iid\"\nsites = 5\nalpha = 1", {"trial.toml:3:1: ", "'alpha' is not known here"}},
      {"kind = \"dirichlet\"\nsites = 5\nalpha = 0", {"trial.toml:3:9: ", "0.001"}},
      {"kind = \"dirichlet\"\nsites = 5\ncolumn = \"age\"",
       {"trial.toml:3:10: ", "has no labels", "feature"}},
      {"kind = \"feature\"\nsites = 5\ncolumn = \"aeg\"",
       {"trial.toml:3:10: ", "Did you mean \"age\"?"}},
      {"kind = \"feature\"\nsites = 5\ncolumn = \"age\"\nstrength = 2", {"trial.toml:4:12: "}}};
  for (const auto& [text, parts] : cases) {
    const Result<Partition> partition = Parsed(text);
    ASSERT_FALSE(partition.has_value()) << text;
    for (const char* part : parts) EXPECT_THAT(Describe(partition.error()), HasSubstr(part));
  }
  const auto sites =
      AssignSites(Parsed("kind = \"labels\"\nsites = 5\nlabels_per_site = 3").value(),
                  SmallContract(), SmallTable(), 1);
  ASSERT_FALSE(sites.has_value());
  EXPECT_THAT(Describe(sites.error()), AllOf(HasSubstr("trial.toml:3:19: "), HasSubstr("only 2")));
}

TEST(PartitionTest, SiteNamesSortByNumber) {
  EXPECT_EQ(SiteName(7, 9), "site-07");
  EXPECT_LT(SiteName(99, 1000), SiteName(100, 1000));
}

}  // namespace
}  // namespace consilium
