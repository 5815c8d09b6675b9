// Where files that people carry are written, and which of them are taken.

#include "common/transport/carried_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/bytes.h"
#include "common/files.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;

class CarriedFilesTest : public ::testing::Test {
 protected:
  /// Writes a file of this name as `outbox` does; where it came to be.
  std::filesystem::path Write(const std::string& name) {
    const std::filesystem::path path = CarriedFileIn(folder_.path(), name);
    EXPECT_TRUE(WriteFileAtomically(path, ToBytes("sealed"), kCarriedFileMode));
    return path;
  }

  TemporaryFolder folder_;
};

/// Two in one second have one name: neither takes the other's place.
TEST_F(CarriedFilesTest, NoFileIsWrittenOverAnother) {
  EXPECT_EQ(Write("from-basel-1.courier"), folder_ / "from-basel-1.courier");
  EXPECT_EQ(Write("from-basel-1.courier"), folder_ / "from-basel-1-2.courier");
  EXPECT_EQ(Write("from-basel-1.courier"), folder_ / "from-basel-1-3.courier");
  const auto files = CarriedFiles({folder_.path().string()}, ".courier");
  ASSERT_TRUE(files.has_value());
  EXPECT_EQ(files->size(), 3U);
}

TEST_F(CarriedFilesTest, WhoeverCarriesAFileMayReadIt) {
  const auto permissions = std::filesystem::status(Write("to-basel-1.courier")).permissions();
  EXPECT_EQ(permissions, std::filesystem::perms{0644});
}

TEST_F(CarriedFilesTest, AFileIsWrittenUnderTheNameThatIsAskedFor) {
  const std::filesystem::path named = folder_ / "stick.courier";
  EXPECT_EQ(CarriedFileIn(named, "from-basel-1.courier"), named);
  Write("stick.courier");
  EXPECT_EQ(CarriedFileIn(named, "from-basel-1.courier"), named);
}

TEST_F(CarriedFilesTest, OfAFolderThoseOfTheEndingAreTakenByName) {
  Write("b.courier");
  Write("a.courier");
  Write("notes.txt");
  EXPECT_THAT(CarriedFiles({folder_.path().string()}, ".courier").value(),
              ElementsAre(folder_ / "a.courier", folder_ / "b.courier"));
  const auto none = CarriedFiles({folder_.path().string()}, ".other");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace consilium
