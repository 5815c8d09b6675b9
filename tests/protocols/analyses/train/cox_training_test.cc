// Trained models of the time to an event, against the exact Cox regression and by their own
// properties. Covers protocols/analyses/train/cox_head.cc, protocols/analyses/train/cox_settings.cc
// and protocols/analyses/train/cox_site.cc.

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fixed_point.h"
#include "protocols/analyses/train/cox_head.h"
#include "protocols/analyses/train/query.h"
#include "protocols/analyses/train/released_model.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Columns() {
  return Boolean("death") + Number("time", 0, 1000) + Number("dose", 0, 10) +
         Number("age", 20, 90) + Category("group", {"a", "b", "c"});
}

std::string Analysis(const std::string& rest) {
  return "kind = \"train\"\nevent = \"death\"\ntime = \"time\"\nfeatures = [\"dose\", \"age\"]\n" +
         rest;
}

Plan CoxPlanOf(const std::string& rest) { return PlanOf(Columns(), Analysis(rest)); }

/// One step on all of a site's rows in each round: descent on the federation's likelihood.
const std::string kDescent =
    "model = \"cox\"\nlocal_steps = 1\nbatch_size = 100000\nlearning_rate = 1\n";

/// A hazard that is a line in dose and age, or bends in dose.
enum class Hazard { kLine, kBend };

std::vector<Cohort> Sites(const Plan& plan,
                          std::size_t sites,
                          std::size_t rows = 80,
                          Hazard hazard = Hazard::kLine) {
  std::vector<Cohort> cohorts;
  for (std::size_t site = 0; site < sites; ++site) {
    SeededRandom random(std::uint64_t{site + 1});
    Cohort cohort;
    cohort.columns = plan.analysis->columns();
    cohort.patients = rows + 9 * site;
    cohort.values.resize(static_cast<Eigen::Index>(cohort.patients), 4);
    for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
      const double dose = 10 * random.Unit();
      const double age = 20 + 70 * random.Unit();
      const double x = dose - 5;
      const double eta = hazard == Hazard::kLine ? 0.2 * x + 0.02 * (age - 55) : 0.3 * (x * x - 8);
      // Baselines differ by a factor of 50.
      const double baseline =
          5 * std::pow(50, static_cast<double>(site) / static_cast<double>(sites));
      const double time = baseline * -std::log(1 - random.Unit()) / std::exp(eta);
      const double censored = 3 * baseline * random.Unit();
      // In whole units: events share times.
      cohort.values.row(i) << (time < censored ? 1 : 0),
          std::min(1000.0, std::ceil(std::min(time, censored))), dose, age;
    }
    cohorts.push_back(std::move(cohort));
  }
  return cohorts;
}

/// What the exact regression finds on the same sites.
Json ExactFit(const std::string& columns,
              const std::string& outcome,
              const std::vector<Cohort>& cohorts) {
  const Plan plan = PlanOf(columns, "kind = \"cox\"\nties = \"breslow\"\n" + outcome);
  return RunOn(plan, cohorts).json;
}

/// A trained line's log hazards for one unit of each term.
std::vector<double> CoefficientsOf(const Json& trained) {
  std::vector<double> coefficients;
  const std::vector<double> weights = ParametersOf(trained);
  const Json& inputs = trained["model"]["inputs"];
  for (std::size_t j = 0; j < inputs.size(); ++j) {
    coefficients.push_back(weights[j] / inputs[j]["scale"].get<double>());
  }
  return coefficients;
}

/// Weights are numbers of single precision, good to 2^-24 = 6e-8 of their own size, as are the
/// rows' terms; so is each step's gradient, which ends where it is rounding. On the scale of
/// training, where weights are below 1 and their standard errors a tenth or so, that is some 1e-6
/// of these.
constexpr double kOfAStandardError = 2e-5;

void ExpectExact(const Json& trained, const Json& exact) {
  const std::vector<double> found = CoefficientsOf(trained);
  ASSERT_EQ(found.size(), exact["coefficients"].size());
  for (std::size_t j = 0; j < found.size(); ++j) {
    const Json& line = exact["coefficients"][j];
    EXPECT_NEAR(found[j], line["estimate"].get<double>(),
                kOfAStandardError * line["std_error"].get<double>())
        << line["name"];
  }
  // The bias stays where it began: a constant is the baseline hazard's.
  EXPECT_EQ(ParametersOf(trained).back(), 0);
  const Json& last = trained["curve"].back();
  const double rows = trained["rows"];
  ExpectClose(last["training_loss"].get<double>() * rows, -exact["log_likelihood"].get<double>(),
              1e-6, "loss");
  ExpectClose(last["training_concordance"], exact["concordance"], 1e-6, "concordance");
  EXPECT_EQ(trained["events"], exact["events"]);
}

TEST(CoxTrainingTest, AStepARoundConvergesToTheStratifiedCoxRegression) {
  const Plan plan = CoxPlanOf(kDescent + "rounds = 150\n");
  const std::vector<Cohort> sites = Sites(plan, 4);
  const Json trained = RunOn(plan, sites).json;
  const Json exact = ExactFit(
      Columns(), "event = \"death\"\ntime = \"time\"\nfeatures = [\"dose\", \"age\"]\n", sites);
  ExpectExact(trained, exact);
  // It begins at zero: the likelihood without features, and all pairs tied.
  const Json& first = trained["curve"][0];
  ExpectClose(first["training_loss"].get<double>() * trained["rows"].get<double>(),
              -exact["null_log_likelihood"].get<double>(), 1e-10, "loss at zero");
  EXPECT_EQ(first["training_concordance"], 0.5);
}

/// Sites whose own estimates differ drift apart while they learn alone; SCAFFOLD corrects it.
TEST(CoxTrainingTest, ScaffoldConvergesToItWithManyStepsARound) {
  const std::string steps =
      "model = \"cox\"\nlocal_steps = 10\nbatch_size = 100000\nlearning_rate = 0.3\n";
  const Plan scaffold = CoxPlanOf(steps + "rounds = 150\nstrategy = \"scaffold\"\n");
  const Plan average = CoxPlanOf(steps + "rounds = 150\n");
  const std::vector<Cohort> sites = Sites(scaffold, 4);
  const Json exact = ExactFit(
      Columns(), "event = \"death\"\ntime = \"time\"\nfeatures = [\"dose\", \"age\"]\n", sites);
  ExpectExact(RunOn(scaffold, sites).json, exact);
  const std::vector<double> drifted = CoefficientsOf(RunOn(average, sites).json);
  for (std::size_t j = 0; j < drifted.size(); ++j) {
    const Json& line = exact["coefficients"][j];
    const double error = std::abs(drifted[j] - line["estimate"].get<double>());
    EXPECT_GT(error, 100 * kOfAStandardError * line["std_error"].get<double>());
    EXPECT_LT(error, line["std_error"].get<double>());
  }
}

TEST(CoxTrainingTest, RealHospitalsConvergeToTheirCoxRegression) {
  REQUIRE_REFERENCE_DATA();
  Rows rows;
  for (const Row& row : ReadCsv(*DataFolder() / "multisite/csv/lung.csv")) {
    if (!row.at("inst").empty()) rows.push_back(row);
  }
  const std::string columns = Boolean("death") + Integer("time", 0, 3000) + Number("age", 18, 110) +
                              Number("sex", 1, 2) + Number("ph_ecog", 0, 5);
  const std::string outcome =
      "event = \"death\"\ntime = \"time\"\nfeatures = [\"age\", \"sex\", \"ph_ecog\"]\n";
  const Plan plan = PlanOf(columns, "kind = \"train\"\nrounds = 200\n" + outcome + kDescent);
  const std::vector<Cohort> sites = CohortsBy(plan, rows, "inst");
  ExpectExact(RunOn(plan, sites).json, ExactFit(columns, outcome, sites));
}

/// Those at risk are rows of the batch alone: another objective, near the whole one where hazards
/// are proportional.
TEST(CoxTrainingTest, SmallBatchesComeNearIt) {
  const Plan plan =
      CoxPlanOf("model = \"cox\"\nrounds = 60\nbatch_size = 16\nlearning_rate = 0.05\n");
  const std::vector<Cohort> sites = Sites(plan, 4, 200);
  const std::vector<double> found = CoefficientsOf(RunOn(plan, sites).json);
  const Json exact = ExactFit(
      Columns(), "event = \"death\"\ntime = \"time\"\nfeatures = [\"dose\", \"age\"]\n", sites);
  for (std::size_t j = 0; j < found.size(); ++j) {
    const Json& line = exact["coefficients"][j];
    EXPECT_NEAR(found[j], line["estimate"].get<double>(), line["std_error"].get<double>());
  }
}

TEST(CoxTrainingTest, TheOrderWithinABatchDoesNotMatter) {
  const Plan plan = CoxPlanOf(kDescent + "rounds = 1\n");
  const train::TrainPlan read = TrainPlanIn(plan);
  const Cohort cohort = Sites(plan, 1)[0];
  const train::SiteRows rows = train::MakeSiteRows(read, train::RangeScaling(read), cohort).value();
  train::CoxHead head(read.network);
  const std::vector<float> parameters = {0.3F, -0.2F, 0.0F};
  std::vector<std::uint32_t> batch = {5, 17, 3, 40, 41, 42, 60, 2};
  std::vector<float> forward(3, 9.0F);
  std::vector<float> backward(3);
  train::LossSums one;
  train::LossSums other;
  head.Gradient(rows, batch, parameters.data(), forward.data(), nullptr, one);
  std::reverse(batch.begin(), batch.end());
  head.Gradient(rows, batch, parameters.data(), backward.data(), nullptr, other);
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(one.loss, other.loss);
  EXPECT_EQ(forward[2], 0);
  EXPECT_NE(forward[0], 0);
}

/// Central differences over outputs of single precision: some 1e-4, and as much where max(0, x)
/// bends within a step.
TEST(CoxTrainingTest, ANetworksGradientIsTheSlopeOfItsLoss) {
  const Plan plan = CoxPlanOf("model = \"mlp\"\nhidden = [5, 4]\nrounds = 1\n");
  const train::TrainPlan read = TrainPlanIn(plan);
  const Cohort cohort = Sites(plan, 1)[0];
  const train::SiteRows rows = train::MakeSiteRows(read, train::RangeScaling(read), cohort).value();
  train::CoxHead head(read.network);
  std::vector<float> parameters = train::FirstParameters(read);
  std::vector<std::uint32_t> batch;
  for (std::uint32_t i = 0; i < 40; ++i) batch.push_back(i);
  std::vector<float> scratch(head.ScratchFor(256));
  std::vector<float> gradient(train::Padded(parameters.size()));
  train::LossSums sums;
  head.Gradient(rows, batch, parameters.data(), gradient.data(), scratch.data(), sums);
  EXPECT_EQ(gradient[parameters.size() - 1], 0);
  double longest = 0;
  for (std::size_t j = 0; j + 1 < parameters.size(); ++j) {
    constexpr float kStep = 0x1p-12F;
    double losses[2];
    const float before = parameters[j];
    for (const int side : {0, 1}) {
      parameters[j] = before + (side == 0 ? -kStep : kStep);
      losses[side] = head.Evaluate(rows, 0, 40, parameters.data(), scratch.data()).loss;
    }
    parameters[j] = before;
    const double slope = (losses[1] - losses[0]) / (2 * static_cast<double>(kStep)) / 40;
    EXPECT_NEAR(static_cast<double>(gradient[j]), slope, 2e-3) << j;
    longest = std::max(longest, std::abs(slope));
  }
  EXPECT_GT(longest, 0.02);
}

TEST(CoxTrainingTest, ANetworkLearnsAHazardThatBends) {
  const std::string course =
      "rounds = 40\nlocal_epochs = 2\nbatch_size = 64\nlearning_rate = 0.1\nvalidation = 0.25\n";
  const Plan line = CoxPlanOf("model = \"cox\"\n" + course);
  const Plan network = CoxPlanOf("model = \"mlp\"\nhidden = [16]\n" + course);
  const std::vector<Cohort> sites = Sites(line, 4, 250, Hazard::kBend);
  const auto held_out = [&sites](const Plan& plan) {
    const Json result = RunOn(plan, sites).json;
    return result["curve"].back()["validation_concordance"].get<double>();
  };
  EXPECT_LT(held_out(line), 0.6);
  EXPECT_GT(held_out(network), 0.75);
}

TEST(CoxTrainingTest, NeitherThreadsNorTheOrderOfSitesNorMemoryChangeABit) {
  for (const std::string& model :
       {std::string("model = \"cox\"\n"), std::string("model = \"mlp\"\nhidden = [6]\n")}) {
    const Plan plan = CoxPlanOf(model +
                                "rounds = 4\nbatch_size = 16\nvalidation = 0.2\n"
                                "strategy = \"scaffold\"\n");
    std::vector<Cohort> sites = Sites(plan, 5);
    const std::vector<CohortView> views(sites.begin(), sites.end());
    PlainOptions options;
    options.threads = 1;
    const std::string one = RunPlain(*plan.analysis, views, options).value().result.json;
    options.threads = 3;
    EXPECT_EQ(RunPlain(*plan.analysis, views, options).value().result.json, one);
    const std::vector<CohortView> reversed(views.rbegin(), views.rend());
    EXPECT_EQ(RunPlain(*plan.analysis, reversed, options).value().result.json, one);
    std::reverse(sites.begin(), sites.end());
    // Each answer from its state alone.
    EXPECT_EQ(RunOn(plan, sites).result.json, one);
  }
}

class CoxStrategyTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CoxStrategyTest, LearnsTheOrderOfEvents) {
  const Plan plan =
      CoxPlanOf("rounds = 40\nvalidation = 0.2\nbatch_size = 32\n" + std::string(GetParam()));
  const Outcome outcome = RunOn(plan, Sites(plan, 4, 150));
  const Json& curve = outcome.json["curve"];
  EXPECT_LT(curve.back()["training_loss"], curve[0]["training_loss"]);
  EXPECT_GT(curve.back()["training_concordance"], 0.63);
  EXPECT_GT(curve.back()["validation_concordance"], 0.6);
  EXPECT_TRUE(curve[0]["training_accuracy"].is_null());
  EXPECT_TRUE(curve[0]["validation_accuracy"].is_null());
  for (const double parameter : ParametersOf(outcome.json)) EXPECT_TRUE(std::isfinite(parameter));
  EXPECT_THAT(outcome.result.table, AllOf(HasSubstr("C-index"), HasSubstr(" events")));
  std::istringstream table(outcome.result.table);
  for (std::string line; std::getline(table, line);) EXPECT_LE(line.size(), 100u) << line;
}

INSTANTIATE_TEST_SUITE_P(
    All,
    CoxStrategyTest,
    ::testing::Values("model = \"cox\"\nstrategy = \"fedavg\"",
                      "model = \"cox\"\nstrategy = \"fedprox\"\nmu = 0.01",
                      "model = \"cox\"\nstrategy = \"fedavgm\"\nserver_momentum = 0.5",
                      "model = \"cox\"\nstrategy = \"fedadam\"\nserver_learning_rate = 0.05",
                      "model = \"cox\"\nstrategy = \"fedyogi\"\nserver_learning_rate = 0.05",
                      "model = \"cox\"\nstrategy = \"fedadagrad\"\nserver_learning_rate = 0.1",
                      "model = \"cox\"\nstrategy = \"scaffold\"",
                      "model = \"cox\"\nstrategy = \"fednova\"\nmomentum = 0.5",
                      "model = \"cox\"\nstrategy = \"rfa\"",
                      "model = \"cox\"\nstrategy = \"ditto\"",
                      "model = \"cox\"\noptimiser = \"adam\"\nlearning_rate = 0.02",
                      "model = \"cox\"\nl2 = 0.01\nclip = 0.5",
                      "model = \"cox\"\nstandardise = \"site\"",
                      "model = \"cox\"\nstandardise = \"range\"",
                      "model = \"mlp\"\nhidden = [8]",
                      "model = \"mlp\"\nhidden = [8]\nstrategy = \"ditto\"",
                      "model = \"mlp\"\nhidden = [8, 4]\npersonal = [\"head\"]"));

TEST(CoxTrainingTest, DittosOwnModelsHaveTheirConcordance) {
  const Plan plan =
      CoxPlanOf("model = \"cox\"\nrounds = 10\nvalidation = 0.3\nstrategy = \"ditto\"\n");
  const Json result = RunOn(plan, Sites(plan, 3)).json;
  EXPECT_TRUE(result["curve"].back()["own_validation_concordance"].is_number());
  EXPECT_TRUE(result["curve"].back()["own_validation_loss"].is_number());
}

TEST(CoxTrainingTest, StopsEarlyAndReleasesTheModelWithTheBestHeldOutLoss) {
  const Plan plan = CoxPlanOf(
      "model = \"mlp\"\nhidden = [30]\nrounds = 300\nlocal_epochs = 5\nbatch_size = 16\n"
      "learning_rate = 0.1\nvalidation = 0.3\npatience = 5\n");
  const Json result = RunOn(plan, Sites(plan, 3, 60)).json;
  EXPECT_TRUE(result["stopped_early"].get<bool>());
  const std::size_t best = result["best_round"];
  for (const Json& point : result["curve"]) {
    EXPECT_GE(point["validation_loss"], result["curve"][best]["validation_loss"]);
  }
  EXPECT_GT(result["validation_rows"], 50);
}

/// A site without events is in the sum and moves nothing; no event anywhere leaves the model.
TEST(CoxTrainingTest, WithoutEventsNothingMoves) {
  const Plan plan = CoxPlanOf(kDescent + "rounds = 3\n");
  std::vector<Cohort> sites = Sites(plan, 2);
  for (Cohort& site : sites) site.values.col(0).setZero();
  const Json result = RunOn(plan, sites).json;
  EXPECT_EQ(ParametersOf(result), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(result["curve"].back()["training_loss"], 0);
  EXPECT_TRUE(result["curve"].back()["training_concordance"].is_null());
  EXPECT_EQ(result["events"], 0);
}

TEST(CoxTrainingTest, ADivergingSiteSaysSo) {
  const Plan plan = CoxPlanOf(
      "model = \"mlp\"\nhidden = [8]\nrounds = 20\nlearning_rate = 1e6\nlocal_epochs = 50\n"
      "momentum = 0.99\nclip = 1e9\n");
  EXPECT_THAT(ErrorOf(plan, Sites(plan, 2)).message, HasSubstr("diverged"));
}

/// Events in the order that a model at the end of its range expects least.
TEST(CoxTrainingTest, AnswersStayWithinWhatIsDescribed) {
  for (const char* rest : {"strategy = \"ditto\"\n", "strategy = \"scaffold\"\n"}) {
    const Plan plan = PlanOf("maximum_patients = 40\n" + Columns(),
                             Analysis("model = \"cox\"\nrounds = 3\nvalidation = 0.3\n"
                                      "standardise = \"range\"\n" +
                                      std::string(rest)));
    const train::TrainPlan read = TrainPlanIn(plan);
    Cohort cohort = Sites(plan, 1, 40)[0];
    for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
      cohort.values.row(i) << 1, static_cast<double>(i), (i < 20 ? 0 : 10), 20;
    }
    train::TrainQuery query{train::Step::kLearn, 1, train::RangeScaling(read), 0, {3e8F, 0, 0}, {}};
    if (read.Controls()) query.control.assign(3, 0.0F);
    const Query encoded = train::EncodeQuery(query);
    const std::vector<Slice> slices = plan.analysis->Describe(encoded).value();
    const Contribution answer = plan.analysis->Answer(encoded, cohort).value();
    const auto words = EncodeFixedPoint(answer.values, SlotsOf(slices), 3);
    EXPECT_TRUE(words.has_value()) << Describe(words.error());
    for (const Slice& slice : slices) EXPECT_FALSE(slice.meaning.empty());
  }
}

TEST(CoxTrainingTest, TheReleasedModelGivesLogHazards) {
  const Plan plan = CoxPlanOf("model = \"mlp\"\nhidden = [4]\nrounds = 2\n");
  const Outcome outcome = RunOn(plan, Sites(plan, 3));
  const train::ReleasedModel model = train::ReadReleasedModel(outcome.result.json).value();
  EXPECT_EQ(model.outcome, "death");
  EXPECT_EQ(model.time, "time");
  EXPECT_TRUE(model.levels.empty());
  EXPECT_EQ(model.network.loss, train::Loss::kPartialLikelihood);
  EXPECT_EQ(model.network.parameters, 4u * 3 + 5);
  EXPECT_EQ(outcome.json["event"], "death");
  EXPECT_EQ(outcome.json["time"], "time");
  EXPECT_FALSE(outcome.json.contains("outcome"));
}

TEST(CoxTrainingTest, ReviewersReadWhatIsLearned) {
  const Plan plan = CoxPlanOf(kDescent + "rounds = 3\nvalidation = 0.2\n");
  EXPECT_THAT(plan.analysis->InWords(),
              AllOf(HasSubstr("cox model of the hazard of death by time on dose and age"),
                    HasSubstr("compared with each other only")));
  EXPECT_EQ(plan.analysis->outcomes(), 2u);
  EXPECT_TRUE(plan.analysis->KeepsSitesApart());
  std::vector<std::string> names;
  for (const Slice& slice : plan.analysis->DescribeForReview()) names.push_back(slice.name);
  EXPECT_THAT(names, ::testing::IsSupersetOf({"events", "training pairs in order", "training pairs",
                                              "held-out pairs in order", "held-out pairs"}));
}

struct Mistake {
  const char* name;
  const char* table;
  const char* words;
};

class CoxTrainingSettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(CoxTrainingSettingsTest, NamesTheMistake) {
  const Result<Plan> plan = ParsePlan(
      PlanText(Columns(), "kind = \"train\"\nrounds = 3\n" + std::string(GetParam().table)),
      "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), AllOf(HasSubstr("plan.toml:"), HasSubstr(GetParam().words)));
}

#define FOLLOWED "event = \"death\"\ntime = \"time\"\nfeatures = [\"dose\"]\n"

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    CoxTrainingSettingsTest,
    ::testing::Values(
        Mistake{"OutcomeOfCox", "model = \"cox\"\noutcome = \"death\"\nfeatures = [\"dose\"]\n",
                "no 'outcome'"},
        Mistake{"NoTime", "model = \"cox\"\nevent = \"death\"\nfeatures = [\"dose\"]\n", "time"},
        Mistake{"NoEvent",
                "model = \"mlp\"\nhidden = [3]\ntime = \"time\"\nfeatures = [\"dose\"]\n", "event"},
        Mistake{"Logistic", "model = \"logistic\"\n" FOLLOWED, "model = \"cox\", or \"mlp\""},
        Mistake{"Cnn", "model = \"cnn\"\nimage = [1, 1]\nfilters = [1]\n" FOLLOWED,
                "model = \"cnn\" learns an 'outcome'"},
        Mistake{"Trainer", "trainer = { command = [\"x\"], parameters = 2 }\n" FOLLOWED,
                "a trainer learns an 'outcome'"},
        Mistake{"EventAsFeature",
                "model = \"cox\"\nevent = \"death\"\ntime = \"time\"\nfeatures = [\"death\"]\n",
                "death"},
        Mistake{"NumberAsEvent",
                "model = \"cox\"\nevent = \"dose\"\ntime = \"time\"\nfeatures = [\"age\"]\n",
                "yes/no"},
        Mistake{"Hidden", "model = \"cox\"\nhidden = [3]\n" FOLLOWED, "hidden"},
        Mistake{"Personal", "model = \"cox\"\npersonal = [\"head\"]\n" FOLLOWED,
                "no layer would be left"},
        Mistake{"Ties", "model = \"cox\"\nties = \"efron\"\n" FOLLOWED, "ties"}),
    [](const auto& mistake) { return mistake.param.name; });

#undef FOLLOWED

}  // namespace
}  // namespace consilium::testing
