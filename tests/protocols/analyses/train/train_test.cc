// Training as a whole, over plain sums: against descent written in double, against the exact fit,
// and in what must not change a bit. Also covers protocols/analyses/train/course.cc and
// protocols/analyses/train/render.cc.

#include "protocols/analyses/train/train.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/train/query.h"
#include "protocols/analyses/train/site.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

Cohort Pooled(const std::vector<Cohort>& cohorts) {
  Cohort pooled = cohorts.front();
  for (std::size_t i = 1; i < cohorts.size(); ++i) {
    const RowMatrix above = pooled.values;
    pooled.values.resize(above.rows() + cohorts[i].values.rows(), above.cols());
    pooled.values << above, cohorts[i].values;
    pooled.patients += cohorts[i].patients;
  }
  return pooled;
}

/// Descent on the mean logistic loss in double, on terms scaled by the contract's ranges.
std::vector<double> DescentByHand(const Cohort& cohort, int steps, double rate, double l2) {
  std::vector<double> w(3, 0.0);
  for (int step = 0; step < steps; ++step) {
    const std::vector<double> gradient = GradientByHand(cohort, w);
    for (std::size_t j = 0; j < 3; ++j) {
      w[j] -= rate * (gradient[j] + (j < 2 ? l2 * w[j] : 0));
    }
  }
  return w;
}

/// One step on all rows a round: the weighted mean of the sites' steps is the pooled step, however
/// rows are split.
TEST(TrainTest, AStepARoundIsDescentOnThePooledData) {
  const Plan plan = TrainPlanOf("ill",
                                "model = \"logistic\"\nrounds = 40\nlocal_steps = 1\n"
                                "batch_size = 100000\nlearning_rate = 1.5\nl2 = 0.01\n"
                                "standardise = \"range\"");
  const std::vector<Cohort> sites = TrainSites(plan, 4);
  const std::vector<double> expected = DescentByHand(Pooled(sites), 40, 1.5, 0.01);
  ExpectNear(ParametersOf(RunOn(plan, sites).json), expected, 3e-6);
  ExpectNear(ParametersOf(RunOn(plan, {Pooled(sites)}).json), expected, 3e-6);
}

/// The exact fit is compared with R elsewhere.
TEST(TrainTest, ConvergesToTheMaximumLikelihoodEstimate) {
  const Plan plan = TrainPlanOf("ill",
                                "model = \"logistic\"\nrounds = 400\nlocal_steps = 1\n"
                                "batch_size = 100000\nlearning_rate = 2\nclip = 1000");
  const Plan exact = PlanOf(TrainColumns(),
                            "kind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"dose\", "
                            "\"age\"]");
  const std::vector<Cohort> sites = TrainSites(plan, 4);
  const Json trained = RunOn(plan, sites).json;
  const Json reference = RunOn(exact, sites).json;
  const std::vector<double> weights = ParametersOf(trained);
  double intercept = weights[2];
  for (std::size_t j = 0; j < 2; ++j) {
    const Json& input = trained["model"]["inputs"][j];
    const double slope = weights[j] / input["scale"].get<double>();
    intercept -= slope * input["centre"].get<double>();
    ExpectClose(slope, reference["coefficients"][j + 1]["estimate"], 2e-5, "slope");
  }
  ExpectClose(intercept, reference["coefficients"][0]["estimate"], 2e-5, "intercept");
  // The mean loss is half the mean deviance.
  const double rows = reference["rows"].get<double>();
  ExpectClose(trained["curve"].back()["training_loss"],
              reference["deviance"].get<double>() / 2 / rows, 1e-6, "loss");
}

TEST(TrainTest, ALinearModelConvergesToLeastSquares) {
  const Plan plan = TrainPlanOf("pressure",
                                "model = \"linear\"\nrounds = 200\nlocal_steps = 1\n"
                                "batch_size = 100000\nlearning_rate = 0.5");
  const Plan exact = PlanOf(TrainColumns(),
                            "kind = \"linear\"\noutcome = \"pressure\"\nfeatures = [\"dose\", "
                            "\"age\"]");
  const std::vector<Cohort> sites = TrainSites(plan, 3);
  const Json trained = RunOn(plan, sites).json;
  const Json reference = RunOn(exact, sites).json;
  const std::vector<double> weights = ParametersOf(trained);
  const double scale = trained["model"]["output"]["scale"].get<double>();
  for (std::size_t j = 0; j < 2; ++j) {
    const double slope = weights[j] * scale / trained["model"]["inputs"][j]["scale"].get<double>();
    ExpectClose(slope, reference["coefficients"][j + 1]["estimate"], 1e-5, "slope");
  }
}

/// Two local steps on all rows, by hand: the second is drawn back to where the round began.
TEST(TrainTest, FedProxDrawsSitesBackToTheRoundsModel) {
  constexpr double kMu = 0.7;
  const std::string rest =
      "model = \"logistic\"\nrounds = 1\nlocal_steps = 2\nbatch_size = 100000\n"
      "learning_rate = 0.8\nstandardise = \"range\"\nstrategy = ";
  const Plan prox = TrainPlanOf("ill", rest + "\"fedprox\"\nmu = 0.7");
  const Plan average = TrainPlanOf("ill", rest + "\"fedavg\"");
  const std::vector<Cohort> one = {TrainPatients(prox, 80, 3)};
  const std::vector<double> after_one = DescentByHand(one[0], 1, 0.8, 0);
  std::vector<double> after_two = DescentByHand(one[0], 2, 0.8, 0);
  ExpectNear(ParametersOf(RunOn(average, one).json), after_two, 1e-6);
  for (std::size_t j = 0; j < 3; ++j) after_two[j] -= 0.8 * kMu * after_one[j];
  ExpectNear(ParametersOf(RunOn(prox, one).json), after_two, 1e-6);
}

const char* const kCourses[] = {
    "model = \"logistic\"\nrounds = 4\nbatch_size = 16\nlocal_epochs = 2\n",
    "model = \"logistic\"\nrounds = 4\nbatch_size = 16\noptimiser = \"adam\"\n"
    "strategy = \"fedyogi\"\n",
    "model = \"mlp\"\nhidden = [9, 5]\nrounds = 4\nbatch_size = 16\nmomentum = 0.9\n"
    "validation = 0.25\nlearning_rate = 0.02\nstrategy = \"fedavgm\"\nserver_momentum = 0.5\n",
    "model = \"mlp\"\nhidden = [9]\nrounds = 4\nlocal_steps = 7\nbatch_size = 8\n"
    "standardise = \"site\"\nstrategy = \"fedprox\"\n",
    "model = \"logistic\"\nrounds = 4\nbatch_size = 16\nstrategy = \"scaffold\"\n",
    "model = \"mlp\"\nhidden = [9]\nrounds = 4\nmomentum = 0.5\nstrategy = \"fednova\"\n",
    "model = \"mlp\"\nhidden = [9]\nrounds = 2\nstrategy = \"rfa\"\n",
    "model = \"mlp\"\nhidden = [9]\nrounds = 3\nvalidation = 0.3\nstrategy = \"ditto\"\n",
    "model = \"mlp\"\nhidden = [9, 4]\nrounds = 3\npersonal = [\"layer1\"]\n"};

TEST(TrainTest, NeitherThreadsNorTheOrderOfSitesNorMemoryChangeABit) {
  for (const char* course : kCourses) {
    const Plan plan = TrainPlanOf("ill", course);
    std::vector<Cohort> sites = TrainSites(plan, 9, 30);
    sites.push_back(sites.front());  // As many rows as another.
    const std::vector<CohortView> views(sites.begin(), sites.end());
    const std::string first = RunPlain(*plan.analysis, views, {.threads = 1})->result.json;
    EXPECT_EQ(RunPlain(*plan.analysis, views, {.threads = 4})->result.json, first);
    const std::vector<CohortView> reversed(views.rbegin(), views.rend());
    EXPECT_EQ(RunPlain(*plan.analysis, reversed, {.threads = 3})->result.json, first);
    // Each answer alone, from a query read anew, without memory.
    const Outcome recorded = RunOn(plan, sites);
    EXPECT_EQ(recorded.result.json, first);
    if (plan.analysis->HasState()) continue;
    for (const Query& query : recorded.queries) {
      const Contribution alone = plan.analysis->Answer(query, sites[2]).value();
      const auto prepared = plan.analysis->Prepare(query).value();
      SiteMemory memory;
      std::vector<double> values(alone.values.size());
      for (const std::size_t site : {0U, 2U}) {
        memory.scratch.reset();
        ASSERT_TRUE(prepared->Answer(sites[site], memory, values).has_value());
      }
      EXPECT_EQ(values, alone.values);
      ASSERT_TRUE(prepared->Answer(sites[2], memory, values).has_value());
      EXPECT_EQ(values, alone.values);
    }
  }
}

TEST(TrainTest, AnswersWhatItDescribesWithinItsBounds) {
  for (const char* course : kCourses) {
    for (const char* outcome : {"ill", "group", "pressure"}) {
      if (std::string(course).find("logistic") != std::string::npos &&
          outcome == std::string("pressure")) {
        continue;
      }
      const Plan plan = TrainPlanOf(outcome, course);
      const std::vector<Cohort> sites = TrainSites(plan, 3, 40);
      const std::vector<Slice> review = plan.analysis->DescribeForReview();
      const Outcome recorded = RunOn(plan, sites);
      EXPECT_LE(recorded.queries.size(), plan.analysis->maximum_rounds());
      Bytes state;
      for (const Query& query : recorded.queries) {
        const std::vector<Slice> slices = plan.analysis->Describe(query).value();
        StatefulAnswer stateful = plan.analysis->Answer(query, sites[1], state).value();
        state = std::move(stateful.next_state);
        const Contribution answer = std::move(stateful.contribution);
        ASSERT_TRUE(EncodeFixedPoint(answer.values, SlotsOf(slices), 128).has_value());
        for (const Slice& slice : slices) {
          EXPECT_FALSE(slice.meaning.empty());
          const auto listed =
              std::find_if(review.begin(), review.end(), [&slice](const Slice& other) {
                return other.name == slice.name && other.shape == slice.shape;
              });
          EXPECT_NE(listed, review.end()) << slice.name;
        }
      }
    }
  }
}

TEST(TrainTest, UpdatesAreClippedAndTheShareOfClippedSitesIsReported) {
  const std::string rest =
      "model = \"logistic\"\nrounds = 1\nlocal_epochs = 5\nlearning_rate = 0.5\nclip = ";
  const Plan free = TrainPlanOf("ill", rest + "1000");
  const std::vector<Cohort> sites = TrainSites(free, 4);
  const Json loose = RunOn(free, sites).json;
  EXPECT_EQ(loose["curve"][0]["clipped_share"], 0.0);
  const double length = loose["curve"][0]["update_length"].get<double>();
  ASSERT_GT(length, 0.2);
  const Json tight = RunOn(TrainPlanOf("ill", rest + "0.1"), sites).json;
  EXPECT_EQ(tight["curve"][0]["clipped_share"], 1.0);
  EXPECT_LE(tight["curve"][0]["update_length"].get<double>(), 0.1);
  double squares = 0;
  for (const double number : ParametersOf(tight)) squares += number * number;
  EXPECT_NEAR(std::sqrt(squares), tight["curve"][0]["update_length"].get<double>(), 1e-7);
}

TEST(TrainTest, HeldOutRowsAreNeverLearnedFrom) {
  const Plan plan = TrainPlanOf("ill",
                                "model = \"logistic\"\nrounds = 3\nvalidation = 0.3\n"
                                "standardise = \"range\"");
  const Cohort cohort = TrainPatients(plan, 300, 4);
  const train::TrainPlan parsed = TrainPlanIn(plan);
  const train::SiteRows rows =
      train::MakeSiteRows(parsed, train::RangeScaling(parsed), cohort).value();
  EXPECT_EQ(rows.held_out.size(), 90u);
  EXPECT_EQ(rows.held_out.size() + rows.learned.size(), 300u);
  // Their outcomes turned over change what is measured, and nothing that is learned.
  Cohort turned = cohort;
  for (const std::uint32_t row : rows.held_out) turned.values(row, 0) = 1 - turned.values(row, 0);
  const Json first = RunOn(plan, {cohort}).json;
  const Json second = RunOn(plan, {turned}).json;
  EXPECT_NE(first["curve"].back()["validation_loss"], second["curve"].back()["validation_loss"]);
  for (std::size_t i = 0; i < first["curve"].size(); ++i) {
    EXPECT_EQ(first["curve"][i]["training_loss"], second["curve"][i]["training_loss"]);
  }
  EXPECT_EQ(first["validation_rows"], rows.held_out.size());
}

TEST(TrainTest, StopsEarlyAndReleasesTheModelWithTheBestHeldOutLoss) {
  // A network far too large for forty rows a site, which it learns by heart.
  const Plan plan = TrainPlanOf("ill",
                                "model = \"mlp\"\nhidden = [64, 64]\nrounds = 200\n"
                                "local_epochs = 5\nlearning_rate = 0.3\nvalidation = 0.4\n"
                                "patience = 4\nbatch_size = 8");
  const Json result = RunOn(plan, TrainSites(plan, 3, 40)).json;
  ASSERT_TRUE(result["stopped_early"].get<bool>());
  const auto best = result["best_round"].get<std::size_t>();
  const Json& curve = result["curve"];
  ASSERT_EQ(curve.size(), best + 5);
  double smallest = std::numeric_limits<double>::infinity();
  for (const Json& point : curve) {
    smallest = std::min(smallest, point["validation_loss"].get<double>());
  }
  EXPECT_EQ(curve[best]["validation_loss"].get<double>(), smallest);
  EXPECT_LT(curve.back()["training_loss"].get<double>(),
            curve[best]["training_loss"].get<double>());
}

TEST(TrainTest, ADivergingSiteSaysSo) {
  const Plan plan = TrainPlanOf("pressure",
                                "model = \"linear\"\nrounds = 2\nlearning_rate = 1e6\n"
                                "local_epochs = 50");
  const Error error = ErrorOf(plan, TrainSites(plan, 3));
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(Describe(error), HasSubstr("smaller learning_rate"));
}

TEST(TrainTest, QueriesOfAnotherShapeAreRefused) {
  const Plan plan = TrainPlanOf("ill", "model = \"logistic\"\nrounds = 3\nstandardise = \"range\"");
  const Outcome recorded = RunOn(plan, TrainSites(plan, 3));
  const Query good = recorded.queries.front();
  ASSERT_TRUE(plan.analysis->Describe(good).has_value());
  const auto refused = [&](const Query& query) {
    const auto slices = plan.analysis->Describe(query);
    return !slices && slices.error().code == ErrorCode::kInvalidArgument;
  };
  Query longer = good;
  longer.body.push_back(std::byte{0});
  EXPECT_TRUE(refused(longer));
  Query shorter = good;
  shorter.body.pop_back();
  EXPECT_TRUE(refused(shorter));
  Query other_step = good;
  other_step.body[0] = std::byte{1};
  EXPECT_TRUE(refused(other_step));
  other_step.body[0] = std::byte{3};
  EXPECT_TRUE(refused(other_step));
  Query other_round = good;
  other_round.body[1] = std::byte{4};
  EXPECT_TRUE(refused(other_round));
  Query no_number = good;  // The last parameter becomes a NaN.
  no_number.body[no_number.body.size() - 1] = std::byte{0x7f};
  no_number.body[no_number.body.size() - 2] = std::byte{0xc0};
  EXPECT_TRUE(refused(no_number));
}

TEST(TrainTest, NetworksLearnWhatALineCannot) {
  const std::string columns = Category("c", {"in", "left", "right"}) + Number("x", -1, 1);
  const std::string rest =
      "kind = \"train\"\noutcome = \"c\"\nfeatures = [\"x\"]\nrounds = 60\nlearning_rate = 0.3\n"
      "batch_size = 16\nlocal_epochs = 2\nvalidation = 0.2\n";
  const Plan plan = PlanOf(columns, rest + "model = \"mlp\"\nhidden = [16]");
  std::vector<Cohort> sites;
  for (std::uint64_t site = 0; site < 3; ++site) {
    Cohort cohort;
    cohort.columns = {"c", "x"};
    cohort.values.resize(120, 2);
    cohort.patients = 120;
    SeededRandom random(site + 40);
    for (Eigen::Index i = 0; i < 120; ++i) {
      const double x = 2 * random.Unit() - 1;
      cohort.values(i, 1) = x;
      cohort.values(i, 0) = std::abs(x) < 0.4 ? 0 : x < 0 ? 1 : 2;
    }
    sites.push_back(cohort);
  }
  const Json last = RunOn(plan, sites).json["curve"].back();
  EXPECT_GT(last["validation_accuracy"].get<double>(), 0.93);
}

/// One site adds this much to a number of its update, far beyond what it may.
class OneLiar final : public Federation {
 public:
  OneLiar(const Plan& plan, const std::vector<CohortView>& sites, double more)
      : analysis_(*plan.analysis), inner_(*plan.analysis, sites), more_(more) {}

  Aggregate Sum(const Query& query) override {
    Aggregate sum = inner_.Sum(query);
    std::size_t at = 0;
    const std::vector<Slice> slices = analysis_.Describe(query).value();
    for (const Slice& slice : slices) {
      if (slice.name == "update") sum.values[at] += more_;
      at += slice.slot.count;
    }
    return sum;
  }

 private:
  const Analysis& analysis_;
  PlainFederation inner_;
  const double more_;
};

TEST(TrainTest, ASumOfUpdatesThatNoSitesWithinClipCanHaveStopsTheStudy) {
  const Plan plan =
      TrainPlanOf("ill", "model = \"logistic\"\nrounds = 2\nclip = 0.5\nlearning_rate = 0.1\n");
  const std::vector<Cohort> sites = TrainSites(plan, 3);
  const std::vector<CohortView> views(sites.begin(), sites.end());
  double rows = 0;
  for (const Cohort& site : sites) rows += static_cast<double>(site.values.rows());
  OneLiar within(plan, views, 0.1 * rows);
  EXPECT_TRUE(plan.analysis->Run(within).has_value());
  OneLiar beyond(plan, views, 1.1 * rows);
  const Result<AnalysisResult> run = plan.analysis->Run(beyond);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(run.error().message, HasSubstr("longer than clip allows"));
}

}  // namespace
}  // namespace consilium::testing
