// Covers simulations/mpi_launch.cc and simulations/mpi_absent.cc, which takes the place of
// simulations/mpi_ranks.cc here as in a build without MPI.

#include "simulations/mpi_launch.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulations/mpi_ranks.h"

namespace consilium {
namespace {

class MpiLaunchTest : public ::testing::Test {
 protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Set(const char* name, const char* value) { ::setenv(name, value, 1); }

 private:
  static void Clear() {
    for (const char* name :
         {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "SLURM_NTASKS"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(MpiLaunchTest, AProgramStartedByItselfIsAlone) {
  Set("SLURM_NTASKS", "8");  // Of the batch script that starts it, once.
  EXPECT_FALSE(StartedByMpi());
  EXPECT_EQ(LaunchedProcesses(), 1u);
}

TEST_F(MpiLaunchTest, LaunchersAreRecognised) {
  Set("PMIX_RANK", "0");
  EXPECT_TRUE(StartedByMpi());
  EXPECT_EQ(LaunchedProcesses(), 1u);
  Set("SLURM_NTASKS", "8");
  EXPECT_EQ(LaunchedProcesses(), 8u);
  Set("PMI_SIZE", "3");
  EXPECT_EQ(LaunchedProcesses(), 3u);
  Set("OMPI_COMM_WORLD_SIZE", "2");
  EXPECT_EQ(LaunchedProcesses(), 2u);
  Set("OMPI_COMM_WORLD_SIZE", "many");
  EXPECT_EQ(LaunchedProcesses(), 3u);
}

TEST_F(MpiLaunchTest, WithoutMpiSeveralProcessesAreRefused) {
  EXPECT_EQ((*JoinRanks())->count(), 1u);
  Set("OMPI_COMM_WORLD_SIZE", "1");
  EXPECT_EQ((*JoinRanks())->count(), 1u);
  Set("OMPI_COMM_WORLD_SIZE", "4");
  const Result<std::unique_ptr<Ranks>> joined = JoinRanks();
  ASSERT_FALSE(joined.has_value());
  EXPECT_EQ(joined.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(joined.error().message, ::testing::HasSubstr("has no MPI"));
  EXPECT_THAT(joined.error().message, ::testing::HasSubstr("4 processes"));
}

}  // namespace
}  // namespace consilium
