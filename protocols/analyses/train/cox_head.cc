#include "protocols/analyses/train/cox_head.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace consilium::train {
namespace {

/// Rows whose outputs a network computes at a time.
constexpr std::size_t kAtOnce = 256;

Samples SamplesOf(const SiteRows& rows, std::span<const std::uint32_t> order) {
  return {rows.values.data(), rows.stride,  rows.inputs, rows.targets.data(),
          order.data(),       order.size(), 0,           1};
}

NetworkTask TaskOf(const Network& network, float* scratch) {
  return {network.layers.data(), network.layers.size(), network.loss, scratch};
}

}  // namespace

std::size_t CoxHead::ScratchFor(std::size_t rows) const {
  if (IsLinear()) return 0;
  return FloatsFor(network_.layers.data(), network_.layers.size(), rows);
}

void CoxHead::Sort(const SiteRows& rows) {
  std::sort(order_.begin(), order_.end(), [&rows](std::uint32_t a, std::uint32_t b) {
    return std::tie(rows.ranks[a], a) < std::tie(rows.ranks[b], b);
  });
  ranks_.clear();
  events_.clear();
  for (const std::uint32_t row : order_) {
    ranks_.push_back(rows.ranks[row]);
    events_.push_back(rows.targets[row]);
  }
}

void CoxHead::FindOutputs(const SiteRows& rows, const float* parameters, float* scratch) {
  outputs_.clear();
  if (IsLinear()) {
    for (const std::uint32_t row : order_) {
      const float* const x = rows.values.data() + row * rows.stride;
      double output = static_cast<double>(parameters[rows.inputs]);
      for (std::size_t j = 0; j < rows.inputs; ++j) {
        output += static_cast<double>(parameters[j]) * static_cast<double>(x[j]);
      }
      outputs_.push_back(output);
    }
    return;
  }
  floats_.resize(order_.size());
  const std::span<const std::uint32_t> order(order_);
  for (std::size_t at = 0; at < order.size(); at += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, order.size() - at);
    BestKernel().network_outputs(TaskOf(network_, scratch),
                                 SamplesOf(rows, order.subspan(at, count)), parameters,
                                 floats_.data() + at);
  }
  outputs_.assign(floats_.begin(), floats_.end());
}

void CoxHead::LinearGradient(const SiteRows& rows, float* gradient) {
  sums_.assign(rows.inputs, 0.0);
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const float* const x = rows.values.data() + order_[i] * rows.stride;
    for (std::size_t j = 0; j < rows.inputs; ++j) {
      sums_[j] += derivatives_[i] * static_cast<double>(x[j]);
    }
  }
  const auto count = static_cast<double>(order_.size());
  for (std::size_t j = 0; j < rows.inputs; ++j) gradient[j] = static_cast<float>(sums_[j] / count);
}

void CoxHead::Gradient(const SiteRows& rows,
                       std::span<const std::uint32_t> batch,
                       const float* parameters,
                       float* gradient,
                       float* scratch,
                       LossSums& sums) {
  order_.assign(batch.begin(), batch.end());
  Sort(rows);
  FindOutputs(rows, parameters, scratch);
  derivatives_.resize(order_.size());
  sums.loss += loss_.Of(ranks_, events_, outputs_, derivatives_);
  if (IsLinear()) {
    LinearGradient(rows, gradient);
  } else {
    const auto count = static_cast<double>(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      floats_[i] = static_cast<float>(derivatives_[i] / count);
    }
    BestKernel().network_pull(TaskOf(network_, scratch), SamplesOf(rows, order_), parameters,
                              floats_.data(), gradient);
  }
  gradient[network_.parameters - 1] = 0;
}

CoxSums CoxHead::Evaluate(const SiteRows& rows,
                          std::size_t first,
                          std::size_t count,
                          const float* parameters,
                          float* scratch) {
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), static_cast<std::uint32_t>(first));
  Sort(rows);
  FindOutputs(rows, parameters, scratch);
  CoxSums sums;
  sums.loss = loss_.Of(ranks_, events_, outputs_, {});
  sums.pairs = PairsOf(ranks_, events_, outputs_);
  return sums;
}

}  // namespace consilium::train
