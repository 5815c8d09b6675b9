#include "simulations/images.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

/// Three pictures of two by two pixels.
const std::string kImages(
    "\0\0\x08\3\0\0\0\3\0\0\0\2\0\0\0\2"
    "\x00\x01\x02\x03\x10\x11\x12\x13\xfc\xfd\xfe\xff",
    28);
const std::string kLabels("\0\0\x08\1\0\0\0\3\7\1\7", 11);

class ImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("images", kImages);
    Write("labels", kLabels);
  }
  void Write(const char* name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  Result<LoadedTable> Load(int pixels = 4) const {
    const Contract contract =
        ParseContract(Settings::Parse("patient = \"id\"\n[[column]]\nname = \"age\"\ntype = "
                                      "\"number\"\nrange = [0, 9]\n[[column]]\nname = \"digit\"\n"
                                      "type = \"category\"\nlevels = [\"1\", \"7\"]\n"
                                      "[[column]]\nname = \"pixel\"\ntype = \"number\"\n"
                                      "range = [0, 255]\ncount = " +
                                          std::to_string(pixels) + "\n",
                                      "contract.toml")
                          .value())
            .value();
    return LoadImages(folder_ / "images", folder_ / "labels", contract, "digit");
  }

  TemporaryFolder folder_;
};

TEST_F(ImagesTest, PixelsFillTheSeriesAndLabelsTheLevels) {
  const LoadedTable loaded = Load().value();
  EXPECT_THAT(loaded.table.patients, ::testing::ElementsAre("1", "2", "3"));
  ASSERT_EQ(loaded.table.columns.size(), 6u);
  EXPECT_TRUE(std::isnan(loaded.table.columns[0][2]));
  EXPECT_EQ(loaded.table.columns[1], (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(loaded.table.columns[2], (std::vector<double>{0, 16, 252}));
  EXPECT_EQ(loaded.table.columns[5], (std::vector<double>{3, 19, 255}));
  EXPECT_FALSE(loaded.report.HasProblems());
}

TEST_F(ImagesTest, FilesThatAreNotWhatTheyShouldBeAreNamed) {
  Write("images", "\x1f\x8b\x08 packed");
  EXPECT_THAT(Load().error().message, HasSubstr("images is no IDX file"));
  Write("images", kImages.substr(0, 27));
  EXPECT_THAT(Load().error().message, HasSubstr("has 27 bytes, and its head says 28"));
  std::string huge = kImages;
  huge[4] = huge[8] = huge[12] = '\x7f';
  Write("images", huge);
  EXPECT_THAT(Load().error().message, HasSubstr("larger than 1 GiB"));
  Write("images", kImages);
  Write("labels", std::string("\0\0\x08\1\0\0\0\2\7\1", 10));
  EXPECT_THAT(Load().error().message, HasSubstr("3 pictures"));
  Write("labels", std::string("\0\0\x08\1\0\0\0\3\7\1\2", 11));
  EXPECT_THAT(Load().error().message, HasSubstr("picture 3"));
}

TEST_F(ImagesTest, AContractWithoutPlaceForThePixelsIsRefused) {
  EXPECT_THAT(Describe(Load(9).error()), HasSubstr("count = 4"));
}

}  // namespace
}  // namespace consilium
