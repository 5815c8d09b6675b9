// Each strategy against its paper's algorithm, written down in double. Also covers
// protocols/analyses/train/state.cc.

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "protocols/analyses/train/site_rows.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"

namespace consilium::testing {
namespace {

/// Karimireddy et al. 2020, algorithm 1 with option II, all sites in each round, weighted by rows.
TEST(StrategiesTest, ScaffoldIsThatOfItsPaper) {
  constexpr int kSteps = 3;
  constexpr double kRate = 0.6;
  const Plan plan = TrainPlanOf("ill",
                                "model = \"logistic\"\nrounds = 4\nlocal_steps = 3\n"
                                "batch_size = 100000\nlearning_rate = 0.6\n"
                                "standardise = \"range\"\nstrategy = \"scaffold\"");
  const std::vector<Cohort> sites = TrainSites(plan, 3);
  std::vector<double> x(3, 0.0);
  std::vector<double> c(3, 0.0);
  std::vector<std::vector<double>> own(sites.size(), std::vector<double>(3, 0.0));
  double all = 0;
  for (const Cohort& site : sites) all += static_cast<double>(site.values.rows());
  for (int round = 0; round < 4; ++round) {
    std::vector<double> moved(3, 0.0);
    std::vector<double> changed(3, 0.0);
    for (std::size_t i = 0; i < sites.size(); ++i) {
      const double share = static_cast<double>(sites[i].values.rows()) / all;
      std::vector<double> y = x;
      for (int step = 0; step < kSteps; ++step) {
        const std::vector<double> gradient = GradientByHand(sites[i], y);
        for (std::size_t j = 0; j < 3; ++j) y[j] -= kRate * (gradient[j] - own[i][j] + c[j]);
      }
      for (std::size_t j = 0; j < 3; ++j) {
        const double next = own[i][j] - c[j] + (x[j] - y[j]) / (kSteps * kRate);
        moved[j] += share * (y[j] - x[j]);
        changed[j] += share * (next - own[i][j]);
        own[i][j] = next;
      }
    }
    for (std::size_t j = 0; j < 3; ++j) {
      x[j] += moved[j];
      c[j] += changed[j];
    }
  }
  ExpectNear(ParametersOf(RunOn(plan, sites).json), x, 2e-6);
}

/// Wang et al. 2020: sites take different numbers of steps, with momentum; the normalisers are
/// |a|_1 = (t - m (1 - m^t) / (1 - m)) / (1 - m).
TEST(StrategiesTest, FedNovaWeighsSitesByTheirStepsAsItsPaper) {
  const std::string rest =
      "model = \"logistic\"\nrounds = 1\nlocal_epochs = 1\nbatch_size = 16\n"
      "learning_rate = 0.3\nmomentum = 0.8\nstandardise = \"range\"\nstrategy = ";
  const Plan nova = TrainPlanOf("ill", rest + "\"fednova\"");
  const Plan average = TrainPlanOf("ill", rest + "\"fedavg\"");
  const std::vector<Cohort> sites = {TrainPatients(nova, 30, 1), TrainPatients(nova, 150, 2),
                                     TrainPatients(nova, 70, 3)};
  const double steps[] = {2, 10, 5};
  double all = 0;
  double effective = 0;
  std::vector<double> direction(3, 0.0);
  for (std::size_t i = 0; i < 3; ++i) {
    const double t = steps[i];
    const double normaliser = (t - 0.8 * (1 - std::pow(0.8, t)) / 0.2) / 0.2;
    const auto rows = static_cast<double>(sites[i].values.rows());
    all += rows;
    effective += rows * normaliser;
    // Alone, the average of one site's update is that update.
    const std::vector<double> update = ParametersOf(RunOn(average, {sites[i]}).json);
    for (std::size_t j = 0; j < 3; ++j) direction[j] += rows * update[j] / normaliser;
  }
  for (double& number : direction) number *= effective / all / all;
  ExpectNear(ParametersOf(RunOn(nova, sites).json), direction, 1e-6);
}

/// The geometric median of three sites' updates, found by Weiszfeld's iteration in double from the
/// mean on; each site's update is that of federated averaging over it alone.
TEST(StrategiesTest, RfaIsTheSmoothedGeometricMedianOfItsPaper) {
  const std::string rest =
      "model = \"logistic\"\nrounds = 1\nlocal_epochs = 3\nbatch_size = 16\n"
      "standardise = \"range\"\nstrategy = ";
  const Plan rfa = TrainPlanOf("ill", rest + "\"rfa\"\nrfa_iterations = 5\nrfa_smoothing = 0.3");
  const Plan average = TrainPlanOf("ill", rest + "\"fedavg\"");
  const std::vector<Cohort> sites = {TrainPatients(rfa, 40, 1), TrainPatients(rfa, 90, 2, 2.0),
                                     TrainPatients(rfa, 60, 3)};
  std::vector<std::vector<double>> updates;
  for (const Cohort& site : sites) updates.push_back(ParametersOf(RunOn(average, {site}).json));
  std::vector<double> middle = ParametersOf(RunOn(average, sites).json);
  for (int iteration = 0; iteration < 5; ++iteration) {
    std::vector<double> next(3, 0.0);
    double weights = 0;
    for (std::size_t i = 0; i < sites.size(); ++i) {
      double squares = 0;
      for (std::size_t j = 0; j < 3; ++j) {
        squares += (updates[i][j] - middle[j]) * (updates[i][j] - middle[j]);
      }
      const double weight =
          static_cast<double>(sites[i].values.rows()) / std::max(0.3, std::sqrt(squares));
      weights += weight;
      for (std::size_t j = 0; j < 3; ++j) next[j] += weight * updates[i][j];
    }
    for (std::size_t j = 0; j < 3; ++j) middle[j] = next[j] / weights;
  }
  const Outcome outcome = RunOn(rfa, sites);
  ExpectNear(ParametersOf(outcome.json), middle, 2e-6);
  EXPECT_EQ(outcome.queries.size(), 6u);
  EXPECT_EQ(rfa.analysis->maximum_rounds(), 6u);
}

TEST(StrategiesTest, PersonalLayersNeverLeaveTheirSite) {
  const std::string rest = "model = \"mlp\"\nhidden = [4]\nrounds = 3\nvalidation = 0.2\n";
  const Plan plan = TrainPlanOf("ill", rest + "personal = [\"head\"]");
  const std::vector<Cohort> sites = TrainSites(plan, 3);
  const Outcome outcome = RunOn(plan, sites);
  std::size_t summed = 0;
  const std::vector<Slice> slices = plan.analysis->Describe(outcome.queries[1]).value();
  for (const Slice& slice : slices) {
    if (slice.name == "update") summed = slice.slot.count;
  }
  EXPECT_EQ(summed, 4u * 2 + 4);
  // The result has the head that all sites began with: here the first query's.
  const Json& result = outcome.json;
  EXPECT_EQ(result["model"]["personal"][0], "layer2");
  EXPECT_EQ(result["parameters"][3]["values"][0], 0.0);
  // Sites learn their heads: with them they do better than with the common one.
  const Json common = RunOn(TrainPlanOf("ill", rest), sites).json;
  EXPECT_NE(result["curve"][2]["training_loss"], common["curve"][2]["training_loss"]);
  const StatefulAnswer first = plan.analysis->Answer(outcome.queries[1], sites[0], {}).value();
  const StatefulAnswer second =
      plan.analysis->Answer(outcome.queries[2], sites[0], first.next_state).value();
  EXPECT_NE(first.next_state, second.next_state);
}

/// One step on all rows a round for the common model and for the site's own: in double, by hand.
TEST(StrategiesTest, DittoKeepsAModelOfItsOwnAtEachSite) {
  const std::string rest =
      "model = \"logistic\"\nrounds = 3\nlocal_steps = 1\nbatch_size = 100000\n"
      "learning_rate = 0.9\nstandardise = \"range\"\nvalidation = 0.3\nstrategy = ";
  const Plan ditto = TrainPlanOf("ill", rest + "\"ditto\"\nlambda = 0.4");
  const Plan average = TrainPlanOf("ill", rest + "\"fedavg\"");
  const std::vector<Cohort> one = {TrainPatients(ditto, 100, 5)};
  const Json result = RunOn(ditto, one).json;
  // The common model is that of federated averaging.
  EXPECT_EQ(result["parameters"], RunOn(average, one).json["parameters"]);
  const train::TrainPlan parsed = TrainPlanIn(ditto);
  const train::SiteRows rows =
      train::MakeSiteRows(parsed, train::RangeScaling(parsed), one[0]).value();
  const auto part = [&](const std::vector<std::uint32_t>& chosen) {
    Cohort cohort = one[0];
    cohort.values.resize(static_cast<Eigen::Index>(chosen.size()), 3);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      cohort.values.row(static_cast<Eigen::Index>(i)) = one[0].values.row(chosen[i]);
    }
    return cohort;
  };
  const Cohort learned = part(rows.learned);
  const Cohort held_out = part(rows.held_out);
  std::vector<double> common(3, 0.0);
  std::vector<double> own(3, 0.0);
  for (int round = 0; round < 3; ++round) {
    double loss = 0;
    for (Eigen::Index i = 0; i < held_out.values.rows(); ++i) {
      const double eta = own[0] * (held_out.values(i, 1) - 5) / 5 +
                         own[1] * (held_out.values(i, 2) - 55) / 35 + own[2];
      loss += std::log(1 + std::exp(eta)) - held_out.values(i, 0) * eta;
    }
    EXPECT_NEAR(
        result["curve"][static_cast<std::size_t>(round)]["own_validation_loss"].get<double>(),
        loss / static_cast<double>(held_out.values.rows()), 1e-6);
    const std::vector<double> to_common = GradientByHand(learned, common);
    const std::vector<double> to_own = GradientByHand(learned, own);
    for (std::size_t j = 0; j < 3; ++j) {
      own[j] -= 0.9 * (to_own[j] + 0.4 * (own[j] - common[j]));
      common[j] -= 0.9 * to_common[j];
    }
  }
}

/// From the state that a site has, and to the next; nothing is hidden in the analysis.
TEST(StrategiesTest, AStateIsAnExplicitValue) {
  const Plan plan =
      TrainPlanOf("ill", "model = \"mlp\"\nhidden = [4]\nrounds = 3\nstrategy = \"scaffold\"");
  EXPECT_TRUE(plan.analysis->HasState());
  EXPECT_FALSE(TrainPlanOf("ill", "model = \"logistic\"\nrounds = 3").analysis->HasState());
  const std::vector<Cohort> sites = TrainSites(plan, 3);
  const std::vector<Query> queries = RunOn(plan, sites).queries;
  Bytes state;
  const StatefulAnswer moments = plan.analysis->Answer(queries[0], sites[1], state).value();
  EXPECT_TRUE(moments.next_state.empty());
  const StatefulAnswer first = plan.analysis->Answer(queries[1], sites[1], state).value();
  EXPECT_FALSE(first.next_state.empty());
  const StatefulAnswer again = plan.analysis->Answer(queries[1], sites[1], state).value();
  EXPECT_EQ(again.contribution.values, first.contribution.values);
  EXPECT_EQ(again.next_state, first.next_state);
  const StatefulAnswer later =
      plan.analysis->Answer(queries[2], sites[1], first.next_state).value();
  const StatefulAnswer without = plan.analysis->Answer(queries[2], sites[1], state).value();
  EXPECT_NE(later.contribution.values, without.contribution.values);
  Bytes altered = first.next_state;
  altered.pop_back();
  EXPECT_EQ(plan.analysis->Answer(queries[2], sites[1], altered).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace consilium::testing
