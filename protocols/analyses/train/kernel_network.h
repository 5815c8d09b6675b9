#pragma once

// Networks of dense, convolution and pooling layers on Eigen's matrix products: part of
// kernel_body.h, which says where it is compiled.

#include <Eigen/Core>

#include "protocols/analyses/train/kernel_lanes.h"

namespace consilium::train::CONSILIUM_TRAIN_KERNEL {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using RowMap = Eigen::Map<Eigen::Matrix<float, 1, Eigen::Dynamic>>;
using ConstRowMap = Eigen::Map<const Eigen::Matrix<float, 1, Eigen::Dynamic>>;

Eigen::Index Signed(std::size_t count) { return static_cast<Eigen::Index>(count); }

/// Where the values of each layer lie in the scratch: the batch, each layer's outputs, the patches
/// of each convolution, then two buffers for derivatives and one for those of patches.
struct Places {
  float* values[kMaxLayers + 1] = {};
  float* patches[kMaxLayers] = {};
  float* derivatives[2] = {};
  float* patch_derivatives = nullptr;
};

Places Lay(const NetworkTask& task, std::size_t count) {
  Places places;
  float* at = task.scratch;
  const auto take = [&at](std::size_t size) {
    float* const taken = at;
    at += Padded(size);
    return taken;
  };
  places.values[0] = take(task.layers[0].inputs * count);
  std::size_t widest = 0;
  std::size_t most_patches = 0;
  for (std::size_t l = 0; l < task.count; ++l) {
    const Layer& layer = task.layers[l];
    places.values[l + 1] = take(layer.outputs * count);
    places.patches[l] = take(layer.patch_numbers() * count);
    if (layer.outputs > widest) widest = layer.outputs;
    if (layer.patch_numbers() > most_patches) most_patches = layer.patch_numbers();
  }
  places.derivatives[0] = take(widest * count);
  places.derivatives[1] = take(widest * count);
  places.patch_derivatives = take(most_patches * count);
  return places;
}

void Gather(const Samples& samples, float* to) {
  for (std::size_t i = 0; i < samples.count; ++i) {
    std::memcpy(to + i * samples.inputs, samples.rows + samples.order[i] * samples.stride,
                samples.inputs * sizeof(float));
  }
}

/// The windows of all pictures, a row each: `size` lines of `size` pixels with all their channels.
void CutPatches(const Layer& layer, std::size_t pictures, const float* x, float* patches) {
  const std::size_t line = layer.size * layer.channels;
  for (std::size_t picture = 0; picture < pictures; ++picture, x += layer.inputs) {
    for (std::size_t row = 0; row < layer.out_height(); ++row) {
      for (std::size_t column = 0; column < layer.out_width(); ++column) {
        for (std::size_t k = 0; k < layer.size; ++k, patches += line) {
          const std::size_t pixel = (row + k) * layer.width + column;
          std::memcpy(patches, x + pixel * layer.channels, line * sizeof(float));
        }
      }
    }
  }
}

/// The other way, for derivatives: what windows share is added.
void AddPatches(const Layer& layer, std::size_t pictures, const float* patches, float* dx) {
  const std::size_t line = layer.size * layer.channels;
  for (std::size_t i = 0; i < pictures * layer.inputs; ++i) dx[i] = 0;
  for (std::size_t picture = 0; picture < pictures; ++picture, dx += layer.inputs) {
    for (std::size_t row = 0; row < layer.out_height(); ++row) {
      for (std::size_t column = 0; column < layer.out_width(); ++column) {
        for (std::size_t k = 0; k < layer.size; ++k, patches += line) {
          float* const to = dx + ((row + k) * layer.width + column) * layer.channels;
          for (std::size_t j = 0; j < line; ++j) to[j] += patches[j];
        }
      }
    }
  }
}

/// Calls use(index of an output, indices of the four inputs it is the largest of).
template <class Use>
void EachPool(const Layer& layer, Use use) {
  for (std::size_t row = 0; row < layer.out_height(); ++row) {
    for (std::size_t column = 0; column < layer.out_width(); ++column) {
      const std::size_t first = (2 * row * layer.width + 2 * column) * layer.channels;
      const std::size_t below = first + layer.width * layer.channels;
      const std::size_t out = (row * layer.out_width() + column) * layer.channels;
      for (std::size_t c = 0; c < layer.channels; ++c) {
        const std::size_t inputs[4] = {first + c, first + layer.channels + c, below + c,
                                       below + layer.channels + c};
        use(out + c, inputs);
      }
    }
  }
}

void Pool(const Layer& layer, std::size_t pictures, const float* x, float* z) {
  for (std::size_t picture = 0; picture < pictures; ++picture) {
    EachPool(layer, [x, z](std::size_t out, const std::size_t* inputs) {
      float largest = x[inputs[0]];
      for (std::size_t k = 1; k < 4; ++k) {
        if (x[inputs[k]] > largest) largest = x[inputs[k]];
      }
      z[out] = largest;
    });
    x += layer.inputs;
    z += layer.outputs;
  }
}

/// A derivative goes to the first input that is the largest.
void Unpool(const Layer& layer, std::size_t pictures, const float* x, const float* dz, float* dx) {
  for (std::size_t i = 0; i < pictures * layer.inputs; ++i) dx[i] = 0;
  for (std::size_t picture = 0; picture < pictures; ++picture) {
    EachPool(layer, [x, dz, dx](std::size_t out, const std::size_t* inputs) {
      std::size_t best = inputs[0];
      for (std::size_t k = 1; k < 4; ++k) {
        if (x[inputs[k]] > x[best]) best = inputs[k];
      }
      dx[best] += dz[out];
    });
    x += layer.inputs;
    dz += layer.outputs;
    dx += layer.inputs;
  }
}

/// What a layer's products are of: `rows` times `inputs` numbers and `rows` times `outputs`.
struct Product {
  const float* x;
  Eigen::Index rows;
  Eigen::Index inputs;
  Eigen::Index outputs;
};

Product ProductOf(const Layer& layer, std::size_t l, std::size_t count, const Places& places) {
  if (layer.kind == Layer::Kind::kDense) {
    return {places.values[l], Signed(count), Signed(layer.inputs), Signed(layer.outputs)};
  }
  return {places.patches[l], Signed(count * layer.out_height() * layer.out_width()),
          Signed(layer.window()), Signed(layer.filters)};
}

void Forward(const NetworkTask& task,
             const Samples& samples,
             const float* params,
             const Places& places) {
  Gather(samples, places.values[0]);
  for (std::size_t l = 0; l < task.count; ++l) {
    const Layer& layer = task.layers[l];
    if (layer.kind == Layer::Kind::kPooling) {
      Pool(layer, samples.count, places.values[l], places.values[l + 1]);
      continue;
    }
    if (layer.kind == Layer::Kind::kConvolution) {
      CutPatches(layer, samples.count, places.values[l], places.patches[l]);
    }
    const Product product = ProductOf(layer, l, samples.count, places);
    const ConstMatrixMap x(product.x, product.rows, product.inputs);
    const ConstMatrixMap weights(params + layer.at, product.outputs, product.inputs);
    const ConstRowMap biases(params + layer.at + layer.weights(), product.outputs);
    MatrixMap z(places.values[l + 1], product.rows, product.outputs);
    z.noalias() = x * weights.transpose();
    if (layer.relu) {
      z = (z.rowwise() + biases).cwiseMax(0.0F);
    } else {
      z.rowwise() += biases;
    }
  }
}

/// One row of a softmax: probabilities less the target's indicator over `outputs`.
void CategoryResiduals(float* z, std::size_t outputs, float target, LossSums& sums) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < outputs; ++k) {
    if (z[k] > z[best]) best = k;
  }
  const float largest = z[best];
  const auto wanted = static_cast<std::size_t>(target);
  const float below = largest - z[wanted];
  float sum = 0;
  for (std::size_t k = 0; k < outputs; ++k) {
    z[k] = Exp(z[k] - largest);
    sum += z[k];
  }
  for (std::size_t k = 0; k < outputs; ++k) z[k] /= sum;
  z[wanted] -= 1.0F;
  sums.loss += static_cast<double>(Smaller(Log(sum) + below, kLargestLoss));
  sums.hits += best == wanted ? 1 : 0;
}

/// The last layer's outputs in, derivatives of each row's loss out.
void Residuals(const Samples& samples, Loss loss, std::size_t outputs, float* z, LossSums& sums) {
  if (loss != Loss::kCategories) return AllResiduals(samples, loss, z, sums);
  for (std::size_t i = 0; i < samples.count; ++i) {
    CategoryResiduals(z + i * outputs, outputs, samples.targets[samples.order[i]], sums);
  }
}

/// The derivatives of a layer's inputs, given those of its outputs.
void PassDown(const NetworkTask& task,
              const float* params,
              const Places& places,
              std::size_t l,
              std::size_t count,
              const float* dz,
              float* dx) {
  const Layer& layer = task.layers[l];
  const ConstMatrixMap x(places.values[l], Signed(count), Signed(layer.inputs));
  MatrixMap below(dx, x.rows(), x.cols());
  if (layer.kind == Layer::Kind::kPooling) {
    Unpool(layer, count, places.values[l], dz, dx);
  } else {
    const Product product = ProductOf(layer, l, count, places);
    const bool dense = layer.kind == Layer::Kind::kDense;
    const ConstMatrixMap above(dz, product.rows, product.outputs);
    const ConstMatrixMap weights(params + layer.at, product.outputs, product.inputs);
    MatrixMap to(dense ? dx : places.patch_derivatives, product.rows, product.inputs);
    to.noalias() = above * weights;
    if (!dense) AddPatches(layer, count, places.patch_derivatives, dx);
  }
  // All values below another layer passed a threshold at 0.
  below.array() = (x.array() > 0.0F).select(below.array(), 0.0F);
}

enum class Write { kReplace, kAdd };

std::size_t OutputsOf(const NetworkTask& task) { return task.layers[task.count - 1].outputs; }

/// Forward and backward; factor times the summed gradient replaces `to`, or is added to it. `to`
/// may be `params`: a layer's are read for the last time before they are written. `head` turns the
/// outputs into derivatives by them.
template <class Head>
void Differentiate(const NetworkTask& task,
                   const Samples& samples,
                   const float* params,
                   float factor,
                   Write write,
                   float* to,
                   const Head& head) {
  const Places places = Lay(task, samples.count);
  Forward(task, samples, params, places);
  const float* dz = places.values[task.count];
  head(places.values[task.count]);
  for (std::size_t l = task.count; l-- > 0;) {
    const Layer& layer = task.layers[l];
    float* const dx = places.derivatives[l % 2];
    if (l > 0) PassDown(task, params, places, l, samples.count, dz, dx);
    if (layer.kind != Layer::Kind::kPooling) {
      const Product product = ProductOf(layer, l, samples.count, places);
      const ConstMatrixMap above(dz, product.rows, product.outputs);
      const ConstMatrixMap x(product.x, product.rows, product.inputs);
      MatrixMap weights(to + layer.at, product.outputs, product.inputs);
      RowMap biases(to + layer.at + layer.weights(), product.outputs);
      if (write == Write::kAdd) {
        weights.noalias() += factor * above.transpose() * x;
        biases.noalias() += factor * above.colwise().sum();
      } else {
        weights.noalias() = factor * above.transpose() * x;
        biases.noalias() = factor * above.colwise().sum();
      }
    }
    dz = dx;
  }
}

void NetworkGradient(const NetworkTask& task,
                     const Samples& samples,
                     const float* params,
                     float* gradient,
                     LossSums& sums) {
  const float mean = 1.0F / static_cast<float>(samples.count);
  Differentiate(task, samples, params, mean, Write::kReplace, gradient,
                [&](float* z) { Residuals(samples, task.loss, OutputsOf(task), z, sums); });
}

void NetworkStep(
    const NetworkTask& task, const Samples& samples, float rate, float* params, LossSums& sums) {
  const float factor = -rate / static_cast<float>(samples.count);
  Differentiate(task, samples, params, factor, Write::kAdd, params,
                [&](float* z) { Residuals(samples, task.loss, OutputsOf(task), z, sums); });
}

void NetworkPull(const NetworkTask& task,
                 const Samples& samples,
                 const float* params,
                 const float* derivatives,
                 float* gradient) {
  Differentiate(task, samples, params, 1.0F, Write::kReplace, gradient, [&](float* z) {
    std::memcpy(z, derivatives, samples.count * OutputsOf(task) * sizeof(float));
  });
}

void NetworkLoss(const NetworkTask& task,
                 const Samples& samples,
                 const float* params,
                 LossSums& sums) {
  const Places places = Lay(task, samples.count);
  Forward(task, samples, params, places);
  Residuals(samples, task.loss, task.layers[task.count - 1].outputs, places.values[task.count],
            sums);
}

void NetworkOutputs(const NetworkTask& task,
                    const Samples& samples,
                    const float* params,
                    float* outputs) {
  const Places places = Lay(task, samples.count);
  Forward(task, samples, params, places);
  std::memcpy(outputs, places.values[task.count],
              samples.count * task.layers[task.count - 1].outputs * sizeof(float));
}

}  // namespace
}  // namespace consilium::train::CONSILIUM_TRAIN_KERNEL
