#include "protocols/analyses/train/network.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/random.h"

namespace consilium::train {
namespace {

void DrawWeights(const Layer& layer, RandomSource& random, std::vector<float>& parameters) {
  const double numerator = layer.relu ? 6.0 : 3.0;
  const std::size_t inputs =
      layer.kind == Layer::Kind::kConvolution ? layer.window() : layer.inputs;
  const double bound = std::sqrt(numerator / static_cast<double>(inputs));
  DrawUniform(bound, random, std::span(parameters).subspan(layer.at, layer.weights()));
}

void Append(Layer layer, Network& network) {
  CHECK(network.layers.size() < kMaxLayers);
  layer.at = network.parameters;
  network.parameters += layer.parameters();
  network.layers.push_back(layer);
}

void AppendDense(const std::vector<std::size_t>& hidden, std::size_t inputs, Network& network) {
  for (std::size_t l = 0; l <= hidden.size(); ++l) {
    Layer layer;
    layer.relu = l < hidden.size();
    layer.inputs = inputs;
    layer.outputs = layer.relu ? hidden[l] : network.outputs;
    inputs = layer.outputs;
    Append(layer, network);
  }
}

}  // namespace

Network MakeDenseNetwork(std::size_t inputs,
                         const std::vector<std::size_t>& hidden,
                         std::size_t outputs,
                         Loss loss) {
  Network network;
  network.loss = loss;
  network.inputs = inputs;
  network.outputs = outputs;
  AppendDense(hidden, inputs, network);
  return network;
}

bool IsTooSmall(const Picture& picture) {
  std::size_t height = picture.height;
  std::size_t width = picture.width;
  for (std::size_t i = 0; i < picture.filters.size(); ++i) {
    // A convolution leaves height - window + 1 lines, of which half are left.
    if (height < picture.window + 1 || width < picture.window + 1) return true;
    height = (height - picture.window + 1) / 2;
    width = (width - picture.window + 1) / 2;
  }
  return false;
}

Network MakePictureNetwork(const Picture& picture,
                           const std::vector<std::size_t>& hidden,
                           std::size_t outputs,
                           Loss loss) {
  CHECK(!IsTooSmall(picture));
  Network network;
  network.loss = loss;
  network.inputs = picture.height * picture.width * picture.channels;
  network.outputs = outputs;
  Layer seen;  // What the next layer sees.
  seen.height = picture.height;
  seen.width = picture.width;
  seen.channels = picture.channels;
  for (const std::size_t filters : picture.filters) {
    Layer convolution = seen;
    convolution.kind = Layer::Kind::kConvolution;
    convolution.relu = true;
    convolution.size = picture.window;
    convolution.filters = filters;
    convolution.inputs = seen.height * seen.width * seen.channels;
    convolution.outputs = convolution.out_height() * convolution.out_width() * filters;
    Append(convolution, network);
    Layer pooling;
    pooling.kind = Layer::Kind::kPooling;
    pooling.height = convolution.out_height();
    pooling.width = convolution.out_width();
    pooling.channels = filters;
    pooling.inputs = convolution.outputs;
    pooling.outputs = pooling.out_height() * pooling.out_width() * filters;
    Append(pooling, network);
    seen.height = pooling.out_height();
    seen.width = pooling.out_width();
    seen.channels = filters;
  }
  AppendDense(hidden, network.layers.back().outputs, network);
  return network;
}

void DrawUniform(double bound, RandomSource& random, std::span<float> numbers) {
  std::vector<std::uint64_t> draws(numbers.size());
  random.Fill(std::as_writable_bytes(std::span(draws)));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const std::uint64_t draw = LoadU64(std::as_bytes(std::span(&draws[i], 1)));
    const double unit = static_cast<double>(draw >> 11) * 0x1p-53;
    numbers[i] = static_cast<float>(bound * (2 * unit - 1));
  }
}

std::vector<float> InitialParameters(const Network& network, std::uint64_t seed) {
  std::vector<float> parameters(network.parameters, 0.0F);
  if (network.layers.size() == 1) return parameters;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    if (network.layers[l].parameters() == 0) continue;
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
    std::vector<std::size_t> shape = {layer.outputs, layer.inputs};
    if (layer.kind == Layer::Kind::kConvolution) {
      shape = {layer.filters, layer.size, layer.size, layer.channels};
    }
    tensors.push_back({name + ".weight", std::move(shape), layer.at, layer.weights()});
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
    const Samples samples{rows.data(),
                          network.inputs,
                          network.inputs,
                          nullptr,
                          order.data() + first,
                          std::min(kAtOnce, count - first),
                          0};
    BestKernel().network_outputs(task, samples, parameters.data(),
                                 outputs.data() + first * network.outputs);
  }
  return outputs;
}

}  // namespace consilium::train
