#include "protocols/analyses/glm/slices.h"

#include <algorithm>
#include <utility>

namespace consilium::glm {
namespace {

/// Sums above this leave no room for the number of sites.
constexpr double kLargestBound = 1e290;

}  // namespace

Slice RealSlice(
    std::string name, std::string shape, std::string meaning, std::size_t count, double bound) {
  return {std::move(name), std::move(shape), std::move(meaning),
          Slot{Encoding::kReal, count, bound * kSlack}};
}

Slice CountSlice(std::string name, std::string meaning, double bound) {
  return {std::move(name), "1", std::move(meaning), Slot{Encoding::kCount, 1, bound}};
}

std::vector<Slice> CohortSlices(double rows) {
  return {CountSlice("rows", "how many rows the cohort has", rows),
          CountSlice("patients", "how many different patients the cohort has", rows)};
}

Slice ScoreSlice(std::size_t order, double bound) {
  return RealSlice("score", std::to_string(order),
                   "for each coefficient, in which direction it should move, summed over all rows",
                   order, bound);
}

Slice InformationSlice(std::size_t order, double bound) {
  const std::string text = std::to_string(order);
  const std::size_t size = TriangleSize(order);
  return RealSlice("information",
                   std::to_string(size) + " (upper triangle of " + text + " x " + text + ")",
                   "weighted sums of products of two terms over all rows, which give the step and "
                   "the standard errors",
                   size, bound);
}

std::vector<Slice> MomentSlices(const std::vector<double>& term_bounds, double rows) {
  const std::size_t terms = term_bounds.size();
  if (terms == 0) return {};
  const double largest = *std::max_element(term_bounds.begin(), term_bounds.end());
  return {
      RealSlice("term sums", std::to_string(terms),
                "for each term, the sum over all rows, shifted and scaled", terms, rows * largest),
      RealSlice("term squares", std::to_string(terms),
                "for each term, the sum of squares over all rows, for its spread", terms,
                rows * largest * largest)};
}

Status CheckBounds(const std::vector<Slice>& slices) {
  for (const Slice& slice : slices) {
    if (!(slice.slot.bound > 0) || !(slice.slot.bound <= kLargestBound)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the query's coefficients are so large that \"" + slice.name +
                      "\" has no bound that could be kept",
                  "narrow the ranges in the contract or add a ridge penalty");
    }
  }
  return {};
}

void AppendNew(std::vector<Slice> added, std::vector<Slice>& slices) {
  for (Slice& slice : added) {
    const bool known = std::any_of(slices.begin(), slices.end(), [&slice](const Slice& other) {
      return other.name == slice.name;
    });
    if (!known) slices.push_back(std::move(slice));
  }
}

}  // namespace consilium::glm
