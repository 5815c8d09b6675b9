#include "protocols/analyses/train/local.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/check.h"
#include "common/crypto/hash.h"

namespace consilium::train {
namespace {

/// Rows that are evaluated at a time.
constexpr std::size_t kEvaluated = 256;

Samples SamplesOf(const SiteRows& rows,
                  std::span<const std::uint32_t> order,
                  std::size_t following,
                  std::size_t run) {
  return {rows.values.data(), rows.stride,  rows.inputs, rows.targets.data(),
          order.data(),       order.size(), following,   run};
}

}  // namespace

Learner::Learner(const TrainPlan& plan, std::uint32_t round)
    : plan_(plan),
      kernel_(BestKernel()),
      round_(round),
      count_(plan.network.parameters),
      parameters_(Padded(count_)),
      cox_(plan.network) {
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
  return !plan_.network.IsSingle() && !plan_.network.ComparesRows() &&
         local.optimiser == Optimiser::kSgd && local.momentum == 0 && local.l2 == 0 &&
         local.mu == 0 && !plan_.Controls() && !plan_.HasOwnModels();
}

void Learner::Prepare(const SiteRows& rows, std::size_t batch) {
  CHECK(rows.inputs == plan_.network.inputs);
  if (plan_.network.ComparesRows()) return scratch_.Reserve(cox_.ScratchFor(batch));
  const std::vector<Layer>& layers = plan_.network.layers;
  scratch_.Reserve(plan_.network.IsSingle() ? Padded(batch)
                                            : FloatsFor(layers.data(), layers.size(), batch));
}

std::span<const std::uint32_t> Learner::Order(const SiteRows& rows, std::size_t epoch) {
  // Whether they are drawn in runs follows from their number.
  if (ordered_rows_ != rows.learned.size()) orders_.clear();
  ordered_rows_ = rows.learned.size();
  while (orders_.size() <= epoch) {
    orders_.push_back(DrawnOrder(ordered_rows_, rows.run,
                                 Hasher("consilium/train/order/v1")
                                     .Add(plan_.seed)
                                     .Add(std::uint64_t{round_})
                                     .Add(std::uint64_t{orders_.size() + 1})
                                     .Finish()
                                     .bytes));
  }
  return orders_[epoch];
}

LearnedRound Learner::Learn(const SiteRows& rows,
                            std::span<const float> start,
                            std::span<const float> correction) {
  return Learn(rows, start, correction, {start, plan_.local.mu});
}

LearnedRound Learner::Learn(const SiteRows& rows,
                            std::span<const float> start,
                            std::span<const float> correction,
                            const Pull& pull) {
  CHECK(start.size() == count_ && (correction.empty() || correction.size() == count_));
  pull_ = pull;
  correction_ = correction;
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
      LearnBatch(rows, order.subspan(at, size), order.size() - at - size,
                 epoch == 0 ? learned.first_pass : later);
      if (epoch == 0) learned.met += size;
      ++learned.steps;
    }
    if (local.steps == 0 && epoch + 1 == local.epochs) return learned;
  }
}

void Learner::LearnBatch(const SiteRows& rows,
                         std::span<const std::uint32_t> batch,
                         std::size_t following,
                         LossSums& sums) {
  const Network& network = plan_.network;
  const Samples samples = SamplesOf(rows, batch, following, rows.run);
  if (network.IsSingle()) {
    kernel_.single_gradient(samples, network.loss, parameters_.data(), gradient_.data(),
                            scratch_.data(), sums);
    return StepBy();
  }
  if (network.ComparesRows()) {
    cox_.Gradient(rows, batch, parameters_.data(), gradient_.data(), scratch_.data(), sums);
    return StepBy();
  }
  const NetworkTask task{network.layers.data(), network.layers.size(), network.loss,
                         scratch_.data()};
  if (StepsInPlace()) {
    kernel_.network_step(task, samples, static_cast<float>(plan_.local.learning_rate),
                         parameters_.data(), sums);
    return;
  }
  kernel_.network_gradient(task, samples, parameters_.data(), gradient_.data(), sums);
  StepBy();
}

void Learner::AddPenalties() {
  const LocalSettings& local = plan_.local;
  if (local.l2 > 0) {
    for (const Layer& layer : plan_.network.layers) {
      kernel_.add(layer.weights(), static_cast<float>(local.l2), parameters_.data() + layer.at,
                  gradient_.data() + layer.at);
    }
  }
  if (pull_.strength > 0) {
    kernel_.add_difference(count_, static_cast<float>(pull_.strength), parameters_.data(),
                           pull_.anchor.data(), gradient_.data());
  }
  if (!correction_.empty()) kernel_.add(count_, 1.0F, correction_.data(), gradient_.data());
}

void Learner::StepBy() {
  AddPenalties();
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

CoxSums Learner::Compare(const SiteRows& rows,
                         std::size_t first,
                         std::size_t count,
                         std::span<const float> parameters) {
  Prepare(rows, std::min(kEvaluated, count));
  return cox_.Evaluate(rows, first, count, parameters.data(), scratch_.data());
}

LossSums Learner::Evaluate(const SiteRows& rows,
                           std::size_t first,
                           std::size_t count,
                           std::span<const float> parameters) {
  const Network& network = plan_.network;
  Prepare(rows, std::min(kEvaluated, count));
  evaluated_.resize(count);
  std::iota(evaluated_.begin(), evaluated_.end(), static_cast<std::uint32_t>(first));
  const std::span<const std::uint32_t> order(evaluated_);
  LossSums sums;
  std::copy(parameters.begin(), parameters.end(), parameters_.data());
  for (std::size_t at = 0; at < count; at += kEvaluated) {
    const Samples samples =
        SamplesOf(rows, order.subspan(at, std::min(kEvaluated, count - at)), 0, kRun);
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
