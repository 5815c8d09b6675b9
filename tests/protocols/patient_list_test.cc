#include "protocols/patient_list.h"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::ElementsAre;

TEST(PatientListTest, GivesBackThePatientOfEachRow) {
  const PatientList patients = {"b", "", "a", "b", "b", "Zoë", ""};
  EXPECT_THAT(patients, ElementsAre("b", "", "a", "b", "b", "Zoë", ""));
  EXPECT_EQ(patients.size(), 7U);
  EXPECT_FALSE(patients.empty());
  EXPECT_TRUE(PatientList().empty());
}

TEST(PatientListTest, RowsOfOnePatientHaveOneNumber) {
  const PatientList patients = {"b", "", "a", "b"};
  EXPECT_EQ(patients.distinct(), 3U);
  EXPECT_EQ(patients.NumberOf(0), 0U);
  EXPECT_EQ(patients.NumberOf(1), 1U);
  EXPECT_EQ(patients.NumberOf(2), 2U);
  EXPECT_EQ(patients.NumberOf(3), 0U);
  EXPECT_EQ(patients.Name(2), "a");
}

TEST(PatientListTest, TakesTextsThatLieInItself) {
  PatientList patients = {"a patient with a long name", "b"};
  for (int i = 0; i < 100; ++i) patients.push_back(patients[0]);
  EXPECT_EQ(patients[101], "a patient with a long name");
  EXPECT_EQ(patients.distinct(), 2U);
}

TEST(PatientListTest, SeveralAtOnceAreTheSameAsOneByOne) {
  const std::vector<std::string_view> texts = {"b", "a", "a", "c", "b", ""};
  PatientList at_once = {"a"};
  at_once.Append(texts);
  at_once.Append({});
  at_once.Append(texts);
  EXPECT_THAT(at_once, ElementsAre("a", "b", "a", "a", "c", "b", "", "b", "a", "a", "c", "b", ""));
  EXPECT_EQ(at_once.distinct(), 4U);
  EXPECT_EQ(at_once.NumberOf(3), 0U);
}

TEST(PatientListTest, AddsAgainAfterARest) {
  PatientList patients;
  for (int i = 0; i < 1'000; ++i) patients.push_back(std::to_string(i));
  patients.RestFromAdding();
  EXPECT_EQ(patients[17], "17");
  const std::vector<std::string_view> more = {"999", "17", "new"};
  patients.Append(more);
  EXPECT_EQ(patients.NumberOf(1'000), 999U);
  EXPECT_EQ(patients.NumberOf(1'001), 17U);
  EXPECT_EQ(patients.distinct(), 1'001U);
}

TEST(PatientListTest, RoomForMoreChangesNothing) {
  PatientList patients;
  patients.reserve(10);
  patients.Append(std::vector<std::string_view>{"b", "a", "b"});
  patients.reserve(1'000);
  patients.reserve(2);
  EXPECT_THAT(patients, ElementsAre("b", "a", "b"));
  // Fewer patients come than among the first rows, then more.
  for (int i = 0; i < 500; ++i) patients.push_back("a");
  for (int i = 0; i < 2'000; ++i) patients.push_back(std::to_string(i));
  EXPECT_EQ(patients.distinct(), 2'002U);
  EXPECT_EQ(patients.NumberOf(502), 1U);
  EXPECT_EQ(patients[503 + 1'234], "1234");
  patients.RestFromAdding();
  patients.reserve(10'000);
  patients.push_back("b");
  EXPECT_EQ(patients.NumberOf(patients.size() - 1), 0U);
}

TEST(PatientListTest, HoldsManyPatientsInAnyOrder) {
  PatientList patients;
  std::map<std::string, std::uint32_t> numbers;
  std::vector<std::string> texts;
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    texts.push_back(std::to_string((state >> 33U) % 7'000));
    patients.push_back(texts.back());
    numbers.emplace(texts.back(), static_cast<std::uint32_t>(numbers.size()));
  }
  EXPECT_EQ(patients.distinct(), numbers.size());
  for (std::size_t row = 0; row < texts.size(); ++row) {
    ASSERT_EQ(patients[row], texts[row]);
    ASSERT_EQ(patients.NumberOf(row), numbers[texts[row]]);
  }
}

}  // namespace
}  // namespace consilium
