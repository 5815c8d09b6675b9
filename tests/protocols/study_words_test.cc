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

}  // namespace
}  // namespace consilium
