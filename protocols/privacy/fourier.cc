#include "protocols/privacy/fourier.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include "common/check.h"

namespace consilium {

Fourier::Fourier(int log2_length) : log2_length_(log2_length) {
  CHECK(log2_length >= 1 && log2_length <= 26);
  const std::size_t half = std::size_t{1} << (log2_length - 1);
  roots_.reserve(half);
  for (std::size_t k = 0; k < half; ++k) {
    const double angle = std::numbers::pi * static_cast<double>(k) / static_cast<double>(half);
    roots_.emplace_back(std::cos(angle), -std::sin(angle));
  }
}

void Fourier::Forward(std::vector<std::complex<double>>& values) const {
  const std::size_t length = roots_.size() * 2;
  CHECK(values.size() == length);
  // Into the order of reversed bits; `reversed` counts up from its highest bit.
  for (std::size_t i = 1, reversed = 0; i < length; ++i) {
    std::size_t bit = length / 2;
    for (; (reversed & bit) != 0; bit /= 2) reversed ^= bit;
    reversed |= bit;
    if (i < reversed) std::swap(values[i], values[reversed]);
  }
  for (std::size_t half = 1; half < length; half *= 2) {
    const std::size_t stride = roots_.size() / half;
    for (std::size_t block = 0; block < length; block += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const std::complex<double> root = roots_[k * stride];
        std::complex<double>& low = values[block + k];
        std::complex<double>& high = values[block + half + k];
        // By hand: the library's product looks for infinities first, at several times the cost.
        const double real = high.real() * root.real() - high.imag() * root.imag();
        const double imaginary = high.real() * root.imag() + high.imag() * root.real();
        high = {low.real() - real, low.imag() - imaginary};
        low = {low.real() + real, low.imag() + imaginary};
      }
    }
  }
}

void Fourier::Inverse(std::vector<std::complex<double>>& values) const {
  for (std::complex<double>& value : values) value = std::conj(value);
  Forward(values);
  const double scale = 0.5 / static_cast<double>(roots_.size());  // A power of two: exact.
  for (std::complex<double>& value : values) value = std::conj(value) * scale;
}

double Fourier::RelativeError() const {
  constexpr double kUnit = 0x1p-53;
  // The angle, below 4, is off by the rounding of pi and of the product: 1.1 and 2 units; its
  // cosine and sine by up to a unit each.
  constexpr double kWeights = (3.1 + std::numbers::sqrt2) * kUnit;
  constexpr double kGamma4 = 4 * kUnit / (1 - 4 * kUnit);
  return 2 * log2_length_ * (kWeights + kGamma4 * (std::numbers::sqrt2 + kWeights));
}

}  // namespace consilium
