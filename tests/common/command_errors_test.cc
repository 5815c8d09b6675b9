#include "common/command_errors.h"

#include <set>

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(CommandErrorsTest, AnErrorSurvivesTheControlSocket) {
  const Error error{ErrorCode::kDataQuality, "line 3: \"quoted\" and \xc3\xbc", "Mend it."};

  const std::optional<Error> back = ErrorIn(ErrorDocument(error));

  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->code, error.code);
  EXPECT_EQ(back->message, error.message);
  EXPECT_EQ(back->remedy, error.remedy);
  EXPECT_FALSE(ErrorIn("{\"study\": 1}").has_value());
}

TEST(CommandErrorsTest, EachCodeHasItsOwnExitCodeAndName) {
  std::set<int> exits;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kNotEstimable); ++code) {
    const auto error = static_cast<ErrorCode>(code);
    exits.insert(ExitCodeOf(error));
    EXPECT_EQ(ErrorCodeNamed(Name(error)), error);
  }
  EXPECT_EQ(exits.size(), static_cast<std::size_t>(ErrorCode::kNotEstimable) + 1);
  EXPECT_GE(*exits.begin(), 10);
}

}  // namespace
}  // namespace consilium
