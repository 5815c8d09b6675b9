#include "protocols/study_words.h"

#include <set>

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(StudyWordsTest, EachStateHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (const StudyState state :
       {StudyState::kOffered, StudyState::kRunning, StudyState::kPaused, StudyState::kFinished,
        StudyState::kFailed, StudyState::kStopped}) {
    EXPECT_FALSE(Name(state).empty());
    words.insert(Name(state));
  }
  EXPECT_EQ(words.size(), 6U);
  EXPECT_EQ(Name(StudyState::kStopped), "stopped");
}

TEST(StudyWordsTest, EachDecisionHasAWordOfItsOwn) {
  EXPECT_EQ(Name(DecisionKind::kApproved), "approved");
  EXPECT_EQ(Name(DecisionKind::kDeclined), "declined");
  EXPECT_EQ(Name(DecisionKind::kRevoked), "revoked");
}

TEST(StudyWordsTest, AStudyIsFoundByItsFirstDigitsIfTheyAreItsAlone) {
  StudyId first, second;
  first.bytes[0] = second.bytes[0] = std::byte{0xab};
  first.bytes[1] = second.bytes[1] = std::byte{0xcd};
  second.bytes[2] = std::byte{0x10};
  const std::vector<StudyId> studies = {first, second};
  EXPECT_EQ(StudyWithDigits(studies, "abcd1", "studies").value(), second);
  EXPECT_EQ(StudyWithDigits(studies, first.ToHex(), "studies").value(), first);
  for (const char* digits : {"", "abc", "abcd", "abcd2", "ABCD1"}) {
    const auto found = StudyWithDigits(studies, digits, "studies");
    ASSERT_FALSE(found.has_value()) << digits;
    EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
    EXPECT_NE(found.error().remedy.find("`studies`"), std::string::npos);
  }
}

}  // namespace
}  // namespace consilium
