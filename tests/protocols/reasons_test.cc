#include "protocols/reasons.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::MatchesRegex;

constexpr std::string_view kUnknown = "unknown-reason";

TEST(RefusalReasonTest, EachHasANameOfItsOwnAndASentence) {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (std::uint16_t number = 0; number < 200; ++number) {
    const auto reason = static_cast<RefusalReason>(number);
    if (Name(reason) == kUnknown) continue;
    EXPECT_TRUE(names.insert(Name(reason)).second) << Name(reason);
    EXPECT_TRUE(sentences.insert(Explanation(reason)).second) << Name(reason);
    EXPECT_THAT(std::string(Name(reason)), MatchesRegex("[a-z]+(-[a-z]+)*"));
    EXPECT_THAT(std::string(Explanation(reason)), MatchesRegex("[A-Z].*\\."));
  }
  EXPECT_EQ(names.size(), 52u);
}

TEST(RefusalReasonTest, ANumberOfALaterVersionIsNoCrash) {
  EXPECT_EQ(Name(static_cast<RefusalReason>(9999)), kUnknown);
  EXPECT_FALSE(Explanation(static_cast<RefusalReason>(9999)).empty());
}

TEST(DropReasonTest, EachHasANameOfItsOwnAndASentence) {
  std::set<std::string_view> names;
  for (auto number = static_cast<std::uint16_t>(DropReason::kMalformed);
       number <= static_cast<std::uint16_t>(DropReason::kTooLong); ++number) {
    const auto reason = static_cast<DropReason>(number);
    EXPECT_TRUE(names.insert(Name(reason)).second) << Name(reason);
    EXPECT_THAT(std::string(Explanation(reason)), MatchesRegex("[A-Z].*\\."));
  }
  EXPECT_EQ(names.size(), 26u);
}

}  // namespace
}  // namespace consilium
