#include "common/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/confinement.h"
#include "common/file_descriptor.h"
#include "common/files.h"

namespace consilium {
namespace {

constexpr std::size_t kWordsKept = 2'048;
constexpr std::uint64_t kLargestFile = 64ULL << 20;
constexpr std::size_t kAtOnce = 256 * 1024;
constexpr int kLookForStopEvery = 50;  // Milliseconds.

tl::unexpected<Error> FailInSystem(std::string_view call, int error_number) {
  return Fail(ErrorCode::kIo,
              std::string(call) + ": " + std::generic_category().message(error_number));
}

/// A folder for one run, removed with all in it.
class WorkFolder {
 public:
  static Result<WorkFolder> Make(const std::filesystem::path& parent) {
    std::string name = parent / "work-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return FailOnFile(errno, "create a folder in", parent);
    return WorkFolder(std::move(name));
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Writing to a pipe that nobody reads any more is then an error, and no signal to this process.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec now{};
    if (!was_pending_) {
      while (::sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

struct Pipe {
  FileDescriptor reading;
  FileDescriptor writing;
};

Result<Pipe> MakePipe() {
  int ends[2] = {};
  if (::pipe2(ends, O_CLOEXEC) != 0) return FailInSystem("pipe2", errno);
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// What the new process tells of a start that failed.
struct StartFailure {
  std::uint8_t step = 0;  ///< A ConfinementStep; 0 for all else.
  int error_number = 0;
};

/// All that the new process needs, made before the fork: after it nothing may be allocated.
struct Start {
  Confinement confinement;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* workplace = "/";
  int input = -1;
  int output = -1;
  int words = -1;
  int report = -1;
  pid_t parent = 0;
};

/// In the new process. Returns only what failed.
StartFailure Become(const Start& start) {
  const auto failed = [] { return StartFailure{0, errno}; };
  if (::setsid() < 0) return failed();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failed();
  if (::getppid() != start.parent) return StartFailure{0, ESRCH};
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  if (::dup2(start.input, STDIN_FILENO) < 0 || ::dup2(start.output, STDOUT_FILENO) < 0 ||
      ::dup2(start.words, STDERR_FILENO) < 0) {
    return failed();
  }
  // Whatever else this process has open, however it was opened.
  if (::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return failed();
  }
  if (::chdir(start.workplace) != 0) return failed();
  if (const auto failure = ConfineThisProcess(start.confinement)) {
    return {static_cast<std::uint8_t>(failure->step), failure->error_number};
  }
  ::execve(start.confinement.program.c_str(), start.arguments.data(), start.environment.data());
  return failed();
}

tl::unexpected<Error> NotStarted(const StartFailure& failure,
                                 const std::filesystem::path& program) {
  const std::string why = std::generic_category().message(failure.error_number);
  if (failure.step == 0) {
    return Fail(failure.error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kPermission,
                program.string() + " could not be started: " + why,
                "See that the program, and the interpreter that its first line may name, are there "
                "and may be run by this user.");
  }
  return Fail(ErrorCode::kRefused,
              program.string() + " was not started, since " +
                  Explanation(static_cast<ConfinementStep>(failure.step)) + ": " + why,
              "It runs on Linux 5.11 or newer with seccomp, on x86-64 or arm64, where no container "
              "or service manager forbids capset, seccomp or Landlock's calls.");
}

/// A program under way.
class Child {
 public:
  /// `input` becomes its stdin; without a `folder` it may write nowhere.
  static Result<Child> Launch(const ChildCommand& command,
                              const std::string& folder,
                              const FileDescriptor& input);
  Child(Child&& other) noexcept
      : process_(std::exchange(other.process_, 0)),
        ended_(std::move(other.ended_)),
        input_(std::move(other.input_)),
        output_(std::move(other.output_)),
        words_(std::move(other.words_)),
        said_(std::move(other.said_)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (process_ > 0) Finish();
  }

  /// Until it ends, or is to be ended; `to_input` is the other end of its stdin.
  Result<ChildOutcome> Converse(const ChildCommand& command,
                                FileDescriptor to_input,
                                ByteSpan input,
                                const std::atomic<bool>& stop);
  Result<std::size_t> Read(std::span<char> into, std::chrono::seconds patience);
  ChildOutcome End();

 private:
  Child() = default;
  /// Kills it and all that it started; nobody of the group can be missed, since nobody can leave
  /// it.
  int Finish() {
    ::kill(-process_, SIGKILL);
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
    return status;
  }
  bool Write(ByteSpan& input);
  bool TakeOutput(std::size_t most, Bytes& output);
  void TakeWords(std::string& words);
  static ChildOutcome OutcomeOf(int status);

  pid_t process_ = 0;
  FileDescriptor ended_;
  FileDescriptor input_;
  FileDescriptor output_;
  FileDescriptor words_;
  std::string said_;  // What came by words_ while output was read.
};

std::uint64_t ProcessorSeconds(std::chrono::seconds time) {
  const long processors = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
  return static_cast<std::uint64_t>(time.count()) * static_cast<std::uint64_t>(processors);
}

Status DoNotBlock(const FileDescriptor& end) {
  if (::fcntl(end.get(), F_SETFL, O_NONBLOCK) != 0) return FailInSystem("fcntl", errno);
  return {};
}

/// What the new process reports before it is another program, if anything.
std::optional<StartFailure> FailureIn(const FileDescriptor& report) {
  StartFailure failure;
  ssize_t got = 0;
  while ((got = ::read(report.get(), &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  if (got != static_cast<ssize_t>(sizeof failure)) return std::nullopt;
  return failure;
}

Result<Child> Child::Launch(const ChildCommand& command,
                            const std::string& folder,
                            const FileDescriptor& input) {
  std::vector<std::string> texts = {command.program.string()};
  texts.insert(texts.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + folder,
                                        "TMPDIR=" + folder};
  TRY(Pipe output, MakePipe());
  TRY(Pipe words, MakePipe());
  TRY(Pipe report, MakePipe());
  Start start;
  start.confinement = {command.memory_bytes, ProcessorSeconds(command.time),
                       kLargestFile,         folder,
                       command.program,      command.readable};
  for (std::string& text : texts) start.arguments.push_back(text.data());
  for (std::string& variable : variables) start.environment.push_back(variable.data());
  start.arguments.push_back(nullptr);
  start.environment.push_back(nullptr);
  if (!folder.empty()) start.workplace = folder.c_str();
  start.input = input.get();
  start.output = output.writing.get();
  start.words = words.writing.get();
  start.report = report.writing.get();
  start.parent = ::getpid();

  Child child;
  child.process_ = ::fork();
  if (child.process_ < 0) return FailInSystem("fork", errno);
  if (child.process_ == 0) {
    const StartFailure failure = Become(start);
    static_cast<void>(!::write(start.report, &failure, sizeof failure));
    ::_exit(127);
  }
  report.writing = FileDescriptor();
  if (const auto failure = FailureIn(report.reading)) return NotStarted(*failure, command.program);
  child.ended_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.process_, 0)));
  if (!child.ended_.valid()) return FailInSystem("pidfd_open", errno);
  child.output_ = std::move(output.reading);
  child.words_ = std::move(words.reading);
  TRY_STATUS(DoNotBlock(child.output_));
  TRY_STATUS(DoNotBlock(child.words_));
  return child;
}

/// False when nobody reads any more.
bool Child::Write(ByteSpan& input) {
  const ssize_t written = ::write(input_.get(), input.data(), std::min(input.size(), kAtOnce));
  if (written < 0) return errno == EAGAIN || errno == EINTR;
  input = input.subspan(static_cast<std::size_t>(written));
  return true;
}

/// All that is there now. False when it is more than it may be.
bool Child::TakeOutput(std::size_t most, Bytes& output) {
  std::array<std::byte, 64 * 1024> buffer;
  while (output_.valid()) {
    const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return true;
    if (got == 0) output_ = FileDescriptor();
    const auto count = static_cast<std::size_t>(got);
    if (count > most - output.size()) return false;
    output.insert(output.end(), buffer.begin(), buffer.begin() + got);
  }
  return true;
}

void Child::TakeWords(std::string& words) {
  std::array<char, 4'096> buffer;
  // A program that floods must not keep this loop from its other ends.
  for (int i = 0; i < 16 && words_.valid(); ++i) {
    const ssize_t got = ::read(words_.get(), buffer.data(), buffer.size());
    if (got < 0) return;
    if (got == 0) words_ = FileDescriptor();
    words.append(buffer.data(), static_cast<std::size_t>(got));
    if (words.size() > kWordsKept) words.erase(0, words.size() - kWordsKept);
  }
}

Result<FileDescriptor> TimerFor(std::chrono::seconds time) {
  FileDescriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec setting{};
  setting.it_value.tv_sec = time.count();
  if (!timer.valid() || ::timerfd_settime(timer.get(), 0, &setting, nullptr) != 0) {
    return FailInSystem("timerfd", errno);
  }
  return timer;
}

Result<ChildOutcome> Child::Converse(const ChildCommand& command,
                                     FileDescriptor to_input,
                                     ByteSpan input,
                                     const std::atomic<bool>& stop) {
  input_ = std::move(to_input);
  TRY_STATUS(DoNotBlock(input_));
  TRY(const FileDescriptor timer, TimerFor(command.time));
  const WithoutSigpipe quiet;
  ChildOutcome outcome;
  std::optional<ChildEnd> killed_for;
  bool has_ended = false;
  while (!has_ended && !killed_for) {
    if (input.empty()) input_ = FileDescriptor();
    // A negative descriptor is none: poll leaves it out.
    std::array<pollfd, 5> ends = {{{input_.get(), POLLOUT, 0},
                                   {output_.get(), POLLIN, 0},
                                   {words_.get(), POLLIN, 0},
                                   {ended_.get(), POLLIN, 0},
                                   {timer.get(), POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), kLookForStopEvery) < 0 && errno != EINTR) {
      return FailInSystem("poll", errno);
    }
    if (ends[0].revents != 0 && !Write(input)) input_ = FileDescriptor();
    if (ends[2].revents != 0) TakeWords(outcome.words);
    if (ends[1].revents != 0 && !TakeOutput(command.most_output, outcome.output)) {
      killed_for = ChildEnd::kTooMuchOutput;
    }
    has_ended = ends[3].revents != 0;
    if (ends[4].revents != 0) killed_for = ChildEnd::kOutOfTime;
    if (stop.load()) killed_for = ChildEnd::kStopped;
  }
  const int status = Finish();
  // What it wrote just before it ended.
  if (!killed_for && !TakeOutput(command.most_output, outcome.output)) {
    killed_for = ChildEnd::kTooMuchOutput;
  }
  TakeWords(outcome.words);
  outcome.read_all = input.empty();
  const ChildOutcome end = OutcomeOf(status);
  outcome.end = killed_for.value_or(end.end);
  outcome.code = end.code;
  return outcome;
}

ChildOutcome Child::OutcomeOf(int status) {
  ChildOutcome outcome;
  outcome.end = WIFEXITED(status) ? ChildEnd::kExited : ChildEnd::kSignalled;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  return outcome;
}

Result<std::size_t> Child::Read(std::span<char> into, std::chrono::seconds patience) {
  const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
  for (;;) {
    const ssize_t got = ::read(output_.get(), into.data(), into.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) return FailInSystem("read", errno);
    std::array<pollfd, 2> ends = {{{output_.get(), POLLIN, 0}, {words_.get(), POLLIN, 0}}};
    const int ready = ::poll(ends.data(), ends.size(), static_cast<int>(most));
    if (ready < 0 && errno != EINTR) return FailInSystem("poll", errno);
    if (ready == 0) {
      return Fail(ErrorCode::kUnavailable, "nothing came from a program that reads for this one");
    }
    if (ends[1].revents != 0) TakeWords(said_);
  }
}

/// Closing its stdout is the last thing that such a program does: it is given the time to end.
ChildOutcome Child::End() {
  constexpr int kLeave = 10'000;  // Milliseconds.
  output_ = FileDescriptor();
  pollfd ended{ended_.get(), POLLIN, 0};
  while (::poll(&ended, 1, kLeave) < 0 && errno == EINTR) {
  }
  ChildOutcome outcome = OutcomeOf(Finish());
  TakeWords(said_);
  outcome.words = std::move(said_);
  return outcome;
}

class RunningChild final : public ChildReader {
 public:
  explicit RunningChild(Child child) : child_(std::move(child)) {}
  Result<std::size_t> Read(std::span<char> into, std::chrono::seconds patience) override {
    return child_.Read(into, patience);
  }
  ChildOutcome Finish() override { return child_.End(); }

 private:
  Child child_;
};

}  // namespace

Result<ChildOutcome> RunConfined(const ChildCommand& command,
                                 ByteSpan input,
                                 const std::atomic<bool>& stop) {
  TRY(const WorkFolder folder, WorkFolder::Make(command.folder));
  TRY(Pipe pipe, MakePipe());
  TRY(Child child, Child::Launch(command, folder.path(), pipe.reading));
  pipe.reading = FileDescriptor();
  return child.Converse(command, std::move(pipe.writing), input, stop);
}

Result<std::unique_ptr<ChildReader>> StartConfined(const ChildCommand& command,
                                                   const FileDescriptor& input) {
  TRY(Child child, Child::Launch(command, {}, input));
  return std::make_unique<RunningChild>(std::move(child));
}

Status TryConfinement() {
  ChildCommand command;
  command.program = "/bin/true";
  command.memory_bytes = 256ULL << 20;
  command.time = std::chrono::seconds(10);
  std::error_code error;
  command.folder = std::filesystem::temp_directory_path(error);
  if (error) return FailOnFile(error.value(), "find", "the folder for temporary files");
  const std::atomic<bool> never = false;
  TRY_STATUS(RunConfined(command, {}, never));
  return {};
}

}  // namespace consilium
