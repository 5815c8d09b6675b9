#pragma once

// What is trained: layers, their parameters in one row of numbers, and where these start.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/random.h"
#include "protocols/analyses/train/kernel.h"

namespace consilium::train {

struct Network {
  std::vector<Layer> layers;
  Loss loss = Loss::kSquared;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t parameters = 0;

  /// One output and no hidden layer: arithmetic that is equal on every processor.
  bool IsSingle() const { return layers.size() == 1 && outputs == 1 && !ComparesRows(); }
  bool Classifies() const { return loss == Loss::kBinary || loss == Loss::kCategories; }
  /// Of the time to an event: the output is a log hazard, up to a constant of the site.
  bool ComparesRows() const { return loss == Loss::kPartialLikelihood; }
};

/// How a picture is looked at before the dense layers: convolutions with max(0, x), each followed
/// by the largest of 2 x 2.
struct Picture {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;
  std::size_t window = 0;
  std::vector<std::size_t> filters;  ///< One a convolution.
};

/// Whether nothing is left of the picture on the way.
bool IsTooSmall(const Picture& picture);

/// Convolutions, then dense layers with these hidden widths.
Network MakePictureNetwork(const Picture& picture,
                           const std::vector<std::size_t>& hidden,
                           std::size_t outputs,
                           Loss loss);

/// Dense layers with these hidden widths and max(0, x) behind each of them.
Network MakeDenseNetwork(std::size_t inputs,
                         const std::vector<std::size_t>& hidden,
                         std::size_t outputs,
                         Loss loss);

/// Uniform on +- bound; equal on every machine.
void DrawUniform(double bound, RandomSource& random, std::span<float> numbers);

/// Zeros for a model without hidden layers, whose loss is convex. Otherwise weights uniform on
/// +-sqrt(6 / inputs) below a max(0, x) (He, Zhang, Ren and Sun 2015) and on +-sqrt(3 / inputs) in
/// the last layer, biases zero. Equal on every machine: products and correctly rounded roots alone.
std::vector<float> InitialParameters(const Network& network, std::uint64_t seed);

/// A run of parameters with a name and a shape, as model files have them.
struct Tensor {
  std::string name;  ///< "layer1.weight"
  /// Of weights {outputs, inputs}; of a convolution's {filters, lines, pixels, channels}.
  std::vector<std::size_t> shape;
  std::size_t at = 0;
  std::size_t size = 0;
};
std::vector<Tensor> TensorsOf(const Network& network);

/// The outputs before the loss for rows of `inputs` numbers each, row by row: logits, or the
/// (standardised) outcome itself. For evaluating a released model.
std::vector<float> OutputsOf(const Network& network,
                             std::span<const float> parameters,
                             std::span<const float> rows);

}  // namespace consilium::train
