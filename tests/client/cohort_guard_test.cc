// client/cohort_guard.h and client/patient_codes.h: which cohorts come too close to answered ones.

#include "client/cohort_guard.h"

#include <algorithm>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "client/patient_codes.h"
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

RC_GTEST_PROP(PatientCodesTest, TheDifferenceIsTheSymmetricOneOfSets, ()) {
  const auto few = rc::gen::container<PatientCodes>(rc::gen::inRange<std::uint64_t>(0, 40));
  const PatientCodes one = Sorted(*few);
  const PatientCodes other = Sorted(*few);
  PatientCodes difference;
  std::set_symmetric_difference(one.begin(), one.end(), other.begin(), other.end(),
                                std::back_inserter(difference));
  RC_ASSERT(CountDifference(one, other) == difference.size());
  RC_ASSERT(CountDifference(other, one) == difference.size());
  const auto enough = *rc::gen::inRange<std::uint64_t>(0, 50);
  RC_ASSERT(CountDifference(one, other, enough) ==
            std::min<std::uint64_t>(enough, difference.size()));
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
  PatientCodes exchanged = NumberedPatients(98);
  exchanged.push_back(201);
  exchanged.push_back(202);
  ASSERT_NE(guard.TooClose(exchanged, 5), nullptr);
  EXPECT_EQ(guard.TooClose(exchanged, 5)->study, Study(1));
  EXPECT_EQ(guard.TooClose(exchanged, 4), nullptr);
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
