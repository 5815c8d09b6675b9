#include "protocols/analyses/linear/linear.h"

#include <cmath>
#include <numbers>

#include "protocols/analyses/linear/private_linear.h"

namespace consilium {
namespace {

class LinearFamily final : public glm::Family {
 public:
  std::string_view kind() const override { return "linear"; }
  std::string_view title() const override { return "Linear regression"; }
  bool gaussian() const override { return true; }

  Status CheckOutcome(const ContractColumn& column) const override {
    if (column.type != ColumnType::kCategory && column.type != ColumnType::kDate) return {};
    return Fail(ErrorCode::kInvalidArgument, "\"" + column.name + "\" is no number",
                "use a number, an integer, a duration or a boolean (0 or 1)");
  }

  std::vector<Slice> OutcomeSlices(double largest, double rows) const override {
    return {{"outcome sum", "1", "the outcome's sum over all rows, shifted and scaled",
             Slot{Encoding::kReal, 1, rows * largest}},
            {"outcome squares", "1", "the outcome's sum of squares, shifted and scaled",
             Slot{Encoding::kReal, 1, rows * largest * largest}}};
  }
  void AddOutcome(double y, std::span<double> sums) const override {
    sums[0] += y;
    sums[1] += y * y;
  }
  std::optional<std::string> Degenerate(const glm::Sums&) const override { return std::nullopt; }
  glm::StartTerms AtStart(double y) const override { return {y, 1}; }
  glm::StartTerms StartBounds(double largest_y) const override { return {largest_y, 1}; }

  glm::RowTerms AtRow(double eta, double y, double) const override {
    const double residual = y - eta;
    return {residual * residual, residual, 1};
  }
  glm::RowBounds Bounds(double largest_eta, double largest_y, double) const override {
    const double residual = largest_eta + largest_y;
    return {residual * residual, residual, 1};
  }

  /// As R's logLik.lm: at the maximum-likelihood variance, rss / n.
  glm::Likelihood Finish(double deviance, const glm::Sums& sums) const override {
    const double n = sums.rows;
    const double total = sums.outcome[1] - sums.outcome[0] * sums.outcome[0] / n;
    return {-n / 2 * (std::log(2 * std::numbers::pi * deviance / n) + 1), total};
  }

  Result<std::shared_ptr<const Analysis>> Bounded(const glm::Design& design,
                                                  const Settings& analysis) const override {
    return MakePrivateLinear(design, analysis);
  }
};

}  // namespace

std::unique_ptr<glm::Family> MakeLinearFamily() { return std::make_unique<LinearFamily>(); }

}  // namespace consilium
