// Covers protocols/analyses/survival/: estimate.cc, kaplan_meier.cc, log_rank.cc, query.cc,
// render.cc, settings.cc, site.cc and survival.cc (protocols/analyses/survival/estimate.cc,
// protocols/analyses/survival/kaplan_meier.cc, protocols/analyses/survival/log_rank.cc,
// protocols/analyses/survival/query.cc, protocols/analyses/survival/render.cc,
// protocols/analyses/survival/settings.cc, protocols/analyses/survival/site.cc and
// protocols/analyses/survival/survival.cc).

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/survival/kaplan_meier.h"
#include "protocols/analyses/survival/log_rank.h"
#include "protocols/analyses/survival/query.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/survival/survival_testing.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using survival::AtTime;
using survival::LimitScale;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Columns() {
  return Boolean("event") + Number("time", 0, 20) + Category("arm", {"old", "new", "none"});
}

Plan PlanBy(const std::string& more) {
  return PlanOf(Columns(), SurvivalTable("event", "time", more));
}

const std::string kByArm = "group = \"arm\"\n";

const char* const kRows =
    "site,event,time,arm\na,1,0,old\na,1,1.5,old\na,0,2,new\na,1,2.5,new\nb,1,2.5,old\n"
    "b,1,3,old\nb,0,3,new\nb,1,4.2,new\nb,0,5,old\nc,1,6,old\nc,1,6.1,new\nc,0,9,new\n"
    "c,1,9.5,old\nc,0,20,new\n";

std::vector<Cohort> Cohorts(const Plan& plan) { return CohortsBy(plan, ParseCsv(kRows), "site"); }

TEST(KaplanMeierTest, LimitsAreThoseOfEachOfRsScales) {
  // l <- lung: survfit(Surv(time, death) ~ sex, l, conf.type = , conf.int = 0.9), at 310 and 500.
  REQUIRE_REFERENCE_DATA();
  struct Expected {
    const char* scale;
    double low[2][2], high[2][2];
  };
  const Expected cases[] = {
      {"log-log",
       {{0.33063552510445304, 0.16091797125463070}, {0.54590624377475094, 0.30779483236923488}},
       {{0.47471078361433605, 0.29199422245137563}, {0.72430965569899164, 0.51130315515429159}}},
      {"plain",
       {{0.33084354434726715, 0.15714236640893600}, {0.55343884690611422, 0.30810400890407585}},
       {{0.47576725878724169, 0.28928101225974656}, {0.73224980555927588, 0.51398826130929987}}}};
  for (const Expected& r : cases) {
    const Plan plan = PlanOf(
        Boolean("death") + Integer("time", 0, 1100) + Category("sex", {"1", "2"}),
        SurvivalTable("death", "time",
                      "group = \"sex\"\nbin_width = 1\nminimum_events = 1\nconfidence = 0.9\n"
                      "limits = \"" +
                          std::string(r.scale) + "\"\n"));
    const Rows rows = ReadCsv(*DataFolder() / "multisite/csv/lung.csv");
    const Json json = RunOn(plan, CohortsBy(plan, rows, "inst")).json;
    for (std::size_t g = 0; g < 2; ++g) {
      for (std::size_t i = 0; i < 2; ++i) {
        Json last;
        for (const Json& point : json["curves"][g]["points"]) {
          if (point["time"].get<double>() <= (i == 0 ? 310 : 500)) last = point;
        }
        ExpectClose(last["conf_low"], r.low[g][i], 1e-12, "lower limit");
        ExpectClose(last["conf_high"], r.high[g][i], 1e-12, "upper limit");
      }
    }
    EXPECT_EQ(json["curves"][0]["median_low"], 218);
    EXPECT_EQ(json["curves"][0]["median_high"], 303);
    EXPECT_EQ(json["curves"][1]["median_low"], 348);
    EXPECT_EQ(json["curves"][1]["median_high"], 520);
  }
}

TEST(KaplanMeierTest, ACurveAtExactlyHalfHasItsMedianInTheMiddle) {
  const AtTime times[] = {{2, 4, 1}, {5, 3, 1}, {9, 2, 1}};
  EXPECT_EQ(MedianOf(survival::KaplanMeier(times, 0.95, LimitScale::kLog)).estimate, 7);
  EXPECT_EQ(
      MedianOf(survival::KaplanMeier(std::span(times).first(2), 0.95, LimitScale::kLog)).estimate,
      5);
  EXPECT_FALSE(
      MedianOf(survival::KaplanMeier(std::span(times).first(1), 0.95, LimitScale::kLog)).estimate);
}

TEST(KaplanMeierTest, WhereNobodyIsLeftThereAreNoLimits) {
  const AtTime times[] = {{2, 3, 1}, {5, 2, 2}};
  const auto curve = survival::KaplanMeier(times, 0.95, LimitScale::kLog);
  EXPECT_EQ(curve[1].survival, 0);
  EXPECT_FALSE(curve[1].std_error || curve[1].low || curve[1].high);
  const AtTime untouched[] = {{2, 3, 0}};
  EXPECT_FALSE(survival::KaplanMeier(untouched, 0.95, LimitScale::kLogLog)[0].low);
  EXPECT_EQ(survival::KaplanMeier(untouched, 0.95, LimitScale::kLog)[0].low, 1);
}

TEST(LogRankTest, OneGroupIsNoTest) {
  survival::LogRankSums sums(2);
  sums.Add(std::vector<double>{5, 0}, std::vector<double>{2, 0});
  EXPECT_FALSE(TestOf(sums));
}

/// The rows of these groups with each time rounded up to the end of its merged bin.
Rows RoundedUp(const Json& bin_ends, const std::string& group = {}) {
  Rows rows;
  for (Row row : ParseCsv(kRows)) {
    if (!group.empty() && row["arm"] != group) continue;
    const double time = std::stod(row["time"]);
    for (const Json& end : bin_ends) {
      if (end.get<double>() < time) continue;
      row["time"] = end.dump();
      break;
    }
    rows.push_back(row);
  }
  return rows;
}

TEST(SurvivalTest, MergedBinsGiveThePooledCurvesOnTimesRoundedUp) {
  const Plan merged = PlanBy(kByArm + "bin_width = 1\nminimum_events = 2\n");
  const Json json = RunOn(merged, Cohorts(merged)).json;
  const Plan exact = PlanBy(kByArm + "bin_width = 1\nminimum_events = 1\n");
  EXPECT_LT(json["bin_ends"].size(), RunOn(exact, Cohorts(exact)).json["bin_ends"].size());
  const Json on_grid = RunOn(exact, {CohortOf(exact, RoundedUp(json["bin_ends"]))}).json;
  EXPECT_EQ(json["log_rank"], on_grid["log_rank"]);
  for (std::size_t g = 0; g < 2; ++g) {
    const Json& curve = json["curves"][g];
    for (const Json& point : curve["points"]) EXPECT_GE(point["events"], 2);
    const Rows rows = RoundedUp(curve["bin_ends"], curve["group"]);
    const Json own = RunOn(exact, {CohortOf(exact, rows)}).json["curves"][g];
    EXPECT_EQ(curve["points"], own["points"]);
    EXPECT_EQ(curve["median"], own["median"]);
  }
}

TEST(SurvivalTest, TheSplitOverSitesChangesNothingButTheStratifiedTest) {
  const Plan plan = PlanBy(kByArm + "bin_width = 1\nminimum_events = 2\n");
  Json federated = RunOn(plan, Cohorts(plan)).json;
  Json pooled = RunOn(plan, {CohortOf(plan, ParseCsv(kRows))}).json;
  EXPECT_NE(federated["stratified_log_rank"], pooled["stratified_log_rank"]);
  for (const char* field : {"stratified_log_rank", "sites"}) {
    federated.erase(field);
    pooled.erase(field);
  }
  EXPECT_EQ(federated, pooled);
}

TEST(SurvivalTest, TimeZeroIsABinOfItsOwnAndRoundingLeavesATimeInItsBin) {
  const Plan plan = PlanOf(Boolean("event") + Number("time", 0, 1),
                           SurvivalTable("event", "time", "bin_width = 0.1\nminimum_events = 1\n"));
  const Json json =
      RunOn(plan, {CohortOf(plan, ParseCsv("event,time\n1,0\n1,0.30000000000000004\n1,0.7\n"
                                           "0,1\n0,0.05\n"))})
          .json;
  const Json& points = json["curves"][0]["points"];
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0]["time"], 0);
  EXPECT_EQ(points[0]["at_risk"], 5);
  EXPECT_NEAR(points[1]["time"].get<double>(), 0.3, 1e-12);
  EXPECT_EQ(points[1]["at_risk"], 3);
  EXPECT_NEAR(points[2]["time"].get<double>(), 0.7, 1e-12);
}

TEST(SurvivalTest, AGroupWithoutPatientsOrEventsHasItsCurve) {
  const Plan plan = PlanBy(kByArm + "bin_width = 1\nminimum_events = 1\n");
  const Json json = RunOn(plan, Cohorts(plan)).json;
  EXPECT_EQ(json["curves"][2]["group"], "none");
  EXPECT_EQ(json["curves"][2]["rows"], 0);
  EXPECT_TRUE(json["curves"][2]["points"].empty());
  EXPECT_TRUE(json["curves"][2]["median"].is_null());
  EXPECT_EQ(json["log_rank"]["df"], 1);
}

TEST(SurvivalTest, TooFewEventsAreSaidWithWhoHasThem) {
  const Plan all = PlanBy("bin_width = 1\nminimum_events = 50\n");
  const Error few = ErrorOf(all, Cohorts(all));
  EXPECT_EQ(few.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(few.message, HasSubstr("the whole cohort has fewer than 50 events"));
  const Plan grouped = PlanBy(kByArm + "bin_width = 1\nminimum_events = 4\n");
  EXPECT_THAT(ErrorOf(grouped, Cohorts(grouped)).message,
              AllOf(HasSubstr("the group \"new\" has fewer than 4 events"), Not(HasSubstr("3"))));
}

TEST(SurvivalTest, AnswersWhatItDescribesAndTheReviewListsIt) {
  const Plan plan = PlanBy(kByArm + "bin_width = 1\nminimum_events = 2\n");
  const std::vector<Slice> review = plan.analysis->DescribeForReview();
  const std::vector<Cohort> cohorts = Cohorts(plan);
  const Outcome outcome = RunOn(plan, cohorts);
  EXPECT_EQ(outcome.queries.size(), plan.analysis->maximum_rounds());
  for (const Query& query : outcome.queries) {
    std::size_t count = 0;
    const std::vector<Slice> slices = plan.analysis->Describe(query).value();
    for (const Slice& slice : slices) {
      count += slice.slot.count;
      EXPECT_TRUE(std::any_of(review.begin(), review.end(), [&slice](const Slice& listed) {
        return listed.name == slice.name && listed.slot.count >= slice.slot.count;
      })) << slice.name;
    }
    EXPECT_EQ(plan.analysis->Answer(query, cohorts[0])->values.size(), count);
  }
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(plan)),
              AllOf(HasSubstr("Kaplan-Meier"), HasSubstr("in steps of at")));
  EXPECT_THAT(outcome.result.table, HasSubstr("log-rank stratified by site"));
}

TEST(SurvivalTest, RefusesQueriesForAnotherGrid) {
  const Plan plan = PlanBy("bin_width = 5\n");
  using survival::Step;
  const survival::SurvivalQuery good{Step::kTable, {0, 2, 4}};
  EXPECT_TRUE(plan.analysis->Describe(survival::EncodeQuery(good)).has_value());
  const survival::SurvivalQuery bad[] = {{Step::kTable, {}},        {Step::kGrid, {4}},
                                         {Step::kTable, {0, 2}},    {Step::kTable, {0, 2, 5}},
                                         {Step::kTable, {2, 0, 4}}, {Step::kTable, {2, 2, 4}}};
  for (const survival::SurvivalQuery& query : bad) {
    const auto slices = plan.analysis->Describe(survival::EncodeQuery(query));
    ASSERT_FALSE(slices.has_value());
    EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(SurvivalSettingsTest, MistakesNameThePlaceAndWhatWouldDo) {
  const std::pair<std::string, std::vector<const char*>> mistakes[] = {
      {"", {"'bin_width' is missing"}},
      {"bin_width = 0", {"plan.toml:", "above 0"}},
      {"bin_width = 0.001", {"20001 bins", "at most 5000", "wider bins"}},
      {"bin_width = 1\nminimum_events = 0", {"between 1 and"}},
      {"bin_width = 1\ngroup = \"sex\"", {"no column \"sex\""}},
      {"bin_width = 1\ngroup = \"time\"", {"an outcome and the group at once"}},
      {"bin_width = 1\ngroup = \"age\"", {"does not name groups", "category"}},
      {"bin_width = 1\nlimits = \"logit\"", {"\"log\", \"log-log\" or \"plain\""}},
      {"bin_width = 1\nfeatures = [\"arm\"]", {"'features'"}}};
  for (const auto& [more, parts] : mistakes) {
    const Result<Plan> plan =
        ParsePlan(PlanText(Columns() + Number("age", 0, 100), SurvivalTable("event", "time", more)),
                  "plan.toml");
    ASSERT_FALSE(plan.has_value()) << more;
    for (const char* part : parts) EXPECT_THAT(Describe(plan.error()), HasSubstr(part));
  }
}

}  // namespace
}  // namespace consilium::testing
