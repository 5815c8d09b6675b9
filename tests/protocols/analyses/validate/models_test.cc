// What holds for every validated regression, and where each has nothing to say. Covers
// protocols/analyses/validate/: cox_model.cc, glm_model.cc, linear_model.cc, logistic_model.cc,
// model.cc, poisson_model.cc and predictor.cc (protocols/analyses/validate/cox_model.cc,
// protocols/analyses/validate/glm_model.cc, protocols/analyses/validate/linear_model.cc,
// protocols/analyses/validate/logistic_model.cc, protocols/analyses/validate/model.cc,
// protocols/analyses/validate/poisson_model.cc and protocols/analyses/validate/predictor.cc).

#include <algorithm>
#include <cmath>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fixed_point.h"
#include "protocols/analyses/validate/model.h"
#include "protocols/analyses/validate/parts.h"
#include "protocols/analyses/validate/query.h"
#include "protocols/secure_sum/limits.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/validate/validate_testing.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using validate::Phase;
using validate::Question;

class ValidatedModelTest : public ::testing::TestWithParam<ValidatedModel> {
 protected:
  static Plan PlanWith(const std::string& more) { return ModelPlanOf(GetParam().name, more); }
  static const std::vector<std::string>& Methods() {
    static const std::vector<std::string> kMethods = {"folds = 4\n", kLeaveOut};
    return kMethods;
  }
};

TEST_P(ValidatedModelTest, TheOrderOfSitesChangesNoBit) {
  for (const std::string& more : Methods()) {
    const Plan plan = PlanWith(more);
    std::vector<Cohort> cohorts = NamedCohorts(plan, PatientsAt(4, 400));
    const Outcome first = RunOn(plan, cohorts);
    EXPECT_TRUE(first.json["validated"].is_object());
    std::reverse(cohorts.begin(), cohorts.end());
    const Outcome second = RunOn(plan, cohorts);
    EXPECT_EQ(first.result.json, second.result.json);
    ASSERT_EQ(first.queries.size(), second.queries.size());
    for (std::size_t i = 0; i < first.queries.size(); ++i) {
      EXPECT_EQ(first.queries[i].body, second.queries[i].body);
    }
  }
}

TEST_P(ValidatedModelTest, AllFoldsTakeAboutAsManyRoundsAsOne) {
  const Rows rows = PatientsAt(5, 1'500);
  std::size_t fewest = 1'000;
  std::size_t most = 0;
  for (const char* folds : {"folds = 2\n", "folds = 20\n"}) {
    const Plan plan = PlanWith(folds);
    const std::size_t rounds = RunOn(plan, NamedCohorts(plan, rows)).queries.size();
    EXPECT_LE(rounds, plan.analysis->maximum_rounds());
    fewest = std::min(fewest, rounds);
    most = std::max(most, rounds);
  }
  EXPECT_LE(most, 19u);
  EXPECT_LE(most - fewest, 4u);
}

/// What each fold's model is, a study of the other rows finds.
TEST_P(ValidatedModelTest, AFoldsModelIsTheRegressionOfTheOtherRows) {
  const Plan plan = PlanWith("folds = 3\nseed = 4\n");
  const Rows rows = PatientsAt(3, 450);
  const Json result = RunOn(plan, NamedCohorts(plan, rows)).json;
  Rows training;
  for (const Row& row : rows) {
    if (validate::FoldOf(4, PatientNumber(row.at("patient_id")), 3) != 2) training.push_back(row);
  }
  const std::string table = std::regex_replace(
      GetParam().table, std::regex("kind = .*\nmodel = (.*)\n|score_bins.*\n"), "kind = $1\n");
  const std::string alone = std::regex_replace(table, std::regex("kind = \n"), "");
  const Plan fit = PlanOf(GetParam().columns, alone);
  const Json model = RunOn(fit, CohortsBy(fit, training, "site")).json["coefficients"];
  const Json& fold = result["folds"][1]["coefficients"];
  ASSERT_EQ(fold.size(), model.size());
  for (std::size_t j = 0; j < model.size(); ++j) {
    EXPECT_EQ(fold[j]["name"], model[j]["name"]);
    ExpectClose(fold[j]["estimate"], model[j]["estimate"], 1e-11, model[j]["name"]);
  }
}

TEST_P(ValidatedModelTest, TheTableFitsAHundredColumns) {
  for (const std::string& more : {std::string("folds = 12\n"), kLeaveOut}) {
    const Plan plan = PlanWith(more);
    const std::string table =
        RunOn(plan, NamedCohorts(plan, PatientsAt(3, 900, {0, 3, -3}))).result.table;
    EXPECT_THAT(table, AllOf(HasSubstr("training rows"), HasSubstr("held-out rows"),
                             HasSubstr("validated"), HasSubstr("Optimism"), HasSubstr("slope")));
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

/// "fold 3" and "each fold", "site-2 alone" and "one site alone".
std::string AsReviewed(const std::string& name) {
  std::string text = std::regex_replace(name, std::regex("of fold \\d+"), "of each fold");
  text = std::regex_replace(text, std::regex("all but site-\\d"), "all sites but one");
  return std::regex_replace(text, std::regex("site-\\d alone"), "one site alone");
}

TEST_P(ValidatedModelTest, ReviewersReadEverySliceOfEveryQuery) {
  for (const std::string& more : Methods()) {
    const Plan plan = PlanWith(more);
    const std::vector<Slice> shown = plan.analysis->DescribeForReview();
    const std::vector<Cohort> cohorts = NamedCohorts(plan, PatientsAt(3, 300));
    const Outcome outcome = RunOn(plan, cohorts);
    for (const Query& query : outcome.queries) {
      const std::vector<Slice> slices = plan.analysis->Describe(query).value();
      EXPECT_EQ(plan.analysis->Answer(query, cohorts[0])->values.size(), NumbersIn(slices));
      EXPECT_LE(WordsOf(SlotsOf(slices)), kMaxVectorWords);
      for (const Slice& slice : slices) {
        const std::string name = AsReviewed(slice.name);
        const bool known = std::any_of(shown.begin(), shown.end(), [&](const Slice& other) {
          return other.name == name && other.slot.count >= slice.slot.count;
        });
        EXPECT_TRUE(known) << slice.name;
        EXPECT_FALSE(slice.meaning.empty());
      }
    }
  }
}

TEST_P(ValidatedModelTest, SaysInWordsWhatItDoes) {
  const Plan folds = PlanWith("");
  const std::string& name = GetParam().name;
  EXPECT_THAT(folds.analysis->InWords(),
              AllOf(HasSubstr("validation of a " + (name == "cox" ? "Cox" : name) + " regression"),
                    HasSubstr("5 times without a share")));
  const std::string explained = testing::Unwrapped(ExplainPlan(folds));
  EXPECT_THAT(explained, AllOf(HasSubstr("held-out rows of each fold: "),
                               HasSubstr("training "
                                         "sites"),
                               Not(HasSubstr("site_level"))));
  const std::string released = folds.analysis->ReleasedInWords();
  if (name == "linear") {
    EXPECT_THAT(released, AllOf(HasSubstr("fewer than 5 patients;"), HasSubstr("R squared"),
                                Not(HasSubstr("events"))));
  } else {
    EXPECT_THAT(released, HasSubstr("fewer than 5 patients, events or others"));
  }
  const Plan left_out = PlanWith(kLeaveOut);
  EXPECT_TRUE(left_out.analysis->ShowsSingleSites());
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(left_out)), HasSubstr("site_level"));
  EXPECT_EQ(left_out.analysis->OnOneTable().kind(), name);
  EXPECT_EQ(CohortColumns(left_out.analysis->OnOneTable()), CohortColumns(*left_out.analysis));
}

/// A site without rows in some part, or in any, gives zeros for it.
TEST_P(ValidatedModelTest, ASiteWithoutRowsGivesZeros) {
  for (const std::string& more : Methods()) {
    const Plan plan = PlanWith(more);
    std::vector<Cohort> cohorts = NamedCohorts(plan, PatientsAt(3, 300));
    const Outcome without = RunOn(plan, cohorts);
    Cohort empty = CohortOf(plan, Rows{});
    empty.site = "site-4";
    for (const Query& query : without.queries) {
      EXPECT_THAT(plan.analysis->Answer(query, empty)->values, Each(0.0));
    }
    cohorts.push_back(empty);
    EXPECT_EQ(RunOn(plan, cohorts).json["folds"], without.json["folds"]);
  }
}

/// As many rows as a site may bring, all extreme, for each kind of question.
TEST_P(ValidatedModelTest, TheWorstRowsThatTheContractAllowsKeepEveryBound) {
  const std::string room = "maximum_patients = 30\n";
  const Plan plan = PlanOf(room + GetParam().columns, GetParam().table + "folds = 2\n");
  const validate::ValidatePlan parsed = ParsedPlan(GetParam().name, "folds = 2\n", 3);
  std::vector<double> model(parsed.coefficients(), 3.0);
  model.back() = -2;
  for (const char* sign : {"", "-"}) {
    Rows rows;
    for (int i = 0; i < 30; ++i) {
      const bool odd = i % 2 == 1;
      rows.push_back({{"patient_id", std::to_string(i)},
                      {"ill", odd ? "0" : "1"},
                      {"pain", odd ? "20" : "-20"},
                      {"visits", odd ? "500" : "0"},
                      {"died", "1"},
                      {"time", std::to_string(i / 2)},
                      {"x", odd ? sign + std::string("4") : "-4"},
                      {"stage", odd ? "iii" : "i"}});
    }
    const Cohort cohort = CohortOf(plan, rows);
    for (const Phase phase : {Phase::kFit, Phase::kTraining, Phase::kHeldOut}) {
      for (const Query& sample : parsed.model->Samples(phase)) {
        const Question question{1, phase, phase == Phase::kFit ? std::vector<double>{} : model,
                                sample.body};
        const Query query = validate::EncodeQuestions({question});
        const std::vector<Slice> slices = plan.analysis->Describe(query).value();
        const Contribution answer = plan.analysis->Answer(query, cohort).value();
        const auto words = EncodeFixedPoint(answer.values, SlotsOf(slices), 3);
        EXPECT_TRUE(words.has_value()) << Describe(words.error());
      }
    }
  }
}

/// Whatever a byte is turned into: refused, or described and answered in full.
TEST_P(ValidatedModelTest, NoAlteredByteBreaksASite) {
  const Plan plan = PlanWith("folds = 3\n");
  const validate::ValidatePlan parsed = ParsedPlan(GetParam().name, "folds = 3\n", 3);
  const Cohort cohort = CohortOf(plan, PatientsAt(3, 40));
  const std::vector<double> model(parsed.coefficients(), 0.5);
  SeededRandom random = StreamOf(1, "altered queries");
  std::size_t refused = 0;
  for (const Query& sample : parsed.model->Samples(Phase::kHeldOut)) {
    const Query good = validate::EncodeQuestions(
        {{0, Phase::kFit, {}, parsed.model->Samples(Phase::kFit).back().body},
         {2, Phase::kHeldOut, model, sample.body}});
    ASSERT_TRUE(plan.analysis->Describe(good).has_value());
    for (int i = 0; i < 700; ++i) {
      Query altered = good;
      altered.body[random.Below(altered.body.size())] ^=
          static_cast<std::byte>(1 + random.Below(255));
      if (i % 5 == 0) altered.body.resize(random.Below(altered.body.size()));
      const Result<std::vector<Slice>> slices = plan.analysis->Describe(altered);
      const Result<Contribution> answer = plan.analysis->Answer(altered, cohort);
      ASSERT_EQ(slices.has_value(), answer.has_value());
      if (slices) {
        EXPECT_EQ(answer->values.size(), NumbersIn(*slices));
      } else {
        EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 150u);
}

/// Calibration is not asked of training rows, nor one phase's question in another.
TEST_P(ValidatedModelTest, RefusesQuestionsOfAnotherPhase) {
  const Plan plan = PlanWith("folds = 3\n");
  const validate::ValidatePlan parsed = ParsedPlan(GetParam().name, "folds = 3\n", 3);
  const std::vector<double> model(parsed.coefficients(), 0.5);
  const std::size_t asked_once = parsed.model->Samples(Phase::kTraining).size();
  const std::vector<Query> held_out = parsed.model->Samples(Phase::kHeldOut);
  const auto described = [&](const Question& question) {
    return plan.analysis->Describe(validate::EncodeQuestions({question})).has_value();
  };
  for (std::size_t i = 0; i < held_out.size(); ++i) {
    EXPECT_TRUE(described({1, Phase::kHeldOut, model, held_out[i].body}));
    EXPECT_EQ(described({1, Phase::kTraining, model, held_out[i].body}), i < asked_once);
    EXPECT_FALSE(described({1, Phase::kFit, {}, held_out[i].body}));
    EXPECT_FALSE(described({1, Phase::kHeldOut, {}, held_out[i].body}));
    EXPECT_FALSE(described({0, Phase::kHeldOut, model, held_out[i].body}));
  }
  std::vector<double> bad = model;
  bad[0] = std::nan("");
  EXPECT_FALSE(described({1, Phase::kHeldOut, bad, held_out[0].body}));
}

/// Answers sums of a wrong length, or with a number that cannot be, in one round.
class Liar final : public Federation {
 public:
  Liar(Federation& honest, std::size_t round, bool shorter)
      : honest_(honest), round_(round), shorter_(shorter) {}
  Aggregate Sum(const Query& query) override {
    Aggregate sum = honest_.Sum(query);
    if (++rounds_ != round_) return sum;
    if (shorter_) {
      sum.values.pop_back();
    } else {
      sum.values[0] = -1;
    }
    return sum;
  }

 private:
  Federation& honest_;
  std::size_t round_;
  bool shorter_;
  std::size_t rounds_ = 0;
};

TEST_P(ValidatedModelTest, SumsThatCannotBeEndTheStudy) {
  const Plan plan = PlanWith("folds = 3\n");
  const std::vector<Cohort> cohorts = NamedCohorts(plan, PatientsAt(3, 300));
  const std::vector<CohortView> views = ViewsOf(cohorts);
  const std::size_t rounds = RunOn(plan, cohorts).queries.size();
  for (std::size_t round = 1; round <= rounds; ++round) {
    for (const bool shorter : {false, true}) {
      PlainFederation honest(*plan.analysis, views);
      Liar liar(honest, round, shorter);
      const Result<AnalysisResult> result = plan.analysis->Run(liar);
      ASSERT_FALSE(result.has_value()) << round;
      EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         ValidatedModelTest,
                         ::testing::ValuesIn(ValidatedModels()),
                         [](const auto& model) { return model.param.name; });

}  // namespace
}  // namespace consilium::testing
