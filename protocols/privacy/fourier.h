#pragma once

// The discrete Fourier transform, for sums of many independent losses. Written out, rather than
// taken from a library, since a bound of its rounding error goes into every epsilon.

#include <complex>
#include <vector>

namespace consilium {

/// Transforms of one length, a power of two from 2 to 2^26.
class Fourier {
 public:
  explicit Fourier(int log2_length);

  /// In place, radix 2: out_k = sum_n in_n exp(-2 pi i n k / N).
  void Forward(std::vector<std::complex<double>>& values) const;
  /// In place: out_n = (1/N) sum_k in_k exp(2 pi i n k / N).
  void Inverse(std::vector<std::complex<double>>& values) const;

  /// |computed - exact| <= RelativeError() * |exact|, in the Euclidean norm, either way: t eta with
  /// t = log2 N, eta = mu + gamma_4 (sqrt(2) + mu) for weights correct to mu (Higham, Accuracy and
  /// Stability of Numerical Algorithms, 2nd edition, Theorem 24.2); doubled, for its denominator
  /// 1 - t eta and libraries that round a cosine worse than most.
  double RelativeError() const;

 private:
  int log2_length_;
  std::vector<std::complex<double>> roots_;  ///< exp(-2 pi i k / N), k < N/2.
};

}  // namespace consilium
