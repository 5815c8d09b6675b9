// Summaries with noise: what a plan may promise, how noise is dealt out over slices, and whether
// intervals keep what they say.

#include "protocols/privacy/private_analysis.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/summary/query.h"
#include "protocols/privacy/rdp.h"
#include "protocols/privacy/solve.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/regression_testing.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

const std::string kColumns = Boolean("ill") + Number("x", -4, 4) + Category("stage", {"i", "ii"});

std::string Promise(const std::string& dp) { return "[privacy.dp]\n" + dp; }

std::string SummaryText(const std::string& dp, const std::string& rest = "") {
  return PlanText(kColumns,
                  "kind = \"summary\"\nvariables = [\"x\", \"stage\"]\nby = \"ill\"\n"
                  "mantel_haenszel = false\n" +
                      rest) +
         Promise(dp);
}

Plan PrivatePlan(double noise, double epsilon) {
  return ParsePlan(SummaryText("noise_multiplier = " + std::to_string(noise) +
                               "\nepsilon = " + std::to_string(epsilon) + "\ndelta = 1e-6\n"),
                   "plan.toml")
      .value();
}

struct Mistake {
  const char* name;
  std::string text;
  const char* words;
};

class PrivacySettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(PrivacySettingsTest, NamesTheMistake) {
  const Result<Plan> plan = ParsePlan(GetParam().text, "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), HasSubstr(GetParam().words));
}

const std::string kGood = "noise_multiplier = 5\nepsilon = 1.1\ndelta = 1e-6\n";

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    PrivacySettingsTest,
    ::testing::Values(
        Mistake{"TooMuchPromised",
                SummaryText("noise_multiplier = 5\nepsilon = 0.5\ndelta = 1e-6\n"),
                "consilium-sim privacy --epsilon 0.5 --delta 1e-06 --rounds 1"},
        Mistake{"NoDelta", SummaryText("noise_multiplier = 5\nepsilon = 1.1\n"), "delta"},
        Mistake{"LargeDelta", SummaryText("noise_multiplier = 5\nepsilon = 1.1\ndelta = 0.1\n"),
                "at most 0.001"},
        Mistake{"LittleNoise",
                SummaryText("noise_multiplier = 0.01\nepsilon = 9e9\ndelta = 1e-6\n"),
                "between 0.1 and 1000"},
        Mistake{"MoreThanCanBeCounted",
                PlanText(kColumns,
                         "kind = \"train\"\noutcome = \"ill\"\nfeatures = [\"x\"]\n"
                         "model = \"logistic\"\nstandardise = \"range\"\nclip = 1\n"
                         "rounds = 1000\n") +
                    Promise("noise_multiplier = 0.5\nepsilon = 1e9\ndelta = 1e-6\n"),
                "1000 rounds tell more than can be counted"},
        Mistake{"Unit", SummaryText(kGood + "unit = \"sites\"\n"), "\"site\""},
        Mistake{"NoBoundForASite",
                PlanText(kColumns, "kind = \"poisson\"\noutcome = \"ill\"\nfeatures = [\"x\"]\n") +
                    Promise("noise_multiplier = 50\nepsilon = 3\ndelta = 1e-6\nunit = \"site\"\n"),
                "no bound for what one site changes in \""},
        Mistake{"Key", SummaryText(kGood + "rounds = 3\n"), "rounds"},
        Mistake{"NoBound",
                PlanText(kColumns, "kind = \"poisson\"\noutcome = \"ill\"\nfeatures = [\"x\"]\n") +
                    Promise("noise_multiplier = 50\nepsilon = 3\ndelta = 1e-6\n"),
                "no bound for what one patient changes"},
        Mistake{"NoBoundBeforeTooMuchPromised",
                PlanText(kColumns, "kind = \"poisson\"\noutcome = \"ill\"\nfeatures = [\"x\"]\n") +
                    Promise("noise_multiplier = 5\nepsilon = 0.1\ndelta = 1e-6\n"),
                "no bound for what one patient changes"}),
    [](const auto& mistake) { return mistake.param.name; });

TEST(PrivateAnalysisTest, TheSlicesOfARoundAreTogetherOneGaussianMechanism) {
  const double z = 5;
  const Plan plan = PrivatePlan(z, 1.1);
  const std::vector<Slice> slices = plan.analysis->Describe(summary::EncodeQuery({})).value();
  double loss = 0;  // Twice rho.
  for (const Slice& slice : slices) {
    EXPECT_EQ(slice.slot.encoding, Encoding::kNoisy);
    const double deviation = std::sqrt(static_cast<double>(slice.slot.noise));
    EXPECT_GE(deviation, 0x1p20);
    EXPECT_LT(deviation, 0x1.01p21);
    const double reach =
        slice.patient_l2 / slice.slot.step + std::sqrt(static_cast<double>(slice.slot.count));
    loss += reach * reach / static_cast<double>(slice.slot.noise);
  }
  EXPECT_LE(loss, 1 / (z * z));
  EXPECT_GE(loss, 0.999 / (z * z));
  EXPECT_EQ(plan.analysis->privacy_loss_of_a_round(), ConcentratedLoss(z));
}

/// Exchanged rows are as many less and as many more, each of at most the patient's bound.
TEST(PrivateAnalysisTest, ASiteThatHasNoBoundOfItsOwnHasThatOfAllItsRows) {
  const auto slices_of = [](const std::string& unit) {
    const Plan plan =
        ParsePlan(SummaryText("noise_multiplier = 5\nepsilon = 1.1\ndelta = 1e-6\nunit = \"" +
                              unit + "\"\n"),
                  "plan.toml")
            .value();
    EXPECT_EQ(plan.dp->unit, unit == "site" ? PrivacyUnit::kSite : PrivacyUnit::kPatient);
    EXPECT_THAT(plan.analysis->InWords(),
                HasSubstr(unit == "site" ? "for all that one hospital has" : "for a patient"));
    return plan.analysis->Describe(summary::EncodeQuery({})).value();
  };
  const std::vector<Slice> patients = slices_of("patient");
  const std::vector<Slice> sites = slices_of("site");
  ASSERT_EQ(patients.size(), sites.size());
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const auto deviation = [](const Slice& slice) {
      return std::sqrt(static_cast<double>(slice.slot.noise)) * slice.slot.step;
    };
    // maximum_patients is a million. Rounding to steps, which is added, is a thousandth at most.
    EXPECT_NEAR(deviation(sites[i]) / deviation(patients[i]), 2e6, 2e3);
  }
}

/// A slice of weight w gets its part w of 1 / z^2.
TEST(PrivateAnalysisTest, SlicesShareWhatMayBeToldByTheirWeights) {
  class Weighted final : public Analysis {
   public:
    std::string_view kind() const override { return "weighted"; }
    std::vector<std::string> columns() const override { return {}; }
    std::size_t parameters() const override { return 1; }
    Result<std::vector<Slice>> Describe(const Query&) const override { return DescribeForReview(); }
    std::vector<Slice> DescribeForReview() const override {
      Slice light{"light", "1", "", Slot{Encoding::kReal, 1, 100}};
      light.patient_l2 = 1;
      Slice heavy{"heavy", "1", "", Slot{Encoding::kReal, 1, 100}};
      heavy.patient_l2 = 3;
      heavy.site_l2 = 7;
      heavy.privacy_weight = 4;
      return {light, heavy};
    }
    std::uint32_t maximum_rounds() const override { return 1; }
    std::string InWords() const override { return ""; }
    std::string ReleasedInWords() const override { return ""; }
    Result<AnalysisResult> Run(Federation&) const override { return AnalysisResult{}; }
    using Analysis::Answer;
    Result<Contribution> Answer(const Query&, const CohortView&) const override {
      return Contribution{};
    }
  };
  const auto deviations = [](PrivacyUnit unit) {
    const auto made =
        MakePrivate(std::make_shared<const Weighted>(), {unit, 2, 10, 1e-6}, 50).value();
    const std::vector<Slice> slices = made->Describe({}).value();
    std::vector<double> found;
    for (const Slice& slice : slices) {
      found.push_back(std::sqrt(static_cast<double>(slice.slot.noise)) * slice.slot.step);
    }
    return found;
  };
  const std::vector<double> patient = deviations(PrivacyUnit::kPatient);
  EXPECT_NEAR(patient[0], 2 * 1 * std::sqrt(5.0), 1e-4);
  EXPECT_NEAR(patient[1], 2 * 3 * std::sqrt(5.0 / 4), 1e-4);
  const std::vector<double> site = deviations(PrivacyUnit::kSite);
  EXPECT_NEAR(site[0], 2 * (2 * 50 * 1) * std::sqrt(5.0), 1e-2);
  EXPECT_NEAR(site[1], 2 * 7 * std::sqrt(5.0 / 4), 1e-3);
}

TEST(PrivateAnalysisTest, EpsilonIsThatOfTheAccountant) {
  for (const double z : {0.7, 1.0, 5.0, 30.0}) {
    for (const std::uint64_t rounds : {1U, 2U, 40U}) {
      RdpCurve curve;
      ASSERT_TRUE(curve.Add(GaussianRounds{z, 1, rounds}).has_value());
      const double expected = curve.EpsilonFor(1e-6)->epsilon;
      double spent = 0;
      for (std::uint64_t i = 0; i < rounds; ++i) spent = LossAfter(spent, ConcentratedLoss(z));
      const double epsilon = EpsilonOfLoss(spent, 1e-6).value();
      EXPECT_GE(epsilon, expected);
      EXPECT_LE(epsilon, expected * (1 + 1e-12));
    }
  }
  EXPECT_EQ(EpsilonOfLoss(0, 1e-6).value(), 0);
}

TEST(PrivateAnalysisTest, EpsilonCoversAsManyAnswersAsTheAccountantSays) {
  for (const double z : {0.5, 5.0, 40.0}) {
    const double once = EpsilonOf(Accountant::kRdp, {z, 1, 1}, 1e-6).value();
    for (const double more : {1.001, 1.5, 2.0, 3.1}) {
      const PrivacySettings dp = *PrivatePlan(z, once * more).dp;
      ASSERT_GE(dp.most_answers, 1u);
      EXPECT_LE(EpsilonOf(Accountant::kRdp, {z, 1, dp.most_answers}, 1e-6).value(), dp.epsilon);
      EXPECT_GT(EpsilonOf(Accountant::kRdp, {z, 1, dp.most_answers + 1}, 1e-6).value(), dp.epsilon);
      EXPECT_TRUE(CheckPromise(dp, dp.most_answers - 1, 1));
      EXPECT_TRUE(CheckPromise(dp, dp.most_answers, 0));
      EXPECT_FALSE(CheckPromise(dp, dp.most_answers - 1, 2));
      const Status refused = CheckPromise(dp, dp.most_answers, 1);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
      EXPECT_THAT(refused.error().message,
                  HasSubstr("covers " + std::to_string(dp.most_answers) + " answers"));
    }
  }
  EXPECT_EQ(PrivatePlan(5, 1.1).dp->most_answers, 1u);  // 0.8999, 1.3050, 1.6277
  EXPECT_EQ(PrivatePlan(5, 1.4).dp->most_answers, 2u);
  EXPECT_EQ(PrivatePlan(5, 1.7).dp->most_answers, 3u);
}

/// What the rounds need, to the last bit, is enough for them.
TEST(PrivateAnalysisTest, TheLeastEpsilonCoversTheRoundsAndNothingElse) {
  const auto train = [](const std::string& dp, std::uint32_t rounds) {
    return PlanText(kColumns,
                    "kind = \"train\"\noutcome = \"ill\"\nfeatures = [\"x\"]\n"
                    "model = \"logistic\"\nstandardise = \"range\"\nclip = 1\nrounds = " +
                        std::to_string(rounds) + "\n") +
           Promise(dp);
  };
  for (std::uint32_t i = 0; i < 200; ++i) {
    const std::uint32_t rounds = i % 7 == 0 ? 1 : 13 * i;
    const double z = 0.5 + 0.37 * i;
    char text[160];
    const double loss = LossAfter(rounds * ConcentratedLoss(z), 0);
    std::snprintf(text, sizeof text, "noise_multiplier = %.17g\nepsilon = %.17g\ndelta = 1e-6\n", z,
                  EpsilonOfLoss(loss, 1e-6).value());
    const Result<Plan> plan =
        ParsePlan(rounds == 1 ? SummaryText(text) : train(text, rounds), "plan.toml");
    ASSERT_TRUE(plan.has_value()) << Describe(plan.error());
    EXPECT_EQ(plan->dp->most_answers, rounds) << z;
  }
}

/// Five sites of 200 patients with x of mean 0.5 and deviation about 1, a third in stage ii.
std::vector<Cohort> DrawCohorts(const Plan& plan, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<Cohort> cohorts(5);
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = 200;
    cohort.values.resize(200, 3);
    for (Eigen::Index i = 0; i < 200; ++i) {
      double x = 0;  // Twelve uniform numbers less six: variance 1.
      for (int k = 0; k < 12; ++k) x += random.Unit();
      cohort.values(i, 0) = random.Below(2) == 0 ? 0 : 1;
      cohort.values(i, 1) = std::min(4.0, std::max(-4.0, x - 5.5));
      cohort.values(i, 2) = random.Below(3) == 0 ? 1 : 0;
    }
  }
  return cohorts;
}

AnalysisResult ResultWith(const Plan& plan, std::uint64_t seed, unsigned threads = 1) {
  const std::vector<Cohort> cohorts = DrawCohorts(plan, seed);
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  PlainOptions options;
  options.threads = threads;
  options.noise_seed = seed;
  return RunPlain(*plan.analysis, views, std::move(options)).value().result;
}

/// 400 federations: an interval of 95 % holds the truth in 380 +- 4.4 of them; five deviations.
TEST(PrivateAnalysisTest, IntervalsHoldTheTruthAsOftenAsTheySay) {
  constexpr int kRuns = 400;
  const Plan plan = PrivatePlan(1.5, 4);
  int means = 0;
  int shares = 0;
  double half = 0;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    const Json result = Json::parse(ResultWith(plan, seed).json);
    const Json& x = result["variables"][0]["all"];
    means += x["conf_low"] <= 0.5 && x["conf_high"] >= 0.5 ? 1 : 0;
    half += (x["conf_high"].get<double>() - x["conf_low"].get<double>()) / 2 / kRuns;
    const Json& second = result["variables"][1]["all"]["levels"][1];
    const double third = 1.0 / 3;
    shares += second["conf_low"] <= third && second["conf_high"] >= third ? 1 : 0;
  }
  EXPECT_NEAR(means, 380, 22);
  EXPECT_NEAR(shares, 380, 22);
  // Sampling alone would give 1.96 / sqrt(1000) = 0.062.
  EXPECT_GT(half, 0.066);
}

TEST(PrivateAnalysisTest, TheResultSaysWhatIsPromisedAndHasNoTests) {
  const Plan plan = PrivatePlan(5, 1.1);
  const AnalysisResult result = ResultWith(plan, 1);
  const Json json = Json::parse(result.json);
  EXPECT_EQ(json["privacy"]["epsilon"], 1.1);
  EXPECT_EQ(json["privacy"]["noise_multiplier"], 5.0);
  EXPECT_FALSE(json["variables"][1].contains("chi_squared"));
  EXPECT_NEAR(json["rows"].get<double>(), 1'000, 200);
  EXPECT_NE(json["rows"].get<double>(), 1'000);
  EXPECT_THAT(result.table, HasSubstr("Every sum has noise"));
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(plan)), HasSubstr("epsilon 1.1"));
}

/// Of x in a hundredth of its range noise hides the spread now and then: it is left out, and the
/// mean's interval gets wider, never narrower.
TEST(PrivateAnalysisTest, ASpreadThatNoiseHidesIsNone) {
  const Plan plan = PrivatePlan(1.5, 4);
  int hidden = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<Cohort> cohorts = DrawCohorts(plan, seed);
    for (Cohort& cohort : cohorts) cohort.values.col(1) /= 100;
    const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
    PlainOptions options;
    options.noise_seed = seed;
    const Json result = Json::parse(RunPlain(*plan.analysis, views, options)->result.json);
    const Json& x = result["variables"][0]["all"];
    EXPECT_LE(x["conf_low"], 0.005);
    EXPECT_GE(x["conf_high"], 0.005);
    if (x.contains("variance")) {
      EXPECT_GT(x["variance"], 0);
      continue;
    }
    ++hidden;
    // 1.96 times four (half of the range) over the root of 1000.
    EXPECT_GT(x["conf_high"].get<double>() - x["conf_low"].get<double>(), 2 * 0.24);
  }
  EXPECT_GE(hidden, 3);
  EXPECT_LE(hidden, 17);
}

TEST(PrivateAnalysisTest, NoiseComesFromTheSeedWhateverTheThreads) {
  const Plan plan = PrivatePlan(5, 1.1);
  EXPECT_EQ(ResultWith(plan, 1).json, ResultWith(plan, 1, 3).json);
  PlainOptions options;
  options.noise_seed = 2;
  const std::vector<Cohort> cohorts = DrawCohorts(plan, 1);
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  EXPECT_NE(RunPlain(*plan.analysis, views, options)->result.json, ResultWith(plan, 1).json);
}

TEST(PrivateAnalysisTest, APatientInTwoRowsIsRefused) {
  const Plan plan = PrivatePlan(5, 1.1);
  Cohort cohort = DrawCohorts(plan, 1)[0];
  cohort.patients = 199;
  const auto answer = plan.analysis->Answer(summary::EncodeQuery({}), cohort);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kDataQuality);
  EXPECT_THAT(answer.error().message, HasSubstr("one row a patient"));
}

}  // namespace
}  // namespace consilium::testing
