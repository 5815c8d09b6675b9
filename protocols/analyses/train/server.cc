#include "protocols/analyses/train/server.h"

#include <cmath>

#include "common/check.h"

namespace consilium::train {

Server::Server(Strategy strategy, const ServerSettings& settings, std::size_t parameters)
    : strategy_(strategy), settings_(settings) {
  switch (strategy) {
    case Strategy::kFedAvg:
    case Strategy::kFedProx:
    case Strategy::kScaffold:
    case Strategy::kFedNova:
    case Strategy::kRfa:
    case Strategy::kDitto:
      break;
    case Strategy::kFedAvgM:
      first_.assign(parameters, 0.0);
      break;
    case Strategy::kFedAdam:
    case Strategy::kFedYogi:
    case Strategy::kFedAdagrad:
      first_.assign(parameters, 0.0);
      second_.assign(parameters, settings.tau * settings.tau);
      break;
  }
}

void Server::Step(std::span<const double> update, std::span<float> parameters) {
  CHECK(update.size() == parameters.size());
  for (std::size_t j = 0; j < update.size(); ++j) {
    const double step = settings_.learning_rate * Direction(j, update[j]);
    parameters[j] = static_cast<float>(static_cast<double>(parameters[j]) + step);
  }
}

double Server::Direction(std::size_t index, double update) {
  if (first_.empty()) return update;
  double& m = first_[index];
  if (strategy_ == Strategy::kFedAvgM) {
    m = settings_.momentum * m + update;
    return m;
  }
  m = settings_.beta1 * m + (1 - settings_.beta1) * update;
  double& v = second_[index];
  const double square = update * update;
  if (strategy_ == Strategy::kFedAdam) {
    v = settings_.beta2 * v + (1 - settings_.beta2) * square;
  } else if (strategy_ == Strategy::kFedYogi) {
    const double change = (1 - settings_.beta2) * square;
    v += v > square ? -change : v < square ? change : 0.0;
  } else {
    v += square;
  }
  return m / (std::sqrt(v) + settings_.tau);
}

}  // namespace consilium::train
