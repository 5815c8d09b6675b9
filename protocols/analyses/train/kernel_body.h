#pragma once

// The functions of kernel.h, for the processors that the including unit is compiled for. That unit
// names its namespace, and Eigen's with it, so that nothing here is merged by the linker with what
// another unit was compiled to.

#include "protocols/analyses/train/kernel.h"

#ifndef CONSILIUM_TRAIN_KERNEL
#define CONSILIUM_TRAIN_KERNEL generic
#endif

#include <cstring>

#include <Eigen/Core>

namespace consilium::train::CONSILIUM_TRAIN_KERNEL {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using RowMap = Eigen::Map<Eigen::Matrix<float, 1, Eigen::Dynamic>>;
using ConstRowMap = Eigen::Map<const Eigen::Matrix<float, 1, Eigen::Dynamic>>;

Eigen::Index Signed(std::size_t count) { return static_cast<Eigen::Index>(count); }

float Smaller(float a, float b) { return a < b ? a : b; }

// -- Eight numbers at a time
// --------------------------------------------------------------------------

/// The compiler's own vectors: every processor does the same operations in the same order.
typedef float Lanes __attribute__((vector_size(32)));
typedef std::int32_t IntLanes __attribute__((vector_size(32)));
constexpr std::size_t kWidth = 8;

inline void Load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }
inline void Store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof from); }
inline void Fill(float value, Lanes& to) {
  to = Lanes{value, value, value, value, value, value, value, value};
}
/// Where the mask is all ones `a`, elsewhere `b`.
inline void Choose(const IntLanes& mask, const Lanes& a, const Lanes& b, Lanes& to) {
  to = (Lanes)((mask & (IntLanes)a) | (~mask & (IntLanes)b));
}

/// e^x to a few units of the last place for -87 < x <= 0, held there below (after Cephes' expf).
inline void Exp(const Lanes& argument, Lanes& result) {
  Lanes lowest;
  Fill(-87.0F, lowest);
  Lanes x;
  Choose(argument > lowest, argument, lowest, x);
  const Lanes shifted = x * 1.44269504F + 12582912.0F;  // Rounds to a whole number.
  const Lanes whole = shifted - 12582912.0F;
  const Lanes r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
  Lanes p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const IntLanes power = (((IntLanes)shifted) - 0x4B400000 + 127) << 23;
  result = p * (Lanes)power;
}

/// log(1 + e) for 0 <= e <= 1, by the series of the inverse hyperbolic tangent.
inline void LogOnePlus(const Lanes& e, Lanes& result) {
  const Lanes s = e / (e + 2.0F);
  const Lanes q = s * s;
  Lanes p = q * (1.0F / 13) + 1.0F / 11;
  p = p * q + 1.0F / 9;
  p = p * q + 1.0F / 7;
  p = p * q + 1.0F / 5;
  p = p * q + 1.0F / 3;
  result = (s * (q * p) + s) * 2.0F;
}

/// e^x for one number of at most 0.
inline float Exp(float x) {
  Lanes lanes;
  Fill(x, lanes);
  Exp(lanes, lanes);
  return lanes[0];
}

/// The logarithm of a normal number of at least 1.
inline float Log(float x) {
  std::int32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  const std::int32_t exponent = (bits >> 23) - 127;
  bits = (bits & 0x007FFFFF) | 0x3F800000;
  float mantissa = 0;
  std::memcpy(&mantissa, &bits, sizeof mantissa);
  Lanes lanes;
  Fill(mantissa - 1.0F, lanes);
  LogOnePlus(lanes, lanes);
  return static_cast<float>(exponent) * 0.693147181F + lanes[0];
}

// -- One output, no hidden layer
// ---------------------------------------------------------------------

/// Adds neighbours of a, then of b: the sums of both, interleaved.
inline void AddPairs(const Lanes& a, const Lanes& b, Lanes& to) {
  const Lanes even = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  const Lanes odd = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  to = even + odd;
}
inline void AddQuarters(const Lanes& a, const Lanes& b, Lanes& to) {
  const Lanes low = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
  const Lanes high = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  to = low + high;
}
inline void AddHalves(const Lanes& a, const Lanes& b, Lanes& to) {
  const Lanes low = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
  const Lanes high = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  to = low + high;
}

/// The products of eight rows with the parameters, each row's in the same order of additions.
inline void EightLogits(const float* const* rows,
                        const float* params,
                        std::size_t stride,
                        Lanes& to) {
  Lanes sums[kWidth] = {};
  for (std::size_t j = 0; j < stride; j += kLanes) {
    Lanes first;
    Lanes second;
    Load(params + j, first);
    Load(params + j + kWidth, second);
    for (std::size_t row = 0; row < kWidth; ++row) {
      Lanes x;
      Load(rows[row] + j, x);
      sums[row] += x * first;
      Load(rows[row] + j + kWidth, x);
      sums[row] += x * second;
    }
  }
  for (std::size_t k = 0; k < 4; ++k) AddPairs(sums[2 * k], sums[2 * k + 1], sums[k]);
  for (std::size_t k = 0; k < 2; ++k) AddQuarters(sums[2 * k], sums[2 * k + 1], sums[k]);
  AddHalves(sums[0], sums[1], to);
}

/// Logits in, derivatives of the losses out; what is lost and hit is added where `counted` is set.
inline void EightResiduals(Loss loss,
                           const Lanes& target,
                           const IntLanes& counted,
                           Lanes& z,
                           Lanes& lost,
                           IntLanes& hits) {
  Lanes here;
  Lanes residual;
  const Lanes zero = {};
  Lanes half;
  Fill(0.5F, half);
  if (loss == Loss::kSquared) {
    residual = z - target;
    here = residual * residual * 0.5F;
  } else {
    const IntLanes positive = z > zero;
    Lanes magnitude;
    Choose(positive, z, -z, magnitude);
    Lanes e;
    Exp(-magnitude, e);
    const Lanes smaller = e / (e + 1.0F);
    Lanes probability;
    Choose(positive, 1.0F - smaller, smaller, probability);
    residual = probability - target;
    LogOnePlus(e, here);
    Lanes above;
    Choose(positive, z, zero, above);
    here += above - z * target;
    hits -= counted & ~(positive ^ (target > half));
  }
  Lanes largest;
  Fill(kLargestLoss, largest);
  Choose(here < largest, here, largest, here);
  lost += (Lanes)(counted & (IntLanes)here);
  z = residual;
}

/// Calls before(eight logits) to have them filled in, and leaves the residuals in `values`.
template <class Fetch>
void AllResiduals(const Samples& samples, Loss loss, float* values, LossSums& sums, Fetch fetch) {
  Lanes lost = {};
  IntLanes hits = {};
  const IntLanes ramp = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto flush = [&] {
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
      sums.loss += static_cast<double>(lost[lane]);
      sums.hits += static_cast<std::uint64_t>(hits[lane]);
    }
    lost = Lanes{};
    hits = IntLanes{};
  };
  for (std::size_t first = 0; first < samples.count; first += kWidth) {
    const std::size_t size = samples.count - first < kWidth ? samples.count - first : kWidth;
    float targets[kWidth] = {};
    for (std::size_t lane = 0; lane < size; ++lane) {
      targets[lane] = samples.targets[samples.order[first + lane]];
    }
    Lanes target;
    Load(targets, target);
    Lanes z;
    fetch(first, size, z);
    EightResiduals(loss, target, ramp < static_cast<std::int32_t>(size), z, lost, hits);
    if (size == kWidth) {
      Store(z, values + first);
    } else {
      for (std::size_t lane = 0; lane < size; ++lane) values[first + lane] = z[lane];
    }
    if ((first / kWidth) % 8 == 7) flush();
  }
  flush();
}

void SingleResiduals(
    const Samples& samples, Loss loss, const float* params, float* residuals, LossSums& sums) {
  AllResiduals(samples, loss, residuals, sums,
               [&](std::size_t first, std::size_t size, Lanes& logits) {
                 const float* rows[kWidth];
                 for (std::size_t k = 0; k < kWidth; ++k) {
                   const std::size_t row = samples.order[first + (k < size ? k : 0)];
                   rows[k] = samples.rows + row * samples.stride;
                 }
                 EightLogits(rows, params, samples.stride, logits);
               });
}

/// The sum over the rows of residual times row, for kVectors * 8 columns from `column` on.
template <std::size_t kVectors>
void AddRows(const Samples& samples,
             const float* residuals,
             std::size_t column,
             float mean,
             float* gradient) {
  Lanes partial[kVectors] = {};
  for (std::size_t i = 0; i < samples.count; ++i) {
    const float* const row = samples.rows + samples.order[i] * samples.stride + column;
    Lanes residual;
    Fill(residuals[i], residual);
    for (std::size_t k = 0; k < kVectors; ++k) {
      Lanes x;
      Load(row + k * kWidth, x);
      partial[k] += residual * x;
    }
  }
  for (std::size_t k = 0; k < kVectors; ++k) {
    Store(partial[k] * mean, gradient + column + k * kWidth);
  }
}

void SingleGradient(const Samples& samples,
                    Loss loss,
                    const float* params,
                    float* gradient,
                    float* residuals,
                    LossSums& sums) {
  SingleResiduals(samples, loss, params, residuals, sums);
  const float mean = 1.0F / static_cast<float>(samples.count);
  std::size_t column = 0;
  for (; column + 32 <= samples.stride; column += 32) {
    AddRows<4>(samples, residuals, column, mean, gradient);
  }
  if (column < samples.stride) AddRows<2>(samples, residuals, column, mean, gradient);
}

void SingleLoss(
    const Samples& samples, Loss loss, const float* params, float* residuals, LossSums& sums) {
  SingleResiduals(samples, loss, params, residuals, sums);
}

// -- Networks
// ----------------------------------------------------------------------------------------

/// Where the values of each layer lie in the scratch: the batch, then each layer's outputs, then
/// two buffers for derivatives.
struct Places {
  float* values[kMaxLayers + 1] = {};
  float* derivatives[2] = {};
};

Places Lay(const NetworkTask& task, std::size_t count) {
  Places places;
  float* at = task.scratch;
  places.values[0] = at;
  at += Padded(task.layers[0].inputs * count);
  std::size_t widest = 0;
  for (std::size_t l = 0; l < task.count; ++l) {
    const std::size_t size = Padded(task.layers[l].outputs * count);
    places.values[l + 1] = at;
    at += size;
    if (size > widest) widest = size;
  }
  places.derivatives[0] = at;
  places.derivatives[1] = at + widest;
  return places;
}

void Gather(const Samples& samples, float* to) {
  for (std::size_t i = 0; i < samples.count; ++i) {
    std::memcpy(to + i * samples.inputs, samples.rows + samples.order[i] * samples.stride,
                samples.inputs * sizeof(float));
  }
}

void Forward(const NetworkTask& task,
             const Samples& samples,
             const float* params,
             const Places& places) {
  Gather(samples, places.values[0]);
  const Eigen::Index rows = Signed(samples.count);
  for (std::size_t l = 0; l < task.count; ++l) {
    const Layer& layer = task.layers[l];
    const Eigen::Index outputs = Signed(layer.outputs);
    const ConstMatrixMap x(places.values[l], rows, Signed(layer.inputs));
    const ConstMatrixMap weights(params + layer.at, outputs, Signed(layer.inputs));
    const ConstRowMap biases(params + layer.at + layer.weights(), outputs);
    MatrixMap z(places.values[l + 1], rows, outputs);
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
  if (loss != Loss::kCategories) {
    return AllResiduals(samples, loss, z, sums,
                        [z](std::size_t first, std::size_t size, Lanes& logits) {
                          logits = Lanes{};
                          std::memcpy(&logits, z + first, size * sizeof(float));
                        });
  }
  for (std::size_t i = 0; i < samples.count; ++i) {
    CategoryResiduals(z + i * outputs, outputs, samples.targets[samples.order[i]], sums);
  }
}

/// Calls take(layer, derivatives of its outputs, its inputs) from the last layer to the first, when
/// its parameters are no longer needed.
template <class Take>
void Backward(const NetworkTask& task,
              const Samples& samples,
              const float* params,
              const Places& places,
              Take take) {
  const Eigen::Index rows = Signed(samples.count);
  float* above = places.values[task.count];
  for (std::size_t l = task.count; l-- > 0;) {
    const Layer& layer = task.layers[l];
    const ConstMatrixMap dz(above, rows, Signed(layer.outputs));
    const ConstMatrixMap x(places.values[l], rows, Signed(layer.inputs));
    float* const below = places.derivatives[l % 2];
    if (l > 0) {
      const ConstMatrixMap weights(params + layer.at, Signed(layer.outputs), Signed(layer.inputs));
      MatrixMap dx(below, rows, Signed(layer.inputs));
      dx.noalias() = dz * weights;
      // Only layers with a threshold stand below another one.
      dx.array() = (x.array() > 0.0F).select(dx.array(), 0.0F);
    }
    take(layer, dz, x);
    above = below;
  }
}

void NetworkGradient(const NetworkTask& task,
                     const Samples& samples,
                     const float* params,
                     float* gradient,
                     LossSums& sums) {
  const Places places = Lay(task, samples.count);
  Forward(task, samples, params, places);
  Residuals(samples, task.loss, task.layers[task.count - 1].outputs, places.values[task.count],
            sums);
  const float mean = 1.0F / static_cast<float>(samples.count);
  Backward(task, samples, params, places,
           [&](const Layer& layer, const ConstMatrixMap& dz, const ConstMatrixMap& x) {
             MatrixMap weights(gradient + layer.at, Signed(layer.outputs), Signed(layer.inputs));
             RowMap biases(gradient + layer.at + layer.weights(), Signed(layer.outputs));
             weights.noalias() = mean * dz.transpose() * x;
             biases.noalias() = mean * dz.colwise().sum();
           });
}

void NetworkStep(
    const NetworkTask& task, const Samples& samples, float rate, float* params, LossSums& sums) {
  const Places places = Lay(task, samples.count);
  Forward(task, samples, params, places);
  Residuals(samples, task.loss, task.layers[task.count - 1].outputs, places.values[task.count],
            sums);
  const float step = rate / static_cast<float>(samples.count);
  Backward(task, samples, params, places,
           [&](const Layer& layer, const ConstMatrixMap& dz, const ConstMatrixMap& x) {
             MatrixMap weights(params + layer.at, Signed(layer.outputs), Signed(layer.inputs));
             RowMap biases(params + layer.at + layer.weights(), Signed(layer.outputs));
             weights.noalias() -= step * dz.transpose() * x;
             biases.noalias() -= step * dz.colwise().sum();
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

// -- Steps
// -------------------------------------------------------------------------------------------

void Add(std::size_t count, float factor, const float* from, float* to) {
  for (std::size_t j = 0; j < count; ++j) to[j] += factor * from[j];
}

void AddDifference(std::size_t count, float factor, const float* a, const float* b, float* to) {
  for (std::size_t j = 0; j < count; ++j) to[j] += factor * (a[j] - b[j]);
}

void Momentum(std::size_t count,
              float momentum,
              float rate,
              const float* gradient,
              float* velocity,
              float* params) {
  for (std::size_t j = 0; j < count; ++j) {
    velocity[j] = momentum * velocity[j] + gradient[j];
    params[j] -= rate * velocity[j];
  }
}

void Adam(std::size_t count,
          const AdamTask& task,
          const float* gradient,
          float* first,
          float* second,
          float* params) {
  for (std::size_t j = 0; j < count; ++j) {
    const float g = gradient[j];
    first[j] = task.first * first[j] + (1.0F - task.first) * g;
    second[j] = task.second * second[j] + (1.0F - task.second) * (g * g);
    params[j] -= task.rate * first[j] / (__builtin_sqrtf(second[j]) + task.floor);
  }
}

constexpr Kernel MakeKernel(const char* name) {
  return Kernel{name,         &SingleGradient, &SingleLoss, &NetworkGradient, &NetworkStep,
                &NetworkLoss, &NetworkOutputs, &Add,        &AddDifference,   &Momentum,
                &Adam};
}

}  // namespace
}  // namespace consilium::train::CONSILIUM_TRAIN_KERNEL
