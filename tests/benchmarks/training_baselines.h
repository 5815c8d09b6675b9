#pragma once

// Training written in bare Eigen, for the very processor that it is compiled on: what the
// simulator's training is held against.

#include <cstddef>
#include <memory>
#include <vector>

namespace consilium {

/// A site's rows, row by row, and their outcomes.
struct BareRows {
  std::vector<float> x;
  std::vector<float> y;
};

/// Federated averaging of a logistic model, written down as on a blackboard: no loss is
/// summed, no contract checked, nothing is clipped, encoded or decoded.
class BareFedAvg {
 public:
  BareFedAvg(const std::vector<BareRows>& sites, std::size_t features);
  ~BareFedAvg();
  enum class Rows { kAsTheyLie, kShuffled };
  /// The weights and, last, the bias. Shuffled rows are copied to their batch in an order that is
  /// drawn once a round.
  std::vector<float> Run(std::size_t rounds, std::size_t batch, float rate, Rows rows);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The matrix products of a network's epoch alone: forward, derivatives, gradients.
class BareProducts {
 public:
  BareProducts(const std::vector<std::size_t>& widths, std::size_t rows, std::size_t batch);
  ~BareProducts();
  /// A number of the last gradient.
  float Run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace consilium
