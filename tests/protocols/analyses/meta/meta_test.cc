// Covers protocols/analyses/meta/: combine.cc, meta.cc, own_rows.cc, query.cc, render.cc,
// settings.cc, site.cc and site_model.cc (protocols/analyses/meta/combine.cc,
// protocols/analyses/meta/meta.cc, protocols/analyses/meta/own_rows.cc,
// protocols/analyses/meta/query.cc, protocols/analyses/meta/render.cc,
// protocols/analyses/meta/settings.cc, protocols/analyses/meta/site.cc and
// protocols/analyses/meta/site_model.cc).

#include <algorithm>
#include <cmath>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/meta/own_rows.h"
#include "protocols/analyses/meta/query.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using meta::MetaQuery;
using meta::Step;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Columns() {
  return Boolean("ill") + Number("dose", 0, 10) + Number("time", 0, 100) +
         Integer("visits", 0, 50) + Category("arm", {"old", "new"});
}

std::string Table(const std::string& model, const std::string& more = {}) {
  const std::string outcome = model == "cox"       ? "event = \"ill\"\ntime = \"time\"\n"
                              : model == "poisson" ? "outcome = \"visits\"\n"
                              : model == "linear"  ? "outcome = \"time\"\n"
                                                   : "outcome = \"ill\"\n";
  return "kind = \"meta\"\nmodel = \"" + model + "\"\n" + outcome +
         "features = [\"dose\", \"arm\"]\n" + more;
}

/// Rows without a pattern that a model could explain without error.
Rows RowsOf(int site, int count) {
  Rows rows;
  for (int i = 0; i < count; ++i) {
    const int mixed = (i * 37 + site * 11 + i * i * 5) % 97;
    rows.push_back({{"ill", mixed % 5 < 2 + (i % 2) ? "1" : "0"},
                    {"dose", std::to_string((mixed * 7 + site) % 100 / 10.0)},
                    {"time", std::to_string(1 + (mixed * 13 + 3 * site) % 89)},
                    {"visits", std::to_string((mixed + site) % 7)},
                    {"arm", (mixed / 3) % 2 == 0 ? "old" : "new"}});
  }
  return rows;
}

/// Of sites 1, 2, ... with so many rows each.
std::vector<Cohort> Cohorts(const Plan& plan, const std::vector<int>& counts) {
  std::vector<Cohort> cohorts;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cohorts.push_back(CohortOf(plan, RowsOf(static_cast<int>(i) + 1, counts[i])));
  }
  return cohorts;
}

/// A site whose outcome is explained without error.
Cohort Separated(const Plan& plan) {
  Rows rows = RowsOf(9, 40);
  for (Row& row : rows) row["ill"] = row["arm"] == "new" ? "1" : "0";
  return CohortOf(plan, rows);
}

class MetaModelsTest : public ::testing::TestWithParam<const char*> {};

/// What each site finds alone with the model's own kind, pooled here by the textbook's sums.
TEST_P(MetaModelsTest, TheFixedEffectIsTheWeightedMeanOfTheSitesOwnRegressions) {
  const std::string model = GetParam();
  const Plan plan = PlanOf(Columns(), Table(model, "effects = \"fixed\"\n"));
  std::string own = Table(model);
  own.replace(0, std::string("kind = \"meta\"\nmodel").size(), "kind");
  const Plan single = PlanOf(Columns(), own);
  const std::vector<Cohort> cohorts = Cohorts(plan, {60, 80, 120, 45});
  const Json json = RunOn(plan, cohorts).json;
  EXPECT_EQ(json["model"], model);
  EXPECT_EQ(json["fits"], 4);
  const std::size_t count = json["coefficients"].size();
  EXPECT_EQ(count, plan.analysis->parameters());
  std::vector<double> weights(count, 0.0);
  std::vector<double> sums(count, 0.0);
  for (const Cohort& cohort : cohorts) {
    const Json lines = RunOn(single, {cohort}).json["coefficients"];
    for (std::size_t j = 0; j < count; ++j) {
      const double error = lines[j]["std_error"];
      weights[j] += 1 / (error * error);
      sums[j] += lines[j]["estimate"].get<double>() / (error * error);
    }
  }
  for (std::size_t j = 0; j < count; ++j) {
    const Json& line = json["coefficients"][j];
    ExpectClose(line["estimate"], sums[j] / weights[j], 1e-12, line["name"]);
    ExpectClose(line["std_error"], 1 / std::sqrt(weights[j]), 1e-12, line["name"]);
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         MetaModelsTest,
                         ::testing::Values("cox", "linear", "logistic", "poisson"),
                         [](const auto& one) { return std::string(one.param); });

TEST(MetaTest, AHospitalWithoutAFitCountsForNothingAndIsCounted) {
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  std::vector<Cohort> cohorts = Cohorts(plan, {60, 80, 120});
  const Json without = RunOn(plan, cohorts).json;
  cohorts.push_back(Separated(plan));
  // Fewer rows than coefficients, and one arm only.
  cohorts.push_back(CohortOf(plan, RowsOf(5, 2)));
  Rows one_arm = RowsOf(6, 50);
  for (Row& row : one_arm) row["arm"] = "old";
  cohorts.push_back(CohortOf(plan, one_arm));
  const Json with = RunOn(plan, cohorts).json;
  EXPECT_EQ(with["coefficients"], without["coefficients"]);
  EXPECT_EQ(with["sites"], 6);
  EXPECT_EQ(with["fits"], 3);
  EXPECT_EQ(with["without_a_fit"], 3);
  EXPECT_EQ(with["patients"], 260 + 40 + 2 + 50);
  EXPECT_EQ(with["patients_in_fits"], 260);
}

/// An outcome that is a line but for rounding has weights beyond any bound.
TEST(MetaTest, APerfectLineIsNoFit) {
  const Plan plan = PlanOf(Columns(), Table("linear"));
  std::vector<Cohort> cohorts = Cohorts(plan, {60, 80, 120});
  const Json without = RunOn(plan, cohorts).json;
  Rows line = RowsOf(4, 50);
  for (Row& row : line) row["time"] = std::to_string(3 + 2 * std::stod(row["dose"]));
  cohorts.push_back(CohortOf(plan, line));
  const Json with = RunOn(plan, cohorts).json;
  EXPECT_EQ(with["fits"], 3);
  EXPECT_EQ(with["coefficients"], without["coefficients"]);
}

/// With fewer fits than the plan's minimum_sites the first round is the last.
TEST(MetaTest, TooFewFitsGiveNoEstimateAndNothingOfThemIsAsked) {
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  std::vector<Cohort> cohorts = Cohorts(plan, {60, 80});
  cohorts.push_back(Separated(plan));
  const Outcome outcome = RunOn(plan, cohorts);
  EXPECT_FALSE(outcome.result.converged);
  EXPECT_EQ(outcome.queries.size(), 1u);
  const std::vector<Slice> slices = plan.analysis->Describe(outcome.queries[0]).value();
  for (const Slice& slice : slices) {
    EXPECT_EQ(slice.slot.encoding, Encoding::kCount);
  }
  EXPECT_EQ(outcome.json["coefficients"][1]["name"], "dose");
  EXPECT_TRUE(outcome.json["coefficients"][1]["estimate"].is_null());
  EXPECT_THAT(outcome.json["message"], HasSubstr("Of 3 sites only 2 have an estimate"));
  EXPECT_THAT(outcome.result.table, HasSubstr("the plan asks for 3"));
  EXPECT_THAT(outcome.result.json, Not(HasSubstr("std_error")));
}

TEST(MetaTest, ThePlansMinimumSitesIsTheFewestFits) {
  std::string text = PlanText(Columns(), Table("logistic"));
  const std::string three = "minimum_sites = 3";
  text.replace(text.find(three), three.size(), "minimum_sites = 4");
  const Plan plan = ParsePlan(text, "plan.toml").value();
  EXPECT_FALSE(RunOn(plan, Cohorts(plan, {60, 80, 120})).result.converged);
  EXPECT_TRUE(RunOn(plan, Cohorts(plan, {60, 80, 120, 50})).result.converged);
  EXPECT_THAT(plan.analysis->InWords(), HasSubstr("unless 4 sites have one"));
  EXPECT_THAT(plan.analysis->ReleasedInWords(), HasSubstr("of so few as 4 sites"));
  text.replace(text.find("minimum_sites = 4"), three.size(), "minimum_sites = 5");
  EXPECT_THAT(ParsePlan(text, "plan.toml")->analysis->ReleasedInWords(),
              Not(HasSubstr("of so few")));
}

TEST(MetaTest, EffectsChooseTheLineOfTheResult) {
  const auto first = [](const std::string& effects) {
    const Plan plan = PlanOf(Columns(), Table("logistic", "effects = \"" + effects + "\"\n"));
    const Outcome outcome = RunOn(plan, Cohorts(plan, {60, 80, 120, 45}));
    EXPECT_EQ(outcome.json["effects"], effects);
    return outcome.json["coefficients"][1];
  };
  const Json fixed = first("fixed");
  const Json random = first("random");
  const Json knapp = first("hartung-knapp");
  EXPECT_EQ(fixed["std_error"], fixed["fixed"]["std_error"]);
  EXPECT_EQ(random["std_error"], fixed["random"]["std_error"]);
  EXPECT_EQ(knapp["std_error"], fixed["hartung_knapp"]["std_error"]);
  EXPECT_EQ(knapp["odds_ratio"], std::exp(knapp["estimate"].get<double>()));
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  const Outcome outcome = RunOn(plan, Cohorts(plan, {60, 80, 120, 45}));
  EXPECT_EQ(outcome.json["coefficients"][1], knapp);
  std::istringstream table(outcome.result.table);
  for (std::string line; std::getline(table, line);) EXPECT_LE(line.size(), 100u) << line;
}

/// Ranges a million times too wide still leave ten digits of what the usual ranges give.
TEST(MetaTest, WideRangesLoseNoDigitsThatCount) {
  for (const char* model : {"logistic", "linear"}) {
    const Plan narrow = PlanOf(Columns(), Table(model));
    const Plan wide = PlanOf(Boolean("ill") + Number("dose", -1e7, 1e7) + Number("time", 0, 1e8) +
                                 Integer("visits", 0, 50) + Category("arm", {"old", "new"}),
                             Table(model));
    const Json expected = RunOn(narrow, Cohorts(narrow, {60, 80, 120, 45})).json["coefficients"];
    const Json lines = RunOn(wide, Cohorts(wide, {60, 80, 120, 45})).json["coefficients"];
    for (std::size_t j = 0; j < lines.size(); ++j) {
      const std::string name = std::string(model) + " " + lines[j]["name"].get<std::string>();
      ExpectClose(lines[j]["estimate"], expected[j]["estimate"], 1e-10, name);
      ExpectClose(lines[j]["std_error"], expected[j]["std_error"], 1e-10, name);
      ExpectClose(lines[j]["heterogeneity"]["q"], expected[j]["heterogeneity"]["q"], 1e-10, name);
    }
  }
}

TEST(MetaTest, AnswersWhatItDescribesAndTheReviewListsIt) {
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  const std::vector<Cohort> cohorts = Cohorts(plan, {60, 80, 120});
  const std::vector<Slice> review = plan.analysis->DescribeForReview();
  const Outcome outcome = RunOn(plan, cohorts);
  EXPECT_EQ(outcome.queries.size(), plan.analysis->maximum_rounds());
  for (const Query& query : outcome.queries) {
    const std::vector<Slice> slices = plan.analysis->Describe(query).value();
    std::size_t at = 0;
    const std::vector<double> values = plan.analysis->Answer(query, cohorts[0])->values;
    for (const Slice& slice : slices) {
      EXPECT_TRUE(std::any_of(review.begin(), review.end(), [&slice](const Slice& listed) {
        return listed.name == slice.name && listed.slot.count == slice.slot.count;
      })) << slice.name;
      for (std::size_t i = 0; i < slice.slot.count; ++i, ++at) {
        EXPECT_LE(std::abs(values.at(at)), slice.slot.bound) << slice.name;
      }
    }
    EXPECT_EQ(at, values.size());
  }
  EXPECT_THAT(plan.analysis->InWords(), HasSubstr("logistic regression of ill on dose and arm"));
}

/// A federation that loses its last site after so many rounds.
class LosingFederation final : public Federation {
 public:
  LosingFederation(const Plan& plan, const std::vector<Cohort>& cohorts, int rounds)
      : views_(cohorts.begin(), cohorts.end()),
        all_(*plan.analysis, views_),
        fewer_(*plan.analysis, std::span<const CohortView>(views_).first(views_.size() - 1)),
        rounds_(rounds) {}
  Aggregate Sum(const Query& query) override {
    return rounds_-- > 0 ? all_.Sum(query) : fewer_.Sum(query);
  }

 private:
  std::vector<CohortView> views_;
  PlainFederation all_;
  PlainFederation fewer_;
  int rounds_;
};

TEST(MetaTest, SumsOverOtherSitesAreNotPutTogether) {
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  const std::vector<Cohort> cohorts = Cohorts(plan, {60, 80, 120, 45});
  for (int rounds = 1; rounds <= 3; ++rounds) {
    LosingFederation federation(plan, cohorts, rounds);
    const Result<AnalysisResult> result = plan.analysis->Run(federation);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kNotEstimable);
    EXPECT_THAT(Describe(result.error()),
                AllOf(HasSubstr("a site was lost between two rounds"), HasSubstr("\"wait\"")));
  }
}

TEST(MetaTest, BadRowsAreAnErrorNotAMissingFit) {
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  std::vector<Cohort> cohorts = Cohorts(plan, {60, 80, 120});
  const Query query = meta::EncodeQuery({});
  cohorts[0].values(3, 1) = 11;
  const auto answer = plan.analysis->Answer(query, cohorts[0]);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kDataQuality);
  EXPECT_THAT(answer.error().message, HasSubstr("\"dose\""));
  cohorts[1].columns[1] = "age";
  EXPECT_EQ(plan.analysis->Answer(query, cohorts[1]).error().code, ErrorCode::kInvalidArgument);
}

TEST(OwnRowsTest, GivesTheSumOfAStudyOfOneSite) {
  const Plan plan = PlanOf(Columns(),
                           "kind = \"logistic\"\noutcome = \"ill\"\n"
                           "features = [\"dose\", \"arm\"]\n");
  const std::vector<Cohort> cohorts = Cohorts(plan, {60});
  const Outcome outcome = RunOn(plan, cohorts);
  const CohortView view = cohorts[0];
  meta::OwnRows own(*plan.analysis, view);
  PlainFederation plain(*plan.analysis, {&view, 1});
  for (const Query& query : outcome.queries) {
    EXPECT_EQ(own.Sum(query).values, plain.Sum(query).values);
  }
  EXPECT_THROW(own.Sum(Query{}), StudyInterrupted);
  EXPECT_EQ(own.error()->code, ErrorCode::kInvalidArgument);
}

TEST(MetaQueryTest, RefusesQueriesForAnotherPlanAndImpossibleNumbers) {
  const Plan plan = PlanOf(Columns(), Table("logistic"));
  const std::vector<double> three = {0.5, 1, 2};
  const MetaQuery good[] = {{},
                            {Step::kWeights, 0, {}, {}, {}},
                            {Step::kSpread, 3, three, three, {}},
                            {Step::kRandom, 3, three, three, {0, 0, 1}}};
  for (const MetaQuery& query : good) {
    EXPECT_TRUE(plan.analysis->Describe(meta::EncodeQuery(query)).has_value());
  }
  const double inf = HUGE_VAL;
  const MetaQuery bad[] = {{Step::kFits, 3, {}, {}, {}},
                           {Step::kFits, 0, three, {}, {}},
                           {Step::kWeights, 0, {}, three, {}},
                           {Step::kSpread, 0, three, three, {}},
                           {Step::kSpread, 2.5, three, three, {}},
                           {Step::kSpread, 1e10, three, three, {}},
                           {Step::kSpread, 3, {1, 2}, three, {}},
                           {Step::kSpread, 3, three, {1, 0, 1}, {}},
                           {Step::kSpread, 3, {1, inf, 1}, three, {}},
                           {Step::kRandom, 3, three, three, {}},
                           {Step::kRandom, 3, three, three, {0, -1, 0}},
                           {Step::kRandom, 3, three, {1, inf, 1}, {0, 0, 0}}};
  for (const MetaQuery& query : bad) {
    const auto slices = plan.analysis->Describe(meta::EncodeQuery(query));
    ASSERT_FALSE(slices.has_value());
    EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(plan.analysis->Describe(Query{}).has_value());
}

TEST(MetaSettingsTest, MistakesNameThePlaceAndWhatWouldDo) {
  const std::pair<std::string, std::vector<const char*>> mistakes[] = {
      {"kind = \"meta\"\n", {"'model' is missing"}},
      {Table("logit"), {"plan.toml:", "\"cox\", \"linear\", \"logistic\" or \"poisson\""}},
      {Table("logistic", "effects = \"mixed\"\n"), {"\"hartung-knapp\", \"random\" or \"fixed\""}},
      {Table("logistic", "ridge = 1.0\n"), {"plan.toml:", "penalty", "Leave the key out"}},
      {Table("logistic", "confidence = 2.0\n"), {"between 0.5 and 0.9999"}},
      {Table("cox", "outcome = \"ill\"\n"), {"'outcome'"}},
      {Table("logistic", "tau = 1\n"), {"'tau'"}}};
  for (const auto& [table, parts] : mistakes) {
    const Result<Plan> plan = ParsePlan(PlanText(Columns(), table), "plan.toml");
    ASSERT_FALSE(plan.has_value()) << table;
    for (const char* part : parts) EXPECT_THAT(Describe(plan.error()), HasSubstr(part));
  }
}

TEST(MetaSettingsTest, NoiseIsRefused) {
  const std::string dp = "[privacy.dp]\nnoise_multiplier = 5\nepsilon = 9\ndelta = 1e-6\n";
  const Result<Plan> plan = ParsePlan(PlanText(Columns(), Table("logistic")) + dp, "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().message, HasSubstr("\"meta\""));
}

}  // namespace
}  // namespace consilium::testing
