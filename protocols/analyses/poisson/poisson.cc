#include "protocols/analyses/poisson/poisson.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "protocols/analyses/distributions.h"

namespace consilium {
namespace {

double XLogX(double x) { return x > 0 ? x * std::log(x) : 0.0; }

/// A power of two that is at least exp(eta); by arithmetic alone, so that coordinator and sites get
/// the same bits and with them the same fixed-point scale.
double ExponentialBound(double eta) {
  return std::ldexp(1.0, static_cast<int>(std::ceil(eta * std::numbers::log2e)) + 1);
}

class PoissonFamily final : public glm::Family {
 public:
  std::string_view kind() const override { return "poisson"; }
  std::string_view title() const override { return "Poisson regression"; }
  std::string_view ratio_name() const override { return "RR"; }
  std::string_view ratio_field() const override { return "rate_ratio"; }

  Status CheckOutcome(const ContractColumn& column) const override {
    if (column.type == ColumnType::kBoolean) return {};
    if (column.type == ColumnType::kInteger && *column.minimum >= 0) return {};
    return Fail(ErrorCode::kInvalidArgument, "\"" + column.name + "\" is no count",
                "use an integer whose range starts at 0 or above");
  }

  std::vector<Slice> OutcomeSlices(double largest, double rows) const override {
    const double log_bound = largest * std::max(1.0, largest);
    return {{"outcome sum", "1", "the sum of the counts over all rows",
             Slot{Encoding::kReal, 1, rows * largest}},
            {"outcome logs", "1",
             "the sum of count times its logarithm, for the deviance without any feature",
             Slot{Encoding::kReal, 1, rows * log_bound}},
            {"outcome factorials", "1",
             "the sum of the logarithms of the counts' factorials, for the log-likelihood",
             Slot{Encoding::kReal, 1, rows * log_bound}}};
  }
  void AddOutcome(double y, std::span<double> sums) const override {
    sums[0] += y;
    sums[1] += XLogX(y);
    sums[2] += LogFactorial(y);
  }
  std::optional<std::string> Degenerate(const glm::Sums& sums) const override {
    if (sums.outcome[0] > 0) return std::nullopt;
    return "is zero in every row";
  }

  /// As from a mean of y + 0.1.
  glm::StartTerms AtStart(double y) const override {
    const double mean = y + 0.1;
    return {mean * std::log(mean) - 0.1, mean};
  }
  glm::StartTerms StartBounds(double largest_y) const override {
    const double mean = largest_y + 0.1;
    return {mean * std::max(mean, 3.0) + 1, mean};
  }
  /// At the solution the fitted means add up to the sum of the counts, so none exceeds it. Counting
  /// a mean beyond four times that sum as if it were there changes no solution, keeps exp within
  /// bounds whatever the contract's ranges, and leaves the deviance there too high to be accepted.
  double EtaCeiling(const glm::Sums& sums) const override {
    const int exponent = std::ilogb(4 * std::max(1.0, sums.outcome[0])) + 1;
    return exponent * std::numbers::ln2;
  }

  glm::RowTerms AtRow(double eta, double y, double eta_ceiling) const override {
    const double bounded = std::min(eta, eta_ceiling);
    const double mean = std::exp(bounded);
    const double fit = y > 0 ? y * (std::log(y) - bounded) : 0.0;
    return {2 * (fit - (y - mean)), y - mean, mean};
  }
  glm::RowBounds Bounds(double largest_eta, double largest_y, double eta_ceiling) const override {
    const double mean = ExponentialBound(std::min(largest_eta, eta_ceiling));
    return {2 * (largest_y * (largest_y + largest_eta + 1) + mean), largest_y + mean, mean};
  }

  glm::Likelihood Finish(double deviance, const glm::Sums& sums) const override {
    const double total = sums.outcome[0];
    const double saturated = sums.outcome[1] - total - sums.outcome[2];
    return {saturated - deviance / 2, 2 * (sums.outcome[1] - total * std::log(total / sums.rows))};
  }
};

}  // namespace

std::unique_ptr<glm::Family> MakePoissonFamily() { return std::make_unique<PoissonFamily>(); }

}  // namespace consilium
