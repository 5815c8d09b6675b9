// Covers protocols/analyses/evaluate/: estimate.cc, evaluate.cc, query.cc, recalibration.cc,
// render.cc, settings.cc and site.cc (protocols/analyses/evaluate/estimate.cc,
// protocols/analyses/evaluate/evaluate.cc, protocols/analyses/evaluate/query.cc,
// protocols/analyses/evaluate/recalibration.cc, protocols/analyses/evaluate/render.cc,
// protocols/analyses/evaluate/settings.cc and protocols/analyses/evaluate/site.cc).

#include "protocols/analyses/evaluate/evaluate.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fixed_point.h"
#include "common/random.h"
#include "protocols/analyses/evaluate/query.h"
#include "simulations/draws.h"
#include "tests/protocols/analyses/evaluate/evaluate_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kColumns =
    Boolean("ill") + Number("x", -4, 4) + Category("stage", {"i", "ii", "iii"}) + Boolean("old") +
    Number("risk", 0, 1) + Integer("visits", 0, 9) + Category("ward", {"a", "b", "c"});

const std::string kModel =
    "kind = \"evaluate\"\noutcome = \"ill\"\nfeatures = [\"x\", \"stage\"]\nintercept = -0.5\n"
    "coefficients = { x = 1.0, stage_ii = 0.5, stage_iii = 1.5 }\n";
const std::string kColumn = "kind = \"evaluate\"\noutcome = \"ill\"\nprediction = \"risk\"\n";

/// Patients whose outcomes follow the model but for `shift` in log odds.
Rows DrawnRows(std::size_t count, double shift = 0) {
  SeededRandom random = StreamOf(11, "evaluate test");
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = -2 + 4 * random.Unit();
    const auto stage = static_cast<std::size_t>(random.Below(3));
    const double effect[] = {0, 0.5, 1.5};
    const char* const names[] = {"i", "ii", "iii"};
    const double log_odds = -0.5 + x + effect[stage] + shift;
    const double p = PortableLogistic(log_odds);
    rows.push_back({{"site", std::to_string(i % 3)},
                    {"ill", random.Unit() < p ? "1" : "0"},
                    {"x", std::to_string(x)},
                    {"stage", names[stage]},
                    {"old", random.Unit() < 0.3 ? "1" : "0"},
                    {"risk", std::to_string(p)},
                    {"visits", "3"},
                    {"ward", i % 100 == 0 ? "c"
                             : i % 2 == 0 ? "a"
                                          : "b"}});
  }
  return rows;
}

Outcome RunAll(const std::string& analysis, const Rows& rows) {
  const Plan plan = PlanOf(kColumns, analysis);
  return RunOn(plan, CohortsBy(plan, rows, "site"));
}

void ExpectSame(const Json& one, const Json& other) {
  const Json left = one.flatten();
  const Json right = other.flatten();
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [place, value] : left.items()) {
    if (value.is_number_float()) {
      // Sums at the sites are rounded; an estimate near 0 has an absolute error.
      EXPECT_NEAR(value.get<double>(), right[place].get<double>(), 1e-11) << place;
    } else if (place != "/sites") {
      EXPECT_EQ(value, right[place]) << place;
    }
  }
}

TEST(EvaluateTest, DoesNotDependOnHowPatientsAreSpread) {
  const Plan plan = PlanOf(kColumns, kModel + "subgroups = [\"old\", \"stage\"]\n");
  const Rows rows = DrawnRows(400, 0.7);
  ExpectSame(RunOn(plan, CohortsBy(plan, rows, "site")).json,
             RunOn(plan, {CohortOf(plan, rows)}).json);
}

/// A category's terms count against its first level.
TEST(EvaluateTest, AModelWithACategoryEqualsTheMeasuresRowByRow) {
  const Rows rows = DrawnRows(300, -0.4);
  PooledRows pooled;
  for (const Row& row : rows) {
    const std::string& stage = row.at("stage");
    const long double x = -0.5L + std::stod(row.at("x")) +
                          (stage == "ii"    ? 0.5L
                           : stage == "iii" ? 1.5L
                                            : 0.0L);
    pooled.log_odds.push_back(x);
    pooled.probability.push_back(1 / (1 + std::exp(-x)));
    pooled.event.push_back(row.at("ill") == "1");
  }
  ExpectEqualsPooled(RunAll(kModel, rows).json, pooled);
}

/// Predictions that are far off, the hardest start for Newton's method, take no more rounds.
TEST(EvaluateTest, TakesFewRoundsHoweverFarPredictionsAreOff) {
  for (const double shift : {-4.0, 0.0, 3.0, 8.0}) {
    std::string model = kModel;
    model.replace(model.find("-0.5"), 4, std::to_string(-0.5 + shift));
    const Outcome outcome = RunAll(model, DrawnRows(300));
    EXPECT_LE(outcome.queries.size(), 6u) << shift;
    const Json& measure = outcome.json["calibration_in_the_large"];
    EXPECT_NEAR(measure["estimate"].get<double>(), -shift, 4 * measure["std_error"].get<double>());
  }
}

TEST(EvaluateTest, SeparatedPredictionsHaveNoSlopeAndSayNoMore) {
  Rows rows = DrawnRows(200);
  for (Row& row : rows) {
    row["risk"] = row["ill"] == "1" ? "0.7" : "0.2";
  }
  const Json result = RunAll(kColumn, rows).json;
  EXPECT_TRUE(result["converged"].get<bool>());
  EXPECT_EQ(result["auc"]["estimate"], 1);
  EXPECT_TRUE(result["calibration_slope"].is_null());
  EXPECT_TRUE(result["calibration_in_the_large"].is_object());
}

TEST(EvaluateTest, OneOutcomeForAllHasABrierScoreAndNothingElse) {
  Rows rows = DrawnRows(60);
  for (Row& row : rows) row["ill"] = "1";
  const Outcome outcome = RunAll(kColumn, rows);
  EXPECT_EQ(outcome.queries.size(), 1u);
  EXPECT_TRUE(outcome.json["auc"].is_null());
  EXPECT_TRUE(outcome.json["calibration_in_the_large"].is_null());
  EXPECT_TRUE(outcome.json["calibration_curve"].empty());
  EXPECT_GT(outcome.json["brier"]["estimate"].get<double>(), 0);
  EXPECT_THAT(outcome.result.table, HasSubstr("is yes in every row"));
}

TEST(EvaluateTest, NoRowIsAnError) {
  const Plan plan = PlanOf(kColumns, kColumn);
  EXPECT_EQ(ErrorOf(plan, {CohortOf(plan, Rows{})}).code, ErrorCode::kNotEstimable);
}

TEST(EvaluateTest, SmallLevelsAreNeitherShownNorAskedFor) {
  const Outcome outcome =
      RunAll(kColumn + "subgroups = [\"ward\", \"old\"]\nminimum_count = 5\n", DrawnRows(300));
  const Json& ward = outcome.json["subgroups"][0];
  // Few patients lie in ward c; the smaller of the others goes with it.
  EXPECT_EQ(ward["levels"][2], (Json{{"level", "c"}, {"left_out", true}}));
  int left_out = 0;
  for (const Json& level : ward["levels"]) left_out += level.contains("left_out") ? 1 : 0;
  EXPECT_EQ(left_out, 2);
  EXPECT_FALSE(outcome.json["subgroups"][1]["levels"][0].contains("left_out"));
  EXPECT_THAT(outcome.result.table, HasSubstr("left out: too few"));
  const Plan plan =
      PlanOf(kColumns, kColumn + "subgroups = [\"ward\", \"old\"]\nminimum_count = 5\n");
  const std::vector<Slice> slices = plan.analysis->Describe(outcome.queries.back()).value();
  for (const Slice& slice : slices) {
    // All rows' three numbers, one ward's and the two of "old".
    if (slice.name != "score") continue;
    EXPECT_EQ(slice.slot.count, 6u);
  }
}

TEST(EvaluateTest, NoReleasedCountOfAPartIsSmall) {
  for (const int minimum : {5, 12}) {
    const Json result =
        RunAll(kModel + "minimum_count = " + std::to_string(minimum) + "\n", DrawnRows(400)).json;
    const auto allowed = [&](double count) { return count == 0 || count >= minimum; };
    const double events = result["events"];
    const double others = result["rows"].get<double>() - events;
    for (const Json& group : result["calibration_curve"]) {
      EXPECT_GE(group["rows"].get<int>(), minimum);
      EXPECT_TRUE(allowed(group["events"].get<double>()));
      EXPECT_TRUE(allowed(group["rows"].get<double>() - group["events"].get<double>()));
    }
    double events_before = events;
    double others_before = 0;
    for (const Json& point : result["decision_curve"]) {
      const double treated = std::round(point["sensitivity"].get<double>() * events);
      const double spared = std::round(point["specificity"].get<double>() * others);
      EXPECT_TRUE(allowed(events_before - treated));
      EXPECT_TRUE(allowed(spared - others_before));
      events_before = treated;
      others_before = spared;
    }
    EXPECT_TRUE(allowed(events_before));
    EXPECT_GE(result["decision_curve"].size(), 3u);
  }
}

TEST(EvaluateTest, AFewExtremePredictionsAreNotCounted) {
  Rows rows = DrawnRows(100);
  rows[3]["risk"] = "0";
  EXPECT_TRUE(RunAll(kColumn, rows).json["extreme_predictions"].is_null());
  EXPECT_EQ(RunAll(kColumn + "minimum_count = 1\n", rows).json["extreme_predictions"], 1);
}

TEST(EvaluateTest, TheTableSaysWhatIsWrongInWords) {
  const Outcome outcome = RunAll(kModel + "subgroups = [\"stage\"]\n", DrawnRows(400, 1.5));
  EXPECT_THAT(outcome.result.table,
              AllOf(HasSubstr("calibration slope (ideal 1)"), HasSubstr("stage iii"),
                    HasSubstr("predictions are too low on the whole")));
  std::size_t longest = 0;
  const std::string& table = outcome.result.table;
  for (std::size_t at = 0, end = 0; at < table.size(); at = end + 1) {
    end = table.find('\n', at);
    longest = std::max(longest, end - at);
  }
  EXPECT_LE(longest, 100u);
}

TEST(EvaluateTest, ReviewersReadEverySliceOfEveryQuery) {
  const Plan plan = PlanOf(kColumns, kModel + "subgroups = [\"old\"]\n");
  const std::vector<Slice> shown = plan.analysis->DescribeForReview();
  const Outcome outcome = RunAll(kModel + "subgroups = [\"old\"]\n", DrawnRows(200));
  for (const Query& query : outcome.queries) {
    const std::vector<Slice> slices = plan.analysis->Describe(query).value();
    for (const Slice& slice : slices) {
      const bool known = std::any_of(shown.begin(), shown.end(), [&](const Slice& other) {
        return other.name == slice.name && other.slot.count >= slice.slot.count;
      });
      EXPECT_TRUE(known) << slice.name;
      EXPECT_FALSE(slice.meaning.empty());
    }
  }
  EXPECT_THAT(plan.analysis->InWords(),
              AllOf(HasSubstr("given logistic model of ill on x and stage"), HasSubstr("by old")));
  EXPECT_EQ(plan.analysis->parameters(), 5u);
}

/// As many rows as a site may bring, all with the most extreme values and the outcome that was
/// least expected.
TEST(EvaluateTest, TheWorstRowsThatTheContractAllowsKeepEveryBound) {
  for (const std::string& analysis : {kModel, kColumn}) {
    const Plan plan = PlanOf("maximum_patients = 30\n" + kColumns, analysis);
    for (const bool high : {false, true}) {
      Row worst = DrawnRows(1).front();
      worst["ill"] = high ? "0" : "1";
      worst["x"] = high ? "4" : "-4";
      worst["stage"] = high ? "iii" : "i";
      worst["risk"] = high ? "1" : "0";
      const Cohort cohort = CohortOf(plan, Rows(30, worst));
      const double sign = high ? 1 : -1;
      for (const evaluate::EvaluateQuery& query :
           {evaluate::EvaluateQuery{},
            {evaluate::Step::kRecalibrate, false, {}, {40 * sign}},
            {evaluate::Step::kRecalibrate, true, {}, {0, 3 * sign, 20}},
            {evaluate::Step::kRecalibrate, true, {}, {sign, 0, -1}}}) {
        const Query encoded = evaluate::EncodeQuery(query);
        const std::vector<Slice> slices = plan.analysis->Describe(encoded).value();
        const Contribution answer = plan.analysis->Answer(encoded, cohort).value();
        const auto words = EncodeFixedPoint(answer.values, SlotsOf(slices), 3);
        EXPECT_TRUE(words.has_value()) << Describe(words.error());
      }
    }
  }
}

TEST(EvaluateTest, AQueryOfAnotherShapeIsRefused) {
  const Plan plan = PlanOf(kColumns, kColumn + "subgroups = [\"old\"]\n");
  const auto described = [&plan](const evaluate::EvaluateQuery& query) {
    return plan.analysis->Describe(evaluate::EncodeQuery(query)).has_value();
  };
  using enum evaluate::Step;
  EXPECT_TRUE(described({}));
  EXPECT_TRUE(described({kRecalibrate, true, {0, 1}, {0, 0, 0, 0, 0}}));
  EXPECT_FALSE(described({kRecalibrate, true, {0, 1}, {0, 0, 0, 0}}));
  EXPECT_FALSE(described({kRecalibrate, false, {1, 0}, {0, 0, 0}}));
  EXPECT_FALSE(described({kRecalibrate, false, {0, 0}, {0, 0, 0}}));
  EXPECT_FALSE(described({kRecalibrate, false, {2}, {0, 0}}));
  EXPECT_FALSE(described({kRecalibrate, false, {}, {std::nan("")}}));
  EXPECT_FALSE(described({kRecalibrate, false, {}, {1e300}}));
  EXPECT_FALSE(described({kCounts, true, {}, {}}));
  EXPECT_FALSE(described({kCounts, false, {0}, {}}));
  EXPECT_FALSE(plan.analysis->Describe(Query{Bytes(2)}).has_value());
}

TEST(EvaluateTest, RefusesWhatTheContractForbidsWithoutSayingTheValue) {
  const Plan plan = PlanOf(kColumns, kColumn);
  Cohort cohort = CohortOf(plan, DrawnRows(30));
  cohort.values(4, 1) = 1.625;
  const auto answer = plan.analysis->Answer(evaluate::EncodeQuery({}), cohort);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, AllOf(HasSubstr("row 5"), Not(HasSubstr("1.625"))));
}

struct Mistake {
  const char* name;
  const char* table;
  const char* words;
};

class EvaluateSettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(EvaluateSettingsTest, NamesTheMistake) {
  const Result<Plan> plan = ParsePlan(
      PlanText(kColumns, std::string("kind = \"evaluate\"\n") + GetParam().table), "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), AllOf(HasSubstr("plan.toml:"), HasSubstr(GetParam().words)));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    EvaluateSettingsTest,
    ::testing::Values(
        Mistake{"Nothing", "outcome = \"ill\"\n", "nothing to evaluate"},
        Mistake{"Both", "outcome = \"ill\"\nprediction = \"risk\"\nfeatures = [\"x\"]\n",
                "not both"},
        Mistake{"NoOutcome", "prediction = \"risk\"\n", "outcome"},
        Mistake{"OutcomeOfThree", "outcome = \"stage\"\nprediction = \"risk\"\n",
                "no yes/no outcome"},
        Mistake{"NoProbability", "outcome = \"ill\"\nprediction = \"x\"\n", "holds no probability"},
        Mistake{"UnknownPrediction", "outcome = \"ill\"\nprediction = \"y\"\n", "no column \"y\""},
        Mistake{"ItsOwnPrediction", "outcome = \"risk\"\nprediction = \"risk\"\n", "at once"},
        Mistake{"NoIntercept", "outcome = \"ill\"\nfeatures = [\"x\"]\ncoefficients = { x = 1 }\n",
                "intercept"},
        Mistake{"MissingTerm",
                "outcome = \"ill\"\nfeatures = [\"x\", \"stage\"]\nintercept = 0\ncoefficients = { "
                "x = 1, stage_ii = 2 }\n",
                "no coefficient for \"stage_iii\""},
        Mistake{"UnknownTerm",
                "outcome = \"ill\"\nfeatures = [\"x\"]\nintercept = 0\ncoefficients = { x = 1, y = "
                "2 }\n",
                "'y' is not known"},
        Mistake{"HugeCoefficient",
                "outcome = \"ill\"\nfeatures = [\"x\"]\nintercept = 0\ncoefficients = { x = 1e10 "
                "}\n",
                "between -1e9 and 1e9"},
        Mistake{"NumberAsSubgroup",
                "outcome = \"ill\"\nprediction = \"risk\"\nsubgroups = [\"visits\"]\n",
                "does not name subgroups"},
        Mistake{"SubgroupTwice",
                "outcome = \"ill\"\nprediction = \"risk\"\nsubgroups = [\"old\", \"old\"]\n",
                "named twice"},
        Mistake{"OutcomeAsSubgroup",
                "outcome = \"ill\"\nprediction = \"risk\"\nsubgroups = [\"ill\"]\n", "at once"},
        Mistake{"Bins", "outcome = \"ill\"\nprediction = \"risk\"\nbins = 1\n", "2 and 1000"},
        Mistake{"ScoreBins", "outcome = \"ill\"\nprediction = \"risk\"\nscore_bins = 5\n",
                "10 and 10000"},
        Mistake{"Count", "outcome = \"ill\"\nprediction = \"risk\"\nminimum_count = 0\n",
                "1 and 1000000"},
        Mistake{"Key", "outcome = \"ill\"\nprediction = \"risk\"\nthreshold = 0.5\n", "threshold"}),
    [](const auto& mistake) { return mistake.param.name; });

}  // namespace
}  // namespace consilium::testing
