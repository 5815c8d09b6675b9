#include "common/core_dumps.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace consilium {
namespace {

/// In a process of its own, since there is no way back. 0 if neither a file nor a pipe gets a dump.
[[noreturn]] void ForbidAndLook() {
  const bool forbidden = ForbidCoreDumps().has_value();
  rlimit limit{1, 1};
  const bool none = ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 &&
                    limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
  std::_Exit(forbidden && none ? 0 : 1);
}

TEST(CoreDumpsDeathTest, NoneIsWrittenOnceTheyAreForbidden) {
  EXPECT_EXIT(ForbidAndLook(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace consilium
