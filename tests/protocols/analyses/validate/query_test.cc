// What a site takes for a query, and whether its answers keep their bounds.

#include "protocols/analyses/validate/query.h"

#include <cmath>

#include <gtest/gtest.h>

#include "common/fixed_point.h"
#include "protocols/analyses/evaluate/query.h"
#include "protocols/analyses/glm/query.h"
#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

using validate::Phase;
using validate::Question;

/// As many rows as a site may bring, all extreme, in each phase.
TEST(ValidateBoundsTest, TheWorstRowsThatTheContractAllowsKeepEveryBound) {
  const Plan plan = PlanOf("maximum_patients = 30\n" + kValidateColumns, kValidate + "folds = 2\n");
  const double coefficients[] = {1, -2, 3, 40};
  for (const bool high : {false, true}) {
    Rows rows;
    for (int i = 0; i < 30; ++i) {
      rows.push_back({{"patient_id", std::to_string(i)},
                      {"ill", high ? "0" : "1"},
                      {"x", high ? "4" : "-4"},
                      {"stage", high ? "iii" : "i"}});
    }
    const Cohort cohort = CohortOf(plan, rows);
    glm::GlmQuery fit;
    fit.step = glm::Step::kNewton;
    fit.scaling.centres = {3.9, 0.1, 0.2};
    fit.scaling.scales = {0.1, 0.3, 0.4};
    fit.coefficients.assign(std::begin(coefficients), std::end(coefficients));
    const evaluate::EvaluateQuery slope{evaluate::Step::kRecalibrate, true, {}, {0, 3, 20}};
    const std::vector<Question> questions = {
        {0, Phase::kFit, {}, glm::EncodeQuery(fit).body},
        {1, Phase::kTraining, fit.coefficients, evaluate::EncodeQuery({}).body},
        {2, Phase::kHeldOut, fit.coefficients, evaluate::EncodeQuery(slope).body}};
    for (const Query& query :
         {validate::EncodeSizesQuery(), validate::EncodeQuestions(questions)}) {
      const std::vector<Slice> slices = plan.analysis->Describe(query).value();
      const Contribution answer = plan.analysis->Answer(query, cohort).value();
      const auto words = EncodeFixedPoint(answer.values, SlotsOf(slices), 3);
      EXPECT_TRUE(words.has_value()) << Describe(words.error());
    }
  }
}

class ValidateQueryTest : public ::testing::Test {
 protected:
  bool Described(const std::vector<Question>& questions) const {
    return plan_.analysis->Describe(validate::EncodeQuestions(questions)).has_value();
  }
  Question Moments(validate::Fold fold) const {
    glm::GlmQuery query;
    query.scaling.centres = {0, 0.5, 0.5};
    query.scaling.scales = {4, 0.5, 0.5};
    return {fold, Phase::kFit, {}, glm::EncodeQuery(query).body};
  }
  Question Counts(validate::Fold fold, Phase phase) const {
    return {fold, phase, {0, 1, 0, 0}, evaluate::EncodeQuery({}).body};
  }
  Question Recalibration(validate::Fold fold, Phase phase) const {
    return {fold,
            phase,
            {0, 1, 0, 0},
            evaluate::EncodeQuery({evaluate::Step::kRecalibrate, false, {}, {0}}).body};
  }

  const Plan plan_ = ValidatePlanOf("folds = 3\n");
};

TEST_F(ValidateQueryTest, TakesWhatAValidationAsks) {
  EXPECT_TRUE(plan_.analysis->Describe(validate::EncodeSizesQuery()).has_value());
  EXPECT_TRUE(Described({Moments(0)}));
  EXPECT_TRUE(Described({Counts(0, Phase::kTraining), Moments(1), Counts(2, Phase::kHeldOut),
                         Recalibration(3, Phase::kHeldOut)}));
}

TEST_F(ValidateQueryTest, RefusesPartsThatThereAreNotOrThatDoNotRise) {
  EXPECT_FALSE(Described({}));
  EXPECT_FALSE(Described({Moments(4)}));
  EXPECT_FALSE(Described({Moments(1), Moments(1)}));
  EXPECT_FALSE(Described({Moments(2), Moments(1)}));
  EXPECT_FALSE(Described({Counts(0, Phase::kHeldOut)}));
  // Fifty folds' questions are no message of a plan of three.
  EXPECT_FALSE(Described(std::vector<Question>(50, Moments(1))));
}

TEST_F(ValidateQueryTest, RefusesModelsOfOtherSizesOrWithoutSense) {
  for (const std::vector<double>& model : {std::vector<double>{},
                                           {0, 1, 0},
                                           {0, 1, 0, 0, 0},
                                           {0, std::nan(""), 0, 0},
                                           {0, 1, 2e9, 0},
                                           {0, 1, 0, HUGE_VAL}}) {
    Question question = Counts(1, Phase::kHeldOut);
    question.model = model;
    EXPECT_FALSE(Described({question}));
  }
  Question fit = Moments(1);
  fit.model = {0, 1, 0, 0};
  EXPECT_FALSE(Described({fit}));
}

TEST_F(ValidateQueryTest, RefusesWhatIsNoQueryOfItsPhase) {
  EXPECT_FALSE(Described({Recalibration(1, Phase::kTraining)}));
  for (const Phase phase : {Phase::kFit, Phase::kTraining, Phase::kHeldOut}) {
    Question question = Counts(1, phase);
    if (phase == Phase::kFit) question.model.clear();
    question.query = phase == Phase::kFit ? evaluate::EncodeQuery({}).body : Moments(1).query;
    EXPECT_FALSE(Described({question}));
    question.query.clear();
    EXPECT_FALSE(Described({question}));
  }
}

/// Whatever a byte is turned into: refused, or described and answered in full.
TEST_F(ValidateQueryTest, NoAlteredByteBreaksASite) {
  const Cohort cohort = CohortOf(plan_, PatientsAt(3, 60));
  const Query good = validate::EncodeQuestions(
      {Counts(0, Phase::kTraining), Moments(1), Recalibration(3, Phase::kHeldOut)});
  SeededRandom random = StreamOf(1, "altered queries");
  std::size_t refused = 0;
  for (int i = 0; i < 3'000; ++i) {
    Query altered = good;
    altered.body[random.Below(altered.body.size())] ^=
        static_cast<std::byte>(1 + random.Below(255));
    if (i % 5 == 0) altered.body.resize(random.Below(altered.body.size()));
    const Result<std::vector<Slice>> slices = plan_.analysis->Describe(altered);
    const Result<Contribution> answer = plan_.analysis->Answer(altered, cohort);
    ASSERT_EQ(slices.has_value(), answer.has_value());
    if (slices) {
      EXPECT_EQ(answer->values.size(), NumbersIn(*slices));
    } else {
      EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
      ++refused;
    }
  }
  EXPECT_GT(refused, 600u);
}

}  // namespace
}  // namespace consilium::testing
