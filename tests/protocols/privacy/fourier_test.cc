#include "protocols/privacy/fourier.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "common/random.h"

namespace consilium {
namespace {

using Values = std::vector<std::complex<double>>;

Values Drawn(std::size_t count) {
  SeededRandom random(17);
  Values values;
  for (std::size_t i = 0; i < count; ++i) {
    values.emplace_back(random.Unit() - 0.5, random.Unit() - 0.5);
  }
  return values;
}

double Norm(const Values& values) {
  double squares = 0;
  for (const std::complex<double>& value : values) squares += std::norm(value);
  return std::sqrt(squares);
}

double Distance(const Values& a, const Values& b) {
  Values difference = a;
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] -= b[i];
  return Norm(difference);
}

TEST(FourierTest, IsTheSumOfItsDefinitionWithinItsStatedError) {
  for (int log2_length = 1; log2_length <= 9; ++log2_length) {
    const std::size_t length = std::size_t{1} << log2_length;
    const Values input = Drawn(length);
    Values expected(length);
    for (std::size_t k = 0; k < length; ++k) {
      std::complex<long double> sum = 0;
      for (std::size_t n = 0; n < length; ++n) {
        const long double angle = -2 * std::numbers::pi_v<long double> *
                                  static_cast<long double>(n * k % length) /
                                  static_cast<long double>(length);
        sum += std::complex<long double>(input[n]) * std::polar(1.0L, angle);
      }
      expected[k] = std::complex<double>(sum);
    }
    const Fourier fourier(log2_length);

    Values computed = input;
    fourier.Forward(computed);

    // The expected values are themselves rounded once: 2^-53.
    EXPECT_LE(Distance(computed, expected), (fourier.RelativeError() + 0x1p-52) * Norm(expected));
  }
}

TEST(FourierTest, InverseTakesItBack) {
  const Values input = Drawn(std::size_t{1} << 16);
  const Fourier fourier(16);
  Values values = input;

  fourier.Forward(values);
  fourier.Inverse(values);

  EXPECT_LE(Distance(values, input), 2 * fourier.RelativeError() * Norm(input));
  EXPECT_LT(fourier.RelativeError(), 1e-13);  // So small that it may enter every epsilon.
}

}  // namespace
}  // namespace consilium
