#include "client/ingestion/short_number.h"

#include <charconv>
#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace consilium {
namespace {

bool Same(double a, double b) { return std::isnan(a) ? std::isnan(b) : a == b; }

/// Calls `look` with every text of these characters of one to `longest`.
template <class Look>
void ForEachText(std::string_view characters, std::size_t longest, std::string& text, Look look) {
  if (!text.empty()) look(text);
  if (text.size() == longest) return;
  for (const char c : characters) {
    text.push_back(c);
    ForEachText(characters, longest, text, look);
    text.pop_back();
  }
}

TEST(ShortNumberTest, FindsTheSameOfEveryTextInBothWays) {
  // Digits' neighbours in ASCII, both marks, signs, what is a digit but for a bit, and a byte
  // beyond ASCII.
  const std::string characters = "079/:.,- p\xB5";
  std::string text;
  std::size_t texts = 0;
  ForEachText(characters, 5, text, [&](const std::string& each) {
    ++texts;
    for (const char decimal : {'.', ','}) {
      ASSERT_TRUE(Same(ShortNumberOfEight(each, decimal), ShortNumberByDigits(each, decimal)))
          << '"' << each << "\" with " << decimal;
    }
  });
  EXPECT_EQ(texts, 11U + 121U + 1'331U + 14'641U + 161'051U);
}

TEST(ShortNumberTest, FindsTheSameOfLongerTextsInBothWays) {
  std::string text;
  ForEachText("09.x", 8, text, [&](const std::string& each) {
    ASSERT_TRUE(Same(ShortNumberOfEight(each, '.'), ShortNumberByDigits(each, '.'))) << each;
  });
}

RC_GTEST_PROP(ShortNumberPropertyTest, IsTheNearestDouble, ()) {
  const auto digits = *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(1, 16),
                                                       rc::gen::inRange('0', char('9' + 1)));
  const auto mark = *rc::gen::inRange<std::size_t>(0, digits.size() + 1);
  const std::string text = digits.substr(0, mark) + "." + digits.substr(mark);
  double nearest = 0;
  std::from_chars(text.data(), text.data() + text.size(), nearest);
  RC_ASSERT(ShortNumber(text, '.') == nearest);
  RC_ASSERT(ShortNumber("-" + text, '.') == -nearest);
  RC_ASSERT(ShortNumber("+" + digits, '.') == ShortNumber(digits, ','));
}

TEST(ShortNumberTest, LeavesOtherTextsToACloserLook) {
  for (const char* text : {"", "-", "+", ".", "-.", "--1", "+-1", "1e3", "1.2.3", "1 2", "nan",
                           "1234567890123456", "0.123456789012345678", "12345678x", "1,5"}) {
    EXPECT_TRUE(std::isnan(ShortNumber(text, '.'))) << text;
  }
}

TEST(ShortNumberTest, ReadsWhatIsThere) {
  EXPECT_EQ(ShortNumber("0", '.'), 0);
  EXPECT_EQ(ShortNumber("7.", '.'), 7);
  EXPECT_EQ(ShortNumber(".5", '.'), 0.5);
  EXPECT_EQ(ShortNumber("-12,25", ','), -12.25);
  EXPECT_EQ(ShortNumber("99999999", '.'), 99'999'999);
  EXPECT_EQ(ShortNumber("999999999", '.'), 999'999'999);
  EXPECT_EQ(ShortNumber("0.0000001", '.'), 1e-7);
  EXPECT_TRUE(std::signbit(ShortNumber("-0", '.')));
}

}  // namespace
}  // namespace consilium
