// consilium-sim model as a process: the files that it writes, and what it says when it cannot. What
// is in them is tested in tests/simulations/onnx_file_test.cc and beside model_file.h.

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ModelCommandTest : public ::testing::Test {
 protected:
  /// Runs a study on generated patients; its result.json.
  std::string ResultOf(const std::string& analysis) {
    WriteText(folder_ / "plan.toml",
              "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
              "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
              "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
              "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 100]\n"
              "[analysis]\noutcome = \"ill\"\nfeatures = [\"age\"]\n" +
                  analysis);
    WriteText(folder_ / "trial.toml",
              "[experiment]\nplan = \"plan.toml\"\n[generator]\nsites = 3\npatients = 60\n"
              "intercept = -3\ncoefficients = { age = 0.05 }\n");
    const CommandOutcome run =
        RunProgram({"consilium-sim", "run", folder_ / "trial.toml", "--out", folder_ / "results"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return folder_ / "results" / "result.json";
  }

  CommandOutcome Model(const std::string& result, const std::string& file) const {
    return RunProgram({"consilium-sim", "model", result, file});
  }

  TemporaryFolder folder_;
};

constexpr const char* kLogistic = "kind = \"train\"\nmodel = \"logistic\"\nrounds = 3\n";

TEST_F(ModelCommandTest, TheEndingSaysWhatIsWritten) {
  const std::string result = ResultOf(kLogistic);

  const CommandOutcome onnx = Model(result, folder_ / "model.onnx");
  ASSERT_EQ(onnx.exit_code, 0) << onnx.err;
  const std::string written = ReadText(folder_ / "model.onnx");
  EXPECT_EQ(onnx.out,
            (folder_ / "model.onnx").string() + ": " + std::to_string(written.size()) + " bytes\n");
  const std::string study = Json::parse(ReadText(result))["study"];
  EXPECT_THAT(written, AllOf(HasSubstr(study), HasSubstr("probabilities"), HasSubstr("Gemm")));

  const CommandOutcome tensors = Model(result, folder_ / "model.safetensors");
  ASSERT_EQ(tensors.exit_code, 0) << tensors.err;
  EXPECT_THAT(ReadText(folder_ / "model.safetensors"), HasSubstr("__metadata__"));

  const CommandOutcome neither = Model(result, folder_ / "model.pt");
  EXPECT_EQ(neither.exit_code, 2);
  EXPECT_THAT(neither.err, HasSubstr(".onnx or .safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.pt"));
}

TEST_F(ModelCommandTest, AModelThatIsNotWholeIsRefused) {
  const std::string result = ResultOf(std::string(kLogistic) + "standardise = \"site\"\n");
  const CommandOutcome onnx = Model(result, folder_ / "model.onnx");
  EXPECT_EQ(onnx.exit_code, 10);
  EXPECT_THAT(onnx.err, AllOf(HasSubstr(result), HasSubstr("not whole"),
                              HasSubstr("standardise = \"federation\"")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.onnx"));
  EXPECT_EQ(Model(result, folder_ / "layers.safetensors").exit_code, 0);
}

TEST_F(ModelCommandTest, WhatHoldsNoModelIsRefused) {
  const std::string no_training = ResultOf("kind = \"logistic\"\n");
  const std::string cut = folder_ / "cut.json";
  WriteText(cut, ReadText(no_training).substr(0, 300));
  struct Case {
    std::string result;
    int exit_code;
    const char* words;
  };
  for (const Case& c : {Case{no_training, 10, "no result of training"}, Case{cut, 13, "cut short"},
                        Case{folder_ / "absent.json", 11, "absent.json"}}) {
    for (const char* file : {"model.onnx", "model.safetensors"}) {
      const CommandOutcome outcome = Model(c.result, folder_ / file);
      EXPECT_EQ(outcome.exit_code, c.exit_code) << outcome.err;
      EXPECT_THAT(outcome.err, AllOf(HasSubstr(c.result), HasSubstr(c.words)));
      EXPECT_FALSE(std::filesystem::exists(folder_ / file));
    }
  }
}

TEST_F(ModelCommandTest, AFileThatCannotBeWrittenIsNamed) {
  const std::string result = ResultOf(kLogistic);
  const CommandOutcome nowhere = Model(result, folder_ / "absent/model.onnx");
  EXPECT_EQ(nowhere.exit_code, 11);
  EXPECT_THAT(nowhere.err, HasSubstr("absent"));

  ASSERT_EQ(Model(result, folder_ / "model.onnx").exit_code, 0);
  const std::string before = ReadText(folder_ / "model.onnx");
  CommandOutcome full;
  {
    const ResourceLimit longest_file(RLIMIT_FSIZE, 100);
    full = Model(result, folder_ / "model.onnx");
  }
  EXPECT_EQ(full.exit_code, 16) << full.err;
  EXPECT_THAT(full.err, AllOf(HasSubstr("model.onnx"), HasSubstr("Free")));
  EXPECT_EQ(ReadText(folder_ / "model.onnx"), before);
}

/// Who serves or answers a study reads no bytes by Protocol Buffers.
TEST_F(ModelCommandTest, OnlyTheSimulatorIsLinkedWithProtocolBuffers) {
  const auto libraries = [](const std::string& program) {
    const std::string path = std::string(CONSILIUM_BIN_FOLDER) + "/" + program;
    return RunProgram({"/usr/bin/ldd", path}).out;
  };
  EXPECT_THAT(libraries("consilium-sim"), HasSubstr("libprotobuf"));
  for (const char* program : {"consilium-site", "consilium-coordinator"}) {
    const std::string found = libraries(program);
    EXPECT_THAT(found, HasSubstr("libsodium"));
    EXPECT_THAT(found, ::testing::Not(HasSubstr("protobuf")));
    EXPECT_THAT(found, ::testing::Not(HasSubstr("onnx")));
  }
}

}  // namespace
}  // namespace consilium::testing
