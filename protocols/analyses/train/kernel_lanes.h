#pragma once

// The models with one output and no hidden layer, eight numbers at a time: part of kernel_body.h,
// which says where it is compiled.

#include "protocols/analyses/train/kernel.h"

#ifndef CONSILIUM_TRAIN_KERNEL
#define CONSILIUM_TRAIN_KERNEL generic
#endif

#include <cstring>
#include <limits>

namespace consilium::train::CONSILIUM_TRAIN_KERNEL {
namespace {

float Smaller(float a, float b) { return a < b ? a : b; }

// -- Eight numbers at a time
// --------------------------------------------------------------------------

/// The compiler's own vectors: every processor does the same operations in the same order.
typedef float Lanes __attribute__((vector_size(32)));
constexpr std::size_t kWidth = 8;
static_assert(kWidth == kRun && kLanes % kWidth == 0);
/// How far rows are fetched ahead of their use.
constexpr std::size_t kAhead = 24;
typedef std::int32_t IntLanes __attribute__((vector_size(32)));

inline void Load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }
inline void Store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof from); }
inline void Fill(float value, Lanes& to) {
  to = Lanes{value, value, value, value, value, value, value, value};
}
/// Where the mask is all ones `a`, elsewhere `b`.
inline void Choose(const IntLanes& mask, const Lanes& a, const Lanes& b, Lanes& to) {
  to = (Lanes)((mask & (IntLanes)a) | (~mask & (IntLanes)b));
}

/// -|x|
inline void MinusMagnitude(const Lanes& x, Lanes& to) {
  constexpr std::int32_t kSign = std::numeric_limits<std::int32_t>::min();
  to = (Lanes)((IntLanes)x | kSign);
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
inline void LogOnePlusSmall(const Lanes& e, Lanes& result) {
  const Lanes s = e / (e + 2.0F);
  const Lanes q = s * s;
  Lanes p = q * (1.0F / 13) + 1.0F / 11;
  p = p * q + 1.0F / 9;
  p = p * q + 1.0F / 7;
  p = p * q + 1.0F / 5;
  p = p * q + 1.0F / 3;
  result = (s * (q * p) + s) * 2.0F;
}

/// log(1 + t) for 0 <= t < 2^24, relative to itself as exact for small t as for large.
inline void LogOnePlus(const Lanes& t, Lanes& result) {
  const IntLanes small = t < 1.0F;
  const IntLanes bits = (IntLanes)(t + 1.0F);
  const IntLanes exponent = ((bits >> 23) - 127) & ~small;
  const Lanes mantissa = (Lanes)((bits & 0x007FFFFF) | 0x3F800000);
  Lanes rest;
  Choose(small, t, mantissa - 1.0F, rest);
  LogOnePlusSmall(rest, rest);
  result = __builtin_convertvector(exponent, Lanes) * 0.693147181F + rest;
}

/// e^x for one number of at most 0.
inline float Exp(float x) {
  Lanes lanes;
  Fill(x, lanes);
  Exp(lanes, lanes);
  return lanes[0];
}

/// The logarithm of one number from 1 to 2^24.
inline float Log(float x) {
  Lanes lanes;
  Fill(x - 1.0F, lanes);
  LogOnePlus(lanes, lanes);
  return lanes[0];
}

// -- One output, no hidden layer
// ---------------------------------------------------------------------

typedef float HalfLanes __attribute__((vector_size(16)));

/// Adds in each half of a and of b what lies two lanes apart; the sums of both interleaved.
inline void AddPairs(const Lanes& a, const Lanes& b, Lanes& to) {
  const Lanes low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
  const Lanes high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  to = low + high;
}
inline void AddQuarters(const Lanes& a, const Lanes& b, Lanes& to) {
  const Lanes low = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
  const Lanes high = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  to = low + high;
}
/// The halves of a, then of b: some processors move halves far faster than they exchange them.
inline void AddHalves(const Lanes& a, const Lanes& b, Lanes& to) {
  const HalfLanes first = __builtin_shufflevector(a, a, 0, 1, 2, 3);
  const HalfLanes second = __builtin_shufflevector(a, a, 4, 5, 6, 7);
  const HalfLanes third = __builtin_shufflevector(b, b, 0, 1, 2, 3);
  const HalfLanes fourth = __builtin_shufflevector(b, b, 4, 5, 6, 7);
  const HalfLanes sum_of_a = first + second;
  const HalfLanes sum_of_b = third + fourth;
  to = __builtin_shufflevector(sum_of_a, sum_of_b, 0, 1, 2, 3, 4, 5, 6, 7);
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

/// What some groups of eight rows lost, lane by lane. A row of a binary outcome loses a part that
/// is linear in its logit and log(1 + e): one logarithm of the product does for many rows.
struct LaneLosses {
  Lanes lost = {};
  Lanes product = {};  ///< Of all 1 + e, minus 1, so that small e are not rounded away.
  IntLanes hits = {};
};
/// Rows that share a LaneLosses: the product of eight groups is at most 2^8.
constexpr std::size_t kBlock = 64;

/// Logits in, derivatives of the losses out; what is lost and hit is added where `counted` is set.
/// `e` is that to the minus magnitude of the logits, for a binary outcome.
inline void Residuals(Loss loss,
                      const Lanes& target,
                      const Lanes& e,
                      const IntLanes& counted,
                      Lanes& z,
                      LaneLosses& losses) {
  Lanes here;
  if (loss == Loss::kSquared) {
    z -= target;
    here = z * z * 0.5F;
  } else {
    const IntLanes positive = z > 0.0F;
    const Lanes smaller = e / (e + 1.0F);
    Lanes probability;
    Choose(positive, 1.0F - smaller, smaller, probability);
    const Lanes counted_e = (Lanes)(counted & (IntLanes)e);
    losses.product += counted_e + losses.product * counted_e;
    losses.hits -= counted & ~(positive ^ (target > 0.5F));
    const Lanes above = (Lanes)(positive & (IntLanes)z);
    here = above - z * target;
    z = probability - target;
  }
  Lanes largest;
  Fill(kLargestLoss - 1, largest);  // The logarithm adds at most log 2.
  Choose(here < largest, here, largest, here);
  losses.lost += (Lanes)(counted & (IntLanes)here);
}

inline void Add(const LaneLosses& losses, LossSums& sums) {
  Lanes logarithm;
  LogOnePlus(losses.product, logarithm);
  const Lanes lost = losses.lost + logarithm;
  double halves[4];
  std::int32_t hits[4];
  for (std::size_t lane = 0; lane < 4; ++lane) {
    halves[lane] = static_cast<double>(lost[lane]) + static_cast<double>(lost[lane + 4]);
    hits[lane] = losses.hits[lane] + losses.hits[lane + 4];
  }
  sums.loss += (halves[0] + halves[1]) + (halves[2] + halves[3]);
  sums.hits += static_cast<std::uint64_t>((hits[0] + hits[1]) + (hits[2] + hits[3]));
}

/// The targets of the `size` samples from `first` on, and zeros up to a multiple of eight.
inline void LoadTargets(const Samples& samples,
                        std::size_t first,
                        std::size_t size,
                        float* targets) {
  const std::uint32_t* const order = samples.order + first;
  std::size_t k = 0;
  if (samples.run == kRun) {
    for (; k + kRun <= size; k += kRun) {
      std::memcpy(targets + k, samples.targets + order[k], kRun * sizeof(float));
    }
  }
  for (; k < size; ++k) targets[k] = samples.targets[order[k]];
  for (; k % kWidth != 0; ++k) targets[k] = 0;
}

/// The logits in `values` become residuals; there is room up to a multiple of eight.
void AllResiduals(const Samples& samples, Loss loss, float* values, LossSums& sums) {
  const IntLanes ramp = {0, 1, 2, 3, 4, 5, 6, 7};
  for (std::size_t first = 0; first < samples.count; first += kBlock) {
    const std::size_t left = samples.count - first;
    const std::size_t size = left < kBlock ? left : kBlock;
    float* const z = values + first;
    // Step by step for all groups: within one each operation waits for the one before.
    alignas(Lanes) float targets[kBlock];
    alignas(Lanes) float powers[kBlock];
    LoadTargets(samples, first, size, targets);
    for (std::size_t at = 0; at < size && loss == Loss::kBinary; at += kWidth) {
      Lanes x;
      Load(z + at, x);
      MinusMagnitude(x, x);
      Exp(x, x);
      Store(x, powers + at);
    }
    LaneLosses losses;
    for (std::size_t at = 0; at < size; at += kWidth) {
      Lanes target;
      Lanes e;
      Lanes x;
      Load(targets + at, target);
      Load(powers + at, e);
      Load(z + at, x);
      Residuals(loss, target, e, ramp < static_cast<std::int32_t>(size - at), x, losses);
      Store(x, z + at);
    }
    Add(losses, sums);
  }
}

/// Asks for `count` floats that are used soon: rows come in a drawn order that no processor
/// foresees. Inlined by force: a compiler that finds a function without effects drops its calls,
/// and fetching is none to it.
__attribute__((always_inline)) inline void Fetch(const float* from, std::size_t count) {
  constexpr std::size_t kLineFloats = 16;
  for (std::size_t j = 0; j < count; j += kLineFloats) __builtin_prefetch(from + j);
}

/// Where the eight rows from `first` on lie; the last one again for those that are missing.
inline void FindRows(const Samples& samples, std::size_t first, const float** rows) {
  const std::uint32_t* const order = samples.order + first;
  const std::size_t left = samples.count - first;
  const std::size_t named = left + samples.following;
  rows[0] = samples.rows + order[0] * samples.stride;
  if (samples.run == kRun && left >= kRun) {
    for (std::size_t k = 1; k < kWidth; ++k) rows[k] = rows[k - 1] + samples.stride;
    if (named < kAhead + kRun) return;
    return Fetch(samples.rows + order[kAhead] * samples.stride, kRun * samples.stride);
  }
  for (std::size_t k = 1; k < kWidth; ++k) {
    rows[k] = samples.rows + order[k < left ? k : left - 1] * samples.stride;
  }
  for (std::size_t k = kAhead; k < kAhead + kWidth && k < named; ++k) {
    Fetch(samples.rows + order[k] * samples.stride, samples.stride);
  }
}

/// There is room for logits up to a multiple of eight.
void SingleLogits(const Samples& samples, const float* params, float* logits) {
  for (std::size_t first = 0; first < samples.count; first += kWidth) {
    const float* rows[kWidth];
    FindRows(samples, first, rows);
    Lanes z;
    EightLogits(rows, params, samples.stride, z);
    Store(z, logits + first);
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
