#include "client/policy/trainers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "client/policy/policy.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ErrorOf(const std::string& toml) {
  const auto policy = ParsePolicy("preset = \"standard\"\n" + toml, "policy.toml");
  return policy ? "no error" : Describe(policy.error());
}

TrainerProgram Script(const TemporaryFolder& folder) {
  TrainerProgram trainer;
  trainer.program = folder.Write("learn", "#!/bin/sh\n");
  ::chmod(trainer.program.c_str(), 0755);
  return trainer;
}

TEST(TrainersTest, APolicyNamesNoneUnlessItSaysSo) {
  for (const PolicyPreset preset :
       {PolicyPreset::kStrict, PolicyPreset::kStandard, PolicyPreset::kResearch}) {
    EXPECT_THAT(MakePolicy(preset).trainers, IsEmpty());
  }
  EXPECT_THAT(ParsePolicy(DefaultPolicyText(), "policy.toml")->trainers, IsEmpty());
}

TEST(TrainersTest, APolicySaysWhichProgramANameStandsFor) {
  const auto policy = ParsePolicy(
      "preset = \"standard\"\n[trainers.numpy-logistic]\nprogram = \"/usr/lib/learn\"\n"
      "arguments = [\"--fast\", \"two words\"]\nreadable = [\"/opt/environment\"]\n"
      "memory_mb = 2048\nseconds = 600\n[trainers.other]\nprogram = \"/usr/lib/other\"\n",
      "policy.toml");
  ASSERT_TRUE(policy.has_value()) << Describe(policy.error());
  ASSERT_EQ(policy->trainers.size(), 2u);
  const TrainerProgram& first = policy->trainers.at("numpy-logistic");
  EXPECT_EQ(first.program, "/usr/lib/learn");
  EXPECT_THAT(first.arguments, ElementsAre("--fast", "two words"));
  EXPECT_THAT(first.readable, ElementsAre("/opt/environment"));
  EXPECT_EQ(first.memory_mb, 2048u);
  EXPECT_EQ(first.seconds, 600u);
  EXPECT_EQ(policy->trainers.at("other").memory_mb, 1024u);
  EXPECT_EQ(policy->trainers.at("other").seconds, 60u);
  EXPECT_THAT(InWords(first), HasSubstr("/usr/lib/learn --fast two words, with at most 2048 MB"));
}

TEST(TrainersTest, AMistakeRefusesEverything) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"trainers = [\"x\"]", "table"},
      {"[trainers]\nx = \"/bin/true\"", "table"},
      {"[trainers.x]", "'program' is missing"},
      {"[trainers.x]\nprogram = \"learn\"", "no absolute path"},
      {"[trainers.x]\nprogram = \"\"", "no absolute path"},
      {"[trainers.x]\nprogram = \"/a\"\nreadable = [\"env\"]", "no absolute path"},
      {"[trainers.x]\nprogram = \"/a\"\nargument = [\"b\"]", "arguments"},
      {"[trainers.x]\nprogram = \"/a\"\narguments = \"b\"", "arguments"},
      {"[trainers.x]\nprogram = \"/a\"\narguments = [\"a\\u0000b\"]", "zero byte"},
      {"[trainers.x]\nprogram = \"/a\"\nmemory_mb = 1", "between 16 and 1048576"},
      {"[trainers.x]\nprogram = \"/a\"\nseconds = 0", "between 1 and 86400"},
      {"[trainers.\"a b\"]\nprogram = \"/a\"", "no name for a trainer"}};
  for (const auto& [toml, said] : mistakes) {
    EXPECT_THAT(ErrorOf(toml), HasSubstr(said)) << toml;
    EXPECT_THAT(ErrorOf(toml), HasSubstr("refuses every study")) << toml;
  }
}

TEST(TrainersTest, ProgramsMustBeThereAndMayRun) {
  const TemporaryFolder folder;
  TrainerProgram trainer = Script(folder);
  EXPECT_TRUE(CheckTrainer(trainer).has_value());
  ::chmod(trainer.program.c_str(), 0644);
  EXPECT_THAT(Describe(CheckTrainer(trainer).error()), HasSubstr("chmod a+x"));
  trainer.program = folder.path();
  EXPECT_THAT(CheckTrainer(trainer).error().message, HasSubstr("no regular file"));
  trainer.program = folder.path() / "absent";
  EXPECT_EQ(CheckTrainer(trainer).error().code, ErrorCode::kNotFound);
}

TEST(TrainersTest, NobodyElseMayChangeAProgram) {
  const TemporaryFolder folder;
  const TrainerProgram trainer = Script(folder);
  EXPECT_TRUE(CheckTrustedTrainer(trainer).has_value());
  ::chmod(trainer.program.c_str(), 0775);
  const Status status = CheckTrustedTrainer(trainer);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kPermission);
  EXPECT_THAT(status.error().remedy, HasSubstr("chmod go-w"));
}

}  // namespace
}  // namespace consilium
