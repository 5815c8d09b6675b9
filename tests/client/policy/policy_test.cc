#include "client/policy/policy.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr UtcSeconds kToday{1'780'272'000};  // 2026-06-01.

std::string ErrorOf(const std::string& toml) {
  const auto policy = ParsePolicy(toml, "policy.toml");
  return policy ? "no error" : Describe(policy.error());
}

// Patients with `sick` of them ill, as the columns sick (boolean) and score (number, all
// different).
CohortWithFlow CohortOf(std::size_t patients, std::size_t sick) {
  CohortWithFlow data;
  data.cohort.columns = {"sick", "score"};
  data.cohort.patients = patients;
  data.cohort.values.resize(static_cast<Eigen::Index>(patients), 2);
  for (std::size_t i = 0; i < patients; ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    data.cohort.values(row, 0) = i < sick ? 1 : 0;
    data.cohort.values(row, 1) = static_cast<double>(i);
  }
  return data;
}

Plan StudyOf(std::size_t parameters = 2) {
  ShapeOnlyAnalysis analysis;
  analysis.names = {"sick", "score"};
  analysis.free_parameters = parameters;
  return MakePlan(
      MakeContract("patient = \"id\"\n[[column]]\nname = \"sick\"\ntype = \"boolean\"\n"
                   "[[column]]\nname = \"score\"\ntype = \"number\"\nrange = [0, 1e6]\n"),
      analysis);
}

void ExpectRefusal(const PolicyStatus& status, PolicyRule rule, const std::string& words) {
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().rule, rule);
  EXPECT_EQ(status.error().code, ErrorCode::kRefused);
  EXPECT_THAT(status.error().message, HasSubstr(words));
  EXPECT_THAT(status.error().remedy, ::testing::AnyOf(HasSubstr("policy.toml"), HasSubstr("lead")));
}

TEST(PolicyTest, ThePresetsAreAsDocumented) {
  const Policy strict = MakePolicy(PolicyPreset::kStrict);
  const Policy standard = MakePolicy(PolicyPreset::kStandard);
  const Policy research = MakePolicy(PolicyPreset::kResearch);
  EXPECT_EQ(strict.minimum_patients, 50U);
  EXPECT_EQ(standard.minimum_patients, 20U);
  EXPECT_EQ(research.minimum_patients, 5U);
  EXPECT_EQ(strict.minimum_sites, 5U);
  EXPECT_EQ(standard.minimum_sites, 3U);
  EXPECT_EQ(research.minimum_sites, 3U);
  EXPECT_EQ(standard.maximum_parameters_per_patient, 0.2);
  EXPECT_EQ(strict.maximum_parameters_per_patient, 0.1);
  EXPECT_EQ(research.maximum_parameters_per_patient, 0.33);
  EXPECT_EQ(strict.minimum_class, 10U);
  EXPECT_EQ(standard.minimum_class, 5U);
  EXPECT_EQ(research.minimum_class, 3U);
  EXPECT_EQ(strict.minimum_difference, 10U);
  EXPECT_EQ(standard.minimum_difference, 5U);
  EXPECT_EQ(research.minimum_difference, 3U);
  EXPECT_EQ(strict.privacy_epsilon, 1);
  EXPECT_EQ(standard.privacy_epsilon, 3);
  EXPECT_EQ(research.privacy_epsilon, 10);
  EXPECT_EQ(standard.privacy_delta, 1e-6);
  EXPECT_FALSE(research.site_level);
}

TEST(PolicyTest, TheDefaultTextIsThePresetStandardInEveryRule) {
  const std::string text = DefaultPolicyText();
  const auto policy = ParsePolicy(text, "policy.toml");
  ASSERT_TRUE(policy.has_value()) << Describe(policy.error());
  // What its comments show is what the preset means.
  std::string uncommented;
  for (const std::string key :
       {"allowed_analyses", "minimum_patients", "minimum_sites", "maximum_parameters_per_patient",
        "minimum_class", "minimum_difference", "maximum_rounds", "maximum_answers_a_day",
        "maximum_answers_a_month", "maximum_studies_a_month", "memorising_models", "site_level",
        "requesters"}) {
    const std::size_t start = text.find("\n# " + key + " = ");
    ASSERT_NE(start, std::string::npos) << key;
    const std::size_t line = start + 3;
    uncommented += text.substr(line, text.find('\n', line) - line) + "\n";
  }
  const auto written_out = ParsePolicy("preset = \"strict\"\n" + uncommented, "policy.toml");
  ASSERT_TRUE(written_out.has_value()) << Describe(written_out.error());
  EXPECT_EQ(written_out->allowed_analyses, policy->allowed_analyses);
  EXPECT_EQ(written_out->minimum_patients, policy->minimum_patients);
  EXPECT_EQ(written_out->minimum_sites, policy->minimum_sites);
  EXPECT_EQ(written_out->maximum_parameters_per_patient, policy->maximum_parameters_per_patient);
  EXPECT_EQ(written_out->minimum_class, policy->minimum_class);
  EXPECT_EQ(written_out->minimum_difference, policy->minimum_difference);
  EXPECT_EQ(written_out->maximum_rounds, policy->maximum_rounds);
  EXPECT_EQ(written_out->quotas.answers_a_day, policy->quotas.answers_a_day);
  EXPECT_EQ(written_out->quotas.answers_a_month, policy->quotas.answers_a_month);
  EXPECT_EQ(written_out->quotas.studies_a_month, policy->quotas.studies_a_month);
  EXPECT_EQ(written_out->memorising_models, policy->memorising_models);
  EXPECT_EQ(written_out->site_level, policy->site_level);
  EXPECT_THAT(policy->requesters, IsEmpty());
  EXPECT_EQ(policy->valid_until, std::nullopt);
}

TEST(PolicyTest, OverridesApply) {
  const auto policy = ParsePolicy(
      "preset = \"research\"\nallowed_analyses = [\"logistic\"]\nminimum_patients = 30\n"
      "minimum_sites = 4\nmaximum_parameters_per_patient = 0.05\nminimum_class = 1\n"
      "site_level = true\nrequesters = [\"A\"]\nmaximum_rounds = 9\nvalid_until = 2027-01-31\n",
      "policy.toml");
  ASSERT_TRUE(policy.has_value()) << Describe(policy.error());
  EXPECT_THAT(policy->allowed_analyses, ElementsAre("logistic"));
  EXPECT_EQ(policy->minimum_patients, 30U);
  EXPECT_EQ(policy->minimum_sites, 4U);
  EXPECT_EQ(policy->maximum_parameters_per_patient, 0.05);
  EXPECT_EQ(policy->minimum_class, 1U);
  EXPECT_TRUE(policy->site_level);
  EXPECT_EQ(policy->maximum_rounds, 9U);
  EXPECT_EQ(policy->valid_until, (Date{2027, 1, 31}));
}

TEST(PolicyTest, FailsClosedOnEveryMistake) {
  const std::string start = "preset = \"standard\"\n";
  const std::vector<std::string> mistakes = {
      "",
      "minimum_patients = 20\n",
      "preset = \"lax\"\n",
      "preset = 3\n",
      start + "minimum_pateints = 100\n",
      start + "minimum_patients = \"20\"\n",
      start + "minimum_patients = 2\n",
      start + "minimum_patients = -1\n",
      start + "minimum_sites = 2\n",
      start + "minimum_sites = 4294967299\n",
      start + "maximum_parameters_per_patient = 2.1\n",
      start + "maximum_parameters_per_patient = 0\n",
      start + "maximum_parameters_per_patient = nan\n",
      start + "minimum_class = 0\n",
      start + "maximum_rounds = 0\n",
      start + "privacy_epsilon = -1\n",
      start + "privacy_epsilon = 101\n",
      start + "privacy_delta = 0\n",
      start + "privacy_delta = 0.1\n",
      start + "site_level = \"no\"\n",
      start + "requesters = [\"\"]\n",
      start + "requesters = \"A\"\n",
      start + "allowed_analyses = [\"logistics\"]\n",
      start + "valid_until = \"2027-01-31\"\n",
      start + "[limits]\nminimum_patients = 50\n",
      start + "preset = \"strict\"\n",
      start + "minimum_patients = \n",
  };
  for (const std::string& mistake : mistakes) {
    EXPECT_THAT(ErrorOf(mistake), AllOf(HasSubstr("policy.toml"), HasSubstr("refuses every study")))
        << mistake;
  }
}

TEST(PolicyTest, AnAbsentOrUnreadableFileIsAnError) {
  const TemporaryFolder folder;
  const auto absent = LoadPolicy(folder.path() / "policy.toml");
  ASSERT_FALSE(absent.has_value());
  EXPECT_THAT(Describe(absent.error()),
              AllOf(HasSubstr("does not exist"), HasSubstr("refuses every study")));
  EXPECT_FALSE(LoadPolicy(folder.path()).has_value());
  const auto file = folder.Write("policy.toml", DefaultPolicyText());
  EXPECT_TRUE(LoadPolicy(file).has_value());
}

TEST(PolicyTest, AnEmptyListOfAnalysesAllowsNone) {
  const auto policy = ParsePolicy("preset = \"standard\"\nallowed_analyses = []\n", "policy.toml");
  ASSERT_TRUE(policy.has_value());
  ExpectRefusal(CheckPlan(*policy, StudyOf(), kToday), PolicyRule::kAnalysis, "allows: none");
}

TEST(CheckPlanTest, LetsAnOrdinaryStudyThrough) {
  const auto status = CheckPlan(MakePolicy(PolicyPreset::kStrict), StudyOf(), kToday);
  EXPECT_TRUE(status.has_value()) << status.error().message;
}

TEST(CheckPlanTest, RefusesAnAnalysisThatIsNotAllowed) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.allowed_analyses = {"linear"};
  ExpectRefusal(
      CheckPlan(policy, StudyOf(), kToday), PolicyRule::kAnalysis,
      "runs the analysis \"logistic\"; this site's policy (allowed_analyses) allows: linear");
}

TEST(CheckPlanTest, ShowsSingleSitesOnlyWhereThePolicySaysSo) {
  ShapeOnlyAnalysis analysis;
  analysis.names = {"sick"};
  analysis.single_sites = true;
  const Plan plan =
      MakePlan(MakeContract("patient = \"id\"\n[[column]]\nname = \"sick\"\ntype = \"boolean\"\n"),
               analysis);
  for (const PolicyPreset preset :
       {PolicyPreset::kStrict, PolicyPreset::kStandard, PolicyPreset::kResearch}) {
    Policy policy = MakePolicy(preset);
    ExpectRefusal(CheckPlan(policy, plan, kToday), PolicyRule::kSiteLevel,
                  "this site's policy (site_level) does not allow that");
    EXPECT_TRUE(CheckPlan(policy, StudyOf(), kToday).has_value());
    policy.site_level = true;
    EXPECT_TRUE(CheckPlan(policy, plan, kToday).has_value());
  }
}

TEST(CheckPlanTest, RefusesAProgramThatIsNotNamedHere) {
  ShapeOnlyAnalysis analysis;
  analysis.trainer_name = "numpy-logistic";
  const Plan plan = MakePlan(Contract(), analysis);
  Policy policy = MakePolicy(PolicyPreset::kResearch);
  ExpectRefusal(CheckPlan(policy, plan, kToday), PolicyRule::kTrainer,
                "learns by a program called \"numpy-logistic\"; this site's policy (trainers) "
                "names: none");
  policy.trainers["another"].program = "/usr/lib/another";
  ExpectRefusal(CheckPlan(policy, plan, kToday), PolicyRule::kTrainer, "names: another");
  policy.trainers["numpy-logistic"].program = "/usr/lib/learn";
  EXPECT_TRUE(CheckPlan(policy, plan, kToday).has_value());
}

TEST(CheckPlanTest, RefusesAnotherRequester) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.requesters = {"Oncology consortium"};
  ExpectRefusal(CheckPlan(policy, StudyOf(), kToday), PolicyRule::kRequester,
                "requested by \"Cardiology consortium\"");
  policy.requesters.emplace_back("Cardiology consortium");
  EXPECT_TRUE(CheckPlan(policy, StudyOf(), kToday).has_value());
}

TEST(CheckPlanTest, RefusesTooManyRounds) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.maximum_rounds = 26;
  ExpectRefusal(CheckPlan(policy, StudyOf(), kToday), PolicyRule::kRounds,
                "may ask for 27 rounds; this site's policy (maximum_rounds) allows 26");
}

TEST(CheckPlanTest, RefusesFromTheDayAfterValidUntil) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.valid_until = DateOf(kToday);
  EXPECT_TRUE(CheckPlan(policy, StudyOf(), kToday).has_value());
  ExpectRefusal(CheckPlan(policy, StudyOf(), UtcSeconds{kToday.seconds + 86'400}),
                PolicyRule::kExpired, "valid until 2026-06-01; today is 2026-06-02");
}

TEST(CheckCohortTest, CountsPatientsAndTheStricterOfPlanAndPolicyWins) {
  const Policy policy = MakePolicy(PolicyPreset::kStandard);
  Plan plan = StudyOf();
  EXPECT_TRUE(CheckCohort(policy, plan, CohortOf(20, 10)).has_value());
  auto status = CheckCohort(policy, plan, CohortOf(19, 9));
  ExpectRefusal(status, PolicyRule::kPatients,
                "has 19 patients here; this site's policy (minimum_patients) asks for at least 20");
  EXPECT_THAT(status.error().remedy, HasSubstr("policy.toml"));
  plan.minimum_patients = 30;
  status = CheckCohort(policy, plan, CohortOf(29, 10));
  ExpectRefusal(status, PolicyRule::kPatients, "the study's plan asks for at least 30");
  EXPECT_THAT(status.error().remedy, HasSubstr("Only the study's lead"));
}

TEST(CheckCohortTest, LimitsParametersPerPatient) {
  const Policy policy = MakePolicy(PolicyPreset::kStandard);
  EXPECT_TRUE(CheckCohort(policy, StudyOf(6), CohortOf(30, 15)).has_value());
  ExpectRefusal(CheckCohort(policy, StudyOf(7), CohortOf(30, 15)), PolicyRule::kParameters,
                "estimates 7 parameters and the cohort has 30 patients here; this site's policy "
                "(maximum_parameters_per_patient) allows at most 0.2 a patient");
}

TEST(CheckCohortTest, RefusesASmallClassButNotAnEmptyOne) {
  const Policy policy = MakePolicy(PolicyPreset::kStandard);
  const Plan plan = StudyOf();
  EXPECT_TRUE(CheckCohort(policy, plan, CohortOf(40, 5)).has_value());
  EXPECT_TRUE(CheckCohort(policy, plan, CohortOf(40, 0)).has_value());
  EXPECT_TRUE(CheckCohort(policy, plan, CohortOf(40, 40)).has_value());
  ExpectRefusal(CheckCohort(policy, plan, CohortOf(40, 4)), PolicyRule::kClass,
                "the smallest class of \"sick\" has 4 patients; this site's policy (minimum_class) "
                "asks for at least 5");
  ExpectRefusal(CheckCohort(policy, plan, CohortOf(40, 37)), PolicyRule::kClass, "3 patients");
}

TEST(CheckCohortTest, EventsOfASurvivalAnalysisAreAClass) {
  Plan plan = StudyOf();
  const Settings analysis = Settings::Parse(
                                "kind = \"cox\"\nevent = \"sick\"\ntime = \"score\"\n"
                                "features = [\"dose\"]\n",
                                "plan.toml")
                                .value();
  plan.contract.columns.push_back(plan.contract.columns[1]);
  plan.contract.columns.back().name = "dose";
  plan.analysis = MakeAnalysis(analysis, plan.contract, plan.minimum_sites).value();
  const auto cohort = [&plan](std::size_t events) {
    CohortWithFlow data = CohortOf(40, events);
    data.cohort.columns = plan.analysis->columns();
    data.cohort.values.conservativeResize(40, 3);
    data.cohort.values.col(2) = 2 * data.cohort.values.col(1);
    return data;
  };
  const Policy policy = MakePolicy(PolicyPreset::kStandard);
  EXPECT_TRUE(CheckCohort(policy, plan, cohort(5)).has_value());
  EXPECT_TRUE(CheckCohort(policy, plan, cohort(0)).has_value());
  ExpectRefusal(CheckCohort(policy, plan, cohort(1)), PolicyRule::kClass,
                "the smallest class of \"sick\" has 1 patient;");
}

TEST(CheckCohortTest, ANumberWithTwoValuesHasClasses) {
  CohortWithFlow data = CohortOf(40, 20);
  data.cohort.values.col(1).setConstant(7);
  data.cohort.values(3, 1) = 8;
  ExpectRefusal(CheckCohort(MakePolicy(PolicyPreset::kStandard), StudyOf(), data),
                PolicyRule::kClass, "smallest class of \"score\" has 1 patient;");
}

TEST(CheckCohortTest, SeveralRowsOfOnePatientAreOnePatient) {
  CohortWithFlow data = CohortOf(40, 10);
  data.cohort.patients = 35;
  EXPECT_TRUE(CheckCohort(MakePolicy(PolicyPreset::kStandard), StudyOf(), data).has_value());
  data.cohort.patients = 34;
  ExpectRefusal(CheckCohort(MakePolicy(PolicyPreset::kStandard), StudyOf(), data),
                PolicyRule::kClass, "possibly only 4 patients");
  data.cohort.patients = 19;
  ExpectRefusal(CheckCohort(MakePolicy(PolicyPreset::kStandard), StudyOf(), data),
                PolicyRule::kPatients, "19 patients");
}

TEST(CheckCohortTest, StandardLetsTheHeartDiseaseHospitalsThrough) {
  // Patients and smallest class (of disease, sex and exang) of the four hospitals' five-feature
  // cohorts; 6 parameters.
  const std::vector<std::pair<std::size_t, std::size_t>> hospitals = {
      {303, 97}, {293, 80}, {117, 8}, {144, 5}};
  for (const auto& [patients, smallest] : hospitals) {
    EXPECT_TRUE(
        CheckCohort(MakePolicy(PolicyPreset::kStandard), StudyOf(6), CohortOf(patients, smallest))
            .has_value());
  }
}

TEST(CheckSumTest, TheStricterOfPlanAndPolicyWins) {
  const Policy strict = MakePolicy(PolicyPreset::kStrict);
  Plan plan = StudyOf();
  EXPECT_TRUE(CheckSum(strict, plan, 5).has_value());
  ExpectRefusal(
      CheckSum(strict, plan, 4), PolicyRule::kSites,
      "the sum would have 4 sites; this site's policy (minimum_sites) asks for at least 5");
  plan.minimum_sites = 6;
  ExpectRefusal(CheckSum(strict, plan, 5), PolicyRule::kSites,
                "the study's plan asks for at least 6");
  EXPECT_EQ(MinimumSites(strict, plan), 6U);
  EXPECT_EQ(MinimumPatients(strict, plan), 50U);
}

TEST(PolicyRefusalTest, WorksLikeAStatus) {
  const auto check = []() -> Status {
    TRY_STATUS(CheckSum(MakePolicy(PolicyPreset::kStrict), StudyOf(), 1));
    return {};
  };
  const Status status = check();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kRefused);
}

TEST(PolicyRefusalTest, TellsTheCoordinatorAReasonOnly) {
  EXPECT_EQ(ReasonToTell(PolicyRule::kAnalysis), RefusalReason::kPolicyForbids);
  EXPECT_EQ(ReasonToTell(PolicyRule::kSiteLevel), RefusalReason::kPolicyForbids);
  EXPECT_EQ(ReasonToTell(PolicyRule::kTrainer), RefusalReason::kPolicyForbids);
  EXPECT_EQ(ReasonToTell(PolicyRule::kPatients), RefusalReason::kDataRefused);
  EXPECT_EQ(ReasonToTell(PolicyRule::kClass), RefusalReason::kDataRefused);
  EXPECT_EQ(ReasonToTell(PolicyRule::kSites), RefusalReason::kMinimumLowered);
}

}  // namespace
}  // namespace consilium
