#include "protocols/analyses/linear/private_linear.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/wire.h"
#include "protocols/analyses/glm/contract_scale.h"
#include "protocols/analyses/glm/inference.h"
#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/linear/noisy_moments.h"
#include "protocols/privacy/exact_sums.h"

namespace consilium {
namespace {

using glm::Symmetric;
using Json = nlohmann::ordered_json;

/// There is one query.
enum class Step : std::uint8_t { kMoments = 1 };
struct MomentsQuery {
  Step step = Step::kMoments;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kMoments, Step::kMoments>(step));
  }
};

class PrivateLinear final : public Analysis {
 public:
  PrivateLinear(glm::Design design, double confidence)
      : design_(std::move(design)),
        confidence_(confidence),
        scale_(design_),
        centre_(design_.outcome_minimum + (design_.outcome_maximum - design_.outcome_minimum) / 2),
        width_((design_.outcome_maximum - design_.outcome_minimum) / 2) {}

  std::string_view kind() const override { return "linear"; }
  std::vector<std::string> columns() const override { return design_.columns; }
  std::size_t parameters() const override { return 1 + design_.terms.size(); }
  std::uint32_t maximum_rounds() const override { return 1; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    if (!Decode<MomentsQuery>(query.body)) {
      return Fail(ErrorCode::kInvalidArgument, "no query of this analysis");
    }
    return DescribeForReview();
  }

  std::vector<Slice> DescribeForReview() const override {
    const std::size_t numbers = glm::TriangleSize(order());
    const auto rows = static_cast<double>(design_.maximum_rows);
    Slice slice{"squares and products",
                std::to_string(numbers) + " (upper triangle of " + std::to_string(order()) + " x " +
                    std::to_string(order()) + ")",
                "the number of rows, and sums over rows of each term, of the outcome, and of the "
                "product of each two of them, all brought to -1 ... 1",
                Slot{Encoding::kReal, numbers, rows * glm::kSlack}};
    // Each number of a row is within -1 and 1.
    slice.patient_l2 = std::sqrt(static_cast<double>(numbers)) * glm::kSlack;
    return {std::move(slice)};
  }

  std::string InWords() const override {
    return "linear regression of " + glm::VariablesInWords(design_) + " (" +
           std::to_string(parameters()) + " coefficients with the intercept)";
  }
  std::string ReleasedInWords() const override {
    return "coefficients, standard errors and the number of patients";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    const Aggregate sums = federation.Sum(Query{Encode(MomentsQuery{})});
    if (sums.values.size() != glm::TriangleSize(order()) ||
        sums.noise.size() != sums.values.size()) {
      return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
    }
    const Symmetric moments = glm::FromTriangle(sums.values, order());
    TRY(const NoisyLeastSquares fit, SolveNoisyMoments(moments, sums.noise[0]));
    return Render(fit, sums.sites);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY_STATUS(Describe(query));
    TRY_STATUS(glm::CheckCohort(design_, cohort));
    Contribution contribution;
    contribution.values.assign(glm::TriangleSize(order()), 0.0);
    const ExactSums exact(glm::kSlack, design_.maximum_rows);
    std::vector<double> row(order(), 1.0);
    const double* from = cohort.values.data();
    for (Eigen::Index r = 0; r < cohort.values.rows(); ++r, from += cohort.values.cols()) {
      scale_.Row(from, std::span(row).first(parameters()));
      row.back() = glm::Bounded((from[0] - centre_) / width_);
      glm::AddTriangle(exact, 1, row, contribution.values);
    }
    return contribution;
  }

 private:
  /// Intercept, terms, outcome.
  std::size_t order() const { return design_.terms.size() + 2; }

  /// A covariance in the units of the columns and of the outcome.
  Symmetric InUnits(const Symmetric& covariance) const {
    Symmetric result = scale_.InUnits(covariance);
    for (std::size_t i = 0; i < result.order(); ++i) {
      for (std::size_t j = i; j < result.order(); ++j) {
        result.Set(i, j, result(i, j) * width_ * width_);
      }
    }
    return result;
  }

  AnalysisResult Render(const NoisyLeastSquares& fit, std::uint32_t sites) const {
    const std::vector<double> estimates = scale_.InUnits(fit.coefficients);
    const Symmetric covariance = InUnits(fit.covariance);
    const Symmetric noise = InUnits(fit.noise_covariance);
    const double degrees = fit.rows - static_cast<double>(parameters());
    std::vector<glm::Coefficient> lines;
    Json noise_errors = Json::array();
    for (std::size_t i = 0; i < parameters(); ++i) {
      lines.push_back(
          glm::StudentLine(i == 0 ? std::string(glm::kIntercept) : design_.terms[i - 1].name,
                           width_ * estimates[i] + (i == 0 ? centre_ : 0),
                           std::sqrt(covariance(i, i)), degrees, confidence_));
      noise_errors.push_back(std::sqrt(noise(i, i)));
    }
    const auto rows = static_cast<std::uint64_t>(std::llround(fit.rows));
    const double sigma = std::sqrt(fit.residual_variance) * width_;
    Json json;
    json["outcome"] = design_.outcome.name;
    json["rows"] = rows;
    json["confidence"] = confidence_;
    json["coefficients"] = glm::CoefficientsJson(lines, {});
    json["covariance"] = glm::CovarianceJson(covariance);
    json["noise_std_errors"] = std::move(noise_errors);
    json["df_residual"] = degrees;
    json["sigma"] = fit.residuals_hidden ? Json() : Json(sigma);
    AnalysisResult result;
    result.converged = true;
    result.patients = rows;
    result.sites = sites;
    result.json = json.dump(2);
    result.table = Table(lines, rows, sites, sigma, fit.residuals_hidden);
    return result;
  }

  std::string Table(const std::vector<glm::Coefficient>& lines,
                    std::uint64_t rows,
                    std::uint32_t sites,
                    double sigma,
                    bool hidden) const {
    char text[120];
    std::snprintf(text, sizeof text, "residual standard error %.5g\n", sigma);
    const std::string residual = hidden ? "residual standard error hidden by the noise\n" : text;
    return glm::Wrapped("Linear regression of " + design_.outcome.name + ": about " +
                        glm::Counted(rows, "patient", "patients") + " from " +
                        glm::Counted(sites, "site", "sites")) +
           "\n" + glm::CoefficientTable(lines, {}, "t", confidence_) + "\n" + residual;
  }

  const glm::Design design_;
  const double confidence_;
  const glm::ContractScale scale_;
  const double centre_;  ///< Of the outcome's range, and half of its width.
  const double width_;
};

}  // namespace

Result<std::shared_ptr<const Analysis>> MakePrivateLinear(const glm::Design& design,
                                                          const Settings& analysis) {
  TRY(const double confidence, glm::ParseConfidence(analysis));
  for (const char* key : {"ridge", "maximum_iterations"}) {
    if (!analysis.Has(key)) continue;
    return analysis.FailAt(key, "with [privacy.dp] a linear fit is one sum, without a penalty",
                           "leave " + std::string(key) + " out");
  }
  return std::make_shared<const PrivateLinear>(design, confidence);
}

}  // namespace consilium
