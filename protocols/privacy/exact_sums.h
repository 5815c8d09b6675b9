#pragma once

// Sums of which one row changes exactly its own part.
//
// A sum in floating point rounds after each addition, so a row more also changes how all rows
// behind it are rounded, and the sum by more than the row's own bound (Casacuberta, Shoemate,
// Vadhan, Wagaman, "Widespread Underestimation of Sensitivity in Differentially Private Libraries
// and How to Fix It", CCS 2022). Here each row's numbers are cut off, towards zero, to multiples of
// a power of two so coarse that no addition rounds: the bound holds as it stands.

#include <cstdint>

namespace consilium {

/// The multiples for sums of at most `rows` numbers, none larger than `largest` in magnitude: for a
/// million rows finer than 2^-31 of it.
class ExactSums {
 public:
  ExactSums(double largest, std::uint64_t rows);

  /// What of a row's number enters the sum: never longer than the number.
  double Part(double number) const;
  double step() const { return step_; }

 private:
  double step_ = 1;
};

}  // namespace consilium
