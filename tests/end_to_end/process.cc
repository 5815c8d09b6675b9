#include "tests/end_to_end/process.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace consilium::testing {
namespace {

using std::chrono::milliseconds;

pid_t Launch(const std::vector<std::string>& arguments,
             const std::filesystem::path& out,
             const std::filesystem::path& err) {
  const std::string program = std::filesystem::path(CONSILIUM_BIN_FOLDER) / arguments.at(0);
  std::vector<char*> raw;
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) raw.push_back(argument.data());
  raw.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  const int in = ::open("/dev/null", O_RDONLY);
  const int out_file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int err_file = out == err ? out_file : ::open(err.c_str(), O_WRONLY | O_CREAT, 0600);
  if (in < 0 || out_file < 0 || err_file < 0) ::_exit(126);
  ::dup2(in, 0);
  ::dup2(out_file, 1);
  ::dup2(err_file, 2);
  ::execv(program.c_str(), raw.data());
  ::_exit(127);
}

/// The exit code once the process has ended; -1 after a signal.
bool HasEnded(pid_t pid, int& code) {
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) != pid) return false;
  code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return true;
}

}  // namespace

ResourceLimit::ResourceLimit(__rlimit_resource resource, rlim_t most) : resource_(resource) {
  ::getrlimit(resource_, &before_);
  rlimit limit = before_;
  limit.rlim_cur = most;
  ::setrlimit(resource_, &limit);
}

ResourceLimit::~ResourceLimit() { ::setrlimit(resource_, &before_); }

namespace {

void LimitFiles(const Process& process, bool none) {
  rlimit limit{};
  const bool asked = ::prlimit(process.pid(), RLIMIT_FSIZE, nullptr, &limit) == 0;
  limit.rlim_cur = none ? 0 : limit.rlim_max;
  if (!asked || ::prlimit(process.pid(), RLIMIT_FSIZE, &limit, nullptr) != 0) {
    throw std::runtime_error("the limit on the size of files cannot be set");
  }
}

}  // namespace

void FillDisk(const Process& process) { LimitFiles(process, true); }

void FreeDisk(const Process& process) { LimitFiles(process, false); }

std::size_t Process::open_descriptors() const {
  const std::filesystem::path folder = "/proc/" + std::to_string(pid_) + "/fd";
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                std::filesystem::directory_iterator()));
}

bool Eventually(milliseconds patience, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

std::string ReadText(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void WriteText(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

int FreePort() {
  static int next = 20'000 + ::getpid() % 10'000;
  for (int tries = 0; tries < 1'000; ++tries, ++next) {
    if (next > 32'000) next = 20'000;
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(next));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::close(socket);
    if (bound == 0) return next++;
  }
  throw std::runtime_error("no free port");
}

CommandOutcome RunProgram(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  CommandOutcome outcome;
  const pid_t pid = Launch(arguments, folder / "out", folder / "err");
  if (!Eventually(milliseconds(60'000), [&] { return HasEnded(pid, outcome.exit_code); })) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  outcome.out = ReadText(folder / "out");
  outcome.err = ReadText(folder / "err");
  return outcome;
}

Process::Process(const std::vector<std::string>& arguments, const std::filesystem::path& output)
    : pid_(Launch(arguments, output, output)) {}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Kill();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

Process::~Process() { Kill(); }

bool Process::running() {
  int code = 0;
  if (pid_ < 0) return false;
  if (!HasEnded(pid_, code)) return true;
  pid_ = -1;
  return false;
}

void Process::Signal(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

void Process::Pause() {
  Signal(SIGSTOP);
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) != pid_ || WIFSTOPPED(status)) return;
  pid_ = -1;
  throw std::runtime_error("it ended before it could be paused");
}

void Process::Kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int Process::Stop() {
  int code = -1;
  if (pid_ < 0) return code;
  ::kill(pid_, SIGTERM);
  if (!Eventually(milliseconds(10'000), [&] { return HasEnded(pid_, code); })) {
    Kill();
    return -1;
  }
  pid_ = -1;
  return code;
}

std::size_t Process::peak_resident_kib() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (status >> word) {
    std::size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  return 0;
}

}  // namespace consilium::testing
