#include "simulations/mpi_ranks.h"

#include <limits>

#include <mpi.h>

#include "common/check.h"
#include "simulations/mpi_launch.h"

namespace consilium {
namespace {

int CountOf(std::size_t size) {
  CHECK(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(size);
}

/// MPI's own error handler ends all ranks, so that no call returns an error.
class MpiRanks final : public Ranks {
 public:
  MpiRanks() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    int number = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &number);
    rank_ = static_cast<std::uint32_t>(number);
    MPI_Comm_size(MPI_COMM_WORLD, &number);
    count_ = static_cast<std::uint32_t>(number);
  }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  ~MpiRanks() override { MPI_Finalize(); }

  std::uint32_t rank() const override { return rank_; }
  std::uint32_t count() const override { return count_; }

  void Sum(std::span<std::uint64_t> words) override {
    // Unsigned, so that it wraps as the ring does.
    MPI_Allreduce(MPI_IN_PLACE, words.data(), CountOf(words.size()), MPI_UINT64_T, MPI_SUM,
                  MPI_COMM_WORLD);
  }

  std::uint32_t Smallest(std::uint32_t number) override {
    MPI_Allreduce(MPI_IN_PLACE, &number, 1, MPI_UINT32_T, MPI_MIN, MPI_COMM_WORLD);
    return number;
  }

  std::string Broadcast(std::string text, std::uint32_t from) override {
    const int root = static_cast<int>(from);
    std::uint64_t size = text.size();
    MPI_Bcast(&size, 1, MPI_UINT64_T, root, MPI_COMM_WORLD);
    text.resize(size);
    MPI_Bcast(text.data(), CountOf(text.size()), MPI_CHAR, root, MPI_COMM_WORLD);
    return text;
  }

 private:
  std::uint32_t rank_ = 0;
  std::uint32_t count_ = 1;
};

}  // namespace

Result<std::unique_ptr<Ranks>> JoinRanks() {
  if (!StartedByMpi()) return std::make_unique<SingleProcess>();
  return std::make_unique<MpiRanks>();
}

}  // namespace consilium
