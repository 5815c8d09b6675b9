#pragma once

// The processes that share one simulation. Each is a rank: it has its part of the virtual sites and
// runs the whole analysis, and all meet in every sum. Words of the ring are added, which has no
// order, so all ranks go on with the same bits, those of a single process.

#include <cstdint>
#include <span>
#include <string>

#include "common/result.h"

namespace consilium {

/// Every rank makes the same calls in the same order; each call waits for the other ranks.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual std::uint32_t rank() const = 0;
  virtual std::uint32_t count() const = 0;
  /// words[i] becomes the sum of all ranks' words[i] modulo 2^64, on every rank.
  virtual void Sum(std::span<std::uint64_t> words) = 0;
  virtual std::uint32_t Smallest(std::uint32_t number) = 0;
  /// The text of rank `from`, on every rank.
  virtual std::string Broadcast(std::string text, std::uint32_t from) = 0;

  /// Rank 0 alone writes files and speaks for all.
  bool first() const { return rank() == 0; }
};

class SingleProcess final : public Ranks {
 public:
  std::uint32_t rank() const override { return 0; }
  std::uint32_t count() const override { return 1; }
  void Sum(std::span<std::uint64_t>) override {}
  std::uint32_t Smallest(std::uint32_t number) override { return number; }
  std::string Broadcast(std::string text, std::uint32_t) override { return text; }
};

/// What went wrong on the lowest rank where something did, on every rank: without it one rank
/// would stop while the others wait for it for ever.
Status AgreeOn(Ranks& ranks, Status status);

/// A rank's part of the sites: consecutive, and rank after rank all of them.
template <class T>
std::span<T> ShardOf(std::span<T> sites, const Ranks& ranks) {
  const std::size_t begin = sites.size() * ranks.rank() / ranks.count();
  const std::size_t end = sites.size() * (ranks.rank() + 1) / ranks.count();
  return sites.subspan(begin, end - begin);
}

}  // namespace consilium
