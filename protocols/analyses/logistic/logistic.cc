#include "protocols/analyses/logistic/logistic.h"

#include <cmath>
#include <utility>

#include "protocols/analyses/logistic/private_logistic.h"

namespace consilium {
namespace {

/// x log(x), continuous at 0.
double XLogX(double x) { return x > 0 ? x * std::log(x) : 0.0; }

constexpr double kStartWeight = 3.0 / 16;

class LogisticFamily final : public glm::Family {
 public:
  std::string_view kind() const override { return "logistic"; }
  std::string_view title() const override { return "Logistic regression"; }
  std::string_view ratio_name() const override { return "OR"; }
  std::string_view ratio_field() const override { return "odds_ratio"; }

  Status CheckOutcome(const ContractColumn& column) const override {
    return glm::CheckYesNo(column);
  }

  std::vector<Slice> OutcomeSlices(double, double rows) const override {
    return {
        {"events", "1", "in how many rows the outcome is yes", Slot{Encoding::kCount, 1, rows}}};
  }
  void AddOutcome(double y, std::span<double> sums) const override { sums[0] += y; }
  std::optional<std::string> Degenerate(const glm::Sums& sums) const override {
    if (sums.outcome[0] > 0 && sums.outcome[0] < sums.rows) return std::nullopt;
    return sums.outcome[0] > 0 ? "is yes in every row" : "is no in every row";
  }
  /// As from a probability of (y + 1/2) / 2, 1/4 or 3/4.
  glm::StartTerms AtStart(double y) const override {
    const double product = kStartWeight * std::log(3.0) + 0.25;
    return {y > 0.5 ? product : -product, kStartWeight};
  }
  glm::StartTerms StartBounds(double) const override { return {0.5, kStartWeight}; }

  glm::RowTerms AtRow(double eta, double y, double) const override {
    // With m = |eta|: exp never overflows, and no digit is lost when a probability is near 0 or 1.
    const double e = std::exp(-std::abs(eta));
    const double smaller = e / (1 + e);
    const double larger = 1 / (1 + e);
    const double p = eta > 0 ? larger : smaller;
    const double q = eta > 0 ? smaller : larger;
    const double towards = y > 0.5 ? eta : -eta;
    const double loss = (towards < 0 ? -towards : 0.0) + std::log1p(e);
    return {2 * loss, y > 0.5 ? q : -p, p * q};
  }
  glm::RowBounds Bounds(double largest_eta, double, double) const override {
    return {2 * (largest_eta + 1), 1, 0.25};
  }

  glm::Likelihood Finish(double deviance, const glm::Sums& sums) const override {
    const double yes = sums.outcome[0];
    const double no = sums.rows - yes;
    return {-deviance / 2, 2 * (XLogX(sums.rows) - XLogX(yes) - XLogX(no))};
  }

  Result<std::shared_ptr<const Analysis>> Bounded(const glm::Design& design,
                                                  const Settings& analysis) const override {
    return MakePrivateLogistic(design, analysis);
  }
};

}  // namespace

std::unique_ptr<glm::Family> MakeLogisticFamily() { return std::make_unique<LogisticFamily>(); }

}  // namespace consilium
