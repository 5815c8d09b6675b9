#include "common/confinement.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

constexpr int kNotConfined = 101;

Confinement ConfinementIn(const std::filesystem::path& folder) {
  Confinement confinement;
  confinement.memory_bytes = 1ULL << 46;  // Sanitizers reserve terabytes.
  confinement.processor_seconds = 60;
  confinement.file_bytes = 1 << 20;
  confinement.folder = folder;
  confinement.program = "/bin/true";
  return confinement;
}

/// How a process ends that does this in a session of its own: its exit status, or 128 and the
/// signal.
int ExitOf(const std::function<int()>& act) {
  const pid_t process = ::fork();
  if (process == 0) {
    ::setsid();
    ::_exit(act());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The same of one that confines itself and then does this.
int AfterConfinement(const std::function<int()>& act) {
  const TemporaryFolder folder;
  const Confinement confinement = ConfinementIn(folder.path());
  return ExitOf([&] { return ConfineThisProcess(confinement) ? kNotConfined : act(); });
}

/// The error that a call fails with; 0 if it does not fail.
int ErrorOf(const std::function<long()>& call) {
  return AfterConfinement([&] {
    errno = 0;
    return call() < 0 ? errno : 0;
  });
}

TEST(ConfinementTest, LeavesOrdinaryWorkAlone) {
  EXPECT_EQ(ErrorOf([] { return static_cast<long>(::getppid()); }), 0);
  EXPECT_EQ(ErrorOf([] { return ::raise(0); }), 0);
  EXPECT_EQ(AfterConfinement([] { return ::raise(SIGUSR1); }), 128 + SIGUSR1);
}

TEST(ConfinementTest, MakesNoSocket) {
  for (const int domain : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {
    EXPECT_EQ(ErrorOf([domain] { return ::socket(domain, SOCK_STREAM, 0); }), EPERM) << domain;
  }
  EXPECT_EQ(ErrorOf([] {
              int ends[2];
              return ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
            }),
            EPERM);
  // Which could make one without a call of that name.
  EXPECT_EQ(ErrorOf([] { return ::syscall(SYS_io_uring_setup, 8, nullptr); }), EPERM);
}

TEST(ConfinementTest, HoldsInProcessesThatItStarts) {
  EXPECT_EQ(AfterConfinement([] {
              const pid_t child = ::fork();
              if (child == 0) ::_exit(::socket(AF_INET, SOCK_STREAM, 0) < 0 ? 7 : 0);
              int status = 0;
              ::waitpid(child, &status, 0);
              return WEXITSTATUS(status);
            }),
            7);
}

TEST(ConfinementTest, LeavesItsSessionByNoCall) {
  EXPECT_EQ(ErrorOf([] { return ::setpgid(0, 0); }), EPERM);
  EXPECT_EQ(AfterConfinement([] {
              const pid_t child = ::fork();
              if (child == 0) ::_exit(::setsid() < 0 ? 7 : 0);
              int status = 0;
              ::waitpid(child, &status, 0);
              return WEXITSTATUS(status);
            }),
            7);
}

TEST(ConfinementTest, ReachesNoOtherProcess) {
  EXPECT_EQ(ErrorOf([] { return ::kill(::getppid(), 0); }), EPERM);
  EXPECT_EQ(ErrorOf([] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }), EPERM);
  EXPECT_EQ(ErrorOf([] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }), EPERM);
  EXPECT_EQ(ErrorOf([] {
              rlimit limit{};
              return static_cast<long>(::prlimit(::getppid(), RLIMIT_CPU, nullptr, &limit));
            }),
            EPERM);
}

TEST(ConfinementTest, GainsNoPrivilegeAndKeepsItsLimits) {
  EXPECT_EQ(AfterConfinement([] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }), 1);
  EXPECT_EQ(AfterConfinement([] {
              rlimit limit{};
              ::getrlimit(RLIMIT_CPU, &limit);
              return static_cast<int>(limit.rlim_max);
            }),
            60);
  EXPECT_EQ(ErrorOf([] {
              const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
              return static_cast<long>(::setrlimit(RLIMIT_CORE, &more));
            }),
            EPERM);
}

#if defined(__x86_64__)
TEST(ConfinementTest, DiesOfCallsByOtherNumbers) {
  constexpr long kShortForm = 0x40000000;
  EXPECT_EQ(AfterConfinement([] {
              return static_cast<int>(::syscall(kShortForm | SYS_socket, AF_INET, SOCK_STREAM, 0));
            }),
            128 + SIGSYS);
}
#endif

/// Makes every later use of this call fail so, as a service manager's filter does.
bool Forbid(std::uint32_t call, int error_number) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error_number)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/// The step at which confinement fails where this call fails so; 0 if it does not fail.
int StepThatFails(std::uint32_t call, int error_number) {
  const TemporaryFolder folder;
  const Confinement confinement = ConfinementIn(folder.path());
  return ExitOf([&] {
    if (!Forbid(call, error_number)) return kNotConfined;
    const auto failure = ConfineThisProcess(confinement);
    return failure ? static_cast<int>(failure->step) : 0;
  });
}

TEST(ConfinementTest, FailsWhereRulesOnFilesAreForbiddenAndGoesOnWhereThereAreNone) {
  constexpr int kFiles = static_cast<int>(ConfinementStep::kFiles);
  for (const int error_number : {EPERM, EACCES, EINVAL}) {
    EXPECT_EQ(StepThatFails(SYS_landlock_create_ruleset, error_number), kFiles) << error_number;
  }
  for (const int error_number : {ENOSYS, EOPNOTSUPP}) {
    EXPECT_EQ(StepThatFails(SYS_landlock_create_ruleset, error_number), 0) << error_number;
  }
  const int if_there = FilesCanBeConfined() ? kFiles : 0;
  EXPECT_EQ(StepThatFails(SYS_landlock_add_rule, EPERM), if_there);
  EXPECT_EQ(StepThatFails(SYS_landlock_restrict_self, EPERM), if_there);
}

TEST(ConfinementTest, FailsWherePrivilegesCannotBeTakenAway) {
  EXPECT_EQ(StepThatFails(SYS_capset, EPERM), static_cast<int>(ConfinementStep::kPrivileges));
}

TEST(ConfinementTest, NamesTheStepThatFailed) {
  EXPECT_EQ(Explanation(ConfinementStep::kCalls), "its network could not be cut off");
}

}  // namespace
}  // namespace consilium
