#include "client/policy/program_trainer.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramTrainerTest : public ::testing::Test {
 protected:
  /// A trainer that runs this script for at most a second or two.
  ProgramTrainer Running(const std::string& script) {
    TrainerProgram program;
    program.program = folder_.Write("learn", "#!/bin/sh\n" + script + "\n");
    ::chmod(program.program.c_str(), 0700);
    program.memory_mb = 256;
    program.seconds = 2;
    return ProgramTrainer("learn", program, folder_.path(), stop_,
                          [this](Error error, const std::string& words) {
                            words_ = words;
                            return error;
                          });
  }

  Status Ask(const ExternalTrainer& trainer, const std::string& request) {
    output_.clear();
    return trainer.Exchange(AsBytes(request), 1'000, [this](ByteSpan output) -> Status {
      output_ = std::string(AsText(output));
      if (output_.starts_with("bad")) return Fail(ErrorCode::kRefused, "not understood");
      return {};
    });
  }

  TemporaryFolder folder_;
  std::atomic<bool> stop_ = false;
  std::string output_;
  std::string words_;
};

TEST_F(ProgramTrainerTest, HandsTheReaderWhatTheProgramWrote) {
  ASSERT_TRUE(Ask(Running("echo \"<$(cat)>\"; echo note >&2"), "rows"));
  EXPECT_EQ(output_, "<rows>\n");
  EXPECT_EQ(words_, "") << "a program that succeeds has nothing to be looked at";
}

TEST_F(ProgramTrainerTest, NamesTheTrainerAndWhatToDo) {
  const std::pair<const char*, const char*> bad[] = {
      {"cat >/dev/null; exit 3", "exit status 3"},
      {"kill -KILL $$", "signal 9"},
      {"sleep 60", "after 2 s"},
      {"yes", "more to stdout"},
      {"echo early", "before it had read its rows"},
      {"exec <&-; echo early", "before it had read its rows"}};
  for (const auto& [script, said] : bad) {
    // More than a pipe holds, so that who does not read is seen.
    const Status status = Ask(Running(script), std::string(1 << 20, 'x'));
    ASSERT_FALSE(status) << script;
    EXPECT_EQ(status.error().code, ErrorCode::kRefused);
    EXPECT_THAT(status.error().message, AllOf(HasSubstr("the trainer \"learn\""), HasSubstr(said)));
    EXPECT_THAT(status.error().remedy, HasSubstr("[trainers]"));
    EXPECT_EQ(output_, "");
  }
}

TEST_F(ProgramTrainerTest, ItsWordsAreToldApartFromTheError) {
  const Status status = Ask(Running("cat >/dev/null; echo patient 17 is ill >&2; exit 1"), "rows");
  EXPECT_THAT(Describe(status.error()), Not(HasSubstr("17")));
  EXPECT_EQ(words_, "patient 17 is ill\n");
  EXPECT_FALSE(Ask(Running("cat >/dev/null; echo why >&2; echo bad"), "rows"));
  EXPECT_EQ(words_, "why\n") << "also of an answer that is not understood";
}

TEST_F(ProgramTrainerTest, OneQuestionHasOneAnswer) {
  const auto file = folder_.path() / "study.reply";
  const auto steady = [&](const std::string& script) {
    return SteadyTrainer(std::make_shared<const ProgramTrainer>(Running(script)), file);
  };
  const std::string fickle = "cat; head -c 8 /dev/urandom | od -An -tx1";
  ASSERT_TRUE(Ask(steady(fickle), "first "));
  const std::string first = output_;
  EXPECT_THAT(first, HasSubstr("first "));
  ASSERT_TRUE(Ask(steady(fickle), "first "));
  EXPECT_EQ(output_, first);
  // Not even where the program has become another one, or fails.
  ASSERT_TRUE(Ask(steady("exit 1"), "first "));
  EXPECT_EQ(output_, first);
  ASSERT_TRUE(CheckPrivate(file));
  ASSERT_TRUE(Ask(steady(fickle), "second "));
  EXPECT_THAT(output_, HasSubstr("second "));
}

TEST_F(ProgramTrainerTest, WhatWasNotUnderstoodIsNoAnswer) {
  const auto file = folder_.path() / "study.reply";
  const auto steady = [&](const std::string& script) {
    return SteadyTrainer(std::make_shared<const ProgramTrainer>(Running(script)), file);
  };
  EXPECT_FALSE(Ask(steady("cat >/dev/null; echo bad"), "rows"));
  EXPECT_FALSE(Ask(steady("cat >/dev/null; exit 1"), "rows"));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_TRUE(Ask(steady("cat"), "rows")) << "once the program is mended";
}

TEST_F(ProgramTrainerTest, AnAnswerThatCannotBeKeptIsNotGiven) {
  const SteadyTrainer steady(std::make_shared<const ProgramTrainer>(Running("cat")),
                             folder_.path() / "absent" / "study.reply");
  EXPECT_FALSE(Ask(steady, "rows"));
}

TEST_F(ProgramTrainerTest, ADamagedFileIsNoAnswer) {
  const auto file = folder_.Write("study.reply", "short");
  const SteadyTrainer steady(std::make_shared<const ProgramTrainer>(Running("cat")), file);
  ASSERT_TRUE(Ask(steady, "rows"));
  EXPECT_EQ(output_, "rows");
}

}  // namespace
}  // namespace consilium
