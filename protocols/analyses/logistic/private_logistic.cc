#include "protocols/analyses/logistic/private_logistic.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/portable_math.h"
#include "common/wire.h"
#include "protocols/analyses/glm/contract_scale.h"
#include "protocols/analyses/glm/inference.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/logistic/noisy_newton.h"
#include "protocols/privacy/exact_sums.h"

namespace consilium {
namespace {

using glm::Symmetric;
using Json = nlohmann::ordered_json;

/// Of a row: p (1 - p).
constexpr double kLargestWeight = 0.25;
/// The score decides the estimate's noise, the information only how well a step aims.
constexpr double kScoreWeight = 4;

constexpr glm::Ratio kOdds{"OR", "odds_ratio"};
constexpr const char* kUnfinished =
    "The last step was longer than noise explains: the search has not ended. Ask for more steps "
    "(maximum_iterations); if that does not help, some terms may predict the outcome without "
    "error.";

struct StepQuery {
  std::vector<double> coefficients;  ///< On the scale; the intercept first.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<glm::kMaxTerms + 1>(coefficients));
  }
};

/// What was found, for Render.
struct Found {
  NoisyNewton newton;
  std::uint64_t rows = 0;
  std::uint32_t sites = 0;
};

class PrivateLogistic final : public Analysis {
 public:
  PrivateLogistic(glm::Design design, double confidence, std::uint32_t steps)
      : design_(std::move(design)), confidence_(confidence), steps_(steps), scale_(design_) {}

  std::string_view kind() const override { return "logistic"; }
  std::vector<std::string> columns() const override { return design_.columns; }
  std::size_t parameters() const override { return 1 + design_.terms.size(); }
  std::uint32_t maximum_rounds() const override { return steps_; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY_STATUS(DecodeHere(query));
    return DescribeForReview();
  }

  std::vector<Slice> DescribeForReview() const override {
    const auto rows = static_cast<double>(design_.maximum_rows);
    const std::size_t count = parameters();
    const std::size_t numbers = glm::TriangleSize(count);
    Slice score{"score", std::to_string(count),
                "for each coefficient, the slope of the log-likelihood, of terms brought to -1 ... "
                "1",
                Slot{Encoding::kReal, count, rows * glm::kSlack}};
    score.patient_l2 = std::sqrt(static_cast<double>(count)) * glm::kSlack;
    score.privacy_weight = kScoreWeight;
    Slice information{"information",
                      std::to_string(numbers) + " (upper triangle of " + std::to_string(count) +
                          " x " + std::to_string(count) + ")",
                      "the curvature of the log-likelihood",
                      Slot{Encoding::kReal, numbers, rows * kLargestWeight * glm::kSlack}};
    information.patient_l2 = kLargestWeight * std::sqrt(static_cast<double>(numbers)) * glm::kSlack;
    return {std::move(score), std::move(information)};
  }

  std::string InWords() const override {
    return "logistic regression of " + glm::VariablesInWords(design_) + " (" +
           std::to_string(parameters()) + " coefficients with the intercept), " +
           std::to_string(steps_) + " Newton steps";
  }
  std::string ReleasedInWords() const override {
    return "coefficients, standard errors and the number of patients";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    Found found{NoisyNewton(parameters())};
    for (std::uint32_t step = 0; step < steps_; ++step) {
      const Aggregate sums = federation.Sum(Query{Encode(StepQuery{found.newton.coefficients()})});
      const std::size_t numbers = parameters() + glm::TriangleSize(parameters());
      if (sums.values.size() != numbers || sums.noise.size() != numbers) {
        return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
      }
      const auto split = sums.values.begin() + static_cast<std::ptrdiff_t>(parameters());
      const Symmetric information =
          glm::FromTriangle(std::span(sums.values).subspan(parameters()), parameters());
      // At zero each row weighs a quarter.
      if (step == 0) found.rows = Count(information(0, 0) / kLargestWeight);
      found.sites = sums.sites;
      TRY_STATUS(found.newton.Step({sums.values.begin(), split}, sums.noise.front(), information,
                                   sums.noise.back()));
    }
    return Render(found);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(const StepQuery decoded, DecodeHere(query));
    TRY_STATUS(glm::CheckCohort(design_, cohort));
    const std::size_t count = parameters();
    const ExactSums score_parts(glm::kSlack, design_.maximum_rows);
    const ExactSums information_parts(kLargestWeight * glm::kSlack, design_.maximum_rows);
    Contribution contribution;
    contribution.values.assign(count + glm::TriangleSize(count), 0.0);
    std::vector<double> x(count);
    const double* row = cohort.values.data();
    for (Eigen::Index r = 0; r < cohort.values.rows(); ++r, row += cohort.values.cols()) {
      scale_.Row(row, x);
      double eta = 0;
      for (std::size_t j = 0; j < count; ++j) eta += decoded.coefficients[j] * x[j];
      const double p = PortableLogistic(eta);
      for (std::size_t i = 0; i < count; ++i) {
        contribution.values[i] += score_parts.Part((row[0] - p) * x[i]);
      }
      glm::AddTriangle(information_parts, p * (1 - p), x,
                       std::span(contribution.values).subspan(count));
    }
    return contribution;
  }

 private:
  static std::uint64_t Count(double rows) {
    return rows > 0 ? static_cast<std::uint64_t>(std::llround(rows)) : 0;
  }

  Result<StepQuery> DecodeHere(const Query& query) const {
    Result<StepQuery> decoded = Decode<StepQuery>(query.body);
    const bool fits = decoded && decoded->coefficients.size() == parameters() &&
                      std::all_of(decoded->coefficients.begin(), decoded->coefficients.end(),
                                  [](double number) { return std::abs(number) <= 1e100; });
    if (fits) return decoded;
    return Fail(ErrorCode::kInvalidArgument, "no query of this analysis");
  }

  AnalysisResult Render(const Found& found) const {
    const std::vector<double> estimates = scale_.InUnits(found.newton.coefficients());
    const Symmetric covariance = scale_.InUnits(found.newton.covariance());
    const Symmetric noise = scale_.InUnits(found.newton.noise_covariance());
    std::vector<glm::Coefficient> lines;
    std::vector<std::string> names;
    Json noise_errors = Json::array();
    for (std::size_t i = 0; i < parameters(); ++i) {
      names.push_back(i == 0 ? std::string(glm::kIntercept) : design_.terms[i - 1].name);
      lines.push_back(
          glm::WaldLine(names.back(), estimates[i], std::sqrt(covariance(i, i)), confidence_));
      noise_errors.push_back(std::sqrt(noise(i, i)));
    }
    const bool converged = found.newton.converged();
    Json json;
    json["outcome"] = design_.outcome.name;
    json["converged"] = converged;
    json["iterations"] = steps_;
    json["rows"] = found.rows;
    json["confidence"] = confidence_;
    if (converged) {
      json["coefficients"] = glm::CoefficientsJson(lines, kOdds);
      json["covariance"] = glm::CovarianceJson(covariance);
      json["noise_std_errors"] = std::move(noise_errors);
    } else {
      json["coefficients"] = glm::UnfinishedJson(names, estimates, {});
      json["message"] = kUnfinished;
    }
    AnalysisResult result;
    result.converged = converged;
    result.patients = found.rows;
    result.sites = found.sites;
    result.json = json.dump(2);
    result.table = glm::Wrapped("Logistic regression of " + design_.outcome.name + ": about " +
                                glm::Counted(found.rows, "patient", "patients") + " from " +
                                glm::Counted(found.sites, "site", "sites") + ", " +
                                glm::Counted(steps_, "Newton step", "Newton steps")) +
                   (converged ? "\n" + glm::CoefficientTable(lines, kOdds, "z", confidence_) + "\n"
                              : glm::Wrapped(kUnfinished));
    return result;
  }

  const glm::Design design_;
  const double confidence_;
  const std::uint32_t steps_;
  const glm::ContractScale scale_;
};

}  // namespace

Result<std::shared_ptr<const Analysis>> MakePrivateLogistic(const glm::Design& design,
                                                            const Settings& analysis) {
  TRY(const double confidence, glm::ParseConfidence(analysis));
  TRY(const glm::FitOptions options, glm::ParseFitOptions(analysis));
  if (analysis.Has("ridge")) {
    return analysis.FailAt("ridge", "with [privacy.dp] a fit has no penalty", "leave ridge out");
  }
  if (!analysis.Has("maximum_iterations")) {
    return analysis.FailAt("maximum_iterations",
                           "[privacy.dp] needs maximum_iterations, the number of Newton steps: all "
                           "of them are taken, and each needs its share of epsilon",
                           "start with maximum_iterations = 5");
  }
  return std::make_shared<const PrivateLogistic>(design, confidence, options.maximum_iterations);
}

}  // namespace consilium
