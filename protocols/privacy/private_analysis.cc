#include "protocols/privacy/private_analysis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/privacy/rdp.h"
#include "protocols/privacy/solve.h"
#include "protocols/wrapped_analysis.h"

namespace consilium {
namespace {

/// Steps in a deviation of a slice's noise: 2^20 to 2^21, the finest that can be drawn with room.
constexpr int kStepsPerDeviation = 20;
constexpr auto kLargestVariance = static_cast<double>(kMaxVarianceTerm);
/// Noise multipliers that a plan may state.
constexpr double kLeastNoiseStated = 0.1;
constexpr double kMostNoiseStated = 1'000;

std::string Short(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

/// Whose epsilon it is.
const char* InWords(PrivacyUnit unit) {
  return unit == PrivacyUnit::kPatient ? "a patient" : "all that one hospital has";
}
const char* NameOf(PrivacyUnit unit) { return unit == PrivacyUnit::kPatient ? "patient" : "site"; }

/// Most that one unit changes the slice (L2 norm); 0 where that is not known. Exchanged rows are as
/// many less and as many more.
double BoundOf(const Slice& slice, PrivacyUnit unit, std::uint64_t most_rows) {
  if (unit == PrivacyUnit::kPatient) return slice.patient_l2;
  if (slice.site_l2 > 0) return slice.site_l2;
  return 2 * static_cast<double>(most_rows) * slice.patient_l2;
}

/// Whether every number of the analysis has a bound for what one unit changes.
Status RequireBounds(const Analysis& analysis, PrivacyUnit unit) {
  for (const Slice& slice : analysis.DescribeForReview()) {
    if (BoundOf(slice, unit, 1) > 0) continue;
    return Fail(ErrorCode::kInvalidArgument,
                "\"" + std::string(analysis.kind()) + "\" has no bound for what one " +
                    NameOf(unit) + " changes in \"" + slice.name + "\", so noise could not hide it",
                "leave [privacy.dp] out, or ask for a kind whose page says that it can have noise");
  }
  return {};
}

/// A patient in several rows would count for more than the bound says; a site's whole answer has a
/// bound of its own.
Status CheckRows(const CohortView& cohort, PrivacyUnit unit, std::uint64_t most_rows) {
  const auto rows = static_cast<std::uint64_t>(cohort.values.rows());
  if (rows > most_rows) {
    return Fail(ErrorCode::kDataQuality,
                "the cohort has more rows than the contract's maximum_patients, which bounds what "
                "a site changes",
                "ask for a plan with a larger contract.maximum_patients");
  }
  if (rows == cohort.patients || unit == PrivacyUnit::kSite) return {};
  return Fail(ErrorCode::kDataQuality,
              "differential privacy counts one row a patient, and here " + std::to_string(rows) +
                  " rows are of " + std::to_string(cohort.patients) + " patients",
              "give the study a source with one row a patient");
}

class PrivateQuery final : public PreparedQuery {
 public:
  PrivateQuery(std::unique_ptr<PreparedQuery> query, PrivacyUnit unit, std::uint64_t most_rows)
      : query_(std::move(query)), unit_(unit), most_rows_(most_rows) {}

  Status Answer(const CohortView& cohort, std::span<double> values) const override {
    TRY_STATUS(CheckRows(cohort, unit_, most_rows_));
    return query_->Answer(cohort, values);
  }
  Status Answer(const CohortView& cohort,
                SiteMemory& memory,
                std::span<double> values) const override {
    TRY_STATUS(CheckRows(cohort, unit_, most_rows_));
    return query_->Answer(cohort, memory, values);
  }

 private:
  std::unique_ptr<PreparedQuery> query_;
  const PrivacyUnit unit_;
  const std::uint64_t most_rows_;
};

class PrivateAnalysis final : public WrappedAnalysis {
 public:
  PrivateAnalysis(std::shared_ptr<const Analysis> analysis,
                  const PrivacySettings& settings,
                  std::uint64_t most_rows)
      : WrappedAnalysis(std::move(analysis)), settings_(settings), most_rows_(most_rows) {}

  std::uint32_t maximum_rounds() const override { return inner().rounds_with_noise(); }
  double privacy_loss_of_a_round() const override {
    return ConcentratedLoss(settings_.noise_multiplier);
  }

  std::shared_ptr<const Analysis> WithTrainer(
      std::shared_ptr<const ExternalTrainer> trainer) const override {
    return std::make_shared<const PrivateAnalysis>(inner().WithTrainer(std::move(trainer)),
                                                   settings_, most_rows_);
  }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(std::vector<Slice> slices, inner().Describe(query));
    return Noised(std::move(slices));
  }

  std::string InWords() const override { return inner().InWords() + ", with noise: " + Promise(); }
  std::string ReleasedInWords() const override {
    return inner().ReleasedInWords() + ", all with noise";
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(AnalysisResult result, inner().Run(federation));
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(result.json);
    json["privacy"] = {{"unit", NameOf(settings_.unit)},
                       {"epsilon", settings_.epsilon},
                       {"delta", settings_.delta},
                       {"noise_multiplier", settings_.noise_multiplier}};
    result.json = json.dump(2);
    result.table +=
        "Every sum has noise: " + Promise() + ".\nIntervals, where there are any, include it.\n";
    return result;
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY_STATUS(CheckRows(cohort, settings_.unit, most_rows_));
    return inner().Answer(query, cohort);
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(std::unique_ptr<PreparedQuery> prepared, inner().Prepare(query));
    return std::make_unique<PrivateQuery>(std::move(prepared), settings_.unit, most_rows_);
  }

 private:
  std::string Promise() const {
    return "epsilon " + Short(settings_.epsilon) + ", delta " + Short(settings_.delta) + " for " +
           consilium::InWords(settings_.unit);
  }

  Result<std::vector<Slice>> Noised(std::vector<Slice> slices) const {
    double weights = 0;
    for (const Slice& slice : slices) weights += slice.privacy_weight;
    for (Slice& slice : slices) {
      const double bound = BoundOf(slice, settings_.unit, most_rows_);
      if (!(bound > 0)) {
        return Fail(ErrorCode::kInvalidArgument, "\"" + slice.name + "\" has no bound for one " +
                                                     std::string(NameOf(settings_.unit)));
      }
      const double multiplier =
          settings_.noise_multiplier * std::sqrt(weights / slice.privacy_weight);
      int exponent = 0;
      std::frexp(multiplier * bound, &exponent);
      slice.slot.encoding = Encoding::kNoisy;
      slice.slot.step = std::ldexp(1.0, exponent - 1 - kStepsPerDeviation);
      const double reach =
          bound / slice.slot.step + std::sqrt(static_cast<double>(slice.slot.count));
      // A part in 2^40 covers the rounding of this very line.
      const double variance = std::ceil(multiplier * multiplier * reach * reach * (1 + 0x1p-40));
      if (!(variance <= kLargestVariance)) {
        return Fail(ErrorCode::kInvalidArgument,
                    "\"" + slice.name + "\" has too many numbers for noise this large");
      }
      slice.slot.noise = static_cast<std::uint64_t>(variance);
    }
    return slices;
  }

  const PrivacySettings settings_;
  const std::uint64_t most_rows_;
};

}  // namespace

double ConcentratedLoss(double noise_multiplier) {
  const double rho = 1 / (2 * noise_multiplier * noise_multiplier);
  return std::nextafter(std::nextafter(rho, 1e9), 1e9);  // A product and a quotient were rounded.
}

double LossAfter(double spent, double loss) { return std::nextafter(spent + loss, 1e300); }

Result<double> EpsilonOfLoss(double rho, double delta) {
  if (rho == 0) return 0.0;
  // One round that tells as much: its noise, rounded down, is 1 / sqrt(2 rho).
  const double noise = std::nextafter(std::sqrt(1 / (2 * rho)) * (1 - 0x1p-50), 0.0);
  RdpCurve curve;
  TRY_STATUS(curve.Add(GaussianRounds{noise, 1, 1}));
  TRY(const RdpEpsilon least, curve.EpsilonFor(delta));
  return least.epsilon;
}

Result<PrivacyUnit> ParsePrivacyUnit(const Settings& settings) {
  TRY(const std::string unit, settings.ChoiceOr("unit", {"patient", "site"}, "patient"));
  return unit == "site" ? PrivacyUnit::kSite : PrivacyUnit::kPatient;
}

Result<PrivacySettings> ParsePrivacySettings(const Settings& settings, const Analysis& analysis) {
  PrivacySettings privacy;
  TRY(privacy.unit, ParsePrivacyUnit(settings));
  // Before the numbers: no other number would mend this.
  if (const Status bounded = RequireBounds(analysis, privacy.unit); !bounded) {
    return settings.FailHere(bounded.error().message, bounded.error().remedy);
  }
  TRY(privacy.noise_multiplier, settings.Number("noise_multiplier"));
  if (!(privacy.noise_multiplier >= kLeastNoiseStated &&
        privacy.noise_multiplier <= kMostNoiseStated)) {
    return settings.FailValueAt("noise_multiplier", "it must be between 0.1 and 1000");
  }
  TRY(privacy.delta, settings.Number("delta"));
  if (!(privacy.delta > 0 && privacy.delta <= 0.001)) {
    return settings.FailValueAt("delta", "it must be above 0 and at most 0.001",
                                "take far less than one over the number of patients");
  }
  TRY(privacy.epsilon, settings.Number("epsilon"));
  const std::uint32_t rounds = analysis.rounds_with_noise();
  const std::string all = "with this noise the study's " + std::to_string(rounds) +
                          (rounds == 1 ? " round tells " : " rounds tell ");
  const std::string command =
      " --delta " + Short(privacy.delta) + " --rounds " + std::to_string(rounds);
  const Result<double> needed =
      EpsilonOfLoss(rounds * ConcentratedLoss(privacy.noise_multiplier), privacy.delta);
  if (!needed) {
    return settings.FailAt("noise_multiplier", all + "more than can be counted",
                           "find the noise with consilium-sim privacy --epsilon 3" + command);
  }
  if (!(privacy.epsilon >= *needed)) {
    return settings.FailAt(
        "epsilon", all + "as much as epsilon " + Short(*needed),
        "state no less, or find the noise with consilium-sim privacy --epsilon " +
            Short(privacy.epsilon) + command);
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  // Where epsilon is the least, the search may miss it by a rounding: the rounds are covered.
  const Result<std::uint64_t> covered = RoundsFor(
      Accountant::kRdp, {privacy.epsilon, privacy.delta}, privacy.noise_multiplier, /*rate=*/1);
  privacy.most_answers = std::max(rounds, static_cast<std::uint32_t>(covered.value_or(rounds)));
  return privacy;
}

Status CheckPromise(const PrivacySettings& settings,
                    std::uint64_t answers,
                    std::uint64_t rounds_to_come) {
  if (answers + rounds_to_come <= settings.most_answers) return {};
  return Fail(ErrorCode::kRefused,
              "the plan's epsilon " + Short(settings.epsilon) + " (delta " + Short(settings.delta) +
                  ") covers " + std::to_string(settings.most_answers) +
                  " answers of a site with this noise; this one has given " +
                  std::to_string(answers) + ", with any attempts that failed, and has " +
                  std::to_string(rounds_to_come) + " to give",
              "Ask for a new study that leaves room for attempts that fail: find its noise with "
              "consilium-sim privacy, for some more --rounds than it has.");
}

Result<std::shared_ptr<const Analysis>> MakePrivate(std::shared_ptr<const Analysis> analysis,
                                                    const PrivacySettings& settings,
                                                    std::uint64_t most_rows) {
  TRY_STATUS(RequireBounds(*analysis, settings.unit));
  return std::make_shared<const PrivateAnalysis>(std::move(analysis), settings, most_rows);
}

}  // namespace consilium
