// consilium-sim model: the parameters of a trained model as a file for other programs.

#include "simulations/commands_model.h"

#include <iostream>

#include "common/command_errors.h"
#include "common/files.h"
#include "protocols/analyses/train/model_file.h"

namespace consilium {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;

}  // namespace

void AddModel(CLI::App& app, ModelCommand& command) {
  CLI::App* model =
      app.add_subcommand("model", "Write the trained model of a result.json as a safetensors file");
  model->add_option("RESULT", command.result, "result.json of a study with kind = \"train\"")
      ->required();
  model->add_option("FILE", command.file, "The file to write")->required();
  model->footer(
      "Example:\n  consilium-sim model results/result.json model.safetensors\n"
      "Layers, inputs with their scales and the output are in the file's __metadata__.");
  model->callback([&command] { command.asked = true; });
}

Result<int> RunModelCommand(const ModelCommand& command) {
  TRY(const Bytes text, ReadFile(command.result, kMostBytes));
  Result<Bytes> file = train::SafetensorsOf(AsText(text));
  if (!file) return FailIn(command.result, std::move(file).error());
  TRY_STATUS(WriteFileAtomically(command.file, *file, 0644));
  std::cout << command.file << ": " << file->size() << " bytes\n" << std::flush;
  return kExitDone;
}

}  // namespace consilium
