#pragma once

// The coordinator's step from one model to the next. Every site recomputes it, so it is made of
// plain loops in one order, correctly rounded operations and nothing else.

#include <span>
#include <vector>

#include "protocols/analyses/train/settings.h"

namespace consilium::train {

/// With D the mean update of the round, weighted by rows, and w the model:
///   fedavg, fedprox, scaffold, fednova, rfa, ditto
///                     w += eta D                                (McMahan et al. 2017, eta = 1)
///   fedavgm           m = beta m + D;  w += eta m                 (Hsu, Qi and Brown 2019)
///   fedadam           m = b1 m + (1 - b1) D;  v = b2 v + (1 - b2) D^2
///   fedyogi           m as above;  v = v - (1 - b2) D^2 sign(v - D^2)
///   fedadagrad        m as above;  v = v + D^2
///                     w += eta m / (sqrt(v) + tau), v_0 = tau^2   (Reddi et al. 2021, algorithm 2)
class Server {
 public:
  Server(Strategy strategy, const ServerSettings& settings, std::size_t parameters);

  /// `update` has one number a parameter.
  void Step(std::span<const double> update, std::span<float> parameters);

 private:
  double Direction(std::size_t index, double update);

  Strategy strategy_;
  ServerSettings settings_;
  std::vector<double> first_;   ///< m; empty where there is none.
  std::vector<double> second_;  ///< v
};

}  // namespace consilium::train
