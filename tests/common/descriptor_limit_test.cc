#include "common/descriptor_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace consilium {
namespace {

/// Puts the limit back, which only needs that the hard one was left alone.
class DescriptorLimitTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0); }
  void TearDown() override { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

  void Allow(rlim_t now) {
    rlimit limit = before_;
    limit.rlim_cur = now;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  static rlim_t Allowed() {
    rlimit limit{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
  }

  rlimit before_{};
};

TEST_F(DescriptorLimitTest, IsRaisedToWhatIsWantedAndNeverLowered) {
  Allow(100);
  ASSERT_TRUE(AllowDescriptors(150).has_value());
  EXPECT_EQ(Allowed(), 150u);
  ASSERT_TRUE(AllowDescriptors(120).has_value());
  EXPECT_EQ(Allowed(), 150u);
}

TEST_F(DescriptorLimitTest, MoreThanTheSystemAllowsIsAnErrorWithItsRemedy) {
  if (before_.rlim_max == RLIM_INFINITY) GTEST_SKIP() << "no limit here";
  const Status allowed = AllowDescriptors(static_cast<std::size_t>(before_.rlim_max) + 1);
  ASSERT_FALSE(allowed.has_value());
  EXPECT_EQ(allowed.error().code, ErrorCode::kPermission);
  const std::string number = std::to_string(before_.rlim_max + 1);
  EXPECT_NE(allowed.error().message.find("needs " + number), std::string::npos);
  EXPECT_NE(allowed.error().remedy.find("LimitNOFILE=" + number), std::string::npos);
  EXPECT_EQ(Allowed(), before_.rlim_cur);
}

}  // namespace
}  // namespace consilium
