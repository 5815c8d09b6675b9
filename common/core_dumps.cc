#include "common/core_dumps.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/prctl.h>
#include <sys/resource.h>

namespace consilium {

Status ForbidCoreDumps() {
  const rlimit none{0, 0};
  // The limit alone does not hold where the system pipes dumps into a program.
  if (::setrlimit(RLIMIT_CORE, &none) == 0 && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return {};
  return Fail(ErrorCode::kIo,
              std::string("core dumps cannot be turned off: ") + std::strerror(errno),
              "Nothing is run like this, since a dump would hold patients' data.");
}

}  // namespace consilium
