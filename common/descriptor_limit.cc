#include "common/descriptor_limit.h"

#include <string>

#include <sys/resource.h>

namespace consilium {

Status AllowDescriptors(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Fail(ErrorCode::kIo, "the limit of open files cannot be read");
  }
  if (limit.rlim_cur >= wanted) return {};
  const rlim_t most = limit.rlim_max;
  limit.rlim_cur = wanted;
  if (most >= wanted && ::setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return Fail(ErrorCode::kPermission,
              "this process may have " + std::to_string(most) + " files and connections open and " +
                  "needs " + std::to_string(wanted),
              "Write LimitNOFILE=" + std::to_string(wanted) +
                  " into the service's unit, or raise `ulimit -Hn` for the account.");
}

}  // namespace consilium
