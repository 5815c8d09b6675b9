#include "protocols/analyses/train/local.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/random.h"

namespace consilium::train {
namespace {

__extension__ typedef unsigned __int128 Uint128;

/// Rows that are evaluated at a time.
constexpr std::size_t kEvaluated = 256;

Samples SamplesOf(const SiteRows& rows, std::span<const std::uint32_t> order) {
  return {rows.values.data(),  rows.stride,  rows.inputs,
          rows.targets.data(), order.data(), order.size()};
}

/// Fisher and Yates, from one block of a stream of its own. Scaling a draw of 64 bits instead of
/// drawing again leaves a bias below 2^-32 for any number of rows that fits.
void Shuffle(const ByteArray<32>& seed, std::vector<std::uint32_t>& order) {
  SeededRandom random(seed);
  std::vector<std::uint64_t> draws(order.size());
  random.Fill(std::as_writable_bytes(std::span(draws)));
  for (std::size_t i = order.size(); i > 1; --i) {
    const std::uint64_t draw = LoadU64(std::as_bytes(std::span(&draws[i - 1], 1)));
    const auto other = static_cast<std::size_t>((static_cast<Uint128>(draw) * i) >> 64);
    std::swap(order[i - 1], order[other]);
  }
}

}  // namespace

Learner::Learner(const TrainPlan& plan, std::uint32_t round)
    : plan_(plan),
      kernel_(BestKernel()),
      round_(round),
      count_(plan.network.parameters),
      parameters_(Padded(count_)) {
  if (!StepsInPlace()) gradient_ = FloatBuffer(Padded(count_));
  const LocalSettings& local = plan.local;
  if (local.momentum > 0 || local.optimiser == Optimiser::kAdam) {
    first_ = FloatBuffer(Padded(count_));
  }
  if (local.optimiser == Optimiser::kAdam) second_ = FloatBuffer(Padded(count_));
}

/// Plain descent on a network needs no gradient of its own: products are added to the weights.
bool Learner::StepsInPlace() const {
  const LocalSettings& local = plan_.local;
  return !plan_.network.IsSingle() && local.optimiser == Optimiser::kSgd && local.momentum == 0 &&
         local.l2 == 0 && local.mu == 0;
}

void Learner::Prepare(const SiteRows& rows, std::size_t batch) {
  CHECK(rows.inputs == plan_.network.inputs);
  const std::vector<Layer>& layers = plan_.network.layers;
  scratch_.Reserve(plan_.network.IsSingle() ? Padded(batch)
                                            : FloatsFor(layers.data(), layers.size(), batch));
}

std::span<const std::uint32_t> Learner::Order(const SiteRows& rows, std::size_t epoch) {
  // Which rows are learned from follows from their number, so their number is all that matters.
  if (ordered_rows_ != rows.targets.size()) orders_.clear();
  ordered_rows_ = rows.targets.size();
  while (orders_.size() <= epoch) {
    std::vector<std::uint32_t>& order = orders_.emplace_back(rows.learned);
    Shuffle(Hasher("consilium/train/order/v1")
                .Add(plan_.seed)
                .Add(std::uint64_t{round_})
                .Add(std::uint64_t{orders_.size()})
                .Finish()
                .bytes,
            order);
  }
  return orders_[epoch];
}

LearnedRound Learner::Learn(const SiteRows& rows, std::span<const float> start) {
  CHECK(start.size() == count_);
  const LocalSettings& local = plan_.local;
  const std::size_t batch = std::min<std::size_t>(local.batch, rows.learned.size());
  Prepare(rows, batch);
  std::copy(start.begin(), start.end(), parameters_.data());
  std::fill_n(first_.data(), first_.size(), 0.0F);
  std::fill_n(second_.data(), second_.size(), 0.0F);
  decayed1_ = decayed2_ = 1;

  LearnedRound learned;
  LossSums later;
  for (std::size_t epoch = 0;; ++epoch) {
    const std::span<const std::uint32_t> order = Order(rows, epoch);
    for (std::size_t at = 0; at < order.size(); at += batch) {
      if (local.steps > 0 && learned.steps == local.steps) return learned;
      const std::size_t size = std::min(batch, order.size() - at);
      LearnBatch(rows, order.subspan(at, size), start, epoch == 0 ? learned.first_pass : later);
      if (epoch == 0) learned.met += size;
      ++learned.steps;
    }
    if (local.steps == 0 && epoch + 1 == local.epochs) return learned;
  }
}

void Learner::LearnBatch(const SiteRows& rows,
                         std::span<const std::uint32_t> batch,
                         std::span<const float> start,
                         LossSums& sums) {
  const Network& network = plan_.network;
  const Samples samples = SamplesOf(rows, batch);
  if (network.IsSingle()) {
    kernel_.single_gradient(samples, network.loss, parameters_.data(), gradient_.data(),
                            scratch_.data(), sums);
    return StepBy(start);
  }
  const NetworkTask task{network.layers.data(), network.layers.size(), network.loss,
                         scratch_.data()};
  if (StepsInPlace()) {
    kernel_.network_step(task, samples, static_cast<float>(plan_.local.learning_rate),
                         parameters_.data(), sums);
    return;
  }
  kernel_.network_gradient(task, samples, parameters_.data(), gradient_.data(), sums);
  StepBy(start);
}

void Learner::AddPenalties(std::span<const float> start) {
  const LocalSettings& local = plan_.local;
  if (local.l2 > 0) {
    for (const Layer& layer : plan_.network.layers) {
      kernel_.add(layer.weights(), static_cast<float>(local.l2), parameters_.data() + layer.at,
                  gradient_.data() + layer.at);
    }
  }
  if (local.mu > 0) {
    kernel_.add_difference(count_, static_cast<float>(local.mu), parameters_.data(), start.data(),
                           gradient_.data());
  }
}

void Learner::StepBy(std::span<const float> start) {
  AddPenalties(start);
  const LocalSettings& local = plan_.local;
  const auto rate = static_cast<float>(local.learning_rate);
  if (local.optimiser == Optimiser::kAdam) {
    // Kingma and Ba 2015, with the corrections of both moments in the rate and epsilon.
    decayed1_ *= local.beta1;
    decayed2_ *= local.beta2;
    const double root = std::sqrt(1 - decayed2_);
    const AdamTask task{static_cast<float>(local.learning_rate * root / (1 - decayed1_)),
                        static_cast<float>(local.beta1), static_cast<float>(local.beta2),
                        static_cast<float>(local.epsilon * root)};
    kernel_.adam(count_, task, gradient_.data(), first_.data(), second_.data(), parameters_.data());
  } else if (local.momentum > 0) {
    kernel_.momentum(count_, static_cast<float>(local.momentum), rate, gradient_.data(),
                     first_.data(), parameters_.data());
  } else {
    kernel_.add(count_, -rate, gradient_.data(), parameters_.data());
  }
}

LossSums Learner::Evaluate(const SiteRows& rows,
                           std::span<const std::uint32_t> chosen,
                           std::span<const float> parameters) {
  const Network& network = plan_.network;
  Prepare(rows, std::min(kEvaluated, chosen.size()));
  LossSums sums;
  std::copy(parameters.begin(), parameters.end(), parameters_.data());
  for (std::size_t at = 0; at < chosen.size(); at += kEvaluated) {
    const Samples samples =
        SamplesOf(rows, chosen.subspan(at, std::min(kEvaluated, chosen.size() - at)));
    if (network.IsSingle()) {
      kernel_.single_loss(samples, network.loss, parameters_.data(), scratch_.data(), sums);
    } else {
      kernel_.network_loss(
          {network.layers.data(), network.layers.size(), network.loss, scratch_.data()}, samples,
          parameters_.data(), sums);
    }
  }
  return sums;
}

}  // namespace consilium::train
