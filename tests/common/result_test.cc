#include "common/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace consilium {
namespace {

Result<std::unique_ptr<int>> Make(bool works) {
  if (!works) return Fail(ErrorCode::kNotFound, "no number", "Bring one.");
  return std::make_unique<int>(7);
}

Status Check(bool works) {
  if (!works) return Fail(ErrorCode::kRefused, "not today");
  return {};
}

Result<int> Use(bool makes, bool checks) {
  TRY(const std::unique_ptr<int> number, Make(makes));
  TRY_STATUS(Check(checks));
  return *number + 1;
}

TEST(ResultTest, TryDeclaresTheValueOrReturnsTheError) {
  ASSERT_TRUE(Use(true, true).has_value());
  EXPECT_EQ(*Use(true, true), 8);
  EXPECT_EQ(Use(false, true).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Use(true, false).error().code, ErrorCode::kRefused);
}

TEST(ResultTest, DescribesAnErrorWithItsRemedy) {
  const std::string both = Describe(Make(false).error());
  EXPECT_NE(both.find("no number"), std::string::npos);
  EXPECT_NE(both.find("Bring one."), std::string::npos);
  const std::string alone = Describe(Check(false).error());
  EXPECT_NE(alone.find("not today"), std::string::npos);
  EXPECT_NE(alone.back(), ' ');
}

TEST(ResultTest, ARemedyBeginsASentenceUnlessItBeginsWithWhatPeopleType) {
  const auto describe = [](const std::string& remedy) {
    return Describe(Error{ErrorCode::kInvalidArgument, "it is wrong", remedy});
  };
  EXPECT_EQ(describe("use another one"), "it is wrong. Use another one");
  EXPECT_EQ(describe("merge, or remove it"), "it is wrong. Merge, or remove it");
  EXPECT_EQ(describe("csv = \"FILE\" names it"), "it is wrong. csv = \"FILE\" names it");
  EXPECT_EQ(describe("consilium-sim finds it"), "it is wrong. consilium-sim finds it");
  EXPECT_EQ(describe("0.1 is very uneven"), "it is wrong. 0.1 is very uneven");
  EXPECT_EQ(describe("wait"), "it is wrong. Wait");
}

TEST(ResultTest, FailInPutsThePlaceInFront) {
  const Status failed = FailIn("plan.toml", Check(false).error());
  EXPECT_EQ(failed.error().message, "plan.toml: not today");
  EXPECT_EQ(failed.error().code, ErrorCode::kRefused);
}

}  // namespace
}  // namespace consilium
