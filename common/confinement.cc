#include "common/confinement.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace consilium {
namespace {

/// Threads included, of all that this user runs.
constexpr rlim_t kMostProcesses = 4'096;
constexpr rlim_t kMostOpenFiles = 256;

#if defined(__x86_64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kMachine = 0;  // Then no filter is made, and nothing runs.
#endif

/// Calls that fail. First sockets, by each way there is to one; then ways out of the session, by
/// which a process would outlive the killing of its group; then ways into other processes of this
/// user, whose memory holds keys; then ways around what is set up here.
constexpr std::uint32_t kDenied[] = {SYS_socket,
                                     SYS_socketpair,
                                     SYS_io_uring_setup,
                                     SYS_setsid,
                                     SYS_setpgid,
                                     SYS_ptrace,
                                     SYS_process_vm_readv,
                                     SYS_process_vm_writev,
                                     SYS_pidfd_getfd,
                                     SYS_pidfd_send_signal,
                                     SYS_rt_sigqueueinfo,
                                     SYS_rt_tgsigqueueinfo,
                                     SYS_tkill,
                                     SYS_process_madvise,
                                     SYS_perf_event_open,
                                     SYS_bpf,
                                     SYS_userfaultfd,
                                     SYS_add_key,
                                     SYS_keyctl,
                                     SYS_request_key,
                                     SYS_unshare,
                                     SYS_setns,
                                     SYS_mount,
                                     SYS_move_mount,
                                     SYS_name_to_handle_at,
                                     SYS_open_by_handle_at};

/// Calls that may be made on the caller's own process or group alone.
constexpr std::uint32_t kOnOneself[] = {SYS_kill, SYS_tgkill, SYS_prlimit64};

/// The first bits of Landlock's rights on files, as its versions brought them.
constexpr std::uint64_t kExecute = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kReadFolder = LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kTruncate = 1ULL << 14;
constexpr std::uint64_t kFileRights = kExecute | kWriteFile | kReadFile | kTruncate;
constexpr std::uint64_t kAllRights = ~0ULL;

struct FileRule {
  const char* path;
  std::uint64_t rights;
};

/// What programs and interpreters need of the system; no configuration, nobody's data.
constexpr FileRule kSystemFiles[] = {{"/usr", kExecute | kReadFile | kReadFolder},
                                     {"/bin", kExecute | kReadFile | kReadFolder},
                                     {"/lib", kExecute | kReadFile | kReadFolder},
                                     {"/lib64", kExecute | kReadFile | kReadFolder},
                                     {"/etc/ld.so.cache", kReadFile},
                                     {"/etc/localtime", kReadFile},
                                     {"/proc/self", kReadFile | kReadFolder},
                                     {"/proc/cpuinfo", kReadFile},
                                     {"/proc/meminfo", kReadFile},
                                     {"/sys/devices/system", kReadFile | kReadFolder},
                                     {"/dev/null", kReadFile | kWriteFile | kTruncate},
                                     {"/dev/zero", kReadFile},
                                     {"/dev/random", kReadFile},
                                     {"/dev/urandom", kReadFile}};

class Filter {
 public:
  Filter() {
    Load(offsetof(seccomp_data, arch));
    Add(BPF_JMP | BPF_JEQ | BPF_K, kMachine, 1, 0);
    Return(SECCOMP_RET_KILL_PROCESS);
    Load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    // Calls in the form for 32-bit pointers have other numbers.
    constexpr std::uint32_t kFirstOfShortForm = 0x40000000;
    Add(BPF_JMP | BPF_JGE | BPF_K, kFirstOfShortForm, 0, 1);
    Return(SECCOMP_RET_KILL_PROCESS);
#endif
    for (const std::uint32_t call : kDenied) {
      Add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
      Return(SECCOMP_RET_ERRNO | EPERM);
    }
    for (const std::uint32_t call : kOnOneself) {
      Add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 5);
      // The lower half of the first argument: both machines above are little-endian.
      Load(offsetof(seccomp_data, args));
      Add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(::getpid()), 2, 0);
      Add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
      Return(SECCOMP_RET_ERRNO | EPERM);
      Return(SECCOMP_RET_ALLOW);
    }
    Return(SECCOMP_RET_ALLOW);
  }

  bool Install() {
    sock_fprog program{static_cast<unsigned short>(count_), code_.data()};
    if (kMachine == 0) errno = ENOSYS;
    return kMachine != 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
  }

 private:
  void Add(int code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
    code_[count_++] = sock_filter{static_cast<std::uint16_t>(code), if_true, if_false, value};
  }
  void Load(std::size_t offset) {
    Add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  }
  void Return(std::uint32_t what) { Add(BPF_RET | BPF_K, what); }

  std::array<sock_filter, 8 + 2 * std::size(kDenied) + 6 * std::size(kOnOneself)> code_{};
  std::size_t count_ = 0;
};

bool SetLimit(int resource, rlim_t most) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return false;
  // One that is lower already stays.
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < most) most = limit.rlim_max;
  limit = {most, most};
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0;
}

bool LimitResources(const Confinement& confinement) {
  return SetLimit(RLIMIT_AS, confinement.memory_bytes) &&
         SetLimit(RLIMIT_CPU, confinement.processor_seconds) &&
         SetLimit(RLIMIT_FSIZE, confinement.file_bytes) && SetLimit(RLIMIT_CORE, 0) &&
         SetLimit(RLIMIT_NPROC, kMostProcesses) && SetLimit(RLIMIT_NOFILE, kMostOpenFiles);
}

/// Those of root, where that is who runs this: with no new privileges no program gets them back.
bool DropCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

/// 0 where the kernel has no Landlock, or does not use it; negative where it cannot be asked, as
/// when a filter forbids the call: then nobody knows what would be left unconfined.
int LandlockVersion() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) return 0;
  return static_cast<int>(version);
}

/// All rights that this version can withhold.
std::uint64_t HandledRights(int version) {
  const int bits = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  return (1ULL << bits) - 1;
}

/// False when the rule cannot be made; a file that is not there needs none.
bool Permit(int rules, const char* path, std::uint64_t rights) {
  const int file = ::open(path, O_PATH | O_CLOEXEC);
  if (file < 0) return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
  struct stat status {};
  bool permitted = ::fstat(file, &status) == 0;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(status.st_mode) ? rights : rights & kFileRights;
  rule.parent_fd = file;
  permitted = permitted &&
              ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  ::close(file);
  return permitted;
}

bool ConfineFiles(const Confinement& confinement) {
  const int version = LandlockVersion();
  if (version <= 0) return version == 0;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = HandledRights(version);
  const std::uint64_t all = attributes.handled_access_fs;
  const long made =
      ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
  if (made < 0) return false;
  const int rules = static_cast<int>(made);
  constexpr std::uint64_t kReads = kExecute | kReadFile | kReadFolder;
  bool done = Permit(rules, confinement.folder.c_str(), kAllRights & all) &&
              Permit(rules, confinement.program.c_str(), kReads);
  for (const FileRule& rule : kSystemFiles) {
    done = done && Permit(rules, rule.path, rule.rights & all);
  }
  for (const std::string& path : confinement.readable) {
    done = done && Permit(rules, path.c_str(), kReads);
  }
  done = done && ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  ::close(rules);
  return done;
}

}  // namespace

std::optional<ConfinementFailure> ConfineThisProcess(const Confinement& confinement) {
  if (!LimitResources(confinement)) return ConfinementFailure{ConfinementStep::kLimits, errno};
  // Beside the filter, which alone would do: not every system lets its users make namespaces.
  static_cast<void>(::unshare(CLONE_NEWUSER | CLONE_NEWNET));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !DropCapabilities()) {
    return ConfinementFailure{ConfinementStep::kPrivileges, errno};
  }
  if (!ConfineFiles(confinement)) return ConfinementFailure{ConfinementStep::kFiles, errno};
  if (!Filter().Install()) return ConfinementFailure{ConfinementStep::kCalls, errno};
  return std::nullopt;
}

bool FilesCanBeConfined() { return LandlockVersion() > 0; }

std::string Explanation(ConfinementStep step) {
  switch (step) {
    case ConfinementStep::kLimits:
      return "its memory and time could not be limited";
    case ConfinementStep::kPrivileges:
      return "it could not be kept from gaining privileges";
    case ConfinementStep::kFiles:
      return "it could not be kept from other files";
    case ConfinementStep::kCalls:
      return "its network could not be cut off";
  }
  return "";
}

}  // namespace consilium
