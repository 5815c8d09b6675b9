#include "common/transport/control.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

/// Serves a folder on a thread of its own until it goes.
class Service {
 public:
  explicit Service(const std::filesystem::path& folder)
      : server_(std::move(*ControlServer::Listen(folder))),
        waker_(std::move(*Waker::Create())),
        thread_([this] { Run(); }) {}
  ~Service() {
    waker_.Wake();
    thread_.join();
  }

 private:
  void Run() {
    Poller poller;
    poller.Watch(*server_);
    poller.Watch(waker_);
    while (!waker_.Clear()) {
      EXPECT_TRUE(poller.Wait(std::nullopt));
      while (const auto request = server_->Receive()) {
        if (request->text != "silence")
          server_->Reply(request->number, "you said " + request->text);
      }
    }
  }

  std::unique_ptr<ControlServer> server_;
  Waker waker_;
  std::thread thread_;
};

TEST(ControlTest, AnswersRequests) {
  const TemporaryFolder folder;
  const Service service(folder.path());
  EXPECT_EQ(*AskControl(folder.path(), "status", Duration(5'000)), "you said status");
  EXPECT_EQ(*AskControl(folder.path(), "", Duration(5'000)), "you said ");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "control.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(ControlTest, CarriesLongTextsBothWays) {
  const TemporaryFolder folder;
  const Service service(folder.path());
  const std::string text(kLargestControlText - 9, 'x');
  const Result<std::string> answer = AskControl(folder.path(), text, Duration(20'000));
  ASSERT_TRUE(answer) << Describe(answer.error());
  EXPECT_EQ(*answer, "you said " + text);
  EXPECT_EQ(AskControl(folder.path(), std::string(kLargestControlText + 1, 'x'), Duration(1'000))
                .error()
                .code,
            ErrorCode::kInvalidArgument);
}

TEST(ControlTest, ServesManyClientsAtOnce) {
  const TemporaryFolder folder;
  const Service service(folder.path());
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&, i] {
      const std::string text = "client " + std::to_string(i);
      for (int k = 0; k < 20; ++k) {
        const auto answer = AskControl(folder.path(), text, Duration(10'000));
        if (answer && *answer == "you said " + text) ++good;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 240);
}

TEST(ControlTest, WorksInAFolderWithALongName) {
  const TemporaryFolder folder;
  std::filesystem::path deep = folder.path();
  for (int i = 0; i < 5; ++i) deep /= std::string(100, static_cast<char>('a' + i));
  std::filesystem::create_directories(deep);
  const Service service(deep);
  EXPECT_EQ(*AskControl(deep, "hello", Duration(5'000)), "you said hello");
}

TEST(ControlTest, TellsQuicklyThatNobodyServes) {
  const TemporaryFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = AskControl(folder.path(), "status", Duration(5'000));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
  EXPECT_EQ(AskControl(folder / "absent", "status", Duration(5'000)).error().code,
            ErrorCode::kNotFound);
}

TEST(ControlTest, TellsThatAServiceDoesNotAnswer) {
  const TemporaryFolder folder;
  const Service service(folder.path());
  const auto answer = AskControl(folder.path(), "silence", Duration(100));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kBusy);
  EXPECT_EQ(*AskControl(folder.path(), "and now", Duration(5'000)), "you said and now");
}

TEST(ControlTest, RefusesASecondServerForTheSameFolder) {
  const TemporaryFolder folder;
  const Service service(folder.path());
  const auto second = ControlServer::Listen(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_EQ(*AskControl(folder.path(), "undisturbed", Duration(5'000)), "you said undisturbed");
}

TEST(ControlTest, ReplacesTheSocketFileOfAKilledProcess) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto server = ControlServer::Listen(folder.path());
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(server ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  ASSERT_TRUE(std::filesystem::exists(folder / "control.sock"));
  EXPECT_EQ(AskControl(folder.path(), "status", Duration(5'000)).error().code,
            ErrorCode::kUnavailable);
  const Service service(folder.path());
  EXPECT_EQ(*AskControl(folder.path(), "again", Duration(5'000)), "you said again");
}

TEST(ControlTest, RemovesItsSocketFileWhenItStops) {
  const TemporaryFolder folder;
  { const Service service(folder.path()); }
  EXPECT_FALSE(std::filesystem::exists(folder / "control.sock"));
  EXPECT_EQ(AskControl(folder.path(), "status", Duration(5'000)).error().code,
            ErrorCode::kUnavailable);
}

TEST(PollerTest, IsWokenByAnotherThreadAndByTime) {
  Waker waker = std::move(*Waker::Create());
  Poller poller;
  poller.Watch(waker);
  EXPECT_FALSE(*poller.Wait(Duration(10)));
  std::thread other([&] { waker.Wake(); });
  EXPECT_TRUE(*poller.Wait(Duration(10'000)));
  other.join();
  EXPECT_TRUE(*poller.Wait(Duration(0))) << "level-triggered";
  EXPECT_TRUE(waker.Clear());
  EXPECT_FALSE(waker.Clear());
  EXPECT_FALSE(*poller.Wait(Duration(0)));
}

TEST(PollerTest, NoticesSigtermAtOnce) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto signals = StopSignals::Install();
    if (!signals || signals->Requested()) ::_exit(1);
    Poller poller;
    poller.Watch(*signals);
    std::thread other([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ::kill(::getpid(), SIGTERM);
    });
    const auto begin = std::chrono::steady_clock::now();
    while (!signals->Requested()) {
      if (!poller.Wait(Duration(20'000))) ::_exit(2);
    }
    other.join();
    const bool quick = std::chrono::steady_clock::now() - begin < std::chrono::seconds(2);
    ::_exit(quick && signals->Requested() ? 0 : 3);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);
}

}  // namespace
}  // namespace consilium
