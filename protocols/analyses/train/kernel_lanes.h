#pragma once

// The models with one output and no hidden layer, eight numbers at a time: part of kernel_body.h,
// which says where it is compiled.

#include "protocols/analyses/train/kernel.h"

#ifndef CONSILIUM_TRAIN_KERNEL
#define CONSILIUM_TRAIN_KERNEL generic
#endif

#include <cstring>

namespace consilium::train::CONSILIUM_TRAIN_KERNEL {
namespace {

float Smaller(float a, float b) { return a < b ? a : b; }

// -- Eight numbers at a time
// --------------------------------------------------------------------------

/// The compiler's own vectors: every processor does the same operations in the same order.
typedef float Lanes __attribute__((vector_size(32)));
typedef std::int32_t IntLanes __attribute__((vector_size(32)));
constexpr std::size_t kWidth = 8;
/// How far rows are fetched ahead of their use.
constexpr std::size_t kAhead = 24;

inline void Load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }
inline void Store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof from); }
/// Of `size` numbers; others are zeros. A copy of a size unknown to the compiler would be a call.
inline void LoadFirst(std::size_t size, const float* from, Lanes& to) {
  if (size == kWidth) return Load(from, to);
  to = Lanes{};
  for (std::size_t lane = 0; lane < size; ++lane) to[lane] = from[lane];
}
inline void StoreFirst(std::size_t size, const Lanes& from, float* to) {
  if (size == kWidth) return Store(from, to);
  for (std::size_t lane = 0; lane < size; ++lane) to[lane] = from[lane];
}
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

/// The targets of the `size` samples from `first` on; zeros behind them.
inline void LoadTargets(const Samples& samples, std::size_t first, std::size_t size, Lanes& to) {
  float targets[kWidth] = {};
  for (std::size_t lane = 0; lane < size; ++lane) {
    targets[lane] = samples.targets[samples.order[first + lane]];
  }
  Load(targets, to);
}

/// The logits in `values` become residuals.
void AllResiduals(const Samples& samples, Loss loss, float* values, LossSums& sums) {
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
    Lanes target;
    LoadTargets(samples, first, size, target);
    Lanes z;
    LoadFirst(size, values + first, z);
    EightResiduals(loss, target, ramp < static_cast<std::int32_t>(size), z, lost, hits);
    StoreFirst(size, z, values + first);
    if ((first / kWidth) % 8 == 7) flush();
  }
  flush();
}

/// Rows are met in a drawn order that no processor foresees.
inline void FetchAhead(const Samples& samples, std::size_t first) {
  constexpr std::size_t kLineFloats = 16;
  const std::size_t last = samples.count + samples.following;
  for (std::size_t k = first; k < first + kWidth && k < last; ++k) {
    const float* const row = samples.rows + samples.order[k] * samples.stride;
    for (std::size_t j = 0; j < samples.stride; j += kLineFloats) __builtin_prefetch(row + j);
  }
}

void SingleLogits(const Samples& samples, const float* params, float* logits) {
  for (std::size_t first = 0; first < samples.count; first += kWidth) {
    FetchAhead(samples, first + kAhead);
    const std::size_t size = samples.count - first < kWidth ? samples.count - first : kWidth;
    const float* rows[kWidth];
    for (std::size_t k = 0; k < kWidth; ++k) {
      rows[k] = samples.rows + samples.order[first + (k < size ? k : 0)] * samples.stride;
    }
    Lanes z;
    EightLogits(rows, params, samples.stride, z);
    StoreFirst(size, z, logits + first);
  }
}

void SingleLoss(
    const Samples& samples, Loss loss, const float* params, float* residuals, LossSums& sums) {
  SingleLogits(samples, params, residuals);
  AllResiduals(samples, loss, residuals, sums);
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
  SingleLoss(samples, loss, params, residuals, sums);
  const float mean = 1.0F / static_cast<float>(samples.count);
  std::size_t column = 0;
  for (; column + 32 <= samples.stride; column += 32) {
    AddRows<4>(samples, residuals, column, mean, gradient);
  }
  if (column < samples.stride) AddRows<2>(samples, residuals, column, mean, gradient);
}

}  // namespace
}  // namespace consilium::train::CONSILIUM_TRAIN_KERNEL
