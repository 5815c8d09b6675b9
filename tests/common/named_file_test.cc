#include "common/named_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::filesystem::path& file) {
  const Status checked = CheckNamedFile(file, "view");
  return checked ? "no error" : Describe(checked.error());
}

TEST(NamedFileTest, SaysWhyAFileCannotServe) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorOf(folder.path() / "none.json"),
              HasSubstr("none.json does not exist. Correct `view` in the source file"));
  EXPECT_THAT(ErrorOf(folder.path()), HasSubstr("is not a regular file"));
  // As one in a folder that may not be entered, which does not stop a test that runs as root.
  std::filesystem::create_symlink("loop.json", folder.path() / "loop.json");
  EXPECT_THAT(ErrorOf(folder.path() / "loop.json"),
              HasSubstr("loop.json cannot be looked at: Too many levels"));
}

TEST(NamedFileTest, ARegularFileServes) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder.path() / "view.json", AsBytes("{}"), 0600).has_value());
  EXPECT_EQ(ErrorOf(folder.path() / "view.json"), "no error");
}

}  // namespace
}  // namespace consilium
