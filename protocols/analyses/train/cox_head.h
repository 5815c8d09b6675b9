#pragma once

// What a learner does in place of a row's own loss where the model is of the time to an event: it
// looks at a batch's rows together.

#include <cstdint>
#include <span>
#include <vector>

#include "protocols/analyses/train/cox_loss.h"
#include "protocols/analyses/train/site_rows.h"

namespace consilium::train {

/// Over a set of rows.
struct CoxSums {
  double loss = 0;
  OrderedPairs pairs;
};

/// One thread's. A model without hidden layers is computed in doubles, in one order of additions:
/// the same bits on every processor. Networks are the kernel's.
class CoxHead {
 public:
  /// The network outlives it.
  explicit CoxHead(const Network& network) : network_(network) {}

  /// Floats of scratch that it needs for so many rows at once.
  std::size_t ScratchFor(std::size_t rows) const;

  /// Adds the batch's loss, and writes its gradient over the number of rows: those at risk are rows
  /// of the batch. The order within the batch does not matter. The last bias stays where it is: a
  /// constant in all log hazards is the baseline hazard's.
  void Gradient(const SiteRows& rows,
                std::span<const std::uint32_t> batch,
                const float* parameters,
                float* gradient,
                float* scratch,
                LossSums& sums);

  /// Of rows that lie one after the other, all compared with each other.
  CoxSums Evaluate(const SiteRows& rows,
                   std::size_t first,
                   std::size_t count,
                   const float* parameters,
                   float* scratch);

 private:
  bool IsLinear() const { return network_.layers.size() == 1; }
  void Sort(const SiteRows& rows);
  void FindOutputs(const SiteRows& rows, const float* parameters, float* scratch);
  void LinearGradient(const SiteRows& rows, float* gradient);

  const Network& network_;
  CoxLoss loss_;
  std::vector<std::uint32_t> order_;  ///< Rows, the longest followed first.
  std::vector<std::uint32_t> ranks_;  ///< In that order, as what follows.
  std::vector<float> events_;
  std::vector<double> outputs_;
  std::vector<double> derivatives_;
  std::vector<float> floats_;  ///< Outputs or derivatives as the kernel has them.
  std::vector<double> sums_;   ///< One an input.
};

}  // namespace consilium::train
