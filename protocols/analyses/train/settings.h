#pragma once

// What a plan with kind = "train" says, checked.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/train/network.h"

namespace consilium::train {

enum class ModelKind {
  kLinear,
  kLogistic,
  kMlp,
  kCnn,
  kCox,      ///< Linear in the log hazard of an event.
  kExternal  ///< Known to a program at the sites alone.
};

/// How the sites' updates become the next model, and what differs at the sites for it.
enum class Strategy {
  kFedAvg,   ///< McMahan et al. 2017: the mean weighted by rows.
  kFedProx,  ///< Li et al. 2020: sites are drawn back to the round's model.
  kFedAvgM,  ///< Hsu, Qi and Brown 2019: momentum at the server.
  kFedAdam,  ///< Reddi et al. 2021, as the next two: adaptive steps at the server.
  kFedYogi,
  kFedAdagrad,
  kScaffold,  ///< Karimireddy et al. 2020, option II: sites correct their drift.
  kFedNova,   ///< Wang et al. 2020: updates are divided by how much a site learned.
  kRfa,       ///< Pillutla et al. 2022: the geometric median of the updates, by re-weighted sums.
  kDitto      ///< Li, Hu, Beirami and Smith 2021: fedavg, and a model of its own at each site.
};

enum class Optimiser { kSgd, kAdam };

/// How features (and a numeric outcome) are brought to one scale before training.
enum class Standardisation {
  kFederation,  ///< Mean and deviation over all sites, from sums of one more round.
  kSite,        ///< Each site's own, of the rows it learns from; they stay there.
  kRange,       ///< The contract's range to -1 ... 1.
  kNone
};

/// A site's part.
struct LocalSettings {
  Optimiser optimiser = Optimiser::kSgd;
  std::uint32_t epochs = 1;  ///< Passes over the rows; unless `steps` says how many batches.
  std::uint32_t steps = 0;
  std::uint32_t batch = 32;
  double learning_rate = 0.1;
  double momentum = 0;
  double beta1 = 0.9;  ///< Adam's, at the site (Kingma and Ba 2015).
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double l2 = 0;  ///< Adds l2 / 2 times the squared weights (not biases) to the mean loss.
  double mu = 0;  ///< FedProx: adds mu / 2 times the squared distance from the round's model.
};

/// The coordinator's part, which every site recomputes.
struct ServerSettings {
  double learning_rate = 1;
  double momentum = 0;
  double beta1 = 0;
  double beta2 = 0;
  double tau = 0;
  std::uint32_t iterations = 0;  ///< Of RFA's re-weighting.
  double smoothing = 0;          ///< RFA: updates nearer to the middle than this weigh no more.
};

/// A run of parameters.
struct Range {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// A program that learns in place of our own models.
struct Trainer {
  std::string command;     ///< Its name in the sites' policies.
  double start_bound = 0;  ///< First parameters are drawn from +- this; 0: they are zeros.
};

struct TrainPlan {
  glm::Design design;
  ModelKind model = ModelKind::kLogistic;
  Picture picture;  ///< Of a CNN.
  std::vector<std::size_t> hidden;
  std::optional<Trainer> trainer;  ///< With it the network has parameters and no layers.
  Network network;
  Strategy strategy = Strategy::kFedAvg;
  LocalSettings local;
  ServerSettings server;
  std::uint32_t rounds = 0;
  std::uint64_t seed = 1;
  Standardisation standardisation = Standardisation::kFederation;
  double clip = 0;             ///< Most that one site's update may be long (L2 norm).
  bool norm_check = false;     ///< Sites prove that by sketches (secure_sum/sketch.h).
  double validation = 0;       ///< Share of each site's rows that is held out; 0 for none.
  std::uint32_t patience = 0;  ///< Rounds without a better validation loss; 0: never stop early.

  bool Validates() const { return validation > 0; }
  /// Layers that stay at each site, by the index of the network's; FedPer and its like.
  std::vector<std::size_t> personal;
  std::vector<Range> shared;          ///< Where the parameters that are summed lie,
  std::size_t shared_parameters = 0;  ///< and how many they are.
  double lambda = 0;  ///< Ditto: how much a site's own model is drawn to the round's.

  bool IsRobust() const { return strategy == Strategy::kRfa; }
  bool HasOwnModels() const { return strategy == Strategy::kDitto; }
  bool Controls() const { return strategy == Strategy::kScaffold; }
  bool Normalises() const { return strategy == Strategy::kFedNova; }
  /// Whether sites have a state from round to round.
  bool HasState() const { return Controls() || IsRobust() || HasOwnModels() || !personal.empty(); }
  bool ScalesOutcome() const { return network.loss == Loss::kSquared; }
  /// Whether a site measures the round's model before it learns: otherwise the training loss is of
  /// what the learning meets.
  bool MeasuresFirst() const { return Validates() || network.ComparesRows(); }
  /// Whether it is known in how many rows the model predicts the class.
  bool CountsHits() const { return network.Classifies() && !trainer; }
};

/// Words of two update slices still fit a masked vector.
inline constexpr std::size_t kMaxParameters = 4'000'000;

/// What every site begins with.
std::vector<float> FirstParameters(const TrainPlan& plan);
/// The parameters as model files have them.
std::vector<Tensor> TensorsOf(const TrainPlan& plan);

/// The [analysis] table of a plan.
Result<TrainPlan> ParseTrainPlan(const Settings& settings, const Contract& contract);

std::string_view NameOf(ModelKind model);
std::string_view NameOf(Strategy strategy);
std::string_view NameOf(Optimiser optimiser);
std::string_view NameOf(Standardisation standardisation);

}  // namespace consilium::train
