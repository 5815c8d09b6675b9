#include "common/transport/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/socks_proxy.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

constexpr Duration kPatience{2'000};

std::string DeadAddress() {
  const Listener listener;
  return listener.address();
}

SiteSocketOptions To(const std::string& address, const std::string& proxy = {}) {
  SiteSocketOptions options;
  options.endpoint = "tcp://" + address;
  options.socks_proxy = proxy;
  return options;
}

SiteSocketOptions As(SiteSocketOptions options, const std::string& user, const char* password) {
  options.socks_user = user;
  options.socks_password = std::make_shared<const Passphrase>(password);
  return options;
}

Error ErrorOf(const SiteSocketOptions& options) {
  const Result<std::string> reached = TryToReach(options, kPatience);
  return reached ? Error{ErrorCode::kIo, "reached it: " + *reached, ""} : reached.error();
}

TEST(ReachTest, ReachesAListenerWithAndWithoutAProxy) {
  const Listener coordinator;
  const SocksProxy open;
  const SocksProxy guarded("hospital", "secret");

  EXPECT_TRUE(TryToReach(To(coordinator.address()), kPatience));
  EXPECT_TRUE(TryToReach(To(coordinator.address(), open.address()), kPatience));
  EXPECT_TRUE(TryToReach(As(To(coordinator.address(), guarded.address()), "hospital", "secret"),
                         kPatience));
  EXPECT_EQ(open.connections() + guarded.connections(), 2);
}

TEST(ReachTest, NamesTheStepThatFailsOnTheDirectWay) {
  const Error nobody = ErrorOf(To(DeadAddress()));
  EXPECT_EQ(nobody.code, ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.message, HasSubstr("nobody listens at 127.0.0.1, port "));
  EXPECT_THAT(ErrorOf(To("coordinator.invalid:7700")).message,
              HasSubstr("the name coordinator.invalid cannot be resolved"));
}

TEST(ReachTest, TellsAProxysRefusalsApart) {
  const Listener coordinator;
  const SocksProxy guarded("hospital", "secret");
  const SiteSocketOptions through_guarded = To(coordinator.address(), guarded.address());
  SocksProxy strict;
  strict.RefuseWith(2);

  EXPECT_THAT(ErrorOf(through_guarded).message, HasSubstr("wants to know who asks"));
  EXPECT_THAT(ErrorOf(As(through_guarded, "hospital", "wrong")).message,
              HasSubstr("does not accept the user or the password"));
  EXPECT_THAT(ErrorOf(To(coordinator.address(), strict.address())).message,
              HasSubstr("its rules do not allow that connection"));
  EXPECT_EQ(guarded.connections() + strict.connections(), 0);
}

TEST(ReachTest, TellsADeadProxyFromADeadCoordinator) {
  const Listener coordinator;
  const SocksProxy proxy;

  EXPECT_THAT(ErrorOf(To(coordinator.address(), DeadAddress())).message,
              HasSubstr("cannot be used: nobody listens"));
  EXPECT_THAT(ErrorOf(To(DeadAddress(), proxy.address())).message,
              HasSubstr("nobody listens there"));
}

TEST(ReachTest, AServerThatIsNoProxyIsNamed) {
  const Listener coordinator;
  const Listener silent;
  const Result<std::string> reached =
      TryToReach(To(coordinator.address(), silent.address()), Duration(100));

  ASSERT_FALSE(reached);
  EXPECT_THAT(reached.error().message, HasSubstr("does not speak SOCKS5"));
}

}  // namespace
}  // namespace consilium
