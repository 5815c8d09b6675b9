#include "protocols/analyses/train/private_steps.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/check.h"
#include "protocols/analyses/train/floats.h"
#include "protocols/privacy/exact_sums.h"

namespace consilium::train {
namespace {

/// A vector is shortened to this part of clip, and a number may have that part more: so no rounding
/// makes it longer than it may be.
constexpr double kShorten = 1 - 1e-9;
constexpr double kSlack = 1 + 1e-6;
/// What the gradients may tell, over what the number of rows may: their noise is 1 / sqrt(0.95) of
/// what it would be alone, and that of the rows sqrt(20).
constexpr double kGradientWeight = 19;

bool Takes(PrivacyUnit unit, Strategy strategy) {
  switch (strategy) {
    case Strategy::kFedAvg:
    case Strategy::kFedAvgM:
    case Strategy::kFedAdam:
    case Strategy::kFedYogi:
    case Strategy::kFedAdagrad:
      return true;
    case Strategy::kFedProx:  // With one step a round there is nothing to be drawn back from.
      return unit == PrivacyUnit::kSite;
    case Strategy::kScaffold:
    case Strategy::kFedNova:
    case Strategy::kRfa:
    case Strategy::kDitto:
      return false;
  }
  return false;
}

Status CheckStrategy(const TrainPlan& plan, PrivacyUnit unit, const Settings& analysis) {
  if (!Takes(unit, plan.strategy)) {
    return analysis.FailAt("strategy",
                           "with [privacy.dp] of this unit strategy = \"" +
                               std::string(NameOf(plan.strategy)) +
                               "\" cannot be had: its sums have no bound, or no meaning",
                           "use \"fedavg\", \"fedavgm\", \"fedadam\", \"fedyogi\" or "
                           "\"fedadagrad\"; with unit = \"site\" also \"fedprox\"");
  }
  if (!plan.personal.empty()) {
    return analysis.FailAt("personal", "with [privacy.dp] all layers are shared", "leave it out");
  }
  return {};
}

/// With the patient as unit a round is one step, on all rows.
Status CheckLocal(const TrainPlan& plan, const Settings& analysis) {
  if (plan.trainer) {
    return analysis.FailAt(
        "trainer", "what one patient changes in a program's answer has no bound",
        "say unit = \"site\" in [privacy.dp], which bounds whatever the program answers");
  }
  if (plan.network.ComparesRows()) {
    return analysis.FailAt("event",
                           "a partial likelihood compares each patient with all others at risk, so "
                           "what one of them changes has no bound",
                           "say unit = \"site\" in [privacy.dp], which bounds the site's update");
  }
  for (const char* key : {"local_epochs", "local_steps", "batch_size", "optimiser", "momentum"}) {
    if (!analysis.Has(key)) continue;
    return analysis.FailAt(key,
                           "with [privacy.dp] and the patient as unit a round is one step of "
                           "gradient descent on all rows of all sites",
                           "leave " + std::string(key) +
                               " out, and say in rounds how many steps to take; strategy says how "
                               "the coordinator takes them");
  }
  return {};
}

/// What a vector of this length is multiplied with.
double ShorteningOf(double length, double clip) {
  return length > clip * kShorten ? clip * kShorten / length : 1;
}

}  // namespace

Status CheckPrivate(const TrainPlan& plan, PrivacyUnit unit, const Settings& analysis) {
  TRY_STATUS(CheckStrategy(plan, unit, analysis));
  if (unit == PrivacyUnit::kPatient) TRY_STATUS(CheckLocal(plan, analysis));
  if (plan.norm_check) {
    return analysis.FailAt("norm_check",
                           "sketches of a site's own update would leave with no more than its own "
                           "share of the noise of [privacy.dp]",
                           "leave norm_check out: with noise, too, a mean longer than clip is "
                           "refused");
  }
  if (plan.Validates()) {
    return analysis.FailAt("validation",
                           "losses on held-out rows would leave without noise under [privacy.dp]",
                           "leave validation and patience out");
  }
  if (plan.standardisation == Standardisation::kFederation) {
    return analysis.FailAt(
        "standardise",
        "means and deviations of all sites' rows would leave without noise under [privacy.dp]",
        "say standardise = \"range\": the contract's range to -1 ... 1");
  }
  if (unit == PrivacyUnit::kPatient && plan.standardisation == Standardisation::kSite) {
    return analysis.FailAt("standardise",
                           "by a site's own means each patient would change all others' gradients",
                           "say standardise = \"range\": the contract's range to -1 ... 1");
  }
  if (!analysis.Has("clip")) {
    return analysis.FailAt(
        "clip",
        unit == PrivacyUnit::kPatient
            ? "[privacy.dp] needs clip, the most that one patient's gradient may "
              "be long: noise grows with it"
            : "[privacy.dp] needs clip, the most that one site's update may be "
              "long: noise grows with it",
        "about the length that most have: start with clip = 1");
  }
  return {};
}

std::vector<Slice> DescribePrivate(const TrainPlan& plan, PrivacyUnit unit) {
  const std::size_t count = plan.network.parameters;
  std::vector<Slice> slices;
  if (unit == PrivacyUnit::kSite) {
    Slice update{"update", std::to_string(count),
                 "for each parameter, its change by training on the site's rows; together at most "
                 "clip long, and every site counts alike",
                 Slot{Encoding::kReal, count, kSlack * plan.clip}};
    update.site_l2 = 2 * plan.clip;
    slices.push_back(std::move(update));
    return slices;
  }
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  Slice counted{"rows", "1", "how many rows are learned from", Slot{Encoding::kCount, 1, rows}};
  counted.patient_l2 = 1;
  slices.push_back(std::move(counted));
  Slice gradient{
      "gradient", std::to_string(count),
      "for each parameter, the sum over rows of the loss's slope; of one row at most clip "
      "long",
      Slot{Encoding::kReal, count, kSlack * rows * plan.clip}};
  gradient.patient_l2 = plan.clip;
  gradient.privacy_weight = kGradientWeight;
  slices.push_back(std::move(gradient));
  return slices;
}

PrivateNumbers SplitPrivate(const TrainPlan& plan, PrivacyUnit unit, std::span<double> values) {
  const std::size_t before = unit == PrivacyUnit::kSite ? 0 : 1;
  CHECK(values.size() == before + plan.network.parameters);
  return {values.first(before), values.subspan(before)};
}

Result<TrainQuery> DecodePrivateQuery(const Query& query, const TrainPlan& plan) {
  TRY(TrainQuery decoded, DecodeQuery(query, plan));
  if (decoded.step == Step::kLearn && decoded.heaviest == 0) return decoded;
  return Fail(ErrorCode::kInvalidArgument, "a study with noise asks for rounds of training alone");
}

void AddClippedGradients(const TrainPlan& plan,
                         const SiteRows& rows,
                         std::span<const float> parameters,
                         std::span<double> sum) {
  const Network& network = plan.network;
  const std::size_t count = network.parameters;
  CHECK(parameters.size() == count && sum.size() == count && rows.inputs == network.inputs);
  const Kernel& kernel = BestKernel();
  const FloatBuffer model(Padded(count));
  std::copy(parameters.begin(), parameters.end(), model.data());
  const FloatBuffer gradient(Padded(count));
  const FloatBuffer scratch(
      network.IsSingle() ? kLanes : FloatsFor(network.layers.data(), network.layers.size(), 1));
  const NetworkTask task{network.layers.data(), network.layers.size(), network.loss,
                         scratch.data()};
  const ExactSums exact(plan.clip, plan.design.maximum_rows);
  LossSums losses;  // Stay here.
  for (std::uint32_t row = 0; row < rows.learned.size(); ++row) {
    const Samples sample{
        rows.values.data(), rows.stride, rows.inputs, rows.targets.data(), &row, 1, 0, 1};
    if (network.IsSingle()) {
      kernel.single_gradient(sample, network.loss, model.data(), gradient.data(), scratch.data(),
                             losses);
    } else {
      kernel.network_gradient(task, sample, model.data(), gradient.data(), losses);
    }
    double squares = 0;
    for (std::size_t j = 0; j < count; ++j) {
      const double slope = static_cast<double>(gradient.data()[j]);
      squares += slope * slope;
    }
    const double length = std::sqrt(squares);
    if (!std::isfinite(length)) continue;
    const double factor = ShorteningOf(length, plan.clip);
    for (std::size_t j = 0; j < count; ++j) {
      sum[j] += exact.Part(factor * static_cast<double>(gradient.data()[j]));
    }
  }
}

PrivateSiteQuery::PrivateSiteQuery(const TrainPlan& plan,
                                   PrivacyUnit unit,
                                   TrainQuery query,
                                   const ExternalTrainer* trainer)
    : plan_(plan),
      unit_(unit),
      parameters_(query.parameters),
      unbounded_(plan, std::move(query), trainer),
      numbers_(NumbersIn(DescribePrivate(plan, unit))) {}

Status PrivateSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  SiteMemory memory;
  return Answer(cohort, memory, values);
}

Status PrivateSiteQuery::Answer(const CohortView& cohort,
                                SiteMemory& memory,
                                std::span<double> values) const {
  CHECK(values.size() == numbers_);
  std::fill(values.begin(), values.end(), 0.0);
  const PrivateNumbers numbers = SplitPrivate(plan_, unit_, values);
  if (unit_ == PrivacyUnit::kSite) return AnswerUpdate(cohort, memory, numbers.sum);
  TRY(const SiteRows* const rows, unbounded_.RowsOf(cohort, memory));
  numbers.rows[0] = static_cast<double>(rows->learned.size());
  AddClippedGradients(plan_, *rows, parameters_, numbers.sum);
  return {};
}

/// The update of the same round without noise, which is shortened there; by the mean over rows it
/// becomes independent of their number. Where training diverged nothing is added: an error would
/// tell of the site.
Status PrivateSiteQuery::AnswerUpdate(const CohortView& cohort,
                                      SiteMemory& memory,
                                      std::span<double> update) const {
  std::vector<double> values(unbounded_.numbers());
  const Status learned = unbounded_.Answer(cohort, memory, values);
  if (!learned && learned.error().code == ErrorCode::kNotEstimable) return {};
  TRY_STATUS(learned);
  const Numbers numbers = Split(Step::kLearn, plan_, values);
  const double length = LengthOf(numbers.update) / numbers.rows[0];
  if (!std::isfinite(length)) return {};
  const double factor = ShorteningOf(length, plan_.clip) / numbers.rows[0];
  for (std::size_t j = 0; j < update.size(); ++j) update[j] = factor * numbers.update[j];
  return {};
}

}  // namespace consilium::train
