// Covers protocols/analyses/cox/: cox.cc, fit.cc, query.cc, render.cc, settings.cc and site.cc
// (protocols/analyses/cox/cox.cc, protocols/analyses/cox/fit.cc, protocols/analyses/cox/query.cc,
// protocols/analyses/cox/render.cc, protocols/analyses/cox/settings.cc and
// protocols/analyses/cox/site.cc).

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/cox/query.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/cox/cox_testing.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// d <- data.frame(site = rep(c("a", "b"), c(9, 8)),
//   time = c(0,0,1,2,2,2,3,5,5, 0,1,1,1,2,4,4,6), event = c(1,0,1,1,1,0,1,0,1, 0,1,1,0,1,1,1,0),
//   x = c(1.5,0.2,2.1,0.4,1.9,0.3,1.1,0.8,0.1, 0.9,2.4,0.6,1.2,1.3,0.2,1.7,0.5),
//   g = c(1,0,0,1,0,1,1,0,0, 1,0,1,1,0,0,1,1))
const char* const kTwoSites =
    "site,time,event,x,g\na,0,1,1.5,1\na,0,0,0.2,0\na,1,1,2.1,0\na,2,1,0.4,1\na,2,1,1.9,0\n"
    "a,2,0,0.3,1\na,3,1,1.1,1\na,5,0,0.8,0\na,5,1,0.1,0\nb,0,0,0.9,1\nb,1,1,2.4,0\n"
    "b,1,1,0.6,1\nb,1,0,1.2,1\nb,2,1,1.3,0\nb,4,1,0.2,0\nb,4,1,1.7,1\nb,6,0,0.5,1\n";

std::string Columns() {
  return Boolean("event") + Number("time", 0, 100) + Number("x", -5, 5) + Boolean("g");
}

Plan SmallPlan(const std::string& more = {}) {
  return PlanOf(Columns(), CoxTable("event", "time", "\"x\", \"g\"", more));
}

TEST(CoxTest, TiesAndTimeZeroAreThoseOfR) {
  // f <- coxph(Surv(time, event) ~ x + g + strata(site), d, ties = , control = coxph.control(
  //   eps = 1e-12, iter.max = 100, toler.chol = 1e-13)); coef(f); sqrt(diag(f$var)); f$loglik;
  //   f$score; f$wald.test
  struct Expected {
    const char* ties;
    double x, g, x_error, g_error, null_log_likelihood, log_likelihood, score, wald;
  };
  const Expected cases[] = {{"efron", 0.978294010453093166, -0.074078676998197243,
                             0.49736951144328190, 0.69373841873744835, -16.251815025913054,
                             -14.179133650883507, 4.443472551271376, 3.9905837572420224},
                            {"breslow", 0.885769230899628779, -0.011608118684326168,
                             0.48646889944643956, 0.68705113159097098, -16.993752370642433,
                             -15.227545354985464, 3.7359349654913903, 3.3920521852668566}};
  for (const Expected& r : cases) {
    const Plan plan = SmallPlan("ties = \"" + std::string(r.ties) + "\"\n");
    const Json json = RunOn(plan, CohortsBy(plan, ParseCsv(kTwoSites), "site")).json;
    EXPECT_EQ(json["ties"], r.ties);
    EXPECT_EQ(json["events"], 11);
    const Json& lines = json["coefficients"];
    ExpectClose(lines[0]["estimate"], r.x, 1e-9, "x");
    ExpectClose(lines[1]["estimate"], r.g, 1e-8, "g");
    ExpectClose(lines[0]["std_error"], r.x_error, 1e-9, "x's standard error");
    ExpectClose(lines[1]["std_error"], r.g_error, 1e-9, "g's standard error");
    ExpectClose(json["null_log_likelihood"], r.null_log_likelihood, 1e-13, "at zero");
    ExpectClose(json["log_likelihood"], r.log_likelihood, 1e-13, "log-likelihood");
    ExpectClose(json["score_test"]["statistic"], r.score, 1e-12, "score test");
    ExpectClose(json["wald_test"]["statistic"], r.wald, 1e-9, "Wald test");
    ExpectClose(json["concordance"], 0.75, 1e-15, "concordance");
    ExpectClose(json["concordance_std_error"], 0.076546554461974309, 1e-12, "its error");
  }
}

TEST(CoxTest, RidgeOnFederatedStandardisationIsThatOfR) {
  REQUIRE_REFERENCE_DATA();
  Rows rows;
  for (Row& row : ReadCsv(*DataFolder() / "multisite/csv/lung.csv")) {
    if (!row["inst"].empty()) rows.push_back(row);
  }
  // l3 without missing values, its three features scaled by mean and sd:
  // coxph(Surv(time, death) ~ ridge(age, sex, ph_ecog, theta = 2, scale = FALSE) + strata(inst))
  const double estimates[] = {0.087502337643769454, -0.263942961145414268, 0.419582832516646798};
  const double errors[] = {0.092743272226972817, 0.088382903545380184, 0.097573417678660429};
  const Plan plan =
      PlanOf(Boolean("death") + Integer("time", 0, 3000) + Number("age", 18, 110) +
                 Number("sex", 1, 2) + Number("ph_ecog", 0, 5),
             CoxTable("death", "time", "\"age\", \"sex\", \"ph_ecog\"", "ridge = 2\n"));
  const Json json = RunOn(plan, CohortsBy(plan, rows, "inst")).json;
  for (std::size_t j = 0; j < 3; ++j) {
    const Json& standardised = json["standardised_coefficients"][j];
    const double sd = standardised["sd"];
    ExpectClose(standardised["estimate"], estimates[j], 1e-8, "estimate");
    ExpectClose(json["coefficients"][j]["estimate"].get<double>() * sd, estimates[j], 1e-8, "own");
    ExpectClose(json["coefficients"][j]["std_error"].get<double>() * sd, errors[j], 1e-8, "error");
  }
  ExpectClose(json["log_likelihood"], -311.25412976220611, 1e-9, "log-likelihood");
  EXPECT_FALSE(json.contains("likelihood_ratio_test"));
  EXPECT_FALSE(json.contains("aic"));
}

TEST(CoxTest, ASiteWithoutEventsAddsPatientsAndNothingElse) {
  const Plan plan = SmallPlan();
  std::vector<Cohort> cohorts = CohortsBy(plan, ParseCsv(kTwoSites), "site");
  const Json without = RunOn(plan, cohorts).json;
  cohorts.push_back(CohortOf(plan, ParseCsv("time,event,x,g\n3,0,1,0\n4,0,-1,1\n9,0,0.5,1\n")));
  const Json with = RunOn(plan, cohorts).json;
  EXPECT_EQ(with["patients"], 20);
  EXPECT_EQ(with["events"], without["events"]);
  EXPECT_EQ(with["sites"], 3);
  for (std::size_t j = 0; j < 2; ++j) {
    for (const char* field : {"estimate", "std_error"}) {
      ExpectClose(with["coefficients"][j][field], without["coefficients"][j][field], 1e-9, field);
    }
  }
  for (const char* field : {"log_likelihood", "null_log_likelihood", "concordance"}) {
    ExpectClose(with[field], without[field], 1e-13, field);
  }
}

/// Loses its last site after so many sums.
class LosingFederation final : public Federation {
 public:
  LosingFederation(const Analysis& analysis, const std::vector<CohortView>& all, int sums)
      : left_(sums), all_(analysis, all), rest_(analysis, std::span(all).first(all.size() - 1)) {}
  Aggregate Sum(const Query& query) override {
    return left_-- > 0 ? all_.Sum(query) : rest_.Sum(query);
  }

 private:
  int left_;
  PlainFederation all_;
  PlainFederation rest_;
};

TEST(CoxTest, AfterTheLossOfASiteTheFitIsThatOfTheOthers) {
  const Plan plan = SmallPlan();
  std::vector<Cohort> cohorts = CohortsBy(plan, ParseCsv(kTwoSites), "site");
  const Json expected = RunOn(plan, cohorts).json;
  cohorts.push_back(
      CohortOf(plan, ParseCsv("time,event,x,g\n3,1,4,0\n4,0,-1,1\n6,1,0,1\n9,1,-0.5,1\n")));
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  for (int sums = 1; sums < 5; ++sums) {
    LosingFederation federation(*plan.analysis, views, sums);
    const Json json = Json::parse(plan.analysis->Run(federation)->json);
    EXPECT_EQ(json["patients"], 17);
    EXPECT_EQ(json["sites"], 2);
    for (std::size_t j = 0; j < 2; ++j) {
      for (const char* field : {"estimate", "std_error"}) {
        ExpectClose(json["coefficients"][j][field], expected["coefficients"][j][field], 1e-8,
                    field);
      }
    }
    for (const char* test : {"likelihood_ratio_test", "score_test", "wald_test"}) {
      ExpectClose(json[test]["statistic"], expected[test]["statistic"], 1e-8, test);
    }
    ExpectClose(json["concordance"], 0.75, 1e-12, "concordance");
  }
}

TEST(CoxTest, OrderOfSitesChangesNoBit) {
  const Plan plan = SmallPlan();
  std::vector<Cohort> cohorts = CohortsBy(plan, ParseCsv(kTwoSites), "site");
  const Outcome first = RunOn(plan, cohorts);
  std::swap(cohorts[0], cohorts[1]);
  EXPECT_EQ(RunOn(plan, cohorts).result.json, first.result.json);
}

TEST(CoxTest, SitesAreStrata) {
  const Plan plan = SmallPlan();
  EXPECT_TRUE(plan.analysis->KeepsSitesApart());
  EXPECT_EQ(plan.analysis->columns(), (std::vector<std::string>{"event", "time", "x", "g"}));
  EXPECT_EQ(plan.analysis->outcomes(), 2u);
  // One site's time unit changes nothing: only the order of times within a site counts.
  Rows rows = ParseCsv(kTwoSites);
  const Json json = RunOn(plan, CohortsBy(plan, rows, "site")).json;
  for (Row& row : rows) {
    if (row["site"] == "b") row["time"] = std::to_string(7 * std::stoi(row["time"]) + 3);
  }
  EXPECT_EQ(RunOn(plan, CohortsBy(plan, rows, "site")).json, json);
  // All rows as one site's are another model.
  const Json merged = RunOn(plan, {CohortOf(plan, rows)}).json;
  EXPECT_NE(merged["log_likelihood"], json["log_likelihood"]);
}

TEST(CoxTest, AMonotoneLikelihoodIsSaidWithTheTermThatCausesIt) {
  const Plan plan = SmallPlan();
  // Nobody with g has the event.
  const Rows rows = ParseCsv(
      "time,event,x,g\n1,1,0.3,0\n2,1,1.4,0\n3,0,0.2,1\n3,1,0.9,0\n4,1,0.1,0\n5,0,2,0\n"
      "6,0,1,1\n7,0,0.5,1\n");
  const Outcome outcome = RunOn(plan, {CohortOf(plan, rows)});
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_EQ(outcome.json["separation"]["terms"], Json({"g"}));
  EXPECT_TRUE(outcome.json["coefficients"][1]["estimate"].is_null());
  EXPECT_TRUE(outcome.json["coefficients"][0]["estimate"].is_number());
  EXPECT_THAT(outcome.result.json, Not(HasSubstr("std_error")));
  EXPECT_THAT(outcome.result.table,
              AllOf(HasSubstr("There is no estimate for \"g\""), HasSubstr("ridge")));
  EXPECT_TRUE(RunOn(SmallPlan("ridge = 0.5\n"), {CohortOf(plan, rows)}).result.converged);
}

TEST(CoxTest, ANumberThatOrdersAllEventsSeparates) {
  const Plan plan = PlanOf(Columns(), CoxTable("event", "time", "\"x\""));
  const Json json =
      RunOn(plan, {CohortOf(plan, ParseCsv("time,event,x,g\n1,1,4,0\n2,1,3,0\n3,1,2,0\n"
                                           "4,1,1,1\n5,0,0.5,1\n"))})
          .json;
  EXPECT_FALSE(json["converged"].get<bool>());
  EXPECT_EQ(json["separation"]["terms"], Json({"x"}));
}

TEST(CoxTest, StoppingEarlyIsNotConverged) {
  const Plan plan = SmallPlan("maximum_iterations = 2\n");
  const Outcome outcome = RunOn(plan, CohortsBy(plan, ParseCsv(kTwoSites), "site"));
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_THAT(outcome.result.table, HasSubstr("maximum_iterations"));
  EXPECT_FALSE(outcome.json.contains("concordance"));
}

TEST(CoxTest, NoEventAtAllIsSaid) {
  const Plan plan = SmallPlan();
  const Error error =
      ErrorOf(plan, {CohortOf(plan, ParseCsv("time,event,x,g\n1,0,1,0\n2,0,2,1\n3,0,3,1\n"))});
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(error.message, HasSubstr("\"event\" happened to no patient"));
}

TEST(CoxTest, ATermThatDiffersBetweenSitesOnlyIsNamed) {
  const Plan plan = SmallPlan();
  Rows rows = ParseCsv(kTwoSites);
  for (Row& row : rows) row["g"] = row["site"] == "a" ? "0" : "1";
  const Error error = ErrorOf(plan, CohortsBy(plan, rows, "site"));
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("\"g\""), HasSubstr("baseline")));
}

TEST(CoxTest, CollinearTermsAreNamed) {
  const Plan plan = PlanOf(Columns() + Number("twice", -10, 10),
                           CoxTable("event", "time", "\"x\", \"g\", \"twice\""));
  Rows rows = ParseCsv(kTwoSites);
  for (Row& row : rows) row["twice"] = std::to_string(2 * std::stod(row["x"]));
  const Error error = ErrorOf(plan, CohortsBy(plan, rows, "site"));
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("\"twice\" is determined by \"x\""), Not(HasSubstr("\"g\""))));
}

TEST(CoxTest, AnswersWhatItDescribesAndTheReviewListsIt) {
  const Plan plan = SmallPlan();
  const std::vector<Cohort> cohorts = CohortsBy(plan, ParseCsv(kTwoSites), "site");
  const std::vector<Slice> review = plan.analysis->DescribeForReview();
  const Outcome outcome = RunOn(plan, cohorts);
  EXPECT_LE(outcome.queries.size(), plan.analysis->maximum_rounds());
  for (const Query& query : outcome.queries) {
    std::size_t count = 0;
    const std::vector<Slice> slices = plan.analysis->Describe(query).value();
    for (const Slice& slice : slices) {
      count += slice.slot.count;
      EXPECT_FALSE(slice.meaning.empty());
      EXPECT_TRUE(std::any_of(review.begin(), review.end(), [&slice](const Slice& listed) {
        return listed.name == slice.name && listed.shape == slice.shape &&
               listed.meaning == slice.meaning;
      })) << slice.name;
    }
    EXPECT_EQ(plan.analysis->Answer(query, cohorts[0])->values.size(), count);
  }
}

TEST(CoxTest, StaysWithinItsBoundsAtTheEdgesOfTheContract) {
  const std::string edges =
      "time,event,x,g\n0,1,-5,0\n0,1,-5,0\n1,1,5,1\n1,1,-5,1\n2,1,5,0\n100,1,-5,1\n"
      "100,0,5,1\n";
  const Plan plan = ParsePlan(PlanText("maximum_patients = 7\n" + Columns(),
                                       CoxTable("event", "time", "\"x\", \"g\"")),
                              "plan.toml")
                        .value();
  const std::vector<Cohort> cohorts(3, CohortOf(plan, ParseCsv(edges)));
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  for (const cox::Step step : {cox::Step::kMoments, cox::Step::kNewton, cox::Step::kConcordance}) {
    for (const std::vector<double>& coefficients :
         {std::vector<double>{30, 7}, {-30, 7}, {0, 0}, {-1e-3, -40}}) {
      const cox::CoxQuery query{step,
                                {{4.9, 0.01}, {0.01, 0.3}},
                                step == cox::Step::kMoments ? std::vector<double>() : coefficients};
      PlainFederation federation(*plan.analysis, views);
      EXPECT_EQ(federation.Sum(cox::EncodeQuery(query)).values[2], 18);
    }
  }
}

TEST(CoxTest, RefusesACohortThatBreaksTheContract) {
  const Plan plan =
      PlanOf(Number("event", 0, 1) + Number("time", 0, 100) + Number("x", -5, 5) + Boolean("g"),
             CoxTable("event", "time", "\"x\", \"g\""));
  const Rows rows = ParseCsv(kTwoSites);
  const Query query = RunOn(plan, CohortsBy(plan, rows, "site")).queries.back();
  const double bad[][2] = {{0, 0.5}, {0, 2}, {1, -1},
                           {1, 101}, {2, 6}, {1, std::numeric_limits<double>::quiet_NaN()}};
  for (const auto& [column, value] : bad) {
    Cohort cohort = CohortOf(plan, rows);
    cohort.values(5, static_cast<Eigen::Index>(column)) = value;
    const Result<Contribution> answer = plan.analysis->Answer(query, cohort);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kDataQuality);
    EXPECT_THAT(answer.error().message,
                HasSubstr("\"" + cohort.columns[static_cast<std::size_t>(column)] + "\""));
  }
}

TEST(CoxTest, RefusesBytesThatAreNoQuery) {
  const Plan plan = SmallPlan();
  const cox::CoxQuery good{cox::Step::kNewton, {{0, 0.5}, {1, 0.5}}, {0.1, 1}};
  ASSERT_TRUE(plan.analysis->Describe(cox::EncodeQuery(good)).has_value());
  std::vector<cox::CoxQuery> bad(6, good);
  bad[0].coefficients = {0.1};
  bad[1].scaling.scales[0] = 0;
  bad[2].coefficients[1] = std::numeric_limits<double>::quiet_NaN();
  bad[3].coefficients[1] = 1e300;
  bad[4].scaling.centres.push_back(1);
  bad[5].step = cox::Step::kMoments;
  for (const cox::CoxQuery& query : bad) {
    const Result<std::vector<Slice>> slices = plan.analysis->Describe(cox::EncodeQuery(query));
    ASSERT_FALSE(slices.has_value());
    EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
  }
  Query truncated = cox::EncodeQuery(good);
  truncated.body.pop_back();
  EXPECT_FALSE(plan.analysis->Describe(truncated).has_value());
}

TEST(CoxTest, SaysInWordsWhatItIs) {
  const Plan plan = SmallPlan();
  EXPECT_THAT(
      testing::Unwrapped(ExplainPlan(plan)),
      AllOf(HasSubstr("\"time\" to the event"), HasSubstr("at risk"), HasSubstr("hazard ratios")));
  const Outcome outcome = RunOn(plan, CohortsBy(plan, ParseCsv(kTwoSites), "site"));
  EXPECT_THAT(outcome.result.table,
              AllOf(HasSubstr("17 patients with 11\nevents from 2 sites"), HasSubstr(" HR\n"),
                    HasSubstr("likelihood ratio test"), HasSubstr("concordance 0.75")));
}

struct Mistake {
  std::string table;
  std::vector<const char*> parts;
};

TEST(CoxSettingsTest, MistakesNameThePlaceAndWhatWouldDo) {
  const std::string columns = Columns() + Number("below", -1, 10) + Number("two", 0, 2) +
                              Category("stage", {"I", "II", "III"}) +
                              "[[contract.column]]\nname = \"day\"\ntype = \"date\"\n";
  const Mistake mistakes[] = {
      {"kind = \"cox\"\ntime = \"time\"\nfeatures = [\"x\"]", {"'event' is missing"}},
      {"kind = \"cox\"\nevent = \"event\"\nfeatures = [\"x\"]", {"'time' is missing"}},
      {CoxTable("evnt", "time", "\"x\""), {"no column \"evnt\"", "Did you mean \"event\"?"}},
      {"kind = \"cox\"\noutcome = \"event\"\ntime = \"time\"\nfeatures = [\"x\"]",
       {"an 'event' and its 'time', no 'outcome'", "Write event = "}},
      {CoxTable("two", "time", "\"x\""), {"\"two\" is no yes/no outcome", "boolean"}},
      {CoxTable("stage", "time", "\"x\""), {"\"stage\" is no yes/no outcome"}},
      {CoxTable("event", "below", "\"x\""), {"\"below\" may be negative", "0 or above"}},
      {CoxTable("event", "day", "\"x\""), {"\"day\" is a date", "duration"}},
      {CoxTable("event", "g", "\"x\""), {"\"g\" is no time"}},
      {CoxTable("event", "time", "\"time\""), {"\"time\" is the outcome and a feature"}},
      {CoxTable("event", "time", "\"event\""), {"\"event\" is the outcome and a feature"}},
      {CoxTable("event", "time", ""), {"at least one feature"}},
      {CoxTable("event", "time", "\"x\"", "ties = \"exact\""), {"\"efron\" or \"breslow\""}},
      {CoxTable("event", "time", "\"x\"", "baseline = \"common\""), {"It can be \"site\""}},
      {CoxTable("event", "time", "\"x\"", "outcome = \"event\""), {"'outcome'"}},
      {CoxTable("event", "time", "\"x\"", "ridge = -1"), {"between 0 and 1e9"}},
      {CoxTable("event", "event", "\"x\""), {"\"event\" is no time"}}};
  for (const auto& [table, parts] : mistakes) {
    const Result<Plan> plan = ParsePlan(PlanText(columns, table), "plan.toml");
    ASSERT_FALSE(plan.has_value()) << table;
    EXPECT_THAT(Describe(plan.error()), HasSubstr("plan.toml:"));
    for (const char* part : parts) EXPECT_THAT(Describe(plan.error()), HasSubstr(part));
  }
}

TEST(CoxSettingsTest, EventsMayBeCategoriesOrNumbers) {
  for (const std::string& event :
       {Category("event", {"alive", "dead"}), Integer("event", 0, 1), Number("event", 0, 1)}) {
    const Plan plan = PlanOf(event + Integer("time", 0, 10) + Number("x", 0, 9),
                             CoxTable("event", "time", "\"x\""));
    EXPECT_EQ(plan.analysis->kind(), "cox");
  }
}

}  // namespace
}  // namespace consilium::testing
