#pragma once

// A site's rows as a model sees them: float32, on one scale, padded for the kernels.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "protocols/analyses/train/query.h"
#include "protocols/cohort.h"

namespace consilium::train {

/// Floats that start on a cache line.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  /// Zeros.
  explicit FloatBuffer(std::size_t count);

  /// At least so many; what they hold is lost when it was too small.
  void Reserve(std::size_t count) {
    if (count > size_) *this = FloatBuffer(count);
  }
  float* data() const { return start_; }
  std::size_t size() const { return size_; }
  std::span<float> first(std::size_t count) const { return {start_, count}; }

 private:
  std::unique_ptr<float[]> memory_;
  float* start_ = nullptr;
  std::size_t size_ = 0;
};

/// Every order equally likely (Fisher and Yates), from one block of a stream of its own. Scaling a
/// draw of 64 bits instead of drawing again leaves a bias below 2^-32 for any number that fits.
void Shuffle(const ByteArray<32>& seed, std::vector<std::uint32_t>& order);

/// First the rows to learn from, then so many of these again as a run that goes round has behind
/// the last, then the rows held out.
struct SiteRows {
  std::size_t inputs = 0;
  std::size_t stride = 0;  ///< Padded(inputs + 1): the terms, a 1, zeros.
  FloatBuffer values;
  std::vector<float> targets;
  /// The cohort's rows to learn from; ascending, or in an order drawn once where `run` is kRun.
  std::vector<std::uint32_t> learned;
  std::vector<std::uint32_t> held_out;  ///< The others, ascending.
  /// Of a time to an event, one a row of `values`: the longer it was followed the lower, equal
  /// times (cox::OrderByTime) share one. `targets` are 1 for events.
  std::vector<std::uint32_t> ranks;
  /// How many rows are drawn together: 1, or kRun. See DrawnOrder.
  std::size_t run = 1;

  std::size_t first_held_out() const { return learned.size() + run - 1; }
};

/// An order of the first `rows` of SiteRows, for one pass. Single rows are shuffled. Runs begin at
/// a row that is drawn anew, go round behind the last row, and are shuffled; the rows that make no
/// whole run come last. So each row is as likely as any other at each place, and neighbours in the
/// order that was drawn once are met in one batch more often than others.
std::vector<std::uint32_t> DrawnOrder(std::size_t rows, std::size_t run, const ByteArray<32>& seed);

/// Checks the cohort against the contract and converts it. kDataQuality as glm::CheckCohort, or
/// when no row is left to learn from.
Result<SiteRows> MakeSiteRows(const TrainPlan& plan,
                              const Scaling& scaling,
                              const CohortView& cohort);

}  // namespace consilium::train
