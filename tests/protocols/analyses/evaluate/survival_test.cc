// Covers protocols/analyses/evaluate/: measures_text.cc, survival_estimate.cc,
// survival_evaluate.cc, survival_query.cc, survival_render.cc, survival_settings.cc and
// survival_site.cc (protocols/analyses/evaluate/measures_text.cc,
// protocols/analyses/evaluate/survival_estimate.cc,
// protocols/analyses/evaluate/survival_evaluate.cc, protocols/analyses/evaluate/survival_query.cc,
// protocols/analyses/evaluate/survival_render.cc, protocols/analyses/evaluate/survival_settings.cc
// and protocols/analyses/evaluate/survival_site.cc).

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fixed_point.h"
#include "common/random.h"
#include "protocols/analyses/evaluate/survival_query.h"
#include "simulations/draws.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using evaluate::EncodeSurvivalQuery;
using evaluate::SurvivalQuery;
using evaluate::SurvivalStep;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kColumns = Boolean("death") + Number("time", 0, 100) + Number("x", -4, 4) +
                             Category("stage", {"i", "ii", "iii"}) + Boolean("old") +
                             Number("risk", -10, 10) + Category("ward", {"a", "b", "c"}) +
                             "[[contract.column]]\nname = \"born\"\ntype = \"date\"\n";

const std::string kOutcome = "kind = \"evaluate\"\nevent = \"death\"\ntime = \"time\"\n";
const std::string kModel = kOutcome +
                           "features = [\"x\", \"stage\"]\n"
                           "coefficients = { x = 1.0, stage_ii = 0.5, stage_iii = 1.5 }\n";
const std::string kColumn = kOutcome + "prediction = \"risk\"\n";

/// Patients of three sites whose hazards are exp(slope times the model's score).
Rows DrawnRows(std::size_t count, double slope = 1) {
  SeededRandom random = StreamOf(12, "survival evaluation test");
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = -2 + 4 * random.Unit();
    const auto stage = static_cast<std::size_t>(random.Below(3));
    const double effect[] = {0, 0.5, 1.5};
    const char* const names[] = {"i", "ii", "iii"};
    const double score = x + effect[stage];
    const double time = -std::log(1 - random.Unit()) * 10 / std::exp(slope * score);
    const double censored = 30 * random.Unit();
    rows.push_back({{"site", std::to_string(i % 3)},
                    {"death", time < censored ? "1" : "0"},
                    {"time", std::to_string(std::min(time, censored))},
                    {"x", std::to_string(x)},
                    {"stage", names[stage]},
                    {"old", random.Unit() < 0.3 ? "1" : "0"},
                    {"risk", std::to_string(score)},
                    {"born", "1950-01-01"},
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

TEST(SurvivalEvaluateTest, AModelThatIsRightHasASlopeOfOneAndOneThatIsTooExtremeLess) {
  for (const double slope : {1.0, 0.5, 1.6}) {
    const Json result = RunAll(kModel, DrawnRows(600, slope)).json;
    const Json& measure = result["calibration_slope"];
    EXPECT_NEAR(measure["estimate"].get<double>(), slope, 4 * measure["std_error"].get<double>());
    EXPECT_GT(result["concordance"]["estimate"].get<double>(), 0.6);
    EXPECT_TRUE(result["converged"].get<bool>());
  }
}

/// The score itself as a column: what a model of the plan gives is what its scores give.
TEST(SurvivalEvaluateTest, AModelAndTheColumnOfItsScoresAreJudgedAlike) {
  Rows rows = DrawnRows(200);
  for (Row& row : rows) {
    // Without fractions beyond the text's digits.
    row["x"] = std::to_string(std::round(std::stod(row["x"]) * 8) / 8);
    const double effect = row["stage"] == "i" ? 0 : row["stage"] == "ii" ? 0.5 : 1.5;
    row["risk"] = std::to_string(std::stod(row["x"]) + effect);
  }
  const Json model = RunAll(kModel, rows).json;
  const Json column = RunAll(kColumn, rows).json;
  EXPECT_EQ(model["concordance"], column["concordance"]);
  EXPECT_EQ(model["concordance_pairs"], column["concordance_pairs"]);
  ExpectClose(model["calibration_slope"]["estimate"], column["calibration_slope"]["estimate"],
              1e-10, "slope");
  EXPECT_EQ(column["model"]["column"], "risk");
  EXPECT_EQ(model["model"]["coefficients"]["stage_iii"], 1.5);
}

/// A monotone change of scores keeps their order; a scale is the slope's unit alone.
TEST(SurvivalEvaluateTest, TheScoresUnitChangesNothingButTheSlopes) {
  Rows rows = DrawnRows(200);
  const Json before = RunAll(kColumn, rows).json;
  for (Row& row : rows) row["risk"] = std::to_string(std::stod(row["risk"]) * 2 + 1);
  const Json after = RunAll(kColumn, rows).json;
  EXPECT_EQ(before["concordance"], after["concordance"]);
  ExpectClose(before["calibration_slope"]["estimate"].get<double>() / 2,
              after["calibration_slope"]["estimate"], 1e-8, "slope");
}

/// Patients of two sites are not compared: shifting one site's scores or times changes nothing.
TEST(SurvivalEvaluateTest, SitesAreNotComparedWithEachOther) {
  Rows rows = DrawnRows(150);
  const Json before = RunAll(kColumn, rows).json;
  for (Row& row : rows) {
    if (row["site"] != "1") continue;
    row["risk"] = std::to_string(std::stod(row["risk"]) + 5);
    row["time"] = std::to_string(std::stod(row["time"]) + 50);
  }
  const Json after = RunAll(kColumn, rows).json;
  EXPECT_EQ(before["concordance_pairs"], after["concordance_pairs"]);
  ExpectClose(before["calibration_slope"]["estimate"], after["calibration_slope"]["estimate"], 1e-8,
              "slope");
}

TEST(SurvivalEvaluateTest, NobodyWithTheEventIsSaid) {
  Rows rows = DrawnRows(60);
  for (Row& row : rows) row["death"] = "0";
  const Outcome outcome = RunAll(kColumn, rows);
  EXPECT_EQ(outcome.queries.size(), 1u);
  EXPECT_TRUE(outcome.json["concordance"].is_null());
  EXPECT_TRUE(outcome.json["calibration_slope"].is_null());
  EXPECT_THAT(outcome.json["message"].get<std::string>(), HasSubstr("happened to nobody"));
  EXPECT_THAT(outcome.result.table, HasSubstr("happened to nobody"));
}

TEST(SurvivalEvaluateTest, OnePatientASiteMakesNoPair) {
  Rows rows = DrawnRows(3);
  for (Row& row : rows) row["death"] = "1";
  const Outcome outcome = RunAll(kColumn, rows);
  EXPECT_TRUE(outcome.json["concordance"].is_null());
  EXPECT_TRUE(outcome.json["concordance_pairs"].is_null());
  EXPECT_THAT(outcome.json["message"].get<std::string>(), HasSubstr("two patients"));
}

TEST(SurvivalEvaluateTest, NoRowIsAnErrorAndOneRowIsNone) {
  const Plan plan = PlanOf(kColumns, kColumn);
  EXPECT_EQ(ErrorOf(plan, {CohortOf(plan, Rows{})}).code, ErrorCode::kNotEstimable);
  Rows one = DrawnRows(1);
  one[0]["death"] = "1";
  const Json result = RunOn(plan, {CohortOf(plan, one)}).json;
  EXPECT_EQ(result["rows"], 1);
  EXPECT_TRUE(result["score_sd"].is_null());
}

/// The highest score goes first everywhere: the likelihood is monotone.
TEST(SurvivalEvaluateTest, APerfectOrderHasNoSlopeAndNoStandardError) {
  Rows rows = DrawnRows(90);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i]["time"] = std::to_string(1 + i);
    rows[i]["death"] = "1";
    rows[i]["risk"] = std::to_string(4 - 0.01 * static_cast<double>(i));
  }
  for (const bool wrong : {false, true}) {
    if (wrong) {
      for (Row& row : rows) row["risk"] = std::to_string(-std::stod(row["risk"]));
    }
    const Json result = RunAll(kColumn, rows).json;
    EXPECT_EQ(result["concordance"]["estimate"], wrong ? 0 : 1);
    EXPECT_TRUE(result["concordance"]["std_error"].is_null());
    EXPECT_TRUE(result["calibration_slope"].is_null());
    EXPECT_TRUE(result["converged"].get<bool>());
    EXPECT_THAT(result["message"].get<std::string>(), HasSubstr("no slope"));
  }
}

/// Tied events do not make a pair, but each is at risk at the other: a slope exists.
TEST(SurvivalEvaluateTest, TiedEventsOfDifferentScoresHaveASlope) {
  Rows rows;
  for (const char* risk : {"1", "2", "0", "0.5"}) {
    Row row = DrawnRows(1).front();
    row["site"] = "0";
    row["death"] = rows.size() < 2 ? "1" : "0";
    row["time"] = rows.size() < 2 ? "3" : "9";
    row["risk"] = risk;
    rows.push_back(row);
  }
  const Json result = RunAll(kColumn, rows).json;
  EXPECT_EQ(result["concordance"]["estimate"], 1);
  EXPECT_TRUE(result["calibration_slope"].is_object());
}

TEST(SurvivalEvaluateTest, ScoresThatAreAllAlikeHaveAConcordanceOfAHalf) {
  Rows rows = DrawnRows(60);
  for (Row& row : rows) row["risk"] = "0.3";
  const Json result = RunAll(kColumn, rows).json;
  EXPECT_EQ(result["concordance"]["estimate"], 0.5);
  EXPECT_TRUE(result["concordance"]["std_error"].is_null());
  EXPECT_TRUE(result["calibration_slope"].is_null());
  EXPECT_THAT(result["message"].get<std::string>(), HasSubstr("alike"));
}

/// Far off the middle of a huge range the first sums lose the spread; they are asked for again.
TEST(SurvivalEvaluateTest, AHugeRangeCostsNoDigits) {
  const Rows rows = DrawnRows(200);
  const std::string wide = Boolean("death") + Number("time", 0, 1e9) + Number("risk", -1e7, 3e7);
  const Plan plan = PlanOf(wide, kColumn);
  const Json far = RunOn(plan, CohortsBy(plan, rows, "site")).json;
  const Json near = RunAll(kColumn, rows).json;
  EXPECT_EQ(far["concordance"], near["concordance"]);
  for (const char* field : {"estimate", "std_error"}) {
    ExpectClose(far["calibration_slope"][field], near["calibration_slope"][field], 1e-8, field);
  }
  ExpectClose(far["score_sd"], near["score_sd"], 1e-8, "standard deviation");
}

TEST(SurvivalEvaluateTest, SmallLevelsAreNeitherShownNorAskedFor) {
  const std::string analysis = kColumn + "subgroups = [\"ward\", \"old\"]\nminimum_count = 5\n";
  const Outcome outcome = RunAll(analysis, DrawnRows(300));
  const Json& ward = outcome.json["subgroups"][0];
  // Few patients lie in ward c; the smaller of the others goes with it.
  EXPECT_EQ(ward["levels"][2], (Json{{"level", "c"}, {"left_out", true}}));
  int left_out = 0;
  for (const Json& level : ward["levels"]) left_out += level.contains("left_out") ? 1 : 0;
  EXPECT_EQ(left_out, 2);
  EXPECT_FALSE(outcome.json["subgroups"][1]["levels"][0].contains("left_out"));
  EXPECT_THAT(outcome.result.table, HasSubstr("left out: too few"));
  const Plan plan = PlanOf(kColumns, analysis);
  const Settings table = Settings::Parse(analysis, "plan.toml").value();
  EXPECT_EQ(table.Text("kind").value(), "evaluate");
  const evaluate::SurvivalPlan read = evaluate::ParseSurvivalPlan(table, plan.contract).value();
  for (std::size_t i = 1; i < outcome.queries.size(); ++i) {
    // All rows, one ward and both of "old".
    EXPECT_EQ(evaluate::DecodeSurvivalQuery(outcome.queries[i], read).value().groups.size(), 4u);
  }
}

TEST(SurvivalEvaluateTest, ALevelWithoutEventsHasItsRowsAlone) {
  Rows rows = DrawnRows(200);
  for (Row& row : rows) {
    if (row["old"] == "1") row["death"] = "0";
  }
  const Json result = RunAll(kColumn + "subgroups = [\"old\"]\n", rows).json;
  const Json& level = result["subgroups"][0]["levels"][1];
  EXPECT_GT(level["rows"], 5);
  EXPECT_EQ(level["events"], 0);
  EXPECT_TRUE(level["concordance"].is_null());
  EXPECT_TRUE(level["calibration_slope"].is_null());
  EXPECT_TRUE(result["calibration_slope"].is_object());
}

TEST(SurvivalEvaluateTest, TheTableSaysWhatIsWrongInWords) {
  const Outcome outcome = RunAll(kModel + "subgroups = [\"stage\"]\n", DrawnRows(600, 0.4));
  EXPECT_THAT(outcome.result.table,
              AllOf(HasSubstr("concordance (C-index)"), HasSubstr("calibration slope (ideal 1)"),
                    HasSubstr("stage iii"), HasSubstr("too extreme on the whole")));
  EXPECT_THAT(RunAll(kModel, DrawnRows(600, -0.5)).result.table, HasSubstr("order is wrong"));
  EXPECT_THAT(RunAll(kColumn, DrawnRows(600, 0.4)).result.table,
              AllOf(HasSubstr("slope (1 for log hazards)"), Not(HasSubstr("on the whole"))));
  std::size_t longest = 0;
  const std::string& table = outcome.result.table;
  for (std::size_t at = 0, end = 0; at < table.size(); at = end + 1) {
    end = table.find('\n', at);
    longest = std::max(longest, end - at);
  }
  EXPECT_LE(longest, 100u);
}

TEST(SurvivalEvaluateTest, ReviewersReadEverySliceOfEveryQuery) {
  const std::string analysis = kModel + "subgroups = [\"old\"]\n";
  const Plan plan = PlanOf(kColumns, analysis);
  const std::vector<Slice> shown = plan.analysis->DescribeForReview();
  const Outcome outcome = RunAll(analysis, DrawnRows(200));
  EXPECT_GE(outcome.queries.size(), 5u);
  EXPECT_LE(outcome.queries.size(), 9u);
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
              AllOf(HasSubstr("given Cox model on x and stage (3 given coefficients)"),
                    HasSubstr("time \"time\" to the event \"death\""), HasSubstr("by old")));
  EXPECT_THAT(plan.analysis->ReleasedInWords(), HasSubstr("fewer than 5 rows"));
  EXPECT_EQ(plan.analysis->parameters(), 3u);
  EXPECT_EQ(plan.analysis->outcomes(), 2u);
  EXPECT_TRUE(plan.analysis->KeepsSitesApart());
}

/// As many rows as a site may bring, half of them with the highest and half with the lowest score,
/// events in the order that was least expected.
TEST(SurvivalEvaluateTest, TheWorstRowsThatTheContractAllowsKeepEveryBound) {
  for (const std::string& analysis : {kModel, kColumn}) {
    const Plan plan = PlanOf("maximum_patients = 30\n" + kColumns, analysis);
    for (const bool reverse : {false, true}) {
      Rows rows;
      for (int i = 0; i < 30; ++i) {
        Row row = DrawnRows(1).front();
        const bool high = (i < 15) == reverse;
        row["death"] = "1";
        row["time"] = std::to_string(i);
        row["x"] = high ? "4" : "-4";
        row["stage"] = high ? "iii" : "i";
        row["risk"] = high ? "10" : "-10";
        rows.push_back(row);
      }
      const Cohort cohort = CohortOf(plan, rows);
      for (const SurvivalQuery& query : {SurvivalQuery{SurvivalStep::kCounts, 10, 0.5, {}, {}},
                                         {SurvivalStep::kPairs, 0, 1, {0}, {}},
                                         {SurvivalStep::kSlope, -10, 0.25, {0}, {-7}},
                                         {SurvivalStep::kSlope, 10, 0.25, {0}, {7}}}) {
        const Query encoded = EncodeSurvivalQuery(query);
        const std::vector<Slice> slices = plan.analysis->Describe(encoded).value();
        const Contribution answer = plan.analysis->Answer(encoded, cohort).value();
        const auto words = EncodeFixedPoint(answer.values, SlotsOf(slices), 3);
        EXPECT_TRUE(words.has_value()) << Describe(words.error());
      }
    }
  }
}

TEST(SurvivalEvaluateTest, AQueryOfAnotherShapeIsRefused) {
  const Plan plan = PlanOf(kColumns, kColumn + "subgroups = [\"old\"]\n");
  const auto described = [&plan](const SurvivalQuery& query) {
    return plan.analysis->Describe(EncodeSurvivalQuery(query)).has_value();
  };
  using enum SurvivalStep;
  EXPECT_TRUE(described({kCounts, 0, 1, {}, {}}));
  EXPECT_TRUE(described({kPairs, 0, 1, {0, 1, 2}, {}}));
  EXPECT_TRUE(described({kSlope, 0.5, 2, {0, 2}, {1, -1}}));
  EXPECT_FALSE(described({kCounts, 0, 1, {0}, {}}));
  EXPECT_FALSE(described({kCounts, 0, 0, {}, {}}));
  EXPECT_FALSE(described({kCounts, std::nan(""), 1, {}, {}}));
  EXPECT_FALSE(described({kCounts, 0, 1, {}, {1}}));
  EXPECT_FALSE(described({kPairs, 0, 1, {}, {}}));
  EXPECT_FALSE(described({kPairs, 0, 2, {0}, {}}));
  EXPECT_FALSE(described({kPairs, 0, 1, {1, 0}, {}}));
  EXPECT_FALSE(described({kPairs, 0, 1, {3}, {}}));
  EXPECT_FALSE(described({kSlope, 0, 1, {0, 1}, {1}}));
  EXPECT_FALSE(described({kSlope, 0, -1, {0}, {1}}));
  EXPECT_FALSE(described({kSlope, 0, 1, {0}, {INFINITY}}));
  EXPECT_FALSE(described({kSlope, 0, 1, {0}, {1e300}}));
  EXPECT_FALSE(plan.analysis->Describe(Query{Bytes(2)}).has_value());
}

TEST(SurvivalEvaluateTest, RefusesWhatTheContractForbidsWithoutSayingTheValue) {
  const Plan plan = PlanOf(kColumns, kColumn);
  Cohort cohort = CohortOf(plan, DrawnRows(30));
  const Query query = EncodeSurvivalQuery({});
  cohort.values(4, 2) = 16.25;
  const auto beyond = plan.analysis->Answer(query, cohort);
  ASSERT_FALSE(beyond.has_value());
  EXPECT_THAT(beyond.error().message, AllOf(HasSubstr("row 5"), Not(HasSubstr("16.25"))));
  cohort.values(4, 2) = std::nan("");
  EXPECT_FALSE(plan.analysis->Answer(query, cohort).has_value());
  cohort.values(4, 2) = 1;
  cohort.values(7, 0) = 0.5;
  EXPECT_FALSE(plan.analysis->Answer(query, cohort).has_value());
}

struct Mistake {
  const char* name;
  const char* table;
  const char* words;
};

class SurvivalEvaluateSettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(SurvivalEvaluateSettingsTest, NamesTheMistake) {
  const Result<Plan> plan = ParsePlan(
      PlanText(kColumns, std::string("kind = \"evaluate\"\n") + GetParam().table), "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), AllOf(HasSubstr("plan.toml:"), HasSubstr(GetParam().words)));
}

#define OUTCOME "event = \"death\"\ntime = \"time\"\n"

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    SurvivalEvaluateSettingsTest,
    ::testing::Values(
        Mistake{"Nothing", OUTCOME, "nothing to evaluate"},
        Mistake{"Both", OUTCOME "prediction = \"risk\"\nfeatures = [\"x\"]\n", "not both"},
        Mistake{"OutcomeToo", OUTCOME "outcome = \"death\"\nprediction = \"risk\"\n",
                "no 'outcome'"},
        Mistake{"NoTime", "event = \"death\"\nprediction = \"risk\"\n", "time"},
        Mistake{"NoEvent", "time = \"time\"\nprediction = \"risk\"\n", "event"},
        Mistake{"NegativeTime", "event = \"death\"\ntime = \"x\"\nprediction = \"risk\"\n",
                "may be negative"},
        Mistake{"Intercept",
                OUTCOME "features = [\"x\"]\nintercept = 0\ncoefficients = { x = 1 }\n",
                "no 'intercept'"},
        Mistake{"Bins", OUTCOME "prediction = \"risk\"\nscore_bins = 100\n", "score_bins"},
        Mistake{"NoScore", OUTCOME "prediction = \"old\"\n", "holds no score"},
        Mistake{"DateAsScore", OUTCOME "prediction = \"born\"\n", "born"},
        Mistake{"ItsOwnPrediction", OUTCOME "prediction = \"time\"\n", "at once"},
        Mistake{"EventAsFeature", OUTCOME "features = [\"death\"]\ncoefficients = { death = 1 }\n",
                "death"},
        Mistake{"EventAsSubgroup", OUTCOME "prediction = \"risk\"\nsubgroups = [\"death\"]\n",
                "at once"},
        Mistake{"MissingTerm",
                OUTCOME "features = [\"x\", \"stage\"]\ncoefficients = { x = 1, stage_ii = 2 }\n",
                "no coefficient for \"stage_iii\""},
        Mistake{"UnknownTerm", OUTCOME "features = [\"x\"]\ncoefficients = { x = 1, y = 2 }\n",
                "'y' is not known"},
        Mistake{"AllZero", OUTCOME "features = [\"x\"]\ncoefficients = { x = 0 }\n",
                "the same score"},
        Mistake{"Ties", OUTCOME "prediction = \"risk\"\nties = \"exact\"\n", "ties"},
        Mistake{"Count", OUTCOME "prediction = \"risk\"\nminimum_count = 0\n", "1 and 1000000"},
        Mistake{"Key", OUTCOME "prediction = \"risk\"\nthreshold = 0.5\n", "threshold"}),
    [](const auto& mistake) { return mistake.param.name; });

#undef OUTCOME

}  // namespace
}  // namespace consilium::testing
