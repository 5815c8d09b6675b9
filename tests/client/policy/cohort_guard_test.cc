// client/policy/cohort_guard.h and client/policy/patient_codes.h: which cohorts come too close to
// answered ones.

#include "client/policy/cohort_guard.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "client/policy/patient_codes.h"
#include "common/random.h"
#include "common/storage.h"
#include "common/wire.h"

namespace consilium {
namespace {

constexpr UtcSeconds kThen{1'780'272'000};

StudyId Study(std::uint8_t number) {
  StudyId id;
  id.bytes[0] = std::byte{number};
  return id;
}

RC_GTEST_PROP(PatientCodesTest, TheDifferenceIsOfPatientsWhoAreOnOneSideOrHaveOtherRows, ()) {
  using Rows = std::map<std::uint64_t, std::uint32_t>;
  const auto some = rc::gen::container<Rows>(rc::gen::inRange<std::uint64_t>(0, 40),
                                             rc::gen::inRange<std::uint32_t>(1, 3));
  const Rows one = *some;
  const Rows other = *some;
  const auto patients_of = [](const Rows& rows) {
    CohortPatients patients;
    for (const auto& [code, count] : rows) patients.push_back({code, count});
    return patients;
  };
  std::uint64_t difference = 0;
  for (std::uint64_t code = 0; code < 40; ++code) {
    const auto rows_in = [&](const Rows& rows) { return rows.contains(code) ? rows.at(code) : 0; };
    if (rows_in(one) != rows_in(other)) ++difference;
  }
  RC_ASSERT(CountDifference(patients_of(one), patients_of(other)) == difference);
  RC_ASSERT(CountDifference(patients_of(other), patients_of(one)) == difference);
  const auto enough = *rc::gen::inRange<std::uint64_t>(0, 50);
  RC_ASSERT(CountDifference(patients_of(one), patients_of(other), enough) ==
            std::min(enough, difference));
}

RC_GTEST_PROP(PatientCodesTest, DifferencesOfAllRangesOfCodesAddUpToTheWhole, ()) {
  const auto some = rc::gen::container<std::map<std::uint64_t, std::uint32_t>>(
      rc::gen::inRange<std::uint64_t>(0, 40), rc::gen::inRange<std::uint32_t>(1, 3));
  const auto patients_of = [](const std::map<std::uint64_t, std::uint32_t>& rows) {
    CohortPatients patients;
    for (const auto& [code, count] : rows) patients.push_back({code, count});
    return patients;
  };
  const CohortPatients one = patients_of(*some);
  const CohortPatients other = patients_of(*some);
  const auto cut = *rc::gen::inRange<std::uint64_t>(0, 41);
  const std::uint64_t low =
      cut == 0 ? 0 : CountDifference(Between(one, 0, cut - 1), Between(other, 0, cut - 1));
  const std::uint64_t high =
      CountDifference(Between(one, cut, ~std::uint64_t{0}), Between(other, cut, ~std::uint64_t{0}));
  RC_ASSERT(low + high == CountDifference(one, other));
}

TEST(PatientCodesTest, ComeBackFromTheirText) {
  for (const std::uint64_t code : {std::uint64_t{0}, std::uint64_t{7}, ~std::uint64_t{0}}) {
    EXPECT_EQ(ParseCode(CodeText(code)).value(), code);
  }
  EXPECT_FALSE(ParseCode("12").has_value());
  EXPECT_FALSE(ParseCode("xyz").has_value());
}

TEST(PatientCodesTest, PatientsWhoShareACodeAreOne) {
  EXPECT_EQ(Merged({{9, 1}, {4, 2}, {9, 3}}), (CohortPatients{{4, 2}, {9, 4}}));
  EXPECT_TRUE(AnyOf({{4, 1}, {9, 1}}, {1, 9}));
  EXPECT_FALSE(AnyOf({{4, 1}, {9, 1}}, {1, 5}));
}

TEST(PatientCodesTest, AreEqualForEqualPatientsOfOneSiteOnly) {
  SeededRandom random(7);
  const SecretKey32 ours = PatientKeyOf(SigningKey::Generate(random));
  const SecretKey32 theirs = PatientKeyOf(SigningKey::Generate(random));
  EXPECT_EQ(PatientCodeOf("P-17", ours), PatientCodeOf("P-17", ours));
  EXPECT_NE(PatientCodeOf("P-17", ours), PatientCodeOf("P-18", ours));
  EXPECT_NE(PatientCodeOf("P-17", ours), PatientCodeOf("P-17", theirs));
}

TEST(CohortGuardTest, FindsCohortsThatDifferByOneToFewestLessOnePatients) {
  CohortGuard guard;
  ASSERT_TRUE(guard.Remember(Study(1), kThen, NumberedPatients(100)).has_value());
  EXPECT_EQ(guard.TooClose(NumberedPatients(100), 5), nullptr) << "the same patients";
  for (std::uint64_t more = 1; more < 5; ++more) {
    EXPECT_NE(guard.TooClose(NumberedPatients(100 + more), 5), nullptr) << more << " more";
    EXPECT_NE(guard.TooClose(NumberedPatients(100 - more), 5), nullptr) << more << " fewer";
  }
  EXPECT_EQ(guard.TooClose(NumberedPatients(105), 5), nullptr);
  EXPECT_EQ(guard.TooClose(NumberedPatients(95), 5), nullptr);
  EXPECT_EQ(guard.TooClose(NumberedPatients(101), 1), nullptr) << "1 turns the rule off";

  // Two leave and two come: as many patients as before, and four between the sums.
  CohortPatients exchanged = NumberedPatients(98);
  exchanged.push_back({201, 1});
  exchanged.push_back({202, 1});
  ASSERT_NE(guard.TooClose(exchanged, 5), nullptr);
  EXPECT_EQ(guard.TooClose(exchanged, 5)->study, Study(1));
  EXPECT_EQ(guard.TooClose(exchanged, 4), nullptr);
}

/// A plan can choose rows so that the patients stay and one of their visits goes.
TEST(CohortGuardTest, OneRowFewerOfAPatientIsADifference) {
  CohortGuard guard;
  CohortPatients visits = NumberedPatients(100);
  visits[3].rows = 4;
  ASSERT_TRUE(guard.Remember(Study(1), kThen, visits).has_value());
  EXPECT_EQ(guard.TooClose(visits, 5), nullptr);
  visits[3].rows = 3;
  EXPECT_NE(guard.TooClose(visits, 5), nullptr);
}

TEST(CohortGuardTest, RemembersEachCohortOnceAndOverRestarts) {
  MemoryStore store;
  CohortGuard guard;
  const auto put = guard.Remember(Study(1), kThen, NumberedPatients(50));
  ASSERT_TRUE(put.has_value());
  ASSERT_TRUE(store.Apply({*put}).has_value());
  EXPECT_FALSE(guard.Remember(Study(2), kThen, NumberedPatients(50)).has_value());

  CohortGuard restored;
  ASSERT_TRUE(restored.Restore(store).has_value());
  const AnsweredCohort* close = restored.TooClose(NumberedPatients(51), 3);
  ASSERT_NE(close, nullptr);
  EXPECT_EQ(close->study, Study(1));
  EXPECT_EQ(close->at, kThen);
  EXPECT_FALSE(restored.Remember(Study(3), kThen, NumberedPatients(50)).has_value());
}

TEST(CohortGuardTest, ACohortThatWasAlteredOnTheDiskIsNotBelieved) {
  MemoryStore store;
  CohortGuard guard;
  PutRecord put = *guard.Remember(Study(1), kThen, NumberedPatients(50));
  put.value = Encode(AnsweredCohort{Study(1), kThen, NumberedPatients(49)});
  ASSERT_TRUE(store.Apply({put}).has_value());
  CohortGuard restored;
  const Status read = restored.Restore(store);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace consilium
