// consilium-sim model: the parameters of a trained model as a file for other programs.

#include "simulations/commands_model.h"

#include <iostream>
#include <utility>

#include "common/command_errors.h"
#include "common/files.h"
#include "protocols/analyses/train/model_file.h"
#include "protocols/analyses/train/released_model.h"
#include "simulations/onnx_file.h"

namespace consilium {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr const char* kOnnx = ".onnx";
constexpr const char* kSafetensors = ".safetensors";

Result<Bytes> OnnxOfResult(std::string_view result_json) {
  TRY(const train::ReleasedModel model, train::ReadReleasedModel(result_json));
  return OnnxOf(model);
}

/// The form is what the file's name ends in.
std::string RefuseEnding(const std::string& file) {
  if (file.ends_with(kOnnx) || file.ends_with(kSafetensors)) return "";
  return "must end in .onnx or .safetensors, which says what is written";
}

}  // namespace

void AddModel(CLI::App& app, ModelCommand& command) {
  CLI::App* model = app.add_subcommand(
      "model", "Write the trained model of a result.json as an ONNX or a safetensors file");
  model->add_option("RESULT", command.result, "result.json of a study with kind = \"train\"")
      ->required();
  model
      ->add_option("FILE", command.file,
                   "The file to write. NAME.onnx: all that lies between a patient's values and a "
                   "prediction, for any program that runs ONNX models. NAME.safetensors: the "
                   "parameters alone")
      ->required()
      ->check(&RefuseEnding, "");
  model->footer(
      "Examples:\n  consilium-sim model results/result.json model.onnx\n"
      "  consilium-sim model results/result.json model.safetensors\n"
      "The ONNX model's input \"features\" has a row a patient, in the plan's units; its metadata "
      "say\nwhat is in which column. Of a safetensors file, layers, inputs with their scales and "
      "the\noutput are in its __metadata__.");
  model->callback([&command] { command.asked = true; });
}

Result<int> RunModelCommand(const ModelCommand& command) {
  TRY(const Bytes text, ReadFile(command.result, kMostBytes));
  Result<Bytes> file = command.file.ends_with(kOnnx) ? OnnxOfResult(AsText(text))
                                                     : train::SafetensorsOf(AsText(text));
  if (!file) return FailIn(command.result, std::move(file).error());
  TRY_STATUS(WriteFileAtomically(command.file, *file, 0644));
  std::cout << command.file << ": " << file->size() << " bytes\n" << std::flush;
  return kExitDone;
}

}  // namespace consilium
