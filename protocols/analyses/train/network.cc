#include "protocols/analyses/train/network.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/random.h"

namespace consilium::train {
namespace {

void DrawWeights(const Layer& layer, RandomSource& random, std::vector<float>& parameters) {
  const double numerator = layer.relu ? 6.0 : 3.0;
  const double bound = std::sqrt(numerator / static_cast<double>(layer.inputs));
  std::vector<std::uint64_t> draws(layer.weights());
  random.Fill(std::as_writable_bytes(std::span(draws)));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const std::uint64_t draw = LoadU64(std::as_bytes(std::span(&draws[i], 1)));
    const double unit = static_cast<double>(draw >> 11) * 0x1p-53;
    parameters[layer.at + i] = static_cast<float>(bound * (2 * unit - 1));
  }
}

}  // namespace

Network MakeDenseNetwork(std::size_t inputs,
                         const std::vector<std::size_t>& hidden,
                         std::size_t outputs,
                         Loss loss) {
  CHECK(hidden.size() + 1 <= kMaxLayers);
  Network network;
  network.loss = loss;
  network.inputs = inputs;
  network.outputs = outputs;
  std::size_t below = inputs;
  for (std::size_t l = 0; l <= hidden.size(); ++l) {
    Layer layer;
    layer.relu = l < hidden.size();
    layer.inputs = below;
    layer.outputs = layer.relu ? hidden[l] : outputs;
    layer.at = network.parameters;
    network.parameters += layer.parameters();
    below = layer.outputs;
    network.layers.push_back(layer);
  }
  return network;
}

std::vector<float> InitialParameters(const Network& network, std::uint64_t seed) {
  std::vector<float> parameters(network.parameters, 0.0F);
  if (network.layers.size() == 1) return parameters;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    SeededRandom random(
        Hasher("consilium/train/initial/v1").Add(seed).Add(std::uint64_t{l}).Finish().bytes);
    DrawWeights(network.layers[l], random, parameters);
  }
  return parameters;
}

std::vector<Tensor> TensorsOf(const Network& network) {
  std::vector<Tensor> tensors;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const Layer& layer = network.layers[l];
    if (layer.parameters() == 0) continue;
    const std::string name = "layer" + std::to_string(l + 1);
    tensors.push_back({name + ".weight", {layer.outputs, layer.inputs}, layer.at, layer.weights()});
    tensors.push_back(
        {name + ".bias", {layer.biases()}, layer.at + layer.weights(), layer.biases()});
  }
  return tensors;
}

std::vector<float> OutputsOf(const Network& network,
                             std::span<const float> parameters,
                             std::span<const float> rows) {
  constexpr std::size_t kAtOnce = 64;
  const std::size_t count = rows.size() / network.inputs;
  CHECK(rows.size() == count * network.inputs && parameters.size() == network.parameters);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::vector<float> scratch(
      FloatsFor(network.layers.data(), network.layers.size(), std::min(count, kAtOnce)));
  std::vector<float> outputs(count * network.outputs);
  const NetworkTask task{network.layers.data(), network.layers.size(), network.loss,
                         scratch.data()};
  for (std::size_t first = 0; first < count; first += kAtOnce) {
    const Samples samples{rows.data(), network.inputs,       network.inputs,
                          nullptr,     order.data() + first, std::min(kAtOnce, count - first)};
    BestKernel().network_outputs(task, samples, parameters.data(),
                                 outputs.data() + first * network.outputs);
  }
  return outputs;
}

}  // namespace consilium::train
