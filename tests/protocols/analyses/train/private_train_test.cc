// Training under differential privacy: that what one patient or one site changes is bounded,
// whatever they have; that the noise is what it is said to be; what a plan may ask; and that a
// model comes of it. Also covers protocols/analyses/train/private_course.cc.

#include "protocols/analyses/train/private_train.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/train/private_steps.h"
#include "protocols/analyses/train/released_model.h"
#include "protocols/privacy/noise.h"
#include "protocols/result_document.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using train::PrivateNumbers;

const std::string kPatientDp = "[privacy.dp]\nnoise_multiplier = 9\nepsilon = 3\ndelta = 1e-6\n";
const std::string kSiteDp = kPatientDp + "unit = \"site\"\n";

/// A round's model is `model`; `rest` says how many rounds and how long.
std::string Analysis(const std::string& outcome,
                     const std::string& model,
                     const std::string& rest) {
  return TrainAnalysis(outcome, "model = " + model + "\nstandardise = \"range\"\n" + rest);
}

Plan PrivatePlan(const std::string& analysis, const std::string& dp) {
  Result<Plan> plan = ParsePlan(PlanText(TrainColumns(), analysis) + dp, "plan.toml");
  if (!plan) throw std::runtime_error(Describe(plan.error()));
  return *std::move(plan);
}

Query QueryOf(const Plan& plan, std::vector<float> parameters) {
  train::TrainQuery query;
  query.step = train::Step::kLearn;
  query.round = 1;
  query.scaling = train::RangeScaling(TrainPlanIn(plan));
  query.parameters = std::move(parameters);
  return train::EncodeQuery(query);
}

/// The rows of a cohort from `first` on, so many of them.
Cohort RowsOf(const Cohort& cohort, Eigen::Index first, Eigen::Index count) {
  Cohort part = cohort;
  part.values = cohort.values.middleRows(first, count);
  part.patients = static_cast<std::uint64_t>(count);
  return part;
}

double LengthOf(std::span<const double> numbers) {
  double squares = 0;
  for (const double number : numbers) squares += number * number;
  return std::sqrt(squares);
}

struct Model {
  const char* name;
  const char* outcome;
  const char* model;
};

void PrintTo(const Model& model, std::ostream* out) { *out << model.name; }

class PrivateModelTest : public ::testing::TestWithParam<Model> {
 protected:
  Plan PlanWith(const std::string& rest, const std::string& dp) const {
    return PrivatePlan(Analysis(GetParam().outcome, GetParam().model, rest), dp);
  }
  std::vector<float> First(const Plan& plan) const {
    return train::FirstParameters(TrainPlanIn(plan));
  }
};

INSTANTIATE_TEST_SUITE_P(Models,
                         PrivateModelTest,
                         ::testing::Values(Model{"Logistic", "ill", "\"logistic\""},
                                           Model{"Linear", "pressure", "\"linear\""},
                                           Model{"Softmax", "group", "\"logistic\""},
                                           Model{"Network", "ill", "\"mlp\"\nhidden = [5, 4]"},
                                           Model{"NetworkOfNumbers", "pressure",
                                                 "\"mlp\"\nhidden = [6]"}),
                         [](const auto& model) { return model.param.name; });

/// Without shortening, the sum of the rows' gradients is the step of training without noise.
TEST_P(PrivateModelTest, GradientsOfRowsAddUpToTheStepOfAllRows) {
  const Plan plan = PlanWith("rounds = 1\nclip = 100\n", kPatientDp);
  const Plan usual =
      PlanOf(TrainColumns(), Analysis(GetParam().outcome, GetParam().model,
                                      "rounds = 1\nlocal_steps = 1\nbatch_size = 100000\n"
                                      "learning_rate = 0.5\nclip = 1e6\n"));
  const Cohort cohort = TrainPatients(plan, 64, 3);
  std::vector<float> parameters = First(plan);
  for (std::size_t j = 0; j < parameters.size(); ++j)
    parameters[j] += 0.01F * static_cast<float>(j % 7);
  Contribution found = plan.analysis->Answer(QueryOf(plan, parameters), cohort).value();
  const PrivateNumbers numbers =
      train::SplitPrivate(TrainPlanIn(plan), PrivacyUnit::kPatient, found.values);
  EXPECT_EQ(numbers.rows[0], 64);
  Contribution expected = usual.analysis->Answer(QueryOf(usual, parameters), cohort).value();
  const train::Numbers step =
      train::Split(train::Step::kLearn, TrainPlanIn(usual), expected.values);
  ASSERT_EQ(step.update.size(), numbers.sum.size());
  for (std::size_t j = 0; j < step.update.size(); ++j) {
    EXPECT_NEAR(-0.5 * numbers.sum[j], step.update[j], 64 * 2e-6) << j;
  }
}

/// One row more changes the sum by its own shortened gradient to the last bit, at most `clip` long,
/// for whatever rows and whatever model a coordinator may send.
TEST_P(PrivateModelTest, ARowMoreChangesTheSumByNoMoreThanClip) {
  const Plan plan = PlanWith("rounds = 1\nclip = 0.25\n", kPatientDp);
  const train::TrainPlan settings = TrainPlanIn(plan);
  Cohort cohort = TrainPatients(plan, 60, 4);
  // Corners of the contract's ranges.
  const double highest = GetParam().outcome == std::string("pressure") ? 220 : 1;
  cohort.values.row(58) << highest, 10, 90;
  cohort.values.row(59) << (highest > 1 ? 60 : 0), 0, 20;
  for (const float scale : {1.0F, 1e3F, 1e20F, 3e38F}) {
    std::vector<float> parameters = First(plan);
    for (std::size_t j = 0; j < parameters.size(); ++j) {
      parameters[j] = (parameters[j] + (j % 2 == 0 ? 0.4F : -0.7F)) * scale;
      parameters[j] = std::clamp(parameters[j], -3e38F, 3e38F);
    }
    const Query query = QueryOf(plan, parameters);
    const auto sum_of = [&](const Cohort& rows) {
      Contribution answer = plan.analysis->Answer(query, rows).value();
      const std::span<double> sum =
          train::SplitPrivate(settings, PrivacyUnit::kPatient, answer.values).sum;
      return std::vector<double>(sum.begin(), sum.end());
    };
    const std::vector<double> all = sum_of(cohort);
    for (const Eigen::Index row : {Eigen::Index{0}, Eigen::Index{58}, Eigen::Index{59}}) {
      const std::vector<double> alone = sum_of(RowsOf(cohort, row, 1));
      EXPECT_LE(LengthOf(alone), 0.25) << scale;
      Cohort others = cohort;
      others.values.row(row) = cohort.values.row(row == 0 ? 1 : 0);
      std::vector<double> off = sum_of(others);
      const std::vector<double> instead = sum_of(RowsOf(others, row, 1));
      for (std::size_t j = 0; j < off.size(); ++j) {
        EXPECT_TRUE(std::isfinite(all[j])) << scale;
        EXPECT_EQ(all[j] - alone[j], off[j] - instead[j]) << scale;
      }
    }
  }
}

/// With the site as unit the update is that of training without noise, each site counting alike.
TEST_P(PrivateModelTest, ASitesUpdateIsTheMeanOneShortenedToClip) {
  const std::string local = "local_epochs = 3\nbatch_size = 8\nlearning_rate = 0.5\nrounds = 1\n";
  const Plan loose = PlanWith(local + "clip = 1e6\n", kSiteDp);
  const Plan tight = PlanWith(local + "clip = 0.125\n", kSiteDp);
  const Plan usual = PlanOf(TrainColumns(),
                            Analysis(GetParam().outcome, GetParam().model, local + "clip = 1e6\n"));
  const Cohort cohort = TrainPatients(loose, 60, 5);
  const Query query = QueryOf(loose, First(loose));
  const std::vector<double> free = loose.analysis->Answer(query, cohort)->values;
  const std::vector<double> bounded = tight.analysis->Answer(query, cohort)->values;
  Contribution expected = usual.analysis->Answer(QueryOf(usual, First(loose)), cohort).value();
  const train::Numbers step =
      train::Split(train::Step::kLearn, TrainPlanIn(usual), expected.values);
  const double length = LengthOf(free);
  EXPECT_GT(length, 0.125);
  EXPECT_LE(LengthOf(bounded), 0.125);
  for (std::size_t j = 0; j < free.size(); ++j) {
    EXPECT_NEAR(free[j], step.update[j] / 60, 1e-12);
    EXPECT_NEAR(bounded[j], free[j] * 0.125 / length, 1e-8);
  }
}

/// Without noise the same is an error. A loss whose slope is bounded does not diverge: there steps
/// are lost beside such parameters.
TEST_P(PrivateModelTest, WhereASiteDivergesItAddsNothing) {
  const std::string steps =
      "rounds = 1\nclip = 1\nlearning_rate = 1e6\nlocal_epochs = 200\n"
      "optimiser = \"sgd\"\nmomentum = 0.99\n";
  const Plan plan = PlanWith(steps, kSiteDp);
  std::vector<float> parameters = First(plan);
  for (float& parameter : parameters) parameter = 1e38F;
  const Contribution answer =
      plan.analysis->Answer(QueryOf(plan, parameters), TrainPatients(plan, 60, 5)).value();
  EXPECT_THAT(answer.values, Each(0.0));
  const std::string name = GetParam().name;
  if (name == "Logistic" || name == "Softmax") return;
  const Plan open = PlanWith(steps, "");
  const auto diverged =
      open.analysis->Answer(QueryOf(open, parameters), TrainPatients(open, 60, 5));
  ASSERT_FALSE(diverged.has_value());
  EXPECT_EQ(diverged.error().code, ErrorCode::kNotEstimable);
}

const std::string kLogistic = "\"logistic\"";
Plan LogisticPlan(const std::string& rest, const std::string& dp) {
  return PrivatePlan(Analysis("ill", kLogistic, rest), dp);
}
const std::string kPatientSteps = "rounds = 20\nlearning_rate = 2\nclip = 1\n";
const std::string kSiteSteps = "rounds = 10\nlocal_epochs = 2\nbatch_size = 10\nclip = 1\n";

/// Together one Gaussian mechanism of the plan's noise multiplier: of the unit's bound b in each
/// slice, (b / deviation)^2 adds up to 1 / z^2.
TEST(PrivateTrainTest, TheSlicesOfARoundAreOneGaussianMechanism) {
  for (const bool site : {false, true}) {
    const Plan plan =
        site ? LogisticPlan(kSiteSteps, kSiteDp) : LogisticPlan(kPatientSteps, kPatientDp);
    const std::vector<Slice> slices = plan.analysis->Describe(QueryOf(plan, {0, 0, 0})).value();
    EXPECT_EQ(slices.size(), site ? 1u : 2u);
    double loss = 0;
    for (const Slice& slice : slices) {
      EXPECT_EQ(slice.slot.encoding, Encoding::kNoisy);
      const double bound = site ? 2.0 : 1.0;  // clip is 1
      const double reach =
          bound / slice.slot.step + std::sqrt(static_cast<double>(slice.slot.count));
      loss += reach * reach / static_cast<double>(slice.slot.noise);
    }
    EXPECT_LE(loss, 1.0 / 81);
    EXPECT_GE(loss, 0.999 / 81);
    EXPECT_EQ(plan.analysis->rounds_with_noise(), site ? 10u : 20u);
    EXPECT_EQ(plan.analysis->privacy_loss_of_a_round(), ConcentratedLoss(9));
  }
}

/// Ten sites without an update, all of them or seven in the sum: the mean of 3000 sums' squares has
/// a relative deviation of sqrt(2 / 3000) = 0.026; five of them are left once in 1.7 million seeds.
/// Of ten sites four honest shares are counted on.
TEST(PrivateTrainTest, NoiseOfAnUpdateHasThePromisedVarianceWithAndWithoutDropOuts) {
  const Plan plan = LogisticPlan(kSiteSteps, kSiteDp);
  const std::vector<Slot> slots =
      SlotsOf(plan.analysis->Describe(QueryOf(plan, {0, 0, 0})).value());
  const std::vector<double> nothing(3, 0.0);
  for (const std::uint32_t in_the_sum : {10U, 7U}) {
    SeededRandom random(in_the_sum);
    double squares = 0;
    double said = 0;
    for (int i = 0; i < 1'000; ++i) {
      RingVector sum(3, 0);
      for (std::uint32_t site = 0; site < in_the_sum; ++site) {
        RingVector words = EncodeFixedPoint(nothing, slots, 10).value();
        ASSERT_TRUE(AddNoise(slots, 10, random, words).has_value());
        AddTo(sum, words);
      }
      const Aggregate aggregate = OpenAggregate(sum, slots, 10, in_the_sum).value();
      for (const double value : aggregate.values) squares += value * value / 3'000;
      said = aggregate.noise[0];
    }
    const double expected = 81 * 4 * in_the_sum / 4.0;  // z^2 (2 clip)^2, and surplus shares.
    EXPECT_NEAR(squares, expected, 5 * 0.026 * expected) << in_the_sum;
    EXPECT_NEAR(said, std::sqrt(expected), 1e-3 * std::sqrt(expected)) << in_the_sum;
    EXPECT_GE(said, 18 * (1 - 1e-9));
  }
}

/// Epsilon of T Gaussian mechanisms of multiplier z without sampling, exactly: the root of
/// Phi(-e / m + m / 2) - exp(e) Phi(-e / m - m / 2) = delta, m = sqrt(T) / z (Balle and Wang 2018,
/// Theorem 8), by mpmath 1.3 with 40 digits and bisection to 1e-30.
TEST(PrivateTrainTest, WhatAPlanMayPromiseIsNeverBelowTheExactEpsilon) {
  struct Case {
    double z;
    int rounds;
    double delta;
    double exact;
  };
  const Case cases[] = {{5, 1, 1e-6, 0.834117548624},     {9, 20, 1e-6, 2.2387568455},
                        {20, 100, 1e-6, 2.25408465022},   {1.5, 3, 1e-5, 5.17481023964},
                        {60, 1'000, 1e-8, 2.86581653427}, {0.7, 2, 1e-5, 10.1224945839}};
  for (const Case& c : cases) {
    double spent = 0;
    for (int i = 0; i < c.rounds; ++i) spent = LossAfter(spent, ConcentratedLoss(c.z));
    const double charged = EpsilonOfLoss(spent, c.delta).value();
    EXPECT_GE(charged, c.exact);
    EXPECT_LE(charged, 1.1 * c.exact);
    const auto parsed = [&](double epsilon) {
      char dp[200];
      std::snprintf(dp, sizeof dp,
                    "[privacy.dp]\nnoise_multiplier = %g\nepsilon = %.17g\ndelta = %g\n", c.z,
                    epsilon, c.delta);
      return ParsePlan(PlanText(TrainColumns(),
                                Analysis("ill", kLogistic,
                                         "clip = 1\nrounds = " + std::to_string(c.rounds) + "\n")) +
                           dp,
                       "plan.toml")
          .has_value();
    };
    EXPECT_TRUE(parsed(charged * (1 + 1e-9)));
    EXPECT_FALSE(parsed(c.exact));
  }
}

Json RunWith(const Plan& plan,
             const std::vector<Cohort>& cohorts,
             std::uint64_t seed,
             unsigned threads = 1) {
  PlainOptions options;
  options.noise_seed = seed;
  options.threads = threads;
  const std::vector<CohortView> views = ViewsOf(cohorts);
  return Json::parse(RunPlain(*plan.analysis, views, options).value().result.json);
}

/// P(a random ill patient has the larger predictor than a healthy one), over 4000 fresh patients.
double AucOf(const Plan& plan, const std::vector<double>& weights) {
  const Cohort fresh = TrainPatients(plan, 4'000, 999);
  std::vector<std::pair<double, double>> scored;
  for (Eigen::Index i = 0; i < fresh.values.rows(); ++i) {
    scored.emplace_back(
        weights[0] * (fresh.values(i, 1) - 5) / 5 + weights[1] * (fresh.values(i, 2) - 55) / 35,
        fresh.values(i, 0));
  }
  std::sort(scored.begin(), scored.end());
  double ill = 0;
  double ranks = 0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    ill += scored[i].second;
    ranks += scored[i].second * static_cast<double>(i + 1);
  }
  return (ranks - ill * (ill + 1) / 2) / (ill * (static_cast<double>(scored.size()) - ill));
}

/// Those who know the law that the patients are drawn from.
double BestAuc(const Plan& plan) { return AucOf(plan, {2.5, 1.05}); }

/// Epsilon 3 at delta 1e-6 for a patient. With 1250 patients of five hospitals the same steps in
/// NumPy, 40 times with a little more noise, lose 0.001 of an AUC of 0.83 on average.
TEST(PrivateTrainTest, APrivateLogisticModelOfFiveHospitalsRanksPatientsAsWellAsTheLawDoes) {
  const Plan plan = LogisticPlan(kPatientSteps, kPatientDp);
  std::vector<Cohort> cohorts;
  for (std::uint64_t site = 0; site < 5; ++site) {
    cohorts.push_back(TrainPatients(plan, 250, site, 0.5 * static_cast<double>(site % 3) - 0.5));
  }
  const double best = BestAuc(plan);
  EXPECT_GT(best, 0.81);
  double mean = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Json result = RunWith(plan, cohorts, seed);
    const double auc = AucOf(plan, ParametersOf(result));
    EXPECT_GT(auc, best - 0.03);
    mean += auc / 5;
    EXPECT_NEAR(result["rows"].get<double>(), 1'250, 100);
  }
  EXPECT_GT(mean, best - 0.01);
}

/// Epsilon 3 for all that one of 600 hospitals has, of 20 patients each.
TEST(PrivateTrainTest, APrivateModelOfManySitesLearnsThoughEachSiteIsHidden) {
  const Plan plan = LogisticPlan(kSiteSteps, kSiteDp);
  std::vector<Cohort> cohorts;
  for (std::uint64_t site = 0; site < 600; ++site) {
    cohorts.push_back(TrainPatients(plan, 20, site));
  }
  const Json result = RunWith(plan, cohorts, 1, 2);
  EXPECT_GT(AucOf(plan, ParametersOf(result)), BestAuc(plan) - 0.03);
  EXPECT_EQ(ParametersOf(result), ParametersOf(RunWith(plan, cohorts, 1)));
  EXPECT_NE(ParametersOf(result), ParametersOf(RunWith(plan, cohorts, 2)));
}

TEST(PrivateTrainTest, TheResultHasWhatIsPromisedAndNothingWithoutNoise) {
  const Plan plan = LogisticPlan(kSiteSteps, kSiteDp);
  std::vector<Cohort> cohorts = TrainSites(plan, 5);
  const std::vector<CohortView> views = ViewsOf(cohorts);
  const PlainRun run = RunPlain(*plan.analysis, views).value();
  const std::string document = ResultDocument(plan, run.result, run.rounds);
  const Json json = Json::parse(document);
  EXPECT_EQ(json["privacy"]["unit"], "site");
  EXPECT_EQ(json["privacy"]["epsilon"], 3.0);
  EXPECT_EQ(run.rounds, 10u);
  for (const char* absent : {"patients", "rows"}) EXPECT_TRUE(json[absent].is_null()) << absent;
  ASSERT_EQ(json["curve"].size(), 10u);
  for (const Json& point : json["curve"]) {
    for (const char* absent : {"rows", "training_loss", "training_accuracy", "validation_loss",
                               "validation_accuracy", "clipped_share"}) {
      EXPECT_TRUE(point[absent].is_null()) << absent;
    }
    // Of five sites three shares are counted on: 9 * 2 * sqrt(5 / 3) * sqrt(3) / 5.
    EXPECT_NEAR(point["noise_length"].get<double>(), 8.0498, 1e-3);
  }
  EXPECT_THAT(run.result.table, HasSubstr("for all that one hospital has"));
  EXPECT_TRUE(train::ReadReleasedModel(document).has_value());
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(plan)), HasSubstr("every site counts alike"));
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(plan)), HasSubstr("epsilon 3"));
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(LogisticPlan(kPatientSteps, kPatientDp))),
              HasSubstr("of one row at most clip"));
}

TEST(PrivateTrainTest, RowsThatNoiseHidesAreNoReasonForAModel) {
  const Plan plan = LogisticPlan(kPatientSteps, kPatientDp);
  const std::vector<Cohort> cohorts(3, TrainPatients(plan, 10, 1));
  const std::vector<CohortView> views = ViewsOf(cohorts);
  const Result<PlainRun> run = RunPlain(*plan.analysis, views);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().code, ErrorCode::kNotEstimable);
  EXPECT_THAT(run.error().message, HasSubstr("noise hides how many rows"));
}

/// The loss of a time to an event is no sum over patients; a site's update is bounded all the same.
TEST(PrivateTrainTest, AModelOfTimesToAnEventIsHadForSites) {
  const Plan plan = PrivatePlan(
      "kind = \"train\"\nevent = \"ill\"\ntime = \"dose\"\nfeatures = [\"age\"]\nmodel = \"cox\"\n"
      "standardise = \"range\"\nrounds = 3\nclip = 0.01\nlearning_rate = 1\n",
      kSiteDp);
  const Contribution answer = plan.analysis
                                  ->Answer(QueryOf(plan, train::FirstParameters(TrainPlanIn(plan))),
                                           TrainPatients(plan, 60, 5))
                                  .value();
  EXPECT_NEAR(LengthOf(answer.values), 0.01, 1e-9);
}

TEST(PrivateTrainTest, QueriesOfOtherStepsAreRefused) {
  const Plan plan = LogisticPlan(kPatientSteps, kPatientDp);
  train::TrainQuery query;
  query.step = train::Step::kLearn;
  query.round = 2;
  query.scaling = train::RangeScaling(TrainPlanIn(plan));
  query.parameters = {0, 0, 0};
  EXPECT_TRUE(plan.analysis->Describe(train::EncodeQuery(query)).has_value());
  query.heaviest = 5;
  EXPECT_FALSE(plan.analysis->Describe(train::EncodeQuery(query)).has_value());
  query.heaviest = 0;
  query.parameters[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(plan.analysis->Describe(train::EncodeQuery(query)).has_value());
  EXPECT_FALSE(plan.analysis->Describe(Query{}).has_value());
}

TEST(PrivateTrainTest, PatientsInSeveralRowsAreRefusedUnlessTheSiteIsTheUnit) {
  const Plan patients = LogisticPlan(kPatientSteps, kPatientDp);
  const Plan sites = LogisticPlan(kSiteSteps, kSiteDp);
  Cohort cohort = TrainPatients(patients, 30, 1);
  cohort.patients = 20;
  EXPECT_FALSE(patients.analysis->Answer(QueryOf(patients, {0, 0, 0}), cohort).has_value());
  EXPECT_TRUE(sites.analysis->Answer(QueryOf(sites, {0, 0, 0}), cohort).has_value());
}

}  // namespace
}  // namespace consilium::testing
