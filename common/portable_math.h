#pragma once

// Exponential and logarithm with the same bits on every machine: computed with +, -, *, / alone, in
// a fixed order. The C library's differ between processors in the last digit, and one such digit
// would make another simulated patient, or a query that sites do not expect.

namespace consilium {

/// e^x and the natural logarithm to about 1e-15. Exp(x) is 0 below -700 and x is at most 700;
/// Log(x) wants a normal number above 0.
double PortableExp(double x);
double PortableLog(double x);
/// 1 / (1 + e^-x)
double PortableLogistic(double x);

}  // namespace consilium
