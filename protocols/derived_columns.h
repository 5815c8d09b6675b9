#pragma once

// Columns that a plan derives from the contract's: logarithms, squares, splines, interactions and
// what is missing. Every site computes them alike, to the same bits.

#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/contract.h"

namespace consilium {

/// A [[contract.derived]] table; `contract` is what stands before it. One column, or a series of
/// them: a spline of k knots has k - 2, a product with a category one a level beside the reference,
/// a product with a series one for each of its columns.
/// Errors carry line and column.
Result<std::vector<DerivedColumn>> ParseDerived(const Settings& settings, const Contract& contract);

/// What a row has in the column, from its values in `first` and, of a product, `second`; NaN where
/// one is missing that is needed.
///
/// The term of a spline with knots t_1 < ... < t_k that begins at t_j is
///   ((x - t_j)+^3 - (x - t_{k-1})+^3 (t_k - t_j) / (t_k - t_{k-1})
///                 + (x - t_k)+^3 (t_{k-1} - t_j) / (t_k - t_{k-1})) / (t_k - t_1)^2
/// (Harrell, Regression Modeling Strategies, 2015, eq. 2.25, and its scale): 0 up to t_j, never
/// falling, linear from t_k on.
double DerivedValue(const DerivedColumn& derived, double first, double second);

/// Names of the contract's columns that a column, derived or not, is made of.
std::set<std::string> MadeOf(const Contract& contract, std::size_t place);
/// Those of them without which it has no value: none of a column that says what is missing.
std::set<std::string> NeededBy(const Contract& contract, std::size_t place);

/// "the natural logarithm of crp"
std::string DerivationInWords(const Contract& contract, const DerivedColumn& derived);

}  // namespace consilium
