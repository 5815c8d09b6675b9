// consilium-sim started by mpirun: several processes give the bytes of one, and one of them speaks.
// Covers simulations/mpi_ranks.cc.

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/process.h"
#include "tests/end_to_end/small_study.h"
#include "tests/support/temporary_folder.h"

namespace consilium::testing {
namespace {

/// The launcher's path; empty where it is not installed.
std::filesystem::path Mpirun() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (std::filesystem::exists(std::filesystem::path(folder) / "mpirun")) {
      return std::filesystem::path(folder) / "mpirun";
    }
  }
  return {};
}

class MpiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CONSILIUM_HAS_MPI) GTEST_SKIP() << "this build has no MPI";
    if (Mpirun().empty()) GTEST_SKIP() << "no mpirun; install openmpi-bin";
    std::string csv;
    for (const auto& [name, data] : GeneratedSites(6)) {
      std::istringstream lines(data.csv);
      std::string line;
      std::getline(lines, line);
      if (csv.empty()) csv = "hospital," + line + "\n";
      while (std::getline(lines, line)) csv += name + "," + line + "\n";
    }
    WriteText(folder_ / "data.csv", csv);
    WriteText(folder_ / "plan.toml", SmallPlan());
    WriteText(experiment(),
              "[experiment]\nplan = \"plan.toml\"\n"
              "[data]\ncsv = \"data.csv\"\nsite_column = \"hospital\"\n");
  }

  std::filesystem::path experiment() const { return folder_ / "trial.toml"; }
  std::filesystem::path out() const { return folder_ / "out"; }
  std::string Written(const char* file) const { return ReadText(out() / file); }

  CommandOutcome RunAlone() const {
    return RunProgram({"consilium-sim", "run", experiment(), "--out", out()});
  }
  /// On this machine only: through memory, whatever the network, and also as root in a container.
  CommandOutcome RunOnRanks(int ranks) const {
    // Open MPI itself leaks; a leak of ours is found by the tests without it.
    return RunProgram({"/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0", Mpirun(),
                       "--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,vader",
                       "--mca", "btl_vader_single_copy_mechanism", "none", "-np",
                       std::to_string(ranks),
                       std::filesystem::path(CONSILIUM_BIN_FOLDER) / "consilium-sim", "run",
                       experiment(), "--out", out()});
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(MpiTest, RanksWriteAndPrintTheBytesOfASingleProcess) {
  const CommandOutcome alone = RunAlone();
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  const std::string result = Written("result.json");
  const std::string comparison = Written("comparison.json");
  // With eight, two ranks have no site.
  for (const int ranks : {2, 4, 8}) {
    SCOPED_TRACE(ranks);
    std::filesystem::remove_all(out());
    const CommandOutcome shared = RunOnRanks(ranks);
    ASSERT_EQ(shared.exit_code, 0) << shared.err;
    EXPECT_EQ(Written("result.json"), result);
    EXPECT_EQ(Written("comparison.json"), comparison);
    EXPECT_EQ(shared.out, alone.out);
  }
}

TEST_F(MpiTest, AnErrorIsSaidOnceAndEndsAllRanks) {
  WriteText(experiment(), "[experiment]\nplan = \"absent.toml\"\n");
  const CommandOutcome shared = RunOnRanks(4);
  EXPECT_EQ(shared.exit_code, 11) << shared.err;
  const std::size_t first = shared.err.find("absent.toml");
  ASSERT_NE(first, std::string::npos) << shared.err;
  EXPECT_EQ(shared.err.find("consilium-sim: "), shared.err.rfind("consilium-sim: "));
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(MpiTest, AFolderThatOnlyTheFirstRankWritesEndsAllRanks) {
  WriteText(out(), "a file where the folder should be");
  EXPECT_EQ(RunOnRanks(2).exit_code, 17);
}

}  // namespace
}  // namespace consilium::testing
