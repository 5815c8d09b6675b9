#include "common/service_manager.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/service_turn.h"
#include "tests/support/fake_manager.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string AbstractName() { return "@consilium-test-" + std::to_string(::getpid()); }

TEST(ServiceManagerTest, IsToldThatTheServiceIsReadyAndWhatItDoes) {
  const TemporaryFolder folder;
  for (const std::string& name : {(folder / "notify").string(), AbstractName()}) {
    const FakeManager fake(name);
    const ServiceManager manager = ServiceManager::FromEnvironment();

    manager.Ready();
    manager.Say("two\nlines");
    manager.Stopping();

    EXPECT_THAT(fake.Heard(), ElementsAre("READY=1", "STATUS=two lines", "STOPPING=1")) << name;
    EXPECT_FALSE(manager.next_ping());
  }
}

TEST(ServiceManagerTest, IsToldOfALongSentenceUpToAWholeCharacter) {
  const FakeManager fake(AbstractName());
  const ServiceManager manager = ServiceManager::FromEnvironment();

  manager.Say(std::string(499, 'x') + "\xc3\xbc and more");

  EXPECT_THAT(fake.Heard(), ElementsAre("STATUS=" + std::string(499, 'x')));
}

TEST(ServiceManagerTest, IsPingedTwiceInEachIntervalOfItsWatchdog) {
  const FakeManager fake(AbstractName());
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceManager manager = ServiceManager::FromEnvironment();

  manager.Ping(Instant{1'000});
  manager.Ping(Instant{30'999});
  EXPECT_THAT(fake.Heard(), ElementsAre("WATCHDOG=1"));
  EXPECT_EQ(manager.next_ping(), Instant{31'000});
  EXPECT_EQ(manager.Limit(std::nullopt, Instant{21'000}), Duration(10'000));
  EXPECT_EQ(manager.Limit(Duration(500), Instant{21'000}), Duration(500));
  EXPECT_EQ(manager.Limit(std::nullopt, Instant{40'000}), Duration(1));
  manager.Ping(Instant{31'000});
  EXPECT_THAT(fake.Heard(), ElementsAre("WATCHDOG=1"));
}

TEST(ServiceManagerTest, HearsWithinALongTurnThatTheServiceLives) {
  const FakeManager fake(AbstractName());
  ::setenv("WATCHDOG_USEC", "4000", 1);
  ServiceManager manager = ServiceManager::FromEnvironment();
  int taken = 0;

  TakeInTurn(manager, 64, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    return ++taken <= 5;
  });
  EXPECT_EQ(fake.Heard().size(), 5U);
  TakeInTurn(manager, 2, [&] { return ++taken > 0; });

  EXPECT_EQ(taken, 8) << "no more than may be in a turn";
}

TEST(ServiceManagerTest, AWatchdogOfAnotherProcessIsLeftToIt) {
  const FakeManager fake(AbstractName());
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  ServiceManager manager = ServiceManager::FromEnvironment();

  manager.Ping(Instant{1'000});

  EXPECT_THAT(fake.Heard(), IsEmpty());
  EXPECT_FALSE(manager.next_ping());
}

TEST(ServiceManagerTest, WithoutOneOrWithAnAddressThatMakesNoSenseNothingIsSent) {
  for (const std::string& name :
       {std::string(), std::string("vsock:2:1"), std::string("@"), "/" + std::string(200, 'x'),
        std::string("/nonexistent/socket")}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    ServiceManager manager = ServiceManager::FromEnvironment();

    manager.Ready();
    manager.Say("nobody hears this");
    manager.Ping(Instant{1});

    EXPECT_FALSE(manager.next_ping()) << name;
    EXPECT_FALSE(manager.Limit(std::nullopt, Instant{1}));
  }
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace consilium
